"""The commands to compare, from their files."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
MANIFESTS = HERE / "manifests"


class Step(NamedTuple):
    """A command, or seconds to let pass before the next one. `live`: time passes while it runs."""

    command: str
    seconds: float = 0
    live: bool = False


def steps(name: str) -> list[Step]:
    """The steps of a file: a command a line; `+5` lets time pass, `~` stands before commands that wait."""
    lines = (line.strip() for line in (HERE / f"{name}.txt").read_text(encoding="utf-8").splitlines())
    return [_step(line) for line in lines if line and not line.startswith("#")]


def _step(line: str) -> Step:
    if line.startswith("+"):
        return Step("", float(line[1:]))
    return Step(line.removeprefix("~ "), live=line.startswith("~ "))

"""The Python kubectl and the real one say the same (`twins.py`; the commands are in the text files)."""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason="the extra `serve` is not installed")
pytest.importorskip("cryptography", reason="the extra `serve` is not installed")

from k8slab.lab import Lab
from tests.comparison.commands import MANIFESTS, steps
from tests.comparison.twins import Said, Twins

#: Virtual seconds that the labs get to come to rest before the first command.
BEFORE = 71
APPLIED = ("policy", "shop", "data", "widget")


@pytest.fixture
def twins(tmp_path: Path) -> Iterator[Twins]:
    if shutil.which("kubectl") is None:
        pytest.skip("there is no kubectl on the PATH")
    shutil.copytree(MANIFESTS, tmp_path, dirs_exist_ok=True)
    made = Twins(_lab(), tmp_path)
    yield made
    made.close()


def _lab() -> Lab:
    lab = Lab(workers=3)
    lab.run("5s")
    for name in APPLIED:
        lab.apply(str(MANIFESTS / f"{name}.yaml"), echo=False)
        lab.run("2s")
    lab.run(BEFORE - 5 - 2 * len(APPLIED))
    return lab


def difference(command: str, real: Said, python: Said) -> str:
    """What is not the same, to be read."""
    one, other = (f"{said.stdout}--stderr\n{said.stderr}--exit code {said.code}" for said in (real, python))
    lines = difflib.unified_diff(one.split("\n"), other.split("\n"), "real", "python", lineterm="", n=1)
    return "\n".join((f"kubectl {command}", *lines))


def report(differences: list[str]) -> None:
    """Fail with all of them, if there are any."""
    if differences:
        pytest.fail("\n\n".join((f"{len(differences)} answers differ", *differences)), pytrace=False)


def test_commands_that_read(twins: Twins) -> None:
    answers = twins.read([step.command for step in steps("reading")])
    report([difference(*each) for each in answers if each[1] != each[2]])


def test_commands_that_change_things(twins: Twins) -> None:
    found = []
    for step in steps("writing"):
        if not step.command:
            twins.pass_time(step.seconds)
            continue
        real, python = twins.both(step.command, step.live)
        twins.pass_time(0.2)
        if real != python:
            found.append(difference(step.command, real, python))
    report(found)

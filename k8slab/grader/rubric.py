"""The instructors' side of an exercise: what counts (``course.toml``) and the hidden checks."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from k8slab.course.check import Check
from k8slab.course.exercise import load_checks
from k8slab.errors import K8sLabError


class RubricError(K8sLabError):
    """The rubrics folder is not as it should be; the message says where."""


class Rubric(NamedTuple):
    """How one exercise is graded."""

    exercise: str
    title: str
    answers: list[str]
    journal: bool
    seed: int
    folder: Path

    def checks(self) -> list[Check]:
        """The hidden checks, read anew. Raises ExerciseError where they do not load."""
        return load_checks(self.folder / "checks.py")

    def digest(self) -> str:
        """SHA-256 over the hidden checks and what counts: results say which rubric they were made with."""
        text = (self.folder / "checks.py").read_bytes()
        return hashlib.sha256(text + repr(self[:5]).encode()).hexdigest()


def load_rubrics(folder: Path) -> dict[str, Rubric]:
    """The rubrics of a course by exercise. Raises RubricError."""
    path = folder / "course.toml"
    try:
        course = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RubricError(f"cannot read the rubrics: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise RubricError(f"{path}: {error}") from None
    exercises = course.get("exercises")
    if not isinstance(exercises, dict) or not exercises:
        raise RubricError(f"{path}: there is no [exercises.NAME] table")
    return {name: _rubric(path, name, table) for name, table in exercises.items()}


def _rubric(path: Path, name: str, table: dict[str, Any]) -> Rubric:
    answers = table.get("answers", [])
    if not isinstance(answers, list) or not all(isinstance(one, str) and one.isidentifier() for one in answers):
        raise RubricError(f"{path}: [exercises.{name}] answers must be a list of Python names")
    seed, journal = table.get("seed", 101), table.get("journal", False)
    if not isinstance(seed, int) or not isinstance(journal, bool):
        raise RubricError(f"{path}: [exercises.{name}] seed must be a number and journal true or false")
    folder = path.parent / name
    if not (folder / "checks.py").is_file():
        raise RubricError(f"{path}: [exercises.{name}] has no checks: {folder / 'checks.py'} is missing")
    return Rubric(name, str(table.get("title", name)), answers, journal, seed, folder)

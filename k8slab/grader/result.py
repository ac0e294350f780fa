"""What a grade consists of, and the files it is written to."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

SCHEMA = "k8slab-result/1"

#: graded, or why it could not be (wholly): see reference grading: "a verdict for every submission, always".
VERDICTS = ("graded", "unreadable", "timeout", "memory", "crashed", "error")


class Result(msgspec.Struct, kw_only=True):
    """One submission's grade. ``tests`` are verdicts of hidden checks; ``flags`` is what the instructor should know."""

    schema: str = SCHEMA
    exercise: str
    learner: str
    submission: str = ""
    submission_sha256: str = ""
    rubric_sha256: str = ""
    seed: int = 0
    isolation: str = ""
    verdict: str
    message: str = ""
    score: float = 0.0
    max_score: float = 0.0
    tests: list[dict[str, Any]] = []
    flags: list[str] = []
    executed: str = ""
    feedback: str = ""


def write_all(results: Sequence[Result], out: Path) -> None:
    """Write ``grades.json`` and ``grades.csv``; the same grades give the same files, byte for byte."""
    plain = [msgspec.to_builtins(result) for result in results]
    for record in plain:
        record["tests"] = [{k: v for k, v in test.items() if k != "picture"} for test in record["tests"]]
    text = json.dumps({"schema": SCHEMA, "results": plain}, indent=1, ensure_ascii=False)
    (out / "grades.json").write_text(text + "\n", encoding="utf-8")
    with (out / "grades.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["assignment", "student_id", "verdict", "score", "max_score", "message", "submission"])
        for one in results:
            row = [one.exercise, one.learner, one.verdict, f"{one.score:g}", f"{one.max_score:g}", one.message]
            table.writerow([*map(_safe, row), _safe(one.submission)])


def _safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return "'" + cell if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell

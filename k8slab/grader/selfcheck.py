"""Tests for the tests: the reference solution must get full marks, the untouched exercise none."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from k8slab.course.release import release_notebook
from k8slab.errors import K8sLabError
from k8slab.grader.batch import Settings, grade_one
from k8slab.grader.result import Result
from k8slab.grader.rubric import load_rubrics
from k8slab.grader.session import Template
from k8slab.grader.submission import Submission


def check_exercise(exercise: Path, rubrics: Path, say: Callable[[str], object]) -> int:
    """Grade the reference and the released notebook of an exercise; returns 0 where both are as they should be."""
    source = exercise.resolve() / "exercise.ipynb"
    try:
        notebook = json.loads(source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise K8sLabError(f"cannot read {source}: {error}") from None
    with tempfile.TemporaryDirectory(prefix="k8slab-") as folder, Template() as template:
        out = Path(folder)
        for name in ("feedback", "executed"):
            (out / name).mkdir()
        name = exercise.resolve().name
        settings = Settings(exercise.resolve().parent, out, load_rubrics(rubrics), name)
        results = []
        for learner, content in (("reference", notebook), ("untouched", release_notebook(notebook))):
            path = out / f"{learner}.ipynb"
            path.write_text(json.dumps(content), encoding="utf-8")
            results.append(grade_one(Submission(learner, path), settings, template))
    return _report(results[0], results[1], say)


def _report(reference: Result, untouched: Result, say: Callable[[str], object]) -> int:
    for result in (reference, untouched):
        say(f"{result.learner}: {result.score:g} of {result.max_score:g} ({result.verdict}) {result.message}".rstrip())
        for test in result.tests:
            points = f"{test['score']:g}/{test['max_score']:g}"
            say(f"    {test['status']:6}  {points}  {test['title']}  {test['output']}".rstrip())
    good = reference.score == reference.max_score > 0 and untouched.score == 0
    say("as it should be" if good else "NOT as it should be: the reference must get all points, the untouched none")
    return 0 if good else 1

"""Grading one submission, and a folder of them."""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from k8slab.errors import K8sLabError
from k8slab.grader import feedback
from k8slab.grader.judge import judge
from k8slab.grader.plaintext import clean_all
from k8slab.grader.result import Result, write_all
from k8slab.grader.rubric import Rubric, load_rubrics
from k8slab.grader.session import Session, Template
from k8slab.grader.submission import Submission, Unreadable, exercise_of, find, read


class Settings(NamedTuple):
    """What a batch is graded with: folders, the only exercise (or none), seconds for a run and for a hidden check."""

    exercises: Path
    out: Path
    rubrics: dict[str, Rubric]
    exercise: str | None = None
    timeout: float = 60
    check_seconds: float = 30


def grade_folder(
    submissions: Path,
    exercises: Path,
    rubrics: Path,
    out: Path,
    *,
    exercise: str | None = None,
    workers: int = 1,
    timeout: float = 60,
) -> int:
    """Grade every notebook in a folder; writes grades.csv, grades.json, feedback/ and executed/ to ``out``.

    Every submission gets a verdict, and none stops another. Returns 0. Raises K8sLabError where there is nothing to
    grade, or nothing to grade it with.
    """
    found = find(submissions)
    settings = Settings(exercises, out, load_rubrics(rubrics), exercise, timeout)
    if exercise and exercise not in settings.rubrics:
        raise K8sLabError(f"there is no rubric for {exercise!r}: {', '.join(settings.rubrics)}")
    for folder in (out, out / "feedback", out / "executed"):
        folder.mkdir(parents=True, exist_ok=True)
    results = {result.learner: result for result in _progress(_graded(found, settings, workers), len(found))}
    ordered = [results[one.learner] for one in found]
    write_all(ordered, out)
    _summary(ordered, out)
    return 0


def _graded(found: list[Submission], settings: Settings, workers: int) -> Iterator[Result]:
    if workers <= 1:
        with Template() as template:
            for one in found:
                yield grade_one(one, settings, template)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(_grade_in_pool, one, settings): one for one in found}
        for future in as_completed(futures):
            try:
                yield future.result()
            except BrokenProcessPool:
                yield _failed(futures[future], settings, "the grader's process ended; grade this one again")
            except Exception as error:
                yield _failed(futures[future], settings, f"the grader failed on it: {type(error).__name__}")


def _grade_in_pool(one: Submission, settings: Settings) -> Result:
    with Template() as template:
        return grade_one(one, settings, template)


def grade_one(one: Submission, settings: Settings, template: Template) -> Result:
    """The result of one submission; never raises for what a submission does."""
    try:
        result = _grade(one, settings, template)
    except Unreadable as error:
        result = _empty(one, settings, "unreadable", str(error))
    except K8sLabError as error:
        result = _failed(one, settings, str(error))
    except Exception as error:
        result = _failed(one, settings, f"the grader failed on it: {type(error).__name__}: {error}")
    # What a learner chose may stand in any text: none of it may keep the results from being written.
    result = msgspec.convert(clean_all(msgspec.to_builtins(result)), Result)
    title = settings.rubrics[result.exercise].title if result.exercise in settings.rubrics else result.exercise
    result.feedback = f"feedback/{one.learner}.html"
    (settings.out / result.feedback).write_text(feedback.page(result, title or "Grade"), encoding="utf-8")
    return result


def _grade(one: Submission, settings: Settings, template: Template) -> Result:
    notebook, digest = read(one.path)
    name = exercise_of(notebook)
    wanted = settings.exercise or name
    if name and name != wanted:
        raise Unreadable(f"this notebook answers the exercise {name!r}, not {wanted!r}")
    if wanted not in settings.rubrics:
        raise Unreadable(f"it does not say which exercise it answers, or one without a rubric ({wanted or 'none'})")
    rubric = settings.rubrics[wanted]
    run = _execute(one, notebook, rubric, settings, template)
    journal = run["journal"] if rubric.journal else None
    tests = judge(rubric, run["answers"], journal, settings.check_seconds)
    flags = [*run["errors"][:5], *(f"`{answer}`: {problem}" for answer, problem in run["problems"].items())]
    return Result(
        exercise=wanted,
        learner=one.learner,
        submission=one.path.name,
        submission_sha256=digest,
        rubric_sha256=rubric.digest(),
        seed=rubric.seed,
        isolation=run["tier"],
        verdict=run["verdict"],
        message=run["message"],
        score=sum(test["score"] for test in tests),
        max_score=sum(test["max_score"] for test in tests),
        tests=tests,
        flags=flags,
        executed=run["executed"],
    )


def _execute(
    one: Submission, notebook: dict[str, Any], rubric: Rubric, settings: Settings, template: Template
) -> dict[str, Any]:
    """Run the notebook in a worker through papermill, then ask the worker for the declared answers."""
    session = Session(template, settings.timeout)
    try:
        _provide(session, settings.exercises / rubric.exercise)
        executed = f"executed/{one.learner}.ipynb"
        run_notebook(notebook, settings.out / executed, session)
        found = session.answers(rubric.answers)
    finally:
        session.close()
    cells = ", ".join(f"cell {number} ({status})" for number, status in session.guilty)
    message = f"{cells}: the rest of the notebook was run without it" if cells else ""
    return {
        **found,
        "verdict": session.verdict,
        "message": message,
        "errors": session.errors,
        "tier": session.tier,
        "executed": executed,
    }


def run_notebook(notebook: dict[str, Any], target: Path, session: Session) -> None:
    """Execute a notebook (JSON data) with papermill in a session; the executed copy goes to ``target``."""
    import papermill
    from papermill.exceptions import PapermillExecutionError

    with tempfile.TemporaryDirectory(prefix="k8slab-") as folder:
        source = Path(folder, "submission.ipynb")
        source.write_text(json.dumps(notebook), encoding="utf-8")
        # papermill reports a cell's error by raising, once everything has run and is written; here it is no failure.
        with contextlib.suppress(PapermillExecutionError):
            papermill.execute_notebook(
                str(source),
                str(target),
                engine_name="k8slab",
                kernel_name="python3",
                language="python",
                progress_bar=False,
                request_save_on_cell_execute=False,
                session=session,
            )


def _provide(session: Session, exercise: Path) -> None:
    """Give the worker the exercise's public files, but not the notebook with its solutions."""
    if not exercise.is_dir():
        raise K8sLabError(f"there is no folder {exercise}: say where the exercises are with --exercises")
    for path in sorted(exercise.iterdir()):
        if path.is_file() and path.suffix != ".ipynb":
            session.provide(f"{exercise.name}/{path.name}", path.read_bytes())


def _empty(one: Submission, settings: Settings, verdict: str, message: str) -> Result:
    name = settings.exercise or _claimed(one)
    rubric = settings.rubrics.get(name)
    maximum = sum(check.points for check in rubric.checks()) if rubric else 0
    return Result(
        exercise=name if rubric else "",
        learner=one.learner,
        submission=one.path.name,
        verdict=verdict,
        message=message,
        max_score=maximum,
        seed=rubric.seed if rubric else 0,
    )


def _claimed(one: Submission) -> str:
    """The exercise that a submission says it answers, as far as it can be read."""
    try:
        return exercise_of(read(one.path)[0])
    except Unreadable:
        return ""


def _failed(one: Submission, settings: Settings, message: str) -> Result:
    return _empty(one, settings, "error", message)


def _progress(results: Iterator[Result], total: int) -> Iterator[Result]:
    from tqdm import tqdm

    with tqdm(total=total, desc="grading", unit="notebook", file=sys.stderr) as bar:
        for result in results:
            bar.update()
            yield result


def _summary(results: list[Result], out: Path) -> None:
    width = max(len(result.learner) for result in results)
    for result in results:
        more = f"  {result.message}" if result.verdict != "graded" else ""
        print(f"{result.learner:{width}}  {result.score:5g} / {result.max_score:g}  {result.verdict}{more}")
    print(f"wrote {out / 'grades.csv'}, {out / 'grades.json'} and feedback for {len(results)}")

"""An exercise as a learner has it: checks of one's own work, with hints one at a time."""

from __future__ import annotations

import sys
from html import escape
from pathlib import Path
from types import ModuleType
from typing import Any

from k8slab.course.check import Check, Verdict, checks_of, run_checks
from k8slab.errors import K8sLabError
from k8slab.sim.journal import Journal


class ExerciseError(K8sLabError):
    """An exercise is not where it was looked for, or has no such question."""


class Feedback:
    """Verdicts to show: a short table in a notebook, lines elsewhere."""

    def __init__(self, verdicts: list[Verdict], hints: dict[str, str], footer: str) -> None:
        self.verdicts, self._hints, self._footer = verdicts, hints, footer

    @property
    def passed(self) -> bool:
        """Whether every check is met."""
        return all(verdict.passed for verdict in self.verdicts)

    def __repr__(self) -> str:
        lines = []
        for verdict in self.verdicts:
            lines.append(f"{'✓' if verdict.passed else '✗'} {verdict.title}")
            if not verdict.passed:
                lines.append(f"    {verdict.reason}")
                if self._hints.get(verdict.name):
                    lines.append(f"    Hint: {self._hints[verdict.name]}")
        return "\n".join([*lines, self._footer] if self._footer else lines)

    def _repr_html_(self) -> str:
        rows = "".join(self._row(verdict) for verdict in self.verdicts)
        foot = (
            f'<p style="opacity:.75;font-size:.9em;margin:.4rem 0 0">{escape(self._footer)}</p>' if self._footer else ""
        )
        return (
            '<div style="font-family:var(--jp-ui-font-family,system-ui);max-width:46rem">'
            f'<ul style="list-style:none;padding:0;margin:.3rem 0">{rows}</ul>{foot}</div>'
        )

    def _row(self, verdict: Verdict) -> str:
        mark, colour = ("✓", "#009E73") if verdict.passed else ("✗", "#D55E00")
        more = ""
        if not verdict.passed:
            more = f'<div style="margin:.1rem 0 .1rem 1.6em">{escape(verdict.reason)}</div>'
            hint = self._hints.get(verdict.name)
            if hint:
                more += f'<div style="margin:.1rem 0 .1rem 1.6em;opacity:.85"><b>Hint:</b> {escape(hint)}</div>'
        title = escape(verdict.title)
        return f'<li style="margin:.35rem 0"><b style="color:{colour}">{mark}</b>&nbsp; {title}{more}</li>'


class Exercise:
    """An exercise by its name; its checks are read from ``checks.py`` beside the notebook.

    >>> exercise = Exercise("self-healing")        # doctest: +SKIP
    >>> exercise.check(manifest=manifest)          # doctest: +SKIP

    Raises ExerciseError where there is no such exercise.
    """

    footer = "These are the public checks. Grading uses other clusters, with other failures."

    def __init__(self, name: str, folder: str | Path | None = None) -> None:
        self.name = name
        self.folder = _find(name, Path(folder) if folder else Path.cwd())
        self._checks = load_checks(self.folder / "checks.py")
        self._failures: dict[str, int] = {}

    def check(self, lab: Any = None, **answers: Any) -> Feedback:
        """Check answers by name: ``exercise.check(manifest=manifest)``; pass ``lab=lab`` where what you did counts.

        A hint appears from the second failure of the same check on. Raises ExerciseError for an unknown answer.
        """
        journal = Journal.loads(lab.cluster.dump_journal()) if lab is not None else None
        asked = set(answers) | ({"journal"} if lab is not None else set())
        chosen = [one for one in self._checks if set(one.answers) <= asked]
        if not chosen:
            raise ExerciseError(f"{self.name} asks nothing about {', '.join(sorted(asked)) or 'that'}: {self._known()}")
        verdicts = run_checks(chosen, answers, seed=11, journal=journal)
        return Feedback(verdicts, self._hints(chosen, verdicts), self.footer)

    def _hints(self, checks: list[Check], verdicts: list[Verdict]) -> dict[str, str]:
        hints: dict[str, str] = {}
        for one, verdict in zip(checks, verdicts, strict=True):
            if verdict.passed:
                self._failures.pop(one.name, None)
                continue
            self._failures[one.name] = self._failures.get(one.name, 0) + 1
            steps = [step.strip() for step in one.hint.split("\n") if step.strip()]
            # The first failure speaks for itself; then one hint more each time.
            if self._failures[one.name] > 1 and steps:
                hints[one.name] = steps[min(self._failures[one.name] - 2, len(steps) - 1)]
        return hints

    def _known(self) -> str:
        names = dict.fromkeys(name for one in self._checks for name in one.answers)
        return f"its answers are {', '.join(names)}"


class Lesson(Exercise):
    """The challenge of a lesson: checked like an exercise, but not graded."""

    footer = ""


def load_checks(path: Path) -> list[Check]:
    """The checks that a Python file defines. Raises ExerciseError where it cannot be read or run."""
    module = ModuleType(f"k8slab_checks_{path.parent.name.replace('-', '_')}")
    module.__file__ = str(path)
    try:
        # Trusted code of the course's own (never a submission's).
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), module.__dict__)
    except OSError as error:
        raise ExerciseError(f"cannot read the checks: {error}") from None
    except Exception as error:
        raise ExerciseError(f"the checks in {path} do not load: {type(error).__name__}: {error}") from error
    found = checks_of(module.__dict__)
    if not found:
        raise ExerciseError(f"{path} defines no check")
    return found


def _find(name: str, start: Path) -> Path:
    for base in (start, *start.parents[:3]):
        for folder in (base / name, base / "exercises" / name, base):
            if (folder / "checks.py").is_file() and (folder.name == name):
                return folder
    where = "." if start == Path.cwd() else str(start)
    print(f"looked for {name}/checks.py in {where} and above", file=sys.stderr)
    raise ExerciseError(f"there is no exercise {name!r} here: open the notebook in its own folder")

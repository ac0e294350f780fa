"""Checks: functions that look at a learner's answers and at clusters made from them.

The same kind of check serves learners (with hints, on public cases) and graders (hidden, on clusters with other seeds,
sizes and faults). A check only ever sees answers as plain data; it makes its own labs.

    @check("Three copies run", points=2, answers=("manifest",), hint="spec.replicas says how many copies you want.")
    def three_copies(case):
        lab = case.lab(workers=3)
        lab.apply(case.answer("manifest"), echo=False)
        case.expect(lab.run_until(ready(3), "2m"), "3 copies were wanted, {n} are ready")
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from k8slab.errors import K8sLabError
from k8slab.lab import Lab
from k8slab.sim.journal import Journal


class Failed(K8sLabError):
    """A check is not met; the message tells the learner why."""


class Verdict:
    """What a check found: ``passed``, ``points`` of ``max_points``, why not, what to look at, and a picture (HTML)."""

    def __init__(self, check: Check, passed: bool, reason: str = "", picture: str = "") -> None:
        self.name, self.title, self.max_points = check.name, check.title, check.points
        self.passed = passed
        self.points = check.points if passed else 0.0
        self.reason = reason
        self.hint = "" if passed else check.hint
        self.picture = picture

    def as_dict(self) -> dict[str, Any]:
        """The verdict as plain data (the picture apart)."""
        return {
            "name": self.name,
            "title": self.title,
            "score": self.points,
            "max_score": self.max_points,
            "status": "passed" if self.passed else "failed",
            "output": self.reason,
            "hint": self.hint,
        }


class Case:
    """What a check works with: the answers, labs of its own, and the learner's journal.

    ``seed`` makes the labs: a grader uses other seeds than the learner saw.
    """

    def __init__(self, answers: dict[str, Any], seed: int = 101, journal: Journal | None = None) -> None:
        self._answers, self.seed, self.journal = answers, seed, journal
        self.labs: list[Lab] = []

    def answer(self, name: str, kind: type | tuple[type, ...] = object) -> Any:
        """The answer of this name. Fails the check where there is none, or where it is not of type ``kind``."""
        value = self._answers.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            raise Failed(f"there is no answer yet: `{name}` is empty")
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            kinds = kind if isinstance(kind, tuple) else (kind,)
            wanted = " or ".join(_TYPE_NAMES.get(one, one.__name__) for one in kinds)
            raise Failed(f"`{name}` should be {wanted}, but is {_TYPE_NAMES.get(type(value), type(value).__name__)}")
        return value

    def lab(self, **setup: Any) -> Lab:
        """A fresh lab for this check; its last state becomes the picture of a failed one."""
        setup.setdefault("seed", self.seed)
        lab = Lab(**setup)
        self.labs.append(lab)
        return lab

    def replay(self) -> Lab:
        """A lab that lives through what the learner did. Fails the check where nothing was recorded."""
        if self.journal is None:
            raise Failed("nothing was done on a lab called `lab`")
        from k8slab.cluster.cluster import replay

        lab = Lab._of(replay(self.journal))
        self.labs.append(lab)
        return lab

    def expect(self, condition: object, reason: str) -> None:
        """Fail the check with this reason unless the condition is true."""
        if not condition:
            raise Failed(reason)

    def picture(self) -> str:
        """The last lab's board as HTML, or nothing where no lab was made."""
        used = self.labs and self.labs[-1].cluster.clock.now > 0
        return self.labs[-1].picture().html if used else ""


class Check:
    """One thing that is checked: ``title`` for people, ``points``, the ``answers`` needed, a ``hint`` for who fails."""

    def __init__(
        self, function: Callable[[Case], object], title: str, points: float, answers: Sequence[str], hint: str
    ) -> None:
        self.function, self.title, self.points = function, title, points
        self.answers, self.hint = tuple(answers), hint
        self.name = function.__name__
        self.__doc__ = function.__doc__

    def run(self, case: Case) -> Verdict:
        """The verdict on a case. What the cluster refuses (a wrong manifest) fails the check with its message."""
        try:
            self.function(case)
        except K8sLabError as error:
            return Verdict(self, False, str(error), case.picture())
        return Verdict(self, True)


def check(
    title: str, *, points: float = 1, answers: Sequence[str] = (), hint: str = ""
) -> Callable[[Callable[[Case], object]], Check]:
    """Make a function of a Case a Check (see the module's example)."""

    def wrap(function: Callable[[Case], object]) -> Check:
        return Check(function, title, points, answers, hint)

    return wrap


def checks_of(namespace: dict[str, Any]) -> list[Check]:
    """The checks that a module defines, in order."""
    return [value for value in namespace.values() if isinstance(value, Check)]


def run_checks(checks: Iterable[Check], answers: dict[str, Any], seed: int, journal: Journal | None) -> list[Verdict]:
    """All verdicts; each check gets a case, and so labs, of its own."""
    return [one.run(Case(answers, seed, journal)) for one in checks]


_TYPE_NAMES: dict[type, str] = {str: "a text", int: "a number", float: "a number", dict: "a dict", list: "a list"}

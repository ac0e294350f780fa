"""Conditions in a status: found, set and removed without changing the tuple they came in.

Works for all condition types (Pod, Node, Deployment, `metav1.Condition` ...). A transition time changes only when the
status does, as in apimachinery's `meta.SetStatusCondition`.
"""

from __future__ import annotations

from typing import Any, TypeVar

T = TypeVar("T")


def find(conditions: tuple[T, ...] | None, kind: str) -> T | None:
    """The condition of a type, or None."""
    for condition in conditions or ():
        if condition.type == kind:  # type: ignore[attr-defined]
            return condition
    return None


def status_of(conditions: tuple[Any, ...] | None, kind: str) -> str:
    """`True`, `False` or `Unknown`; `Unknown` also where there is no such condition."""
    condition = find(conditions, kind)
    return "Unknown" if condition is None else condition.status


def is_true(conditions: tuple[Any, ...] | None, kind: str) -> bool:
    """Whether there is such a condition and it holds."""
    condition = find(conditions, kind)
    return condition is not None and condition.status == "True"


def set_condition(conditions: tuple[T, ...] | None, condition: T, now: str = "") -> tuple[T, ...]:
    """The conditions with this one added or replaced in its place.

    Its `lastTransitionTime` becomes that of the old one while the status is the same, otherwise the one
    it brings, or `now` (RFC 3339). The same tuple comes back when nothing changes.
    """
    old = find(conditions, condition.type)  # type: ignore[attr-defined]
    if old is None:
        return (*(conditions or ()), _at(condition, condition.lastTransitionTime or now or None))  # type: ignore[attr-defined]
    is_same = old.status == condition.status  # type: ignore[attr-defined]
    time = old.lastTransitionTime if is_same else condition.lastTransitionTime or now or None  # type: ignore[attr-defined]
    new = _at(condition, time)
    if new == old:
        return conditions
    return tuple(new if each is old else each for each in conditions)


def without(conditions: tuple[T, ...] | None, kind: str) -> tuple[T, ...]:
    """The conditions but for one type."""
    return tuple(each for each in conditions or () if each.type != kind)  # type: ignore[attr-defined]


def _at(condition: Any, time: str | None) -> Any:
    return condition if condition.lastTransitionTime == time else condition.replace(lastTransitionTime=time)

"""Lists of status conditions: find, set and remove, keeping the order."""

from __future__ import annotations

from typing import Any


def find(conditions: tuple | None, type_: str) -> Any:
    """The condition of that type, or None."""
    for condition in conditions or ():
        if condition.type == type_:
            return condition
    return None


def put(conditions: tuple | None, condition: Any) -> tuple:
    """The list with the condition at its end, unless one with the same status and reason is there.

    The time of transition stays where the status does (SetDeploymentCondition and its kin).
    """
    known = find(conditions, condition.type)
    if known is not None and known.status == condition.status and known.reason == condition.reason:
        return conditions or ()
    if known is not None and known.status == condition.status:
        condition = condition.replace(lastTransitionTime=known.lastTransitionTime)
    return (*without(conditions, condition.type), condition)


def without(conditions: tuple | None, type_: str) -> tuple:
    """The list without that type."""
    return tuple(condition for condition in conditions or () if condition.type != type_)

"""Which taints a Pod tolerates (component-helpers/scheduling/corev1/helpers.go)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

HARD = ("NoSchedule", "NoExecute")


def tolerates(toleration: Any, key: str, value: str, effect: str) -> bool:
    """Whether a toleration covers a taint."""
    if toleration.effect and toleration.effect != effect:
        return False
    if toleration.key and toleration.key != key:
        return False
    if toleration.operator == "Exists":
        return True
    return toleration.operator in (None, "", "Equal") and (toleration.value or "") == value


def tolerated(tolerations: Sequence[Any], taint: Any) -> bool:
    """Whether some toleration covers a taint."""
    return any(tolerates(one, taint.key, taint.value or "", taint.effect) for one in tolerations)


def untolerated(tolerations: Sequence[Any], taints: Sequence[Any], effects: Sequence[str] = HARD) -> Any:
    """The first taint with one of these effects that is not tolerated, or None."""
    for taint in taints:
        if taint.effect in effects and not tolerated(tolerations, taint):
            return taint
    return None

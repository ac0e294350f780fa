"""Taints of nodes and what tolerates them (component-helpers' `scheduling/corev1`, `toleration.go` of core/v1)."""

from __future__ import annotations

from collections.abc import Iterable

from k8slab.api.core_v1 import Taint, Toleration

NO_SCHEDULE, PREFER_NO_SCHEDULE, NO_EXECUTE = "NoSchedule", "PreferNoSchedule", "NoExecute"


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Whether a toleration covers a taint: an empty key or effect covers all of them."""
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    if (toleration.operator or "Equal") == "Equal":
        return (toleration.value or "") == (taint.value or "")
    return toleration.operator == "Exists"


def untolerated(
    taints: Iterable[Taint] | None,
    tolerations: Iterable[Toleration] | None,
    effects: Iterable[str] = (NO_SCHEDULE, NO_EXECUTE),
) -> Taint | None:
    """The first taint of these effects that nothing tolerates, or None."""
    tolerations, effects = tuple(tolerations or ()), tuple(effects)
    for taint in taints or ():
        if taint.effect in effects and not any(tolerates(each, taint) for each in tolerations):
            return taint
    return None

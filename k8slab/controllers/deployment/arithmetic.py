"""How many Pods a Deployment may have, and how they are shared between its ReplicaSets.

Follows pkg/controller/deployment/util/deployment_util.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, floor
from typing import Any

from k8slab.api.apps_v1 import Deployment, ReplicaSet

DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"


def scaled_value(value: int | str | None, total: int, up: bool) -> int:
    """A number, or a percentage of `total` rounded up or down (intstr.GetScaledValueFromIntOrPercent)."""
    if value is None:
        return 0
    if isinstance(value, int):
        return value
    share = int(value.rstrip("%")) * total
    return -(-share // 100) if up else share // 100


def is_rolling(deployment: Deployment) -> bool:
    """Whether its strategy is RollingUpdate."""
    return deployment.spec.strategy.type == "RollingUpdate"


def fenceposts(deployment: Deployment) -> tuple[int, int]:
    """Surge and unavailability of a rolling update in Pods; both 0 would never move, so then one may be unavailable."""
    rolling, replicas = deployment.spec.strategy.rollingUpdate, deployment.spec.replicas
    surge = scaled_value(rolling.maxSurge, replicas, up=True)
    unavailable = scaled_value(rolling.maxUnavailable, replicas, up=False)
    return (surge, unavailable) if surge or unavailable else (0, 1)


def max_surge(deployment: Deployment) -> int:
    """How many Pods there may be above the wanted number."""
    return fenceposts(deployment)[0] if is_rolling(deployment) else 0


def max_unavailable(deployment: Deployment) -> int:
    """How many of the wanted Pods may be unavailable."""
    replicas = deployment.spec.replicas
    if not is_rolling(deployment) or replicas == 0:
        return 0
    return min(fenceposts(deployment)[1], replicas)


def min_available(deployment: Deployment) -> int:
    """How many Pods must be available during a rolling update."""
    return deployment.spec.replicas - max_unavailable(deployment)


def wanted(replica_sets: Iterable[ReplicaSet | None]) -> int:
    """Sum of spec.replicas."""
    return sum(rs.spec.replicas or 0 for rs in replica_sets if rs is not None)


def actual(replica_sets: Iterable[ReplicaSet | None]) -> int:
    """Sum of status.replicas."""
    return sum(rs.status.replicas or 0 for rs in replica_sets if rs is not None)


def ready(replica_sets: Iterable[ReplicaSet | None]) -> int:
    """Sum of status.readyReplicas."""
    return sum(rs.status.readyReplicas or 0 for rs in replica_sets if rs is not None)


def available(replica_sets: Iterable[ReplicaSet | None]) -> int:
    """Sum of status.availableReplicas."""
    return sum(rs.status.availableReplicas or 0 for rs in replica_sets if rs is not None)


def active(replica_sets: Iterable[ReplicaSet | None]) -> list[ReplicaSet]:
    """Those that want Pods."""
    return [rs for rs in replica_sets if rs is not None and (rs.spec.replicas or 0) > 0]


def by_creation(replica_sets: Iterable[ReplicaSet]) -> list[ReplicaSet]:
    """Oldest first, then by name."""
    return sorted(replica_sets, key=lambda rs: (rs.metadata.creationTimestamp or "", rs.metadata.name))


def annotated(replica_set: ReplicaSet, annotation: str) -> int | None:
    """The number in an annotation, or None."""
    text = (replica_set.metadata.annotations or {}).get(annotation)
    return int(text) if text is not None and text.lstrip("-").isdigit() else None


def new_replicas(deployment: Deployment, replica_sets: Iterable[ReplicaSet], new: ReplicaSet | None) -> int:
    """How many replicas the new ReplicaSet may have now (NewRSNewReplicas)."""
    replicas = deployment.spec.replicas
    if not is_rolling(deployment):
        return replicas
    own = (new.spec.replicas or 0) if new is not None else 0
    room = replicas + max_surge(deployment) - wanted(replica_sets)
    return own if room <= 0 else own + min(room, replicas - own)


def is_saturated(deployment: Deployment, new: ReplicaSet | None) -> bool:
    """Whether the new ReplicaSet has taken over completely."""
    if new is None:
        return False
    replicas = deployment.spec.replicas
    return (
        annotated(new, DESIRED) == replicas
        and new.spec.replicas == replicas
        and (new.status.availableReplicas or 0) == replicas
    )


def proportion(deployment: Deployment, replica_set: ReplicaSet, to_add: int, added: int) -> int:
    """A ReplicaSet's share of the replicas to add (negative: to remove) when a Deployment is resized mid-rollout."""
    if not replica_set.spec.replicas or to_add in (0, added):
        return 0
    fraction = _fraction(deployment, replica_set)
    return min(fraction, to_add - added) if to_add > 0 else max(fraction, to_add - added)


def _fraction(deployment: Deployment, replica_set: ReplicaSet) -> int:
    own = replica_set.spec.replicas
    if deployment.spec.replicas == 0:
        return -own
    before = annotated(replica_set, MAXIMUM) or deployment.status.replicas or 0
    if before == 0:
        return 0
    size = own * (deployment.spec.replicas + max_surge(deployment)) / before
    return _rounded(size) - own


def _rounded(value: float) -> int:
    return floor(value + 0.5) if value >= 0 else ceil(value - 0.5)


def terminating(replica_sets: Iterable[ReplicaSet | None]) -> int | None:
    """Sum of status.terminatingReplicas; None where an observed ReplicaSet does not say."""
    known: list[Any] = [
        rs.status.terminatingReplicas if rs.status.observedGeneration else rs.status.terminatingReplicas or 0
        for rs in replica_sets
        if rs is not None
    ]
    return None if None in known else sum(known)

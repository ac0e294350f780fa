"""Which Pods a ReplicaSet deletes first (ActivePodsWithRanks of pkg/controller/controller_utils.go)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cmp_to_key
from math import floor, log2
from typing import Any

from k8slab.api.core_v1 import Pod
from k8slab.controllers.pods import condition, is_active, is_ready, phase
from k8slab.sim.timestamps import parse_rfc3339

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


def pods_to_delete(pods: list[Pod], related: Iterable[Pod], count: int, now: int) -> list[Pod]:
    """The `count` Pods to delete first.

    Args:
        pods: the active Pods of the ReplicaSet.
        related: all Pods of its siblings (the same Deployment's ReplicaSets), and its own: crowded nodes lose first.
        count: how many.
        now: Unix time in microseconds; ages are compared in powers of two.
    """
    if count >= len(pods):
        return pods
    crowd = Counter(pod.spec.nodeName for pod in related if is_active(pod))
    ranking = Ranking(crowd, now)
    return sorted(pods, key=cmp_to_key(ranking.compare))[:count]


class Ranking:
    """Compares two Pods: negative when the first is to be deleted before the second."""

    def __init__(self, crowd: dict[str, int], now: int) -> None:
        self.crowd = crowd
        self.now = now

    def compare(self, one: Pod, other: Pod) -> int:
        """As `cmp` did."""
        if bool(one.spec.nodeName) != bool(other.spec.nodeName):
            return 1 if one.spec.nodeName else -1
        for rank in (phase_rank, ready_rank, deletion_cost, self._crowded):
            first, second = rank(one), rank(other)
            if first != second:
                return -1 if first < second else 1
        if is_ready(one) and is_ready(other):
            order = self._by_age(one, other, ready_since(one), ready_since(other))
            if order:
                return order
        mine, yours = restarts(one), restarts(other)
        if mine != yours:
            return -1 if mine > yours else 1
        return self._by_age(one, other, created(one), created(other))

    def _crowded(self, pod: Pod) -> int:
        return -self.crowd.get(pod.spec.nodeName, 0)

    def _by_age(self, one: Pod, other: Pod, first: int | None, second: int | None) -> int:
        if first == second:
            return 0
        if first is None or second is None:
            return -1 if first is None else 1
        ages = self._bucket(first), self._bucket(second)
        if ages[0] != ages[1]:
            return -1 if ages[0] < ages[1] else 1
        return -1 if one.metadata.uid < other.metadata.uid else 1

    def _bucket(self, since: int) -> int:
        age = (self.now - since) * 1000
        return floor(log2(age)) if age > 0 else -1


def phase_rank(pod: Pod) -> int:
    """Pending goes before Unknown before Running."""
    return PHASES.get(phase(pod), 0)


def ready_rank(pod: Pod) -> bool:
    """Not ready goes before ready."""
    return is_ready(pod)


def deletion_cost(pod: Pod) -> int:
    """The Pod's own say, an annotation; 0 where it is absent or no number."""
    text = (pod.metadata.annotations or {}).get(DELETION_COST, "0")
    try:
        return int(text)
    except ValueError:
        return 0


def ready_since(pod: Pod) -> int | None:
    """Unix microseconds since when it is ready."""
    ready = condition(pod, "Ready")
    return parse_rfc3339(ready.lastTransitionTime) if ready is not None and ready.lastTransitionTime else None


def restarts(pod: Pod) -> tuple[int, int]:
    """Most restarts of a regular and of a sidecar container."""
    status = pod.status
    regular = _most(status.containerStatuses)
    sidecars = [c.name for c in pod.spec.initContainers or () if c.restartPolicy == "Always"]
    return regular, _most([s for s in status.initContainerStatuses or () if s.name in sidecars])


def _most(statuses: Iterable[Any] | None) -> int:
    return max((status.restartCount or 0 for status in statuses or ()), default=0)


def created(pod: Pod) -> int | None:
    """Unix microseconds of its creation."""
    stamp = pod.metadata.creationTimestamp
    return parse_rfc3339(stamp) if stamp else None

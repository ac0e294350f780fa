"""Which Pods a ReplicaSet deletes first (ActivePodsWithRanks of pkg/controller/controller_utils.go)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cmp_to_key
from heapq import nsmallest
from math import floor, log2
from typing import Any

from k8slab.api.core_v1 import Pod
from k8slab.controllers.pods import condition, is_active, is_ready, phase
from k8slab.sim.timestamps import parse_rfc3339

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
Level = tuple[bool, int, bool, int, int]
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
    return ranked(pods, Counter(pod.spec.nodeName for pod in related if is_active(pod)), count, now)


def ranked(pods: list[Pod], crowd: dict[str, int], count: int, now: int) -> list[Pod]:
    """The first `count` of the Pods in the order of their deletion; `crowd` is how many run on each node."""
    levels: dict[Level, list[Pod]] = {}
    for pod in pods:
        levels.setdefault(level_of(pod, crowd), []).append(pod)
    chosen: list[Pod] = []
    for level in sorted(levels):
        if len(chosen) == count:
            break
        facts = [Facts(pod, now) for pod in levels[level]]
        chosen += [fact.pod for fact in nsmallest(count - len(chosen), facts, key=cmp_to_key(compare))]
    return chosen


def level_of(pod: Pod, crowd: dict[str, int]) -> Level:
    """What is looked at first: unassigned, pending, unready, cheap Pods and those on crowded nodes go first."""
    return (
        bool(pod.spec.nodeName),
        phase_rank(pod),
        ready_rank(pod),
        deletion_cost(pod),
        -crowd.get(pod.spec.nodeName, 0),
    )


def removal_order(pod: Pod) -> tuple[Any, ...]:
    """In which order a Job parts with its Pods (ActivePods, without a Pod's own say and crowded nodes): those furthest
    from working first, then those that became ready, restarted or were created last."""
    since = ready_since(pod) if is_ready(pod) else None
    regular, sidecar = restarts(pod)
    early = (bool(pod.spec.nodeName), phase_rank(pod), ready_rank(pod))
    return (*early, -(since or 0), -regular, -sidecar, -(created(pod) or 0))


class Facts:
    """What decides between Pods of the same level; ages are compared in powers of two."""

    __slots__ = ("created", "created_age", "pod", "ready", "ready_age", "restarts", "uid")

    def __init__(self, pod: Pod, now: int) -> None:
        self.pod = pod
        self.uid = pod.metadata.uid
        self.ready = ready_since(pod) if is_ready(pod) else None
        self.created = created(pod)
        self.ready_age = age(self.ready, now)
        self.created_age = age(self.created, now)
        self.restarts = restarts(pod)


def compare(one: Facts, other: Facts) -> int:
    """Negative when the first is to be deleted before the second."""
    if one.ready != other.ready:
        # A ready Pod without a time counts as the youngest.
        if one.ready is None or other.ready is None:
            return -1 if one.ready is None else 1
        return _by_age(one.ready_age, other.ready_age, one, other)
    if one.restarts != other.restarts:
        return -1 if one.restarts > other.restarts else 1
    if one.created == other.created:
        return 0
    if one.created is None or other.created is None:
        return -1 if one.created is None else 1
    return _by_age(one.created_age, other.created_age, one, other)


def _by_age(first: int, second: int, one: Facts, other: Facts) -> int:
    if first != second:
        return -1 if first < second else 1
    return -1 if one.uid < other.uid else 1


def age(since: int | None, now: int) -> int:
    """The power of two below the age in nanoseconds; -1 for none."""
    nanoseconds = (now - since) * 1000 if since is not None else 0
    return floor(log2(nanoseconds)) if nanoseconds > 0 else -1


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

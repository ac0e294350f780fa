"""From measurements to a number of replicas.

Follows pkg/controller/podautoscaler/replica_calculator.go and metrics/utilization.go. Values are thousandths.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from msgspec import Struct

from k8slab.api.core_v1 import Pod
from k8slab.api.quantity import milli
from k8slab.api.timestamps import parse
from k8slab.controllers.conditions import find
from k8slab.controllers.podautoscaler.metrics import MetricsError, Samples


class Tolerance(Struct, frozen=True):
    """How far usage may be from its target, as a fraction of it, before something is done."""

    down: float = 0.1
    up: float = 0.1

    def covers(self, ratio: float) -> bool:
        """Whether a ratio of usage to target is close enough to 1."""
        return 1.0 - self.down <= ratio <= 1.0 + self.up


class Proposal(Struct, frozen=True):
    """So many replicas would do; measured were `value` per Pod, and `utilization` per cent of what Pods request."""

    replicas: int
    value: int
    utilization: int | None = None


class Groups(Struct):
    """Pods by what is known of their usage."""

    ready: int = 0
    unready: list[str] = []
    missing: list[str] = []
    ignored: list[str] = []


class Patience(Struct, frozen=True):
    """How long the CPU usage of a Pod that starts up says nothing yet, in microseconds."""

    now: int
    initialization: int
    readiness_delay: int


def group(pods: Iterable[Pod], samples: Samples, resource: str, patience: Patience) -> Groups:
    """Sort Pods: who counts, who is not ready yet, who was not measured, who is on the way out."""
    groups = Groups()
    for pod in pods:
        name = pod.metadata.name
        if pod.metadata.deletionTimestamp is not None or pod.status.phase == "Failed":
            groups.ignored.append(name)
        elif pod.status.phase == "Pending":
            groups.unready.append(name)
        elif name not in samples:
            groups.missing.append(name)
        elif resource == "cpu" and _is_starting(pod, samples, patience):
            groups.unready.append(name)
        else:
            groups.ready += 1
    return groups


def _is_starting(pod: Pod, samples: Samples, patience: Patience) -> bool:
    condition = find(pod.status.conditions, "Ready")
    if condition is None or not pod.status.startTime:
        return True
    started, changed = parse(pod.status.startTime), parse(condition.lastTransitionTime)
    if started + patience.initialization > patience.now:
        sample = samples[pod.metadata.name]
        return condition.status == "False" or sample.time < changed + sample.window
    return condition.status == "False" and started + patience.readiness_delay > changed


def count_ready(pods: Iterable[Pod]) -> int:
    """How many Pods run and are ready."""
    conditions = [find(pod.status.conditions, "Ready") for pod in pods if pod.status.phase == "Running"]
    return sum(condition is not None and condition.status == "True" for condition in conditions)


def requests(pods: Sequence[Pod], container: str, resource: str) -> dict[str, int]:
    """What Pods (or one container of each) request. Raises MetricsError where one requests nothing."""
    result: dict[str, int] = {}
    for pod in pods:
        chosen = [one for one in _running(pod) if not container or one.name == container]
        if container and not chosen:
            raise MetricsError(f"container {container} not found in Pod {pod.metadata.name}")
        result[pod.metadata.name] = 0
        for one in chosen:
            asked = ((one.resources and one.resources.requests) or {}).get(resource)
            if asked is None:
                raise MetricsError(f"missing request for {resource} in container {one.name} of Pod {pod.metadata.name}")
            result[pod.metadata.name] += milli(asked)
    return result


def _running(pod: Pod) -> list:
    """App containers and sidecars."""
    sidecars = [one for one in pod.spec.initContainers or () if one.restartPolicy == "Always"]
    return [*(pod.spec.containers or ()), *sidecars]


def by_utilization(
    current: int,
    target: int,
    samples: Samples,
    pods: Sequence[Pod],
    groups: Groups,
    of: tuple[str, str],
    tolerance: Tolerance,
) -> Proposal:
    """Replicas for a target in per cent of what Pods request; `of` is container and resource. Raises MetricsError."""
    values = _known(samples, groups)
    asked = requests(pods, *of)
    ratio, utilization, average = _utilization(values, asked, target)
    up_with_unready = bool(groups.unready) and ratio > 1.0
    if not up_with_unready and not groups.missing:
        replicas = current if tolerance.covers(ratio) else math.ceil(ratio * groups.ready)
        return Proposal(replicas, average, utilization)
    if ratio < 1.0:
        values |= {name: asked[name] * max(100, target) // 100 for name in groups.missing}
    elif ratio > 1.0:
        values |= dict.fromkeys(groups.missing, 0)
    if up_with_unready:
        values |= dict.fromkeys(groups.unready, 0)
    again, _, _ = _utilization(values, asked, target)
    return Proposal(_cautious(current, ratio, again, len(values), tolerance), average, utilization)


def by_value(current: int, target: int, samples: Samples, groups: Groups, tolerance: Tolerance) -> Proposal:
    """Replicas for a target in absolute terms per Pod. Raises MetricsError."""
    values = _known(samples, groups)
    ratio, average = _per_pod(values, target)
    up_with_unready = bool(groups.unready) and ratio > 1.0
    if not up_with_unready and not groups.missing:
        return Proposal(current if tolerance.covers(ratio) else math.ceil(ratio * groups.ready), average)
    values |= dict.fromkeys(groups.missing, target if ratio < 1.0 else 0)
    if up_with_unready:
        values |= dict.fromkeys(groups.unready, 0)
    again, _ = _per_pod(values, target)
    return Proposal(_cautious(current, ratio, again, len(values), tolerance), average)


def by_total(current: int, ready: int, usage: int, target: int, tolerance: Tolerance) -> Proposal:
    """Replicas for one value that all Pods share, such as the length of a queue."""
    ratio = usage / target
    if current == 0:
        return Proposal(math.ceil(ratio), usage)
    return Proposal(current if tolerance.covers(ratio) else math.ceil(ratio * ready), usage)


def by_share(current: int, usage: int, target: int, tolerance: Tolerance) -> Proposal:
    """Replicas for one value of which each Pod should have so much."""
    replicas = current
    if current == 0 or not tolerance.covers(usage / (target * current)):
        replicas = math.ceil(usage / target)
    return Proposal(replicas, math.ceil(usage / current) if current else usage)


def _known(samples: Samples, groups: Groups) -> dict[str, int]:
    left_out = {*groups.ignored, *groups.unready}
    values = {name: sample.value for name, sample in samples.items() if name not in left_out}
    if not values:
        raise MetricsError("did not receive metrics for targeted pods (pods might be unready)")
    return values


def _utilization(values: dict[str, int], asked: dict[str, int], target: int) -> tuple[float, int, int]:
    known = [name for name in values if name in asked]
    wanted = sum(asked[name] for name in known)
    if not wanted:
        raise MetricsError("no metrics returned matched known pods")
    used = sum(values[name] for name in known)
    utilization = used * 100 // wanted
    return utilization / target, utilization, used // len(known)


def _per_pod(values: dict[str, int], target: int) -> tuple[float, int]:
    average = sum(values.values()) // len(values)
    return average / target, average


def _cautious(current: int, ratio: float, again: float, count: int, tolerance: Tolerance) -> int:
    """What was assumed of Pods without measurements must not turn the direction round."""
    if tolerance.covers(again) or (ratio < 1.0 < again) or (ratio > 1.0 > again):
        return current
    replicas = math.ceil(again * count)
    if (again < 1.0 and replicas > current) or (again > 1.0 and replicas < current):
        return current
    return replicas

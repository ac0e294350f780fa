"""The arithmetic of resource scores (plugins/noderesources/resource_allocation.go and its strategies)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from typing import Any

from k8slab.scheduler.framework import MAX_NODE_SCORE
from k8slab.scheduler.nodeinfo import NodeInfo
from k8slab.scheduler.requests import is_scalar

ResourceWeight = tuple[str, int]
Allocation = tuple[int, int, int, int]
"""(requested with the Pod, allocatable, weight, what the Pod adds)."""


def resource_weights(resources: Iterable[Mapping[str, Any]] | None) -> tuple[ResourceWeight, ...]:
    """The `resources` of plugin args; by default CPU and memory, equally."""
    if not resources:
        return (("cpu", 1), ("memory", 1))
    return tuple((one["name"], int(one.get("weight") or 1)) for one in resources)


def allocated(
    node: NodeInfo, asked: Mapping[str, int], resources: Sequence[ResourceWeight], nonzero: bool
) -> list[Allocation]:
    """Per resource: what would be requested on the node, and what it has; left out where that is nothing.

    Args:
        node: the node, without the Pod.
        asked: what the Pod adds.
        resources: which resources count, and how much.
        nonzero: Pods without CPU or memory requests count with default amounts.
    """
    found = []
    for name, weight in resources:
        more = asked.get(name, 0)
        if name == "cpu":
            capacity, used = node.cpu, node.nonzero_cpu if nonzero else node.requested_cpu
        elif name == "memory":
            capacity, used = node.memory, node.nonzero_memory if nonzero else node.requested_memory
        elif is_scalar(name) and not more:
            continue
        elif name == "ephemeral-storage":
            capacity, used = node.ephemeral, node.requested_ephemeral
        else:
            capacity, used = node.allocatable.get(name, 0), node.requested_scalars.get(name, 0)
        if capacity:
            found.append((used + more, capacity, weight, more))
    return found


def least_allocated(allocations: Iterable[Allocation]) -> int:
    """The emptier, the better: weighted mean of the free share, 0 to 100."""
    total = weights = 0
    for requested, capacity, weight, _ in allocations:
        score = 0 if requested > capacity else (capacity - requested) * MAX_NODE_SCORE // capacity
        total += score * weight
        weights += weight
    return total // weights if weights else 0


def most_allocated(allocations: Iterable[Allocation]) -> int:
    """The fuller, the better: weighted mean of the used share, 0 to 100."""
    total = weights = 0
    for requested, capacity, weight, _ in allocations:
        total += min(requested, capacity) * MAX_NODE_SCORE // capacity * weight
        weights += weight
    return total // weights if weights else 0


def requested_to_capacity(allocations: Iterable[Allocation], shape: BrokenLinear) -> int:
    """Weighted mean of a function of utilisation; resources that score nothing are left out."""
    total = weights = 0
    for requested, capacity, weight, _ in allocations:
        utilization = 100 if requested > capacity else requested * 100 // capacity
        score = shape.at(utilization)
        if score > 0:
            total += score * weight
            weights += weight
    return int(total / weights + 0.5) if weights else 0


class BrokenLinear:
    """A function made of straight lines between points (x, y); constant outside."""

    __slots__ = ("points",)

    def __init__(self, points: Sequence[tuple[int, int]]) -> None:
        self.points = points

    def at(self, x: int) -> int:
        """The value at x, divisions truncated as in Go."""
        points = self.points
        for index, (right, high) in enumerate(points):
            if x <= right:
                if index == 0:
                    return points[0][1]
                left, low = points[index - 1]
                return low + _truncated((high - low) * (x - left), right - left)
        return points[-1][1]


def broken_linear(points: Sequence[tuple[int, int]]) -> BrokenLinear:
    """The function through these points."""
    return BrokenLinear(points)


def _truncated(number: int, by: int) -> int:
    return number // by if number >= 0 else -(-number // by)


def balance(fractions: Sequence[float]) -> int:
    """How evenly resources are used, up to 100: 100 × (1 - standard deviation), truncated."""
    return int((1 - deviation(fractions)) * MAX_NODE_SCORE)


def deviation(fractions: Sequence[float]) -> float:
    """Standard deviation as the plugin computes it: half the difference of two, 0 of fewer."""
    if len(fractions) == 2:
        return abs((fractions[0] - fractions[1]) / 2)
    if len(fractions) < 2:
        return 0.0
    total = 0.0
    for fraction in fractions:
        total += fraction
    mean = total / len(fractions)
    squares = 0.0
    for fraction in fractions:
        squares += (fraction - mean) * (fraction - mean)
    return sqrt(squares / len(fractions))

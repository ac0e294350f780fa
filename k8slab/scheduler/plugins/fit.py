"""NodeResourcesFit: does the node have room, and how full would it be (plugins/noderesources/fit.go)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8slab.scheduler.events import ASSIGNED_POD, NODE, UNSCHEDULED_POD, Action, EventHint
from k8slab.scheduler.framework import Code, CycleState, Plugin, Status
from k8slab.scheduler.nodeinfo import NodeInfo
from k8slab.scheduler.plugins.resource_allocation import (
    ResourceWeight,
    allocated,
    broken_linear,
    least_allocated,
    most_allocated,
    requested_to_capacity,
    resource_weights,
)
from k8slab.scheduler.podinfo import Shape
from k8slab.scheduler.requests import amounts, pod_requests

NAME = "NodeResourcesFit"
LEAST, MOST, RATIO = "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"


class NodeResourcesFit(Plugin):
    """Filters nodes by free resources and scores how much of them would be left.

    Args of the profile: `scoringStrategy` (`type`, `resources`, `requestedToCapacityRatio.shape`),
    `ignoredResources`, `ignoredResourceGroups`.
    """

    local = True

    def __init__(self) -> None:
        self.strategy = LEAST
        self.resources: tuple[ResourceWeight, ...] = (("cpu", 1), ("memory", 1))
        self.points: list[tuple[int, int]] = []
        self.ignored: frozenset[str] = frozenset()
        self.ignored_groups: frozenset[str] = frozenset()
        self._statuses: dict[tuple[Code, tuple[str, ...]], Status] = {}

    def setup(self, args: dict[str, Any], handle: Any) -> None:
        """Read the strategy."""
        strategy = args.get("scoringStrategy") or {}
        self.strategy = strategy.get("type") or LEAST
        self.resources = resource_weights(strategy.get("resources"))
        shape = (strategy.get("requestedToCapacityRatio") or {}).get("shape") or ()
        self.points = [(int(point["utilization"]), int(point["score"]) * 10) for point in shape]
        self.ignored = frozenset(args.get("ignoredResources") or ())
        self.ignored_groups = frozenset(args.get("ignoredResourceGroups") or ())

    # --- filter

    def pre_filter(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> Status | None:
        """The request is known already."""
        return None

    def filter(self, state: CycleState, pod: Any, node: NodeInfo) -> Status | None:
        """Reject a node that lacks something, with all reasons at once."""
        shape = state.pod_info.shape
        if (
            len(node.pods) < node.allowed_pods
            and shape.milli_cpu <= node.cpu - node.requested_cpu
            and shape.memory <= node.memory - node.requested_memory
            and not shape.ephemeral
            and not shape.scalars
        ):
            return None
        return self._lacking(shape, node)

    def _lacking(self, shape: Shape, node: NodeInfo) -> Status | None:
        reasons, code = [], Code.UNSCHEDULABLE
        if len(node.pods) + 1 > node.allowed_pods:
            reasons.append("Too many pods")
        wanted = [
            ("cpu", shape.milli_cpu, node.cpu, node.requested_cpu),
            ("memory", shape.memory, node.memory, node.requested_memory),
            ("ephemeral-storage", shape.ephemeral, node.ephemeral, node.requested_ephemeral),
        ]
        for name, number in shape.scalars.items():
            if not self._ignores(name):
                capacity = node.allocatable.get(name, 0)
                wanted.append((name, number, capacity, node.requested_scalars.get(name, 0)))
        for name, number, capacity, used in wanted:
            if number > 0 and number > capacity - used:
                reasons.append(f"Insufficient {name}")
                if number > capacity:
                    code = Code.UNSCHEDULABLE_AND_UNRESOLVABLE
        return self._status(code, tuple(reasons)) if reasons else None

    def _status(self, code: Code, reasons: tuple[str, ...]) -> Status:
        found = self._statuses.get((code, reasons))
        if found is None:
            found = self._statuses[(code, reasons)] = Status(code, *reasons, plugin=NAME)
        return found

    def _ignores(self, resource: str) -> bool:
        if not self.ignored and not self.ignored_groups:
            return False
        return resource in self.ignored or resource.split("/", 1)[0] in self.ignored_groups

    # --- score

    def pre_score(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> Status | None:
        """Always scores."""
        return None

    def score(self, state: CycleState, pod: Any, node: NodeInfo) -> int:
        """How good the node would be by the profile's strategy."""
        # Pod-level requests do not count for the incoming Pod here, as in the real plugin.
        asked = state.pod_info.shape.scored_requests(nonzero=True, pod_level=False)
        if self.strategy == LEAST:
            return least_allocated(allocated(node, asked, self.resources, nonzero=True))
        if self.strategy == MOST:
            return most_allocated(allocated(node, asked, self.resources, nonzero=True))
        shape = broken_linear(self.points)
        return requested_to_capacity(allocated(node, asked, self.resources, nonzero=True), shape)

    # --- events

    def events_to_register(self) -> tuple[EventHint, ...]:
        """Pods go or shrink; nodes come or grow."""
        return (
            EventHint(ASSIGNED_POD, Action.DELETE, self.after_pod_deleted),
            EventHint(ASSIGNED_POD, Action.UPDATE_POD_SCALE_DOWN, self.after_scale_down),
            EventHint(UNSCHEDULED_POD, Action.UPDATE_POD_SCALE_DOWN, self.after_own_scale_down),
            EventHint(NODE, Action.ADD | Action.UPDATE_NODE_ALLOCATABLE, self.after_node),
        )

    def after_pod_deleted(self, pod: Any, old: Any, new: Any) -> bool:
        """Whether the deleted Pod held room on a node."""
        return bool(old.spec.nodeName or (old.status is not None and old.status.nominatedNodeName))

    def after_own_scale_down(self, pod: Any, old: Any, new: Any) -> bool:
        """Whether it was this Pod that shrank."""
        return new.metadata.uid == pod.metadata.uid

    def after_scale_down(self, pod: Any, old: Any, new: Any) -> bool:
        """Whether a running Pod gave back something that this one wants."""
        wanted, was, now = pod_requests(pod), pod_requests(old), pod_requests(new)
        return any(number and was.get(name, 0) > now.get(name, 0) for name, number in wanted.items())

    def after_node(self, pod: Any, old: Any, new: Any) -> bool:
        """Whether the Pod fits the node's size now, and the node has more of what it wants."""
        wanted = pod_requests(pod)
        now = amounts(new.status.allocatable if new.status is not None else None)
        if not _fits(wanted, now):
            return False
        was = amounts(old.status.allocatable if old is not None and old.status is not None else None)
        if old is None or not _fits(wanted, was) or now.get("pods", 0) > was.get("pods", 0):
            return True
        return any(number and now.get(name, 0) > was.get(name, 0) for name, number in wanted.items())


def _fits(wanted: dict[str, int], capacity: dict[str, int]) -> bool:
    return capacity.get("pods", 0) >= 1 and all(
        number <= capacity.get(name, 0) for name, number in wanted.items() if name != "pods"
    )

"""NodePorts: a host port can be used once per node (plugins/nodeports)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8slab.scheduler.events import ASSIGNED_POD, NODE, Action, EventHint
from k8slab.scheduler.framework import SKIP, CycleState, Plugin, Status, unschedulable
from k8slab.scheduler.nodeinfo import NodeInfo
from k8slab.scheduler.podinfo import host_ports

REJECTED = unschedulable("node(s) didn't have free ports for the requested pod ports", plugin="NodePorts")


class NodePorts(Plugin):
    """Filters nodes by free host ports."""

    local = True

    def pre_filter(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> Status | None:
        """Skip if the Pod wants no host ports."""
        return None if state.pod_info.shape.ports else SKIP

    def filter(self, state: CycleState, pod: Any, node: NodeInfo) -> Status | None:
        """Reject nodes on which a wanted port is taken."""
        return REJECTED if node.ports and node.port_conflict(state.pod_info.shape.ports) else None

    def events_to_register(self) -> tuple[EventHint, ...]:
        """Pods with host ports go; nodes come."""
        return (
            EventHint(ASSIGNED_POD, Action.DELETE, self.after_pod_deleted),
            EventHint(NODE, Action.ADD),
        )

    def after_pod_deleted(self, pod: Any, old: Any, new: Any) -> bool:
        """Whether the deleted Pod held a port that this one wants."""
        if not old.spec.nodeName:
            return False
        wanted, freed = host_ports(pod.spec), host_ports(old.spec)
        return any(_clash(one, other) for one in wanted for other in freed)


def _clash(one: tuple[str, str, int], other: tuple[str, str, int]) -> bool:
    return one[1:] == other[1:] and (one[0] == other[0] or "0.0.0.0" in (one[0], other[0]))

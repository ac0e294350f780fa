"""NodeName: a Pod that names its node goes nowhere else (plugins/nodename)."""

from __future__ import annotations

from typing import Any

from k8slab.scheduler.events import NODE, Action, EventHint
from k8slab.scheduler.framework import SKIP, CycleState, Plugin, Status, unresolvable
from k8slab.scheduler.nodeinfo import NodeInfo

REJECTED = unresolvable("node(s) didn't match the requested node name", plugin="NodeName")


class NodeName(Plugin):
    """Filters by `spec.nodeName`. Not `local`, because a Pod's shape leaves its node out."""

    def pre_filter(self, state: CycleState, pod: Any, nodes: Any) -> Any:
        """Nothing to do for Pods that name no node."""
        return None if pod.spec.nodeName else SKIP

    def filter(self, state: CycleState, pod: Any, node: NodeInfo) -> Status | None:
        """Reject all other nodes."""
        if pod.spec.nodeName and pod.spec.nodeName != node.name:
            return REJECTED
        return None

    def events_to_register(self) -> tuple[EventHint, ...]:
        """Nodes come."""
        return (EventHint(NODE, Action.ADD, self.after_node),)

    def after_node(self, pod: Any, old: Any, new: Any) -> bool:
        """Whether it is the one."""
        return not pod.spec.nodeName or pod.spec.nodeName == new.metadata.name

"""NodeUnschedulable: cordoned nodes take no Pods that do not tolerate it (plugins/nodeunschedulable)."""

from __future__ import annotations

from typing import Any

from k8slab.scheduler.events import NODE, UNSCHEDULED_POD, Action, EventHint
from k8slab.scheduler.framework import CycleState, Plugin, Status, unresolvable
from k8slab.scheduler.nodeinfo import NodeInfo
from k8slab.scheduler.tolerations import tolerates

TAINT = "node.kubernetes.io/unschedulable"
REJECTED = unresolvable("node(s) were unschedulable", plugin="NodeUnschedulable")


class NodeUnschedulable(Plugin):
    """Filters nodes with `spec.unschedulable`."""

    local = True

    def filter(self, state: CycleState, pod: Any, node: NodeInfo) -> Status | None:
        """Reject a cordoned node, unless the Pod tolerates the taint that stands for it."""
        if node.unschedulable and not _tolerates(pod):
            return REJECTED
        return None

    def events_to_register(self) -> tuple[EventHint, ...]:
        """Nodes come or are uncordoned; the Pod's tolerations change."""
        return (
            EventHint(NODE, Action.ADD | Action.UPDATE_NODE_TAINT, self.after_node),
            EventHint(UNSCHEDULED_POD, Action.UPDATE_POD_TOLERATION, self.after_toleration),
        )

    def after_node(self, pod: Any, old: Any, new: Any) -> bool:
        """Whether the node is schedulable now, and was not."""
        if old is not None and not old.spec.unschedulable:
            return False
        return not (new.spec and new.spec.unschedulable) or _tolerates(pod)

    def after_toleration(self, pod: Any, old: Any, new: Any) -> bool:
        """Whether this Pod tolerates cordoned nodes now."""
        return new.metadata.uid == pod.metadata.uid and _tolerates(new)


def _tolerates(pod: Any) -> bool:
    return any(tolerates(one, TAINT, "", "NoSchedule") for one in pod.spec.tolerations or ())

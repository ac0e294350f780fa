"""TaintToleration: untolerated taints keep Pods away; PreferNoSchedule ones count against (plugins/tainttoleration)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8slab.scheduler.events import NODE, UNSCHEDULED_POD, Action, EventHint
from k8slab.scheduler.framework import CycleState, Plugin, Status, default_normalize, unresolvable
from k8slab.scheduler.nodeinfo import NodeInfo
from k8slab.scheduler.tolerations import tolerated, untolerated

REJECTED = unresolvable("node(s) had untolerated taint(s)", plugin="TaintToleration")
SOFT = "PreferNoSchedule"


class TaintToleration(Plugin):
    """Filters and scores nodes by their taints."""

    local = True

    def filter(self, state: CycleState, pod: Any, node: NodeInfo) -> Status | None:
        """Reject a node with a NoSchedule or NoExecute taint that the Pod does not tolerate."""
        if node.taints and untolerated(state.pod_info.shape.tolerations, node.taints) is not None:
            return REJECTED
        return None

    def pre_score(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> Status | None:
        """Always scores."""
        return None

    def score(self, state: CycleState, pod: Any, node: NodeInfo) -> int:
        """The number of PreferNoSchedule taints that the Pod does not tolerate."""
        if not node.taints:
            return 0
        tolerations = [one for one in state.pod_info.shape.tolerations if one.effect in (None, "", SOFT)]
        return sum(1 for taint in node.taints if taint.effect == SOFT and not tolerated(tolerations, taint))

    def normalize(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo], scores: list[int]) -> list[int]:
        """Fewer is better."""
        return default_normalize(scores, reverse=True)

    def events_to_register(self) -> tuple[EventHint, ...]:
        """Nodes come, or lose taints; the Pod's tolerations change."""
        return (
            EventHint(NODE, Action.ADD | Action.UPDATE_NODE_TAINT, self.after_node),
            EventHint(UNSCHEDULED_POD, Action.UPDATE_POD_TOLERATION, self.after_toleration),
        )

    def after_node(self, pod: Any, old: Any, new: Any) -> bool:
        """Whether the Pod tolerates the node's taints now, and did not."""
        tolerations = pod.spec.tolerations or ()
        was = old is None or _kept_away(tolerations, old)
        return was and not _kept_away(tolerations, new)

    def after_toleration(self, pod: Any, old: Any, new: Any) -> bool:
        """Whether it was this Pod."""
        return new.metadata.uid == pod.metadata.uid


def _kept_away(tolerations: Sequence[Any], node: Any) -> bool:
    taints = (node.spec.taints if node.spec is not None else None) or ()
    return untolerated(tolerations, taints) is not None

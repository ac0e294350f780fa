"""NodeResourcesBalancedAllocation: does the Pod even out the use of resources (plugins/noderesources)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8slab.scheduler.framework import SKIP, CycleState, Plugin, Status
from k8slab.scheduler.nodeinfo import NodeInfo
from k8slab.scheduler.plugins.resource_allocation import ResourceWeight, allocated, balance, resource_weights

CURRENT, BEFORE_1_36 = "v1.36", "v1.35"


class NodeResourcesBalancedAllocation(Plugin):
    """Scores nodes by balance. Arg `resources`; arg `rule: v1.35` selects the formula used up to that version.

    Since v1.36 the score says how the Pod changes the balance; before, how balanced the node would be with it.
    """

    local = True

    def __init__(self) -> None:
        self.resources: tuple[ResourceWeight, ...] = (("cpu", 1), ("memory", 1))
        self.rule = CURRENT

    def setup(self, args: dict[str, Any], handle: Any) -> None:
        """Read the resources and the rule."""
        self.resources = resource_weights(args.get("resources"))
        self.rule = args.get("rule", CURRENT)

    def pre_score(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> Status | None:
        """Skip Pods that request none of the resources: they change nothing."""
        asked = state.pod_info.shape.requests
        return None if any(asked.get(name) for name, _ in self.resources) else SKIP

    def score(self, state: CycleState, pod: Any, node: NodeInfo) -> int:
        """50 to 100, and 75 where the Pod leaves the balance as it is."""
        asked = state.pod_info.shape.requests
        found = allocated(node, asked, self.resources, nonzero=False)
        after = balance([min(requested / capacity, 1.0) for requested, capacity, _, _ in found])
        if self.rule != CURRENT:
            return after
        before = balance([min((requested - more) / capacity, 1.0) for requested, capacity, _, more in found])
        return 50 + (50 + after - before) // 2

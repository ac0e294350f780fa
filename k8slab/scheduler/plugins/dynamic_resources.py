"""DynamicResources: Pods with resource claims wait for allocation (plugins/dynamicresources).

Covers what Pods without claims show of it (its PostFilter text, its constant score), and that a Pod whose claims do
not exist, or are not allocated, is not schedulable. Allocation of devices is not simulated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8slab.scheduler.events import NODE, RESOURCE_CLAIM, UNSCHEDULED_POD, Action, EventHint
from k8slab.scheduler.framework import (
    SKIP,
    CycleState,
    Plugin,
    PostFilterResult,
    Status,
    failed,
    unresolvable,
    unschedulable,
)
from k8slab.scheduler.nodeinfo import NodeInfo
from k8slab.scheduler.selectors import NodeTerm

STATE = "DynamicResources"


class DynamicResources(Plugin):
    """Checks resource claims."""

    def __init__(self) -> None:
        self.cache: Any = None

    def setup(self, args: dict[str, Any], handle: Any) -> None:
        """Take the cache."""
        self.cache = handle.cache

    def pre_enqueue(self, pod: Any) -> Status | None:
        """Claims made from a template must exist first."""
        status = self._missing(pod) if pod.spec.resourceClaims else None
        return unresolvable(status) if status else None

    def pre_filter(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> Status | None:
        """Skip Pods without claims; those with unallocated ones cannot be placed."""
        state.write(STATE, True)
        if not pod.spec.resourceClaims:
            return SKIP
        missing = self._missing(pod, state.cache)
        if missing:
            return unresolvable(missing)
        return None

    def filter(self, state: CycleState, pod: Any, node: NodeInfo) -> Status | None:
        """A claim's allocation may tie it to nodes; without an allocation no node will do."""
        for claim in _claims(pod, state.cache):
            allocation = claim.status.allocation if claim.status is not None else None
            if allocation is None:
                return unresolvable("cannot allocate all claims", plugin=self.name)
            selector = allocation.nodeSelector
            if selector is not None and not any(NodeTerm(one).matches(node.node) for one in selector.nodeSelectorTerms):
                return unresolvable("resourceclaim not available on the node", plugin=self.name)
        return None

    def post_filter(self, state: CycleState, pod: Any, statuses: Any) -> tuple[PostFilterResult | None, Status]:
        """There is nothing to deallocate; if PreFilter never came this far, its state is missing."""
        if state.read(STATE) is None:
            return None, failed("not found")
        if not pod.spec.resourceClaims:
            return None, unschedulable("no new claims to deallocate")
        return None, unschedulable("still not schedulable")

    def score_nodes(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> list[int] | int:
        """The same for all nodes."""
        return 0

    def normalize(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo], scores: list[int]) -> list[int]:
        """Nothing to scale."""
        return scores

    def events_to_register(self) -> tuple[EventHint, ...]:
        """Claims come or are allocated; the Pod learns the name of its claim; nodes come."""
        if self.cache is None:
            return ()
        return (
            EventHint(RESOURCE_CLAIM, Action.ADD | Action.UPDATE | Action.DELETE),
            EventHint(UNSCHEDULED_POD, Action.UPDATE_POD_RESOURCE_CLAIM),
            EventHint(NODE, Action.ADD | Action.UPDATE_NODE_LABEL | Action.UPDATE_NODE_TAINT),
        )

    def _missing(self, pod: Any, cache: Any = None) -> str:
        cache = cache or self.cache
        for one in pod.spec.resourceClaims:
            name = _claim_name(pod, one)
            if name is None:
                return f'pod "{pod.metadata.namespace}/{pod.metadata.name}": ResourceClaim not created yet'
            if cache.get("resourceclaims", pod.metadata.namespace, name) is None:
                return f'resourceclaim.resource.k8s.io "{name}" not found'
        return ""


def _claim_name(pod: Any, one: Any) -> str | None:
    if one.resourceClaimName:
        return one.resourceClaimName
    statuses = (pod.status.resourceClaimStatuses if pod.status is not None else None) or ()
    return next((status.resourceClaimName for status in statuses if status.name == one.name), None)


def _claims(pod: Any, cache: Any) -> list[Any]:
    names = [_claim_name(pod, one) for one in pod.spec.resourceClaims]
    return [cache.get("resourceclaims", pod.metadata.namespace, name) for name in names]

"""NodeAffinity: `nodeSelector` and node affinity (plugins/nodeaffinity)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from k8slab.api import core_v1
from k8slab.scheduler.events import NODE, Action, EventHint
from k8slab.scheduler.framework import (
    SKIP,
    CycleState,
    Plugin,
    PreFilterResult,
    Status,
    default_normalize,
    unresolvable,
)
from k8slab.scheduler.nodeinfo import NodeInfo
from k8slab.scheduler.selectors import NodeRequirement, NodeTerm

REJECTED = unresolvable("node(s) didn't match Pod's node affinity/selector", plugin="NodeAffinity")
ENFORCED = unresolvable("node(s) didn't match scheduler-enforced node affinity", plugin="NodeAffinity")
CONFLICT = unresolvable("pod affinity terms conflict", plugin="NodeAffinity")


class NodeAffinity(Plugin):
    """Filters and scores nodes by their labels and names. Arg `addedAffinity` holds for all Pods of the profile."""

    local = True

    def __init__(self) -> None:
        self.added: NodeRequirement | None = None
        self.added_preferred: list[tuple[NodeTerm, int]] = []
        self._preferred: dict[int, list[tuple[NodeTerm, int]]] = {}

    def setup(self, args: dict[str, Any], handle: Any) -> None:
        """Read `addedAffinity`."""
        added = args.get("addedAffinity")
        if added is None:
            return
        affinity = msgspec.convert(dict(added), core_v1.NodeAffinity) if isinstance(added, dict) else added
        required = affinity.requiredDuringSchedulingIgnoredDuringExecution
        if required is not None:
            self.added = NodeRequirement(None, required)
        self.added_preferred = _terms(affinity)

    def pre_filter(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> Status | PreFilterResult | None:
        """Skip if the Pod does not care; narrow down to the nodes that the terms name."""
        requirement = state.pod_info.shape.node_requirement
        if requirement.empty and self.added is None:
            return SKIP
        if not requirement.terms:
            return None
        names: dict[str, None] = {}
        for term in requirement.terms:
            named = _named(term)
            if named is None:
                return None
            names.update(dict.fromkeys(named))
        return PreFilterResult(tuple(names)) if names else CONFLICT

    def filter(self, state: CycleState, pod: Any, node: NodeInfo) -> Status | None:
        """Reject nodes that do not match."""
        if self.added is not None and not self.added.matches(node.node):
            return ENFORCED
        if not state.pod_info.shape.node_requirement.matches(node.node):
            return REJECTED
        return None

    def pre_score(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> Status | None:
        """Skip if the Pod prefers nothing."""
        return None if self._terms_of(state) else SKIP

    def score(self, state: CycleState, pod: Any, node: NodeInfo) -> int:
        """The sum of the weights of the preferred terms that match."""
        return sum(weight for term, weight in self._terms_of(state) if term.matches(node.node))

    def normalize(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo], scores: list[int]) -> list[int]:
        """The best gets 100."""
        return default_normalize(scores)

    def _terms_of(self, state: CycleState) -> list[tuple[NodeTerm, int]]:
        shape = state.pod_info.shape
        if shape.node_affinity is None:
            return self.added_preferred
        found = state.read("NodeAffinity/preferred")
        if found is None:
            found = self.added_preferred + _terms(shape.node_affinity)
            state.write("NodeAffinity/preferred", found)
        return found

    def events_to_register(self) -> tuple[EventHint, ...]:
        """Nodes come or change labels."""
        return (EventHint(NODE, Action.ADD | Action.UPDATE_NODE_LABEL, self.after_node),)

    def after_node(self, pod: Any, old: Any, new: Any) -> bool:
        """Whether the node matches now, and did not."""
        affinity = pod.spec.affinity.nodeAffinity if pod.spec.affinity is not None else None
        required = affinity.requiredDuringSchedulingIgnoredDuringExecution if affinity is not None else None
        requirement = NodeRequirement(pod.spec.nodeSelector, required)
        if self.added is not None and not self.added.matches(new):
            return False
        return requirement.matches(new) and (old is None or not requirement.matches(old))


def _terms(affinity: Any) -> list[tuple[NodeTerm, int]]:
    preferred = affinity.preferredDuringSchedulingIgnoredDuringExecution or ()
    terms = [(NodeTerm(one.preference), one.weight or 0) for one in preferred]
    return [(term, weight) for term, weight in terms if weight and not term.empty]


def _named(term: NodeTerm) -> list[str] | None:
    names: list[str] | None = None
    for key, operator, values in term.fields:
        if key == "metadata.name" and operator == "In":
            names = list(values) if names is None else [name for name in names if name in values]
    return names

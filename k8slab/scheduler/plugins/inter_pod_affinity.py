"""InterPodAffinity: near these Pods, far from those (plugins/interpodaffinity)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8slab.scheduler.events import ASSIGNED_POD, NODE, UNSCHEDULED_POD, Action, EventHint
from k8slab.scheduler.framework import (
    MAX_NODE_SCORE,
    SKIP,
    CycleState,
    Plugin,
    Status,
    unresolvable,
    unschedulable,
)
from k8slab.scheduler.nodeinfo import NodeInfo
from k8slab.scheduler.plugins.pod_affinity import AffinityTally, PreferenceTally
from k8slab.scheduler.podinfo import AffinityTerm, PodClass

NAME = "InterPodAffinity"
NOT_NEAR = unresolvable("node(s) didn't match pod affinity rules", plugin=NAME)
NOT_FAR = unschedulable("node(s) didn't match pod anti-affinity rules", plugin=NAME)
UNWELCOME = unschedulable("node(s) didn't satisfy existing pods anti-affinity rules", plugin=NAME)
FILTER, SCORE = "InterPodAffinity/filter", "InterPodAffinity/score"


class InterPodAffinity(Plugin):
    """Filters by required Pod affinity and anti-affinity, in both directions; scores by preferred ones.

    Args: `hardPodAffinityWeight` (how much required affinity of placed Pods attracts, 1 by default),
    `ignorePreferredTermsOfExistingPods`.
    """

    def __init__(self) -> None:
        self.hard_weight = 1
        self.ignore_existing = False
        self.cache: Any = None

    def setup(self, args: dict[str, Any], handle: Any) -> None:
        """Read the args."""
        weight = args.get("hardPodAffinityWeight")
        self.hard_weight = 1 if weight is None else int(weight)
        self.ignore_existing = bool(args.get("ignorePreferredTermsOfExistingPods"))
        self.cache = handle.cache

    # --- filter

    def pre_filter(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> Status | None:
        """Count, per domain, the Pods that terms of this Pod, or terms of others about this Pod, speak of."""
        cls = state.pod_info.cls
        if not cls.affinity and not cls.anti_affinity and not state.cache.anti_affinity_pods:
            return SKIP
        tally = _tally(state, AffinityTally, ())
        if not cls.affinity and not cls.anti_affinity and not tally.existing:
            return SKIP
        state.tallies.append(tally)
        state.write(FILTER, tally)
        return None

    def filter(self, state: CycleState, pod: Any, node: NodeInfo) -> Status | None:
        """Reject nodes in the wrong company."""
        tally: AffinityTally = state.read(FILTER)
        labels = node.labels
        cls = tally.cls
        if cls.affinity and not _near_enough(tally, labels):
            return NOT_NEAR
        for term in cls.anti_affinity:
            value = labels.get(term.topology_key)
            if value is not None and (term.topology_key, value) in tally.anti:
                return NOT_FAR
        if tally.existing:
            for key in tally.existing_keys:
                value = labels.get(key)
                if value is not None and (key, value) in tally.existing:
                    return UNWELCOME
        return None

    # --- score

    def pre_score(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> Status | None:
        """Sum up, per domain, the weights of all preferences that concern this Pod."""
        cls = state.pod_info.cls
        own = bool(cls.preferred_affinity or cls.preferred_anti_affinity)
        if not own and (not state.cache.affinity_pods or self.ignore_existing):
            return SKIP
        tally = _tally(state, PreferenceTally, (self.hard_weight, self.ignore_existing))
        if not tally.sums:
            return SKIP
        state.write(SCORE, tally)
        return None

    def score(self, state: CycleState, pod: Any, node: NodeInfo) -> int:
        """The sum over the node's domains."""
        tally: PreferenceTally = state.read(SCORE)
        total = 0
        for key, values in tally.sums.items():
            value = node.labels.get(key)
            if value is not None and value in values:
                total += values[value][0]
        return total

    def normalize(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo], scores: list[int]) -> list[int]:
        """The lowest gets 0, the highest 100."""
        low, high = min(scores), max(scores)
        if high == low:
            return [0] * len(scores)
        return [int(MAX_NODE_SCORE * ((score - low) / (high - low))) for score in scores]

    # --- events

    def events_to_register(self) -> tuple[EventHint, ...]:
        """Pods come, go or change labels; nodes come or change labels."""
        return (
            EventHint(ASSIGNED_POD, Action.ADD | Action.DELETE | Action.UPDATE_POD_LABEL, self.after_pod),
            EventHint(UNSCHEDULED_POD, Action.UPDATE_POD_LABEL, self.after_pod),
            EventHint(NODE, Action.ADD | Action.UPDATE_NODE_LABEL | Action.UPDATE_NODE_TAINT, self.after_node),
        )

    def after_pod(self, pod: Any, old: Any, new: Any) -> bool:
        """Whether that Pod's coming or going may satisfy a term."""
        if old is not None and new is not None and new.metadata.uid == pod.metadata.uid:
            return True
        mine = self.cache.interner.class_of(pod)
        was = self.cache.interner.class_of(old) if old is not None else None
        now = self.cache.interner.class_of(new) if new is not None else None
        if now is not None and self._wanted(mine, now) and not (was is not None and self._wanted(mine, was)):
            return True
        if was is not None and now is not None:
            return self._unwanted(mine, was) and not self._unwanted(mine, now)
        return was is not None and (self._unwanted(mine, was) or self._unwanted(was, mine))

    def _wanted(self, mine: PodClass, other: PodClass) -> bool:
        terms = mine.affinity
        return bool(terms) and all(term.matches(other, self.cache.namespace_labels) for term in terms)

    def _unwanted(self, mine: PodClass, other: PodClass) -> bool:
        return any(term.matches(other, self.cache.namespace_labels) for term in mine.anti_affinity)

    def after_node(self, pod: Any, old: Any, new: Any) -> bool:
        """Whether the node belongs to a domain that a term speaks of, and did not before."""
        mine = self.cache.interner.class_of(pod)
        now = new.metadata.labels or {}
        was = (old.metadata.labels or {}) if old is not None else {}
        terms: tuple[AffinityTerm, ...] = (*mine.affinity, *mine.anti_affinity)
        for term in terms:
            key = term.topology_key
            if key in now and (old is None or was.get(key) != now[key]):
                return True
        if mine.anti_affinity and any(term.topology_key not in now for term in mine.anti_affinity):
            return old is None or now != was
        return not terms or (old is not None and (old.spec and old.spec.taints) != (new.spec and new.spec.taints))


def _near_enough(tally: AffinityTally, labels: dict[str, str]) -> bool:
    found = True
    for term in tally.cls.affinity:
        value = labels.get(term.topology_key)
        if value is None:
            return False
        if (term.topology_key, value) not in tally.near:
            found = False
    # The first of a group of Pods that want to be near each other may go anywhere.
    return found or (not tally.near and tally.self_match)


def _tally(state: CycleState, kind: type, args: tuple) -> Any:
    cls = state.pod_info.cls
    key = (NAME, kind.__name__, cls.ident, state.cache.generation["namespaces"])
    return state.framework.tallies.get(key, kind, state.cache, cls, *args)

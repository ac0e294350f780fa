"""PodTopologySpread: spreads Pods over zones, hosts or other domains (plugins/podtopologyspread)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import floor, log
from typing import Any

from k8slab.scheduler.events import ASSIGNED_POD, NODE, POD, UNSCHEDULED_POD, Action, EventHint
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
from k8slab.scheduler.plugins.spreading import (
    HOSTNAME,
    Constraint,
    SpreadTally,
    constraints_of,
    default_selector,
    explicit,
    has_all_keys,
)
from k8slab.scheduler.selectors import matches

HARD, SOFT = "DoNotSchedule", "ScheduleAnyway"
NAME = "PodTopologySpread"
REASON = "node(s) didn't match pod topology spread constraints"
REJECTED = unschedulable(REASON, plugin=NAME)
NO_KEY = unresolvable(f"{REASON} (missing required label)", plugin=NAME)
FILTER, SCORE = "PodTopologySpread/filter", "PodTopologySpread/score"

SYSTEM_DEFAULTS = (
    {"maxSkew": 3, "topologyKey": HOSTNAME, "whenUnsatisfiable": SOFT},
    {"maxSkew": 5, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": SOFT},
)


class PodTopologySpread(Plugin):
    """Filters by DoNotSchedule constraints, scores by ScheduleAnyway ones.

    Args: `defaultingType` (System or List) and `defaultConstraints`, for Pods without constraints of their own that
    belong to a Service, ReplicaSet, StatefulSet or ReplicationController.
    """

    def __init__(self) -> None:
        self.system = True
        self.defaults: tuple[Any, ...] = SYSTEM_DEFAULTS

    def setup(self, args: dict[str, Any], handle: Any) -> None:
        """Read the defaults."""
        if args.get("defaultingType", "System") == "List":
            self.system = False
            self.defaults = tuple(args.get("defaultConstraints") or ())

    def _constraints(self, state: CycleState, action: str) -> tuple[Constraint, ...]:
        pod = state.pod
        if pod.spec.topologySpreadConstraints:
            return constraints_of(state.pod_info, action)
        wanted = [one for one in self.defaults if one["whenUnsatisfiable"] == action]
        if not wanted:
            return ()
        selector = default_selector(state.cache, pod)
        return tuple(Constraint.by_default(one, selector) for one in wanted) if selector else ()

    # --- filter

    def pre_filter(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> Status | None:
        """Count matching Pods per domain."""
        constraints = self._constraints(state, HARD)
        if not constraints:
            return SKIP
        tally = _tally(state, constraints, True)
        state.tallies.append(tally)
        labels = state.pod_info.cls.labels
        own = [1 if matches(one.selector, labels) else 0 for one in constraints]
        state.write(FILTER, (tally, own))
        return None

    def filter(self, state: CycleState, pod: Any, node: NodeInfo) -> Status | None:
        """Reject nodes on which the Pod would make a domain too full compared to the emptiest one."""
        tally, own = state.read(FILTER)
        return self._check(tally, own, tally.minima(), node)

    def filter_nodes(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> list[Status | None]:
        """The same for many nodes, with the minima looked up once."""
        tally, own = state.read(FILTER)
        minima = tally.minima()
        return [self._check(tally, own, minima, node) for node in nodes]

    def _check(self, tally: SpreadTally, own: list[int], minima: list[int], node: NodeInfo) -> Status | None:
        for index, constraint in enumerate(tally.constraints):
            value = node.labels.get(constraint.key)
            if value is None:
                return NO_KEY
            skew = tally.sums[index].get(value, 0) + own[index] - minima[index]
            if skew > constraint.max_skew:
                return REJECTED
        return None

    # --- score

    def pre_score(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> Status | None:
        """Count matching Pods per domain, and how many domains the feasible nodes form."""
        constraints = self._constraints(state, SOFT)
        if not constraints:
            return SKIP
        all_keys = bool(pod.spec.topologySpreadConstraints) or not self.system
        tally = _tally(state, constraints, all_keys)
        keys = [one.key for one in constraints]
        ignored = {node.slot for node in nodes if not has_all_keys(node, keys)} if all_keys else set()
        weights = []
        for constraint in constraints:
            if constraint.key == HOSTNAME:
                size = len(nodes) - len(ignored)
            else:
                size = len({node.labels.get(constraint.key) or "" for node in nodes if node.slot not in ignored})
            weights.append(log(size + 2))
        state.write(SCORE, (tally, weights, ignored))
        return None

    def score(self, state: CycleState, pod: Any, node: NodeInfo) -> int:
        """The more matching Pods in the node's domains, the higher; normalisation turns that round."""
        tally, weights, ignored = state.read(SCORE)
        if node.slot in ignored:
            return 0
        total = 0.0
        for index, constraint in enumerate(tally.constraints):
            value = node.labels.get(constraint.key)
            if value is not None:
                if constraint.key == HOSTNAME:
                    count = tally.here(index, node)
                else:
                    count = tally.sums[index].get(value, 0)
                total += count * weights[index] + (constraint.max_skew - 1)
        return floor(total + 0.5)

    def score_nodes(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> list[int]:
        """The same for many nodes, with the Pods of each node as they were counted already."""
        tally, weights, ignored = state.read(SCORE)
        totals = [0.0] * len(nodes)
        for index, constraint in enumerate(tally.constraints):
            counts = self._counts(tally, index, constraint.key, nodes)
            weight, extra = weights[index], constraint.max_skew - 1
            for position, count in counts:
                totals[position] += count * weight + extra
        if not ignored:
            return [floor(total + 0.5) for total in totals]
        return [0 if node.slot in ignored else floor(total + 0.5) for node, total in zip(nodes, totals, strict=True)]

    def _counts(self, tally: SpreadTally, index: int, key: str, nodes: Sequence[NodeInfo]) -> Iterable[tuple[int, int]]:
        """(position, matching Pods in the domain) of the nodes that are in one."""
        if key == HOSTNAME:
            counts = enumerate(tally.counted_on(index, nodes))
            return [(position, count) for position, count in counts if count is not None]
        values = [node.labels.get(key) for node in nodes]
        if values.count(None) == len(values):
            return ()
        sums = tally.sums[index]
        return [(position, sums.get(value, 0)) for position, value in enumerate(values) if value is not None]

    def normalize(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo], scores: list[int]) -> list[int]:
        """The emptiest domain gets 100; nodes that lack a key get 0."""
        ignored = state.read(SCORE)[2]
        counted = scores
        if ignored:
            counted = [score for node, score in zip(nodes, scores, strict=True) if node.slot not in ignored]
        if not counted:
            return [0] * len(scores)
        low, high = min(counted), max(counted)
        total = high + low
        found = [MAX_NODE_SCORE * (total - score) // high if high else MAX_NODE_SCORE for score in scores]
        if not ignored:
            return found
        return [0 if node.slot in ignored else score for node, score in zip(nodes, found, strict=True)]

    # --- events

    def events_to_register(self) -> tuple[EventHint, ...]:
        """Matching Pods come, go or change labels; nodes come, go or change domain."""
        return (
            EventHint(ASSIGNED_POD, Action.ADD | Action.DELETE | Action.UPDATE_POD_LABEL, self.after_pod),
            EventHint(UNSCHEDULED_POD, Action.UPDATE_POD_LABEL, self.after_pod),
            EventHint(NODE, Action.ADD | Action.DELETE | Action.UPDATE_NODE_LABEL, self.after_node),
            EventHint(NODE, Action.UPDATE_NODE_TAINT, self.after_node),
            EventHint(POD, Action.UPDATE_POD_TOLERATION, self.after_own),
        )

    def after_own(self, pod: Any, old: Any, new: Any) -> bool:
        """Whether it was this Pod."""
        return new.metadata.uid == pod.metadata.uid

    def after_pod(self, pod: Any, old: Any, new: Any) -> bool:
        """Whether that Pod counts, or counted, for one of this Pod's constraints."""
        changed = new if new is not None else old
        if changed.metadata.namespace != pod.metadata.namespace:
            return False
        if new is not None and old is not None and new.metadata.uid == pod.metadata.uid:
            return True
        selectors = [one.selector for one in explicit(pod)] or [()]
        now = (new.metadata.labels or {}) if new is not None else None
        was = (old.metadata.labels or {}) if old is not None else None
        if now is None or was is None:
            labels = now if now is not None else was
            return any(matches(selector, labels) for selector in selectors)
        return any(matches(selector, now) != matches(selector, was) for selector in selectors)

    def after_node(self, pod: Any, old: Any, new: Any) -> bool:
        """Whether a domain comes, goes or changes."""
        keys = [one.key for one in explicit(pod)]
        was = _domains(old, keys)
        now = _domains(new, keys)
        if old is not None and new is not None:
            taints = (old.spec and old.spec.taints) != (new.spec and new.spec.taints)
            return was != now or (now is not None and taints)
        return (was if new is None else now) is not None


def _tally(state: CycleState, constraints: tuple[Constraint, ...], all_keys: bool) -> SpreadTally:
    cls = state.pod_info.cls
    key = (NAME, cls.ident, constraints, all_keys)
    return state.framework.tallies.get(key, SpreadTally, state.cache, cls, constraints, all_keys)


def _domains(node: Any, keys: list[str]) -> list[str] | None:
    if node is None:
        return None
    labels = node.metadata.labels or {}
    return [labels[key] for key in keys] if all(key in labels for key in keys) else None

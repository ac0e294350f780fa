"""A profile's plugins at work: runs them at each extension point (pkg/scheduler/framework/runtime/framework.go)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8slab.scheduler.framework import (
    EXTENSION_POINTS,
    MAX_NODE_SCORE,
    MIN_NODE_SCORE,
    Code,
    CycleState,
    Plugin,
    PluginError,
    PostFilterResult,
    PreFilterResult,
    Status,
    accused,
    blame,
    failed,
    normalizes,
    unresolvable,
    unschedulable,
)
from k8slab.scheduler.nodeinfo import NodeInfo
from k8slab.scheduler.profile import Profile
from k8slab.scheduler.table import Table, Tables
from k8slab.scheduler.tally import Tallies

BUILT_IN = "k8slab.scheduler."
"""Where the plugins live whose answers need no checking and no recording."""


class Framework:
    """The plugins of one profile.

    Args:
        profile: names, weights and args of the plugins per extension point.
        registry: plugin classes by name.
        handle: what plugins may use; given to each plugin's `setup`.
    """

    def __init__(self, profile: Profile, registry: dict[str, type[Plugin]], handle: Any) -> None:
        self.name = profile.scheduler_name
        self.profile = profile
        self.handle = handle
        self.plugins: dict[str, Plugin] = {}
        self.points: dict[str, list[Plugin]] = {}
        for point in EXTENSION_POINTS:
            self.points[point] = [self._plugin(name, registry) for name, _ in profile.points[point]]
        self.percentage = profile.percentage_of_nodes_to_score
        filters = list(enumerate(self.points["Filter"]))
        self.local_filters = [(index, plugin) for index, plugin in filters if plugin.local]
        self.cycle_filters = [(index, plugin) for index, plugin in filters if not plugin.local]
        weights = profile.weights
        scorers = [(plugin, weights[plugin.name], normalizes(plugin)) for plugin in self.points["Score"]]
        self.scorers = scorers
        self.local_scorers = [one for one in scorers if one[0].local]
        self.cycle_scorers = [one for one in scorers if not one[0].local]
        self.cycle_pre_score = [plugin for plugin in self.points["PreScore"] if not plugin.local]
        self.custom = [
            name
            for name, plugin in self.plugins.items()
            if not plugin.local and not type(plugin).__module__.startswith(BUILT_IN)
        ]
        self.tables = Tables(self)
        self.tallies = Tallies()

    def _plugin(self, name: str, registry: dict[str, type[Plugin]]) -> Plugin:
        found = self.plugins.get(name)
        if found is None:
            with blame("new", name):
                found = registry[name]()
                found.name = name
                found.setup(self.profile.args.get(name, {}), self.handle)
            self.plugins[name] = found
        return found

    # --- filtering

    def pre_filter(self, state: CycleState, table: Table) -> tuple[tuple[str, ...] | None, Status | None, list[str]]:
        """Run PreFilter. Returns the only nodes in question (None: all), a rejection, and who narrowed or rejected."""
        state.skip_filter |= table.skip_filter
        names: tuple[str, ...] | None = None
        narrowed: list[str] = []
        nodes = state.cache.nodes
        for plugin in self.points["PreFilter"]:
            if plugin.local:
                found: Any = table.pre_filter.get(plugin.name)
            else:
                try:
                    found = plugin.pre_filter(state, state.pod, nodes)
                except Exception as error:
                    raise accused("PreFilter", plugin.name, error) from error
            if found is None:
                continue
            if self.custom:
                state.pre_filter_answers[plugin.name] = found
            if isinstance(found, PreFilterResult):
                narrowed.append(plugin.name)
                names = found.node_names if names is None else tuple(n for n in names if n in found.node_names)
                if not names:
                    return names, _contradiction(narrowed), narrowed
            elif found.code is Code.SKIP:
                state.skip_filter.add(plugin.name)
            elif not found.is_success:
                return names, found.by(plugin.name), [*narrowed, plugin.name]
        return names, None, narrowed

    def filter_node(self, state: CycleState, node: NodeInfo) -> Status | None:
        """Run all filters on one node, up to the first that says no."""
        pod = state.pod
        skipped = state.skip_filter
        for plugin in self.points["Filter"]:
            if plugin.name in skipped:
                continue
            try:
                status = run_filter(plugin, state, pod, node)
            except Exception as error:
                raise accused("Filter", plugin.name, error) from error
            if status is not None and status.code is not Code.SUCCESS:
                return status.by(plugin.name)
        return None

    def filter_with(self, state: CycleState, node: NodeInfo, nominated: Sequence[Any]) -> Status | None:
        """Like filter_node, but the Pod must fit both with and without the Pods nominated to the node."""
        if nominated:
            trial = node.clone()
            for info in nominated:
                trial.add_pod(info)
            for tally in state.tallies:
                tally.refresh(node.slot, trial)
            try:
                status = self.filter_node(state, trial)
            finally:
                for tally in state.tallies:
                    tally.refresh(node.slot, node)
            if status is not None:
                return status
        return self.filter_node(state, node)

    def post_filter(self, state: CycleState, statuses: Any) -> tuple[PostFilterResult | None, Status]:
        """Run PostFilter plugins until one succeeds."""
        result = None
        reasons: list[str] = []
        for plugin in self.points["PostFilter"]:
            with blame("PostFilter", plugin.name):
                found, status = plugin.post_filter(state, state.pod, statuses)
            if status.is_success or status.code is Code.UNSCHEDULABLE_AND_UNRESOLVABLE:
                return found, status.by(plugin.name)
            if not status.is_rejected:
                return None, failed(*status.reasons, plugin=plugin.name)
            if found is not None:
                result = found
            reasons.extend(status.reasons)
        return result, unschedulable(*reasons)

    # --- binding

    def reserve(self, state: CycleState, node_name: str) -> Status | None:
        """Run Reserve; the first failure ends it."""
        for plugin in self.points["Reserve"]:
            with blame("Reserve", plugin.name):
                status = plugin.reserve(state, state.pod, node_name)
            if status is not None and not status.is_success:
                return status.by(plugin.name)
        return None

    def unreserve(self, state: CycleState, node_name: str) -> None:
        """Run Unreserve, last plugin first."""
        for plugin in reversed(self.points["Reserve"]):
            with blame("Unreserve", plugin.name):
                plugin.unreserve(state, state.pod, node_name)

    def permit(self, state: CycleState, node_name: str) -> tuple[Status | None, dict[str, int]]:
        """Run Permit. Returns a rejection or WAIT (then with the plugins to wait for and how long, microseconds)."""
        waits: dict[str, int] = {}
        for plugin in self.points["Permit"]:
            with blame("Permit", plugin.name):
                status, timeout = plugin.permit(state, state.pod, node_name)
            if status is None or status.is_success:
                continue
            if status.code is not Code.WAIT:
                return status.by(plugin.name), {}
            waits[plugin.name] = timeout
        return (Status(Code.WAIT), waits) if waits else (None, waits)

    def pre_bind(self, state: CycleState, node_name: str) -> Status | None:
        """Run PreBind; the first status that is not success ends it."""
        for plugin in self.points["PreBind"]:
            with blame("PreBind", plugin.name):
                status = plugin.pre_bind(state, state.pod, node_name)
            if status is not None and not status.is_success:
                return status.by(plugin.name)
        return None

    def bind(self, state: CycleState, node_name: str) -> Status | None:
        """Let the first Bind plugin that wants to bind the Pod."""
        for plugin in self.points["Bind"]:
            with blame("Bind", plugin.name):
                status = plugin.bind(state, state.pod, node_name)
            if status is None or status.code is not Code.SKIP:
                return status.by(plugin.name) if status is not None and not status.is_success else None
        return failed("no Bind plugin bound the Pod")

    def post_bind(self, state: CycleState, node_name: str) -> None:
        """Tell all PostBind plugins."""
        for plugin in self.points["PostBind"]:
            with blame("PostBind", plugin.name):
                plugin.post_bind(state, state.pod, node_name)


def run_filter(plugin: Plugin, state: CycleState, pod: Any, node: NodeInfo) -> Status | None:
    """Ask a plugin about one node, whether it judges nodes singly or all at once."""
    if type(plugin).filter is Plugin.filter:
        return plugin.filter_nodes(state, pod, (node,))[0]
    return plugin.filter(state, pod, node)


def check_scores(plugin: Plugin, scores: Sequence[Any], count: int) -> None:
    """Raise PluginError unless these are `count` integers from 0 to 100."""
    if len(scores) != count:
        raise PluginError(f'plugin "{plugin.name}" gave {len(scores)} scores for {count} nodes')
    for score in scores:
        if not isinstance(score, int) or not MIN_NODE_SCORE <= score <= MAX_NODE_SCORE:
            raise PluginError(
                f'plugin "{plugin.name}" returns an invalid score {score!r}, '
                f"it should in the range of [{MIN_NODE_SCORE}, {MAX_NODE_SCORE}] after normalizing"
            )


def _contradiction(plugins: list[str]) -> Status:
    if len(plugins) == 1:
        return unresolvable(f"node(s) didn't satisfy plugin {plugins[0]}")
    return unresolvable(f"node(s) didn't satisfy plugin(s) [{' '.join(sorted(plugins))}] simultaneously")

"""Verdicts and scores of the local plugins on every node, for Pods of one shape, kept until a node changes.

A local plugin's answer depends on the Pod's shape and on one node alone, where other Pods may be nominated to the node
that have at least its priority. So equal Pods share one table, and after a Pod has been placed only the node that took
it is judged again.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

from k8slab.scheduler.framework import Code, CycleState, PreFilterResult, Status, accused

if TYPE_CHECKING:
    from k8slab.scheduler.nodeinfo import NodeInfo
    from k8slab.scheduler.runtime import Framework

LIMIT = 256
"""How many tables a profile keeps; the ones unused for longest go first."""

NO_NODES: tuple = ()


class Table:
    """What the local plugins of a profile say about each node (by slot), as far as it has been asked for.

    Attributes:
        fits: 1 where all local filters let the Pod pass.
        verdicts: the status of the first filter that does not, else None.
        failed_at: its position among all filters.
        totals: weighted sum of the local scores that need no normalisation.
        raw: per local plugin that normalises, its raw score.
        nonzero: those of them which gave any node something other than 0.
    """

    def __init__(self, framework: Framework, state: CycleState) -> None:
        self.framework = framework
        self.nominator = framework.handle.nominator
        self.priority = state.pod_info.priority
        self.order = -1
        self.position = 0
        self.skip_filter: set[str] = set()
        self.skip_score: set[str] = set()
        self.pre_filter: dict[str, Status | PreFilterResult] = {}
        self._prepare(state)
        self.filters = [one for one in framework.local_filters if one[1].name not in self.skip_filter]
        self.scorers = [one for one in framework.local_scorers if one[0].name not in self.skip_score]
        self.raw: dict[str, list[int]] = {}
        self.nonzero: set[str] = set()
        self._clear(0)

    def _prepare(self, state: CycleState) -> None:
        for plugin in self.framework.points["PreFilter"]:
            if plugin.local:
                found = plugin.pre_filter(state, state.pod, NO_NODES)
                if isinstance(found, PreFilterResult):
                    self.pre_filter[plugin.name] = found
                elif found is not None and found.code is Code.SKIP:
                    self.skip_filter.add(plugin.name)
                elif found is not None and not found.is_success:
                    self.pre_filter[plugin.name] = found
        for plugin in self.framework.points["PreScore"]:
            if plugin.local:
                status = plugin.pre_score(state, state.pod, NO_NODES)
                if status is not None and status.code is Code.SKIP:
                    self.skip_score.add(plugin.name)

    def _clear(self, size: int) -> None:
        self.known = bytearray(size)
        self.fits = bytearray(size)
        self.verdicts: list[Status | None] = [None] * size
        self.failed_at: list[int] = [0] * size
        self.totals: list[int] = [0] * size
        self.raw = {plugin.name: [0] * size for plugin, _, normal in self.scorers if normal}
        self.nonzero.clear()
        self.victims: dict[int, Any] = {}
        self.victims_for: Hashable = None

    def sync(self, state: CycleState) -> None:
        """Forget what is no longer true."""
        cache = state.cache
        if self.order != cache.order or self.position < cache.log_start:
            self._clear(len(cache.nodes))
            self.order = cache.order
        elif self.position < cache.log_end:
            known = self.known
            for slot in cache.log[self.position - cache.log_start :]:
                known[slot] = 0
            if self.victims:
                for slot in cache.log[self.position - cache.log_start :]:
                    self.victims.pop(slot, None)
        self.position = cache.log_end

    def ensure(self, state: CycleState, start: int, stop: int) -> None:
        """Judge those of the nodes from `start` up to `stop` that are not known."""
        known = self.known
        slot = known.find(0, start, stop)
        while slot >= 0:
            self._judge(state, slot)
            slot = known.find(0, slot + 1, stop)

    def _judge(self, state: CycleState, slot: int) -> None:
        node = state.cache.nodes[slot]
        failure = None
        if node.name in self.nominator.nodes:
            failure = self._filter(state, self._with_nominated(node))
        failure = failure or self._filter(state, node)
        if failure is None:
            self._score(state, slot, node)
            self.fits[slot] = 1
            self.verdicts[slot] = None
        else:
            self.fits[slot] = 0
            self.failed_at[slot], self.verdicts[slot] = failure
        self.known[slot] = 1

    def _with_nominated(self, node: NodeInfo) -> NodeInfo:
        trial = node.clone()
        for info in self.nominator.at_least(node.name, self.priority):
            trial.add_pod(info)
        return trial

    def _filter(self, state: CycleState, node: NodeInfo) -> tuple[int, Status] | None:
        """The first filter that says no, by its position, and what it says."""
        pod = state.pod
        for index, plugin in self.filters:
            try:
                status = plugin.filter(state, pod, node)
            except Exception as error:
                raise accused("Filter", plugin.name, error) from error
            if status is not None and status.code is not Code.SUCCESS:
                return index, status.by(plugin.name)
        return None

    def _score(self, state: CycleState, slot: int, node: NodeInfo) -> None:
        pod = state.pod
        total = 0
        for plugin, weight, normal in self.scorers:
            try:
                score = plugin.score(state, pod, node)
            except Exception as error:
                raise accused("Score", plugin.name, error) from error
            if normal:
                self.raw[plugin.name][slot] = score
                if score:
                    self.nonzero.add(plugin.name)
            else:
                total += weight * score
        self.totals[slot] = total


class Tables:
    """The tables of one profile, by shape."""

    def __init__(self, framework: Framework) -> None:
        self.framework = framework
        self._tables: dict[tuple[int, int], Table] = {}

    def get(self, state: CycleState) -> Table:
        """The table for the Pod of that cycle, brought up to date."""
        ident = (state.pod_info.shape.ident, state.pod_info.priority)
        table = self._tables.pop(ident, None)
        if table is None:
            table = Table(self.framework, state)
            while len(self._tables) >= LIMIT:
                del self._tables[next(iter(self._tables))]
        self._tables[ident] = table
        table.sync(state)
        return table

    def clear(self) -> None:
        """Forget all."""
        self._tables.clear()

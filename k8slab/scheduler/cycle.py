"""One attempt to find a node for a Pod: filter, then score (pkg/scheduler/schedule_one.go)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import compress
from typing import Any

from k8slab.scheduler.framework import Code, CycleState, Plugin, Status, accused, unresolvable
from k8slab.scheduler.nodeinfo import NodeInfo
from k8slab.scheduler.runtime import BUILT_IN, Framework, check_scores, run_filter
from k8slab.scheduler.table import Table

MIN_FEASIBLE_NODES = 100
MIN_FEASIBLE_PERCENTAGE = 5


def nodes_to_find(total: int, percentage: int | None) -> int:
    """How many feasible nodes are enough (numFeasibleNodesToFind); `percentage` None or 0 adapts to the size.

    >>> [nodes_to_find(n, 0) for n in (10, 100, 500, 1000, 5000, 6000, 15000)]
    [10, 100, 230, 420, 500, 300, 750]
    """
    if total < MIN_FEASIBLE_NODES:
        return total
    if not percentage:
        percentage = max(50 - total // 125, MIN_FEASIBLE_PERCENTAGE)
    return max(total * percentage // 100, MIN_FEASIBLE_NODES)


class Candidates(Sequence):
    """The nodes at some slots; the list is made when somebody looks."""

    __slots__ = ("_all", "_nodes", "slots")

    def __init__(self, nodes: list[NodeInfo], slots: list[int]) -> None:
        self._all = nodes
        self._nodes: list[NodeInfo] | None = None
        self.slots = slots

    def _list(self) -> list[NodeInfo]:
        if self._nodes is None:
            every = self._all
            self._nodes = [every[slot] for slot in self.slots]
        return self._nodes

    def __len__(self) -> int:
        return len(self.slots)

    def __getitem__(self, index: Any) -> Any:
        return self._list()[index]

    def __iter__(self) -> Iterator[NodeInfo]:
        return iter(self._list())


class Scores:
    """What one Score plugin said about the feasible nodes, in their order."""

    __slots__ = ("normalized", "plugin", "raw", "weight")

    def __init__(self, plugin: str, weight: int, raw: list[int], normalized: list[int]) -> None:
        self.plugin = plugin
        self.weight = weight
        self.raw = raw
        self.normalized = normalized


class Cycle:
    """The search for a node for one Pod.

    After `filter()`: `feasible` (slots), `examined` (how many nodes were looked at), `advance` (how much further the
    next search starts), `rejection` (of the Pod as a whole), and on demand `statuses()`. After `score()`: `totals`, in
    the order of `feasible`, and with `detailed` also `scores`.
    """

    def __init__(
        self, framework: Framework, state: CycleState, start: int = 0, nominator: Any = None, detailed: bool = False
    ) -> None:
        self.framework = framework
        self.state = state
        self.start = start
        self.detailed = detailed
        self.table: Table = framework.tables.get(state)
        self.feasible: list[int] = []
        self.examined = 0
        self.advance = 0
        self.rejection: Status | None = None
        self.absent: Status | None = None
        self.rejectors: list[str] = []
        self.narrowed: list[int] | None = None
        self.totals: list[int] = []
        self.scores: list[Scores] = []
        self.rejected: dict[int, Status] = {}
        self._checked: set[int] = set()
        self._looked: list[tuple[int, int]] = []
        self._nominator = nominator if nominator is not None else framework.handle.nominator
        self._active: list[tuple[int, Plugin]] = []

    # --- filtering

    def filter(self) -> None:
        """Find the feasible nodes: the nominated one if it is, else enough of them from `start` on, all round."""
        names, rejection, self.rejectors = self.framework.pre_filter(self.state, self.table)
        if rejection is not None:
            self.rejection = rejection
            return
        skip = self.state.skip_filter
        self._active = [one for one in self.framework.cycle_filters if one[1].name not in skip]
        if self._try_nominated():
            return
        if names is None:
            self._search(nodes_to_find(len(self.state.cache.nodes), self.framework.percentage))
        else:
            self._narrow(names)
        self.advance = self.examined

    def _try_nominated(self) -> bool:
        status = self.state.pod.status
        name = status.nominatedNodeName if status is not None else None
        node = self.state.cache.by_name.get(name) if name else None
        if node is None or node.node is None:
            return False
        self._check_slot(node.slot)
        if node.slot in self.rejected:
            return False
        self.feasible = [node.slot]
        self.examined = 1
        return True

    def _search(self, wanted: int) -> None:
        size = len(self.state.cache.nodes)
        if not self.framework.scorers:
            wanted = 1
        start = self.start % size if size else 0
        step = wanted if wanted < size else size
        for low, high in ((start, size), (0, start)):
            while low < high:
                stop = min(low + step, high)
                found = self._passing(low, stop)
                room = wanted - len(self.feasible)
                if len(found) >= room:
                    self.feasible.extend(found[:room])
                    stop = self.feasible[-1] + 1 if self.feasible else low
                    self.examined += stop - low
                    self._looked.append((low, stop))
                    return
                self.feasible.extend(found)
                self.examined += stop - low
                self._looked.append((low, stop))
                low = stop

    def _narrow(self, names: tuple[str, ...]) -> None:
        by_name = self.state.cache.by_name
        found = [by_name[name] for name in names if name in by_name]
        slots = sorted({node.slot for node in found if node.node is not None})
        self.narrowed = slots
        listed = " ".join(sorted(self.rejectors))
        self.absent = unresolvable(f"node(s) didn't satisfy plugin(s) [{listed}]")
        for slot in slots:
            self._check_slot(slot)
        self.feasible = [slot for slot in slots if slot not in self.rejected]
        self.examined = len(slots)

    def _passing(self, low: int, stop: int) -> list[int]:
        table = self.table
        table.ensure(self.state, low, stop)
        slots = list(compress(range(low, stop), table.fits[low:stop]))
        if self._checked:
            slots = [slot for slot in slots if slot not in self.rejected]
        if self._active and slots:
            slots = self._filtered(slots)
        if self._nominator is not None and self._nominator.nodes:
            slots = self._respect_nominated(low, stop, slots)
        return slots

    def _filtered(self, slots: list[int]) -> list[int]:
        state = self.state
        for _, plugin in self._active:
            nodes = Candidates(state.cache.nodes, slots)
            try:
                statuses = plugin.filter_nodes(state, state.pod, nodes)
            except Exception as error:
                raise accused("Filter", plugin.name, error) from error
            kept = []
            for slot, status in zip(slots, statuses, strict=True):
                if status is None or status.code is Code.SUCCESS:
                    kept.append(slot)
                else:
                    self.rejected[slot] = status.by(plugin.name)
            slots = kept
            if not slots:
                break
        return slots

    def _respect_nominated(self, low: int, stop: int, slots: list[int]) -> list[int]:
        """Judge anew the nodes for which the table does not say all: it knows other Pods' nominations only."""
        by_name = self.state.cache.by_name
        if self._active:
            names = list(self._nominator.nodes)
        else:
            names = [self._nominator.node_of(self.state.pod_info.key)]
            if not names[0]:
                return slots
        passing = set(slots)
        for name in names:
            node = by_name.get(name)
            if node is not None and low <= node.slot < stop and node.slot not in self._checked:
                self.rejected.pop(node.slot, None)
                self._check_slot(node.slot)
                (passing.discard if node.slot in self.rejected else passing.add)(node.slot)
        return sorted(passing)

    def _check_slot(self, slot: int) -> None:
        self._checked.add(slot)
        node = self.state.cache.nodes[slot]
        nominated = self._nominator.rivals(node.name, self.state.pod_info) if self._nominator is not None else ()
        status = self.framework.filter_with(self.state, node, nominated)
        if status is not None:
            self.rejected[slot] = status

    # --- why not

    def statuses(self) -> dict[int, Status]:
        """Why each of the rejected nodes was rejected, by slot; nodes that PreFilter left out are not in it."""
        if self.narrowed is not None:
            return dict(self.rejected)
        found: dict[int, Status] = {}
        verdicts = self.table.verdicts
        for low, stop in self._looked:
            found.update(zip(range(low, stop), verdicts[low:stop], strict=True))
        if self.feasible:
            found = {slot: status for slot, status in found.items() if status is not None}
        if self._active and self._active[0][0] < max(self.table.failed_at, default=0):
            found = {slot: self._first(slot, status) for slot, status in found.items()}
        found.update((slot, status) for slot, status in self.rejected.items() if slot in found or self._saw(slot))
        for slot in self.feasible:
            found.pop(slot, None)
        return found

    def _saw(self, slot: int) -> bool:
        return any(low <= slot < stop for low, stop in self._looked)

    def _first(self, slot: int, verdict: Status) -> Status:
        """The verdict of a local filter, unless an earlier filter that is not local also says no."""
        if verdict is None:
            return verdict
        position = self.table.failed_at[slot]
        for index, plugin in self._active:
            if index > position:
                break
            status = run_filter(plugin, self.state, self.state.pod, self.state.cache.nodes[slot])
            if status is not None and not status.is_success:
                return status.by(plugin.name)
        return verdict

    # --- scoring

    def score(self) -> None:
        """Score the feasible nodes; the totals are weighted sums of normalised scores."""
        state, slots = self.state, self.feasible
        nodes = Candidates(state.cache.nodes, slots)
        skipped = self._pre_score(nodes)
        table = self.table
        constant = 0
        parts: list[tuple[int, list[int]]] = []
        for plugin, weight, normal in self.framework.scorers:
            if plugin.name in skipped:
                continue
            if plugin.local and not normal:
                if self.detailed:
                    self._detail_plain(plugin, weight, nodes)
                continue
            raw: list[int] | int
            if plugin.local:
                values = table.raw[plugin.name]
                raw = [values[slot] for slot in slots] if plugin.name in table.nonzero else 0
            else:
                try:
                    raw = plugin.score_nodes(state, state.pod, nodes)
                except Exception as error:
                    raise accused("Score", plugin.name, error) from error
            flat = isinstance(raw, int)
            listed: list[int] = [raw] if isinstance(raw, int) else raw
            scores = self._normalized(plugin, normal, nodes, listed)
            if self.detailed or plugin.name in self.framework.custom:
                many = len(slots) if flat else 1
                self.scores.append(Scores(plugin.name, weight, listed * many, scores * many))
            if flat:
                constant += weight * scores[0]
            else:
                parts.append((weight, scores))
        self._sum(constant, parts)

    def _pre_score(self, nodes: Candidates) -> set[str]:
        state = self.state
        skipped = state.skip_score
        skipped |= self.table.skip_score
        for plugin in self.framework.cycle_pre_score:
            try:
                status = plugin.pre_score(state, state.pod, nodes)
            except Exception as error:
                raise accused("PreScore", plugin.name, error) from error
            if status is None or status.is_success:
                continue
            if status.code is Code.SKIP:
                skipped.add(plugin.name)
            else:
                raise accused("PreScore", plugin.name, RuntimeError(status.message))
        return skipped

    def _normalized(self, plugin: Plugin, normal: bool, nodes: Candidates, raw: list[int]) -> list[int]:
        scores = raw
        if normal:
            try:
                scores = plugin.normalize(self.state, self.state.pod, nodes, raw)
            except Exception as error:
                raise accused("NormalizeScore", plugin.name, error) from error
        if not type(plugin).__module__.startswith(BUILT_IN):
            check_scores(plugin, scores, len(raw))
        return scores

    def _detail_plain(self, plugin: Plugin, weight: int, nodes: Candidates) -> None:
        scores = [plugin.score(self.state, self.state.pod, node) for node in nodes]
        self.scores.append(Scores(plugin.name, weight, scores, scores))

    def _sum(self, constant: int, parts: list[tuple[int, list[int]]]) -> None:
        base = self.table.totals
        totals = [base[slot] + constant for slot in self.feasible]
        for weight, scores in parts:
            totals = [total + weight * score for total, score in zip(totals, scores, strict=True)]
        self.totals = totals

    def best(self) -> tuple[int, list[int]]:
        """The highest total, and the slots that have it."""
        highest = max(self.totals)
        return highest, [slot for slot, total in zip(self.feasible, self.totals, strict=True) if total == highest]

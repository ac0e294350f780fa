"""What would have to change for a Pod to go to a certain node, worked out by asking all plugins about that node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from k8slab.scheduler.advice import advice
from k8slab.scheduler.cycle import Cycle
from k8slab.scheduler.decisions import Attempt
from k8slab.scheduler.explanation import Score, again
from k8slab.scheduler.framework import PluginError
from k8slab.scheduler.runtime import run_filter

if TYPE_CHECKING:
    from k8slab.scheduler.scheduler import Scheduler


class Obstacle(Struct):
    """A filter that rejects the node: why, and what would help ("" where nothing general can be said)."""

    plugin: str
    reasons: tuple[str, ...]
    advice: str


class Rival(Struct):
    """A scoring plugin in which the best other node is better; with `weight` instead of its own the node would win.

    `weight` is None where no weight of this plugin alone would do.
    """

    plugin: str
    own: Score
    other: Score
    weight: int | None


class Counterfactual(Struct):
    """A node and an attempt: what stands in the way (`obstacles`), and how it would score if nothing did.

    `total` and `best` (of the best other node, `best_node`) are None where there is nothing to compare with.
    """

    namespace: str
    pod: str
    node: str
    chosen: str
    obstacles: list[Obstacle]
    total: int | None
    best: int | None
    best_node: str
    rivals: list[Rival]

    @property
    def text(self) -> str:
        """All of it, in sentences."""
        return "\n".join(_sentences(self))


def counterfactual(scheduler: Scheduler, attempt: Attempt, node: str) -> Counterfactual:
    """Work out what would have brought the Pod of that attempt to `node`. Raises LookupError for an unknown node."""
    cycle, _ = again(scheduler, attempt)
    slots = {info.name: slot for slot, info in enumerate(cycle.state.cache.nodes)}
    if node not in slots:
        raise LookupError(f"there was no node {node!r} then: choose from {', '.join(slots)}")
    metadata = attempt.pod.metadata
    found = Counterfactual(metadata.namespace, metadata.name, node, attempt.node, [], None, None, "", [])
    found.obstacles = _obstacles(cycle, slots[node])
    _compare(found, cycle, slots[node])
    return found


def _obstacles(cycle: Cycle, slot: int) -> list[Obstacle]:
    state, info = cycle.state, cycle.state.cache.nodes[slot]
    if cycle.rejection is not None:
        status = cycle.rejection
        return [Obstacle(status.plugin, status.reasons, advice(state, info, status))]
    found = []
    if cycle.narrowed is not None and slot not in cycle.narrowed and cycle.absent is not None:
        found.append(Obstacle(", ".join(sorted(cycle.rejectors)), cycle.absent.reasons, ""))
    for plugin in cycle.framework.points["Filter"]:
        if plugin.name in state.skip_filter:
            continue
        try:
            status = run_filter(plugin, state, state.pod, info)
        except Exception as error:
            found.append(Obstacle(plugin.name, (str(error),), ""))
            continue
        if status is not None and not status.is_success:
            status = status.by(plugin.name)
            found.append(Obstacle(plugin.name, status.reasons, advice(state, info, status)))
    return found


def _compare(found: Counterfactual, cycle: Cycle, slot: int) -> None:
    """Score the node along with the feasible ones, as if it were one of them."""
    if cycle.rejection is not None or not [one for one in cycle.feasible if one != slot]:
        return
    if slot not in cycle.feasible:
        # Tables hold no scores of nodes that were rejected.
        cycle.table._score(cycle.state, slot, cycle.state.cache.nodes[slot])
        cycle.feasible = sorted([*cycle.feasible, slot])
    cycle.scores, cycle.totals = [], []
    try:
        cycle.score()
    except PluginError:
        return
    place = cycle.feasible.index(slot)
    others = [index for index in range(len(cycle.feasible)) if index != place]
    best = max(others, key=lambda index: cycle.totals[index])
    found.total, found.best = cycle.totals[place], cycle.totals[best]
    found.best_node = cycle.state.cache.nodes[cycle.feasible[best]].name
    if found.total > found.best:
        return
    for one in cycle.scores:
        own, other = (_score(one, index) for index in (place, best))
        weight = _winning_weight(cycle, one, place, others)
        if other.weighted > own.weighted or weight is not None:
            found.rivals.append(Rival(one.plugin, own, other, weight))
    found.rivals.sort(key=lambda rival: rival.own.weighted - rival.other.weighted)


def _score(scores: object, index: int) -> Score:
    normalized = scores.normalized[index]  # type: ignore[attr-defined]
    weight = scores.weight  # type: ignore[attr-defined]
    return Score(scores.raw[index], normalized, weight, normalized * weight)  # type: ignore[attr-defined]


def _winning_weight(cycle: Cycle, scores: object, place: int, others: list[int]) -> int | None:
    """The weight from 0 up, nearest to its own, with which the node beats all others; None where there is none."""
    normalized: list[int] = scores.normalized  # type: ignore[attr-defined]
    weight: int = scores.weight  # type: ignore[attr-defined]
    low, high = 0, 2**31 - 1
    for other in others:
        lead = normalized[place] - normalized[other]
        behind = cycle.totals[other] - cycle.totals[place]
        if lead > 0:
            low = max(low, weight + behind // lead + 1)
        elif lead < 0:
            high = min(high, weight - (behind // -lead + 1))
        elif behind >= 0:
            return None
    if low > high:
        return None
    return min(max(weight, low), high)


def _sentences(found: Counterfactual) -> list[str]:
    name = f"Pod {found.namespace}/{found.pod}"
    if found.node == found.chosen:
        lead = "" if found.best is None else f": {found.total} points, {found.best_node} has {found.best}"
        return [f"{name} went to {found.node}{lead}."]
    lines = []
    if found.obstacles:
        lines.append(f"For {name} to fit on {found.node}:")
        for one in found.obstacles:
            reason = ", ".join(one.reasons)
            lines.append(f"  {one.plugin} rejects it ({reason})" + (f": {one.advice}" if one.advice else ""))
    if found.total is None:
        return lines or [f"Nothing stands in the way of {name} on {found.node}."]
    return lines + _comparison(found)


def _comparison(found: Counterfactual) -> list[str]:
    lead = "Then it" if found.obstacles else f"{found.node}"
    if found.total > found.best:
        return [f"{lead} would win: {found.total} points, and {found.best_node} has {found.best}."]
    behind = found.best - found.total
    if not behind:
        return [f"{lead} is as good as {found.best_node} ({found.best} points): which of them is taken is chance."]
    verb = "would have" if found.obstacles else "has"
    lines = [f"{lead} {verb} {found.total} points, {found.best_node} {found.best}: to win it needs {behind + 1} more."]
    for one in found.rivals:
        gap = one.other.weighted - one.own.weighted
        text = f"  {one.plugin}: {one.own.weighted} against {one.other.weighted}"
        text += f" ({gap} behind)" if gap > 0 else f" ({-gap} ahead)" if gap < 0 else ""
        if one.weight is not None:
            text += f"; with weight {one.weight} instead of {one.own.weight} it would win"
        lines.append(text)
    return lines

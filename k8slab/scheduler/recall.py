"""What plugins of others answered in an attempt, kept so that an explanation need not ask them again.

Built-in plugins answer the same whenever they are asked about the same state. A learner's plugin may count, draw lots
or have changed since: its answers are recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, field

from k8slab.scheduler.framework import SKIP, CycleState, Plugin, PreFilterResult, Status
from k8slab.scheduler.nodeinfo import NodeInfo


class Answers(Struct):
    """A plugin's answers: by slot where they are about nodes."""

    pre_filter: Status | PreFilterResult | None = None
    filter: dict[int, Status] = field(default_factory=dict)
    skips_score: bool = False
    raw: dict[int, int] = field(default_factory=dict)
    normalized: dict[int, int] = field(default_factory=dict)


def answers_of(cycle: Any) -> dict[str, Answers]:
    """What the plugins that are not built in said in a cycle."""
    found = {name: Answers() for name in cycle.framework.custom}
    for name, answers in found.items():
        if name in cycle.state.skip_filter:
            answers.pre_filter = SKIP
        elif name in cycle.state.pre_filter_answers:
            answers.pre_filter = cycle.state.pre_filter_answers[name]
        answers.skips_score = name in cycle.state.skip_score
    for slot, status in cycle.rejected.items():
        if status.plugin in found:
            found[status.plugin].filter[slot] = status
    for one in cycle.scores:
        if one.plugin in found:
            found[one.plugin].raw = dict(zip(cycle.feasible, one.raw, strict=True))
            found[one.plugin].normalized = dict(zip(cycle.feasible, one.normalized, strict=True))
    return found


def recalled(answers: Answers, original: type[Plugin]) -> type[Plugin]:
    """A plugin class that gives these answers, at the extension points of the plugin that gave them."""
    body: dict[str, Any] = {"answers": answers}
    for method in ("pre_filter", "filter", "filter_nodes", "pre_score", "score", "score_nodes", "normalize"):
        point = "filter" if method.startswith("filter") else "score" if method.startswith("score") else method
        names = (point, f"{point}_nodes") if point in ("filter", "score") else (point,)
        if all(getattr(original, name) is getattr(Plugin, name) for name in names):
            body[method] = getattr(Plugin, method)
    return type("Recalled", (Recalled,), {**body, "original": original})


class Recalled(Plugin):
    """Stands in for a plugin whose answers were recorded."""

    answers = Answers()
    original: type[Plugin] = Plugin

    def setup(self, args: dict[str, Any], handle: Any) -> None:
        """Make the plugin itself as well: it is asked about nodes on which it gave no answer."""
        try:
            self.now: Plugin | None = self.original()
            self.now.name = self.name
            self.now.setup(args, handle)
        except Exception:
            self.now = None

    def _guess(self, state: CycleState, pod: Any, node: NodeInfo) -> int:
        """What it would say now about a node that it was not asked about then, as far as it can."""
        try:
            found = self.now.score_nodes(state, pod, (node,)) if self.now is not None else 0
            return found if isinstance(found, int) else int(found[0])
        except Exception:
            return 0

    def pre_filter(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> Any:
        """What it said then."""
        return self.answers.pre_filter

    def filter(self, state: CycleState, pod: Any, node: NodeInfo) -> Status | None:
        """What it said then about the node."""
        return self.answers.filter.get(node.slot)

    def pre_score(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> Status | None:
        """Whether it left itself out."""
        return SKIP if self.answers.skips_score else None

    def score_nodes(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> list[int] | int:
        """The raw scores that it gave."""
        raw = self.answers.raw
        return [raw[node.slot] if node.slot in raw else self._guess(state, pod, node) for node in nodes]

    def normalize(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo], scores: list[int]) -> list[int]:
        """The normalised scores that it gave."""
        known = self.answers.normalized
        pairs = zip(nodes, scores, strict=True)
        return [known[node.slot] if node.slot in known else max(0, min(score, 100)) for node, score in pairs]

"""Why a Pod went where it did: verdicts and scores of every node, as plain data.

Works out an attempt again, with the same plugins, on the state that the scheduler saw then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from k8slab.scheduler.advice import advice
from k8slab.scheduler.cycle import Cycle
from k8slab.scheduler.decisions import FAILED, Attempt
from k8slab.scheduler.framework import CycleState, PluginError, Status
from k8slab.scheduler.nodeinfo import NodeInfo
from k8slab.scheduler.nominator import Nominator
from k8slab.scheduler.recall import recalled
from k8slab.scheduler.runtime import Framework
from k8slab.scheduler.snapshot import rebuild

if TYPE_CHECKING:
    from k8slab.scheduler.scheduler import Scheduler

PASSED, REJECTED, SKIPPED, NOT_REACHED = "passed", "rejected", "skipped", "not reached"


class Score(Struct):
    """One plugin's score of one node."""

    raw: int
    normalized: int
    weight: int
    weighted: int


class NodeVerdict(Struct):
    """What was found out about one node.

    `filters` says for each plugin `passed`, `rejected`, `skipped` (it had nothing to say about this Pod) or `not
    reached`. `advice` is what would have to change for the node to fit, or to win. `total` is None if not scored.
    """

    name: str
    examined: bool
    feasible: bool
    filters: dict[str, str] = field(default_factory=dict)
    rejected_by: str = ""
    reasons: tuple[str, ...] = ()
    scores: dict[str, Score] = field(default_factory=dict)
    total: int | None = None
    advice: str = ""


class Explanation(Struct):
    """One attempt to schedule one Pod.

    `outcome` is `scheduled`, `unschedulable`, `preempting` or `error`; `time` is lab time in microseconds. `nodes` are
    in the scheduler's order. `runner_up` is the next best node. With one feasible node, nothing is scored.
    """

    namespace: str
    pod: str
    attempt: int
    attempts: int
    time: int
    scheduler: str
    outcome: str
    message: str
    node: str
    runner_up: str
    tied: tuple[str, ...]
    nominated_node: str
    victims: tuple[str, ...]
    woken_by: str
    evaluated: int
    feasible: int
    filter_plugins: tuple[str, ...]
    score_plugins: tuple[str, ...]
    skipped: tuple[str, ...]
    nodes: list[NodeVerdict]

    def of(self, node: str) -> NodeVerdict:
        """The verdict about a node. Raises KeyError."""
        for one in self.nodes:
            if one.name == node:
                return one
        raise KeyError(node)


class Workshop:
    """What plugins get to use when an old attempt is worked out again: the state of then, and nothing that acts."""

    def __init__(self, scheduler: Scheduler, cache: Any, nominator: Nominator) -> None:
        self.cache = cache
        self.client = scheduler.client
        self.clock = scheduler.clock
        self.rng = None
        self.nominator = nominator
        self.queue = None


def explain(scheduler: Scheduler, attempt: Attempt, attempts: int) -> Explanation:
    """Work an attempt out again."""
    cycle, error = again(scheduler, attempt)
    framework = cycle.framework
    found = Explanation(
        namespace=attempt.pod.metadata.namespace,
        pod=attempt.pod.metadata.name,
        attempt=attempt.number,
        attempts=attempts,
        time=attempt.time,
        scheduler=attempt.profile,
        outcome=attempt.outcome,
        message=attempt.message or error,
        node=attempt.node,
        runner_up="",
        tied=(),
        nominated_node=attempt.nominated,
        victims=tuple("/".join(key) for key in attempt.victims),
        woken_by=attempt.woken_by,
        evaluated=cycle.examined,
        feasible=len(cycle.feasible),
        filter_plugins=tuple(plugin.name for plugin in framework.points["Filter"]),
        score_plugins=tuple(plugin.name for plugin, _, _ in framework.scorers),
        skipped=tuple(sorted(cycle.state.skip_filter | cycle.state.skip_score)),
        nodes=[],
    )
    found.nodes = _verdicts(cycle)
    _rank(found, attempt, cycle)
    return found


def again(scheduler: Scheduler, attempt: Attempt) -> tuple[Cycle, str]:
    """The search for a node, made once more on the state of then; and the text of the error that ended it, if any."""
    cache, nominator = rebuild(attempt.journal[: attempt.position])
    configuration, registry = attempt.setting
    profile = next(one for one in configuration.profiles if one.scheduler_name == attempt.profile)
    broke = attempt.outcome == FAILED
    past = {name: recalled(answers, registry[name]) for name, answers in attempt.answers.items()}
    if broke and not attempt.evaluated:
        past = {}  # a filter broke: it is asked again, and breaks again
    framework = Framework(profile, registry | past, Workshop(scheduler, cache, nominator))
    state = CycleState(cache.interner.info(attempt.pod), cache, framework)
    cycle = Cycle(framework, state, attempt.start, nominator, detailed=True)
    try:
        if cache.nodes:
            cycle.filter()
        if len(cycle.feasible) > 1 and not (broke and not attempt.tied):
            cycle.score()
    except PluginError as error:
        return cycle, str(error)
    return cycle, ""


def _verdicts(cycle: Cycle) -> list[NodeVerdict]:
    statuses = cycle.statuses() if cycle.rejection is None else {}
    places = {slot: index for index, slot in enumerate(cycle.feasible)}
    found = []
    for slot, node in enumerate(cycle.state.cache.nodes):
        status = statuses.get(slot)
        if status is None and slot not in places:
            status = cycle.rejection or cycle.absent
        verdict = _verdict(cycle, node, status, slot in places)
        if slot in places and cycle.totals:
            _add_scores(verdict, cycle, places[slot])
        found.append(verdict)
    return found


def _verdict(cycle: Cycle, node: NodeInfo, status: Status | None, feasible: bool) -> NodeVerdict:
    verdict = NodeVerdict(node.name, examined=feasible or status is not None, feasible=feasible)
    if status is not None and not feasible:
        verdict.rejected_by = status.plugin
        verdict.reasons = status.reasons
        verdict.advice = advice(cycle.state, node, status)
    if not verdict.examined:
        return verdict
    whole = cycle.rejection is not None or (status is not None and status is cycle.absent)
    verdict.filters = _filters(cycle, status, feasible, whole)
    return verdict


def _filters(cycle: Cycle, status: Status | None, feasible: bool, whole: bool) -> dict[str, str]:
    found = {}
    reached = not whole
    for plugin in cycle.framework.points["Filter"]:
        if plugin.name in cycle.state.skip_filter:
            found[plugin.name] = SKIPPED
        elif not reached:
            found[plugin.name] = NOT_REACHED
        elif not feasible and status is not None and plugin.name == status.plugin:
            found[plugin.name] = REJECTED
            reached = False
        else:
            found[plugin.name] = PASSED
    return found


def _add_scores(verdict: NodeVerdict, cycle: Cycle, place: int) -> None:
    verdict.total = cycle.totals[place]
    for one in cycle.scores:
        normalized = one.normalized[place]
        verdict.scores[one.plugin] = Score(one.raw[place], normalized, one.weight, normalized * one.weight)


def _rank(found: Explanation, attempt: Attempt, cycle: Cycle) -> None:
    scored = [one for one in found.nodes if one.total is not None]
    if not scored:
        return
    highest = max(one.total for one in scored)
    found.tied = tuple(one.name for one in scored if one.total == highest)
    others = [one for one in scored if one.name != attempt.node]
    if others:
        found.runner_up = max(others, key=lambda one: one.total).name
    for one in scored:
        if one.name == attempt.node:
            continue
        behind = highest - one.total
        one.advice = _how_to_win(found, one, behind) if behind else "as good as the winner: the choice was random"


def _how_to_win(found: Explanation, verdict: NodeVerdict, behind: int) -> str:
    winner = next(one for one in found.nodes if one.name == found.node) if found.node else None
    text = f"{behind} points behind"
    if winner is None:
        return text
    gaps = {
        name: score.weighted - verdict.scores[name].weighted
        for name, score in winner.scores.items()
        if name in verdict.scores and score.weighted > verdict.scores[name].weighted
    }
    if not gaps:
        return text
    worst = max(gaps, key=lambda name: gaps[name])
    return f"{text}, most of it in {worst} (-{gaps[worst]})"

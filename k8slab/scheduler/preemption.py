"""Preemption: which Pods have to go so that a more important one fits (pkg/scheduler/framework/preemption).

The choice is made in the scheduling cycle; deleting the victims comes after it, asynchronously.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8slab.api.timestamps import parse
from k8slab.errors import ApiError
from k8slab.scheduler.diagnosis import fit_text, grouped
from k8slab.scheduler.framework import (
    Code,
    CycleState,
    PostFilterResult,
    Status,
    failed,
    unresolvable,
    unschedulable,
)
from k8slab.scheduler.nodeinfo import NodeInfo
from k8slab.scheduler.podinfo import PodInfo
from k8slab.scheduler.selectors import matches, of_label_selector

BY_SCHEDULER = "PreemptionByScheduler"
NOT_HELPFUL = unresolvable("Preemption is not helpful for scheduling")
NO_VICTIMS = unresolvable("No preemption victims found for incoming pod")
PRIORITY_OFFSET = 2**31


class Candidate:
    """A node on which the Pod would fit without these victims (most important first)."""

    __slots__ = ("key", "slot", "victims", "violations")

    def __init__(self, slot: int, victims: tuple[PodInfo, ...], violations: int, now: int) -> None:
        self.slot = slot
        self.victims = victims
        self.violations = violations
        highest = victims[0].priority
        earliest = min(start_time(one.pod, now) for one in victims if one.priority == highest)
        # Fewest broken budgets, least important top victim, smallest sum, fewest victims, youngest top victim.
        self.key = (
            violations,
            highest,
            sum(one.priority + PRIORITY_OFFSET for one in victims),
            len(victims),
            -earliest,
        )


class Evaluator:
    """Finds victims and deletes them. `handle` is the scheduler's; sizes are those of the shortlist of candidates."""

    def __init__(self, handle: Any, percentage: int = 10, absolute: int = 100) -> None:
        self.handle = handle
        self.percentage = percentage
        self.absolute = absolute
        self.preempting: dict[str, str] = {}

    def preempt(self, state: CycleState, diagnosis: Any) -> tuple[PostFilterResult | None, Status]:
        """Nominate a node for the Pod and have its victims deleted, or say why that does not help."""
        refusal = self._ineligible(state, diagnosis)
        if refusal:
            return None, unschedulable(refusal)
        size = len(state.cache.nodes)
        if not size:
            return None, failed("no nodes available")
        candidates, statuses = self.find_candidates(state, diagnosis)
        if not candidates:
            text = fit_text(size, grouped(statuses), NOT_HELPFUL)
            return PostFilterResult(""), unschedulable(text)
        best = self._pick(candidates)
        name = state.cache.nodes[best.slot].name
        self._prepare(state, best, name)
        return PostFilterResult(name, best.victims), Status()

    def _ineligible(self, state: CycleState, diagnosis: Any) -> str:
        pod = state.pod
        if pod.spec.preemptionPolicy == "Never":
            return "not eligible due to preemptionPolicy=Never."
        nominated = pod.status.nominatedNodeName if pod.status is not None else None
        if not nominated:
            return ""
        status = diagnosis.status_of(nominated)
        if status is not None and status.code is Code.UNSCHEDULABLE_AND_UNRESOLVABLE:
            return ""
        node = state.cache.by_name.get(nominated)
        for info in node.pods.values() if node is not None else ():
            if info.priority < state.pod_info.priority and terminating_by_preemption(info.pod):
                return "not eligible due to a terminating pod on the nominated node."
        return ""

    # --- which nodes, which victims

    def find_candidates(self, state: CycleState, diagnosis: Any) -> tuple[list[Candidate], dict[int, Status]]:
        """Try nodes from a random place on, until there are enough on which preemption helps."""
        hopeful = {id(status) for status, _ in diagnosis.groups if status.code is Code.UNSCHEDULABLE}
        slots = [slot for slot, status in diagnosis.statuses.items() if id(status) in hopeful] if hopeful else []
        if not slots:
            return [], {}
        slots.sort()
        enough = min(max(len(slots) * self.percentage // 100, self.absolute), len(slots))
        offset = self.handle.rng.randrange(len(slots))
        budgets = list(state.cache.objects["poddisruptionbudgets"].values())
        memo = self._memo(state)
        good: list[Candidate] = []
        violating: list[Candidate] = []
        statuses: dict[int, Status] = {}
        for index in range(len(slots)):
            found = self._try(state, slots[(offset + index) % len(slots)], budgets, memo)
            if isinstance(found, Candidate):
                (violating if found.violations else good).append(found)
                if good and len(good) + len(violating) >= enough:
                    break
            else:
                statuses[slots[(offset + index) % len(slots)]] = found
        return good + violating, statuses

    def _memo(self, state: CycleState) -> dict[int, Any] | None:
        """Where equal Pods find what was found out for them: only if nothing but each node itself matters."""
        framework = state.framework
        if state.tallies or any(plugin.name not in state.skip_filter for _, plugin in framework.cycle_filters):
            return None
        table = framework.tables.get(state)
        generation = state.cache.generation["poddisruptionbudgets"]
        if table.victims_for != generation:
            table.victims, table.victims_for = {}, generation
        return table.victims

    def _try(
        self, state: CycleState, slot: int, budgets: Sequence[Any], memo: dict[int, Any] | None
    ) -> Candidate | Status:
        node = state.cache.nodes[slot]
        nominator = self.handle.nominator
        if memo is None or nominator.node_of(state.pod_info.key) == node.name:
            return self.victims_on(state, node, budgets, nominator.rivals(node.name, state.pod_info))
        found = memo.get(slot)
        if found is None:
            rivals = nominator.rivals(node.name, state.pod_info)
            found = memo[slot] = self.victims_on(state, node, budgets, rivals)
        return found

    def victims_on(
        self, state: CycleState, node: NodeInfo, budgets: Sequence[Any], rivals: Sequence[PodInfo]
    ) -> Candidate | Status:
        """The Pods that would have to go from a node, as few and unimportant as possible; or why none help."""
        priority = state.pod_info.priority
        potential = [info for info in node.pods.values() if info.priority < priority]
        if not potential:
            return NO_VICTIMS
        trial = Trial(state, node, rivals)
        try:
            for info in potential:
                trial.remove(info)
            status = trial.check()
            if status is not None:
                return status
            return self._reprieve(trial, potential, budgets)
        finally:
            trial.end()

    def _reprieve(self, trial: Trial, potential: list[PodInfo], budgets: Sequence[Any]) -> Candidate | Status:
        now = self.handle.clock.unix_us
        potential.sort(key=lambda info: _importance(info, now))
        protected, free = split_by_budgets(potential, budgets)
        victims: list[PodInfo] = []
        violations = 0
        for group in (protected, free):
            for info in group:
                trial.add(info)
                if trial.check() is not None:
                    trial.remove(info)
                    victims.append(info)
                    violations += group is protected
        victims.sort(key=lambda info: _importance(info, now))
        if not victims:
            return failed(f'expected at least one victim pod on node "{trial.real.name}"')
        return Candidate(trial.real.slot, tuple(victims), violations, now)

    def _pick(self, candidates: list[Candidate]) -> Candidate:
        lowest = min(one.key for one in candidates)
        best = {one.slot: one for one in candidates if one.key == lowest}
        return best[self.handle.pick(list(best))]

    # --- carrying it out

    def _prepare(self, state: CycleState, candidate: Candidate, node_name: str) -> None:
        self.preempting[state.pod.metadata.uid] = node_name
        lower = self.handle.nominator.lower(node_name, state.pod_info)
        pods = [info.pod for info in candidate.victims]
        self.handle.later(self._carry_out, state.pod, pods, [info.pod for info in lower], node_name)

    def _carry_out(self, preemptor: Any, victims: list[Any], lower: list[Any], node_name: str) -> None:
        """Clear the nominations that stand in the way, and delete the victims; the last one after all others."""
        uid = preemptor.metadata.uid
        for pod in lower:
            self._clear_nomination(pod)
        try:
            for victim in victims[:-1]:
                self._delete(preemptor, victim, node_name)
            # From here on the deletion of the last victim wakes the Pod.
            self.preempting.pop(uid, None)
            self._delete(preemptor, victims[-1], node_name)
        except ApiError:
            self.preempting.pop(uid, None)
            self.handle.queue.activate([(preemptor.metadata.namespace, preemptor.metadata.name)])

    def _delete(self, preemptor: Any, victim: Any, node_name: str) -> None:
        handle, metadata = self.handle, victim.metadata
        known = handle.cache.pods.get((metadata.namespace, metadata.name))
        latest = known.pod if known is not None and known.uid == metadata.uid else victim
        if latest.metadata.deletionTimestamp is not None:
            return
        try:
            handle.patch_condition(latest, _disruption(preemptor, latest))
            handle.client.delete("pods", metadata.name, metadata.namespace)
        except ApiError as error:
            if error.code != 404:
                raise
            return
        message = f"Preempted by pod {preemptor.metadata.uid} on node {node_name}"
        handle.recorder_for(preemptor).event(victim, "Normal", "Preempted", message, "Preempting", preemptor)

    def _clear_nomination(self, pod: Any) -> None:
        try:
            patch = {"status": {"nominatedNodeName": None}}
            self.handle.client.patch("pods", pod.metadata.name, patch, pod.metadata.namespace, "status")
        except ApiError:
            return


class Trial:
    """A node from which Pods are taken, and given back, to see whether another would fit."""

    def __init__(self, state: CycleState, node: NodeInfo, rivals: Sequence[PodInfo]) -> None:
        self.state = state
        self.real = node
        self.node = node.clone()
        self.rivals = rivals

    def add(self, info: PodInfo) -> None:
        """Put a Pod back."""
        self.node.add_pod(info)
        self._count(self.node)

    def remove(self, info: PodInfo) -> None:
        """Take a Pod away."""
        self.node.remove_pod(info)
        self._count(self.node)

    def check(self) -> Status | None:
        """Whether the Pod fits now (None), or why not."""
        return self.state.framework.filter_with(self.state, self.node, self.rivals)

    def end(self) -> None:
        """Count the node as it really is again."""
        self._count(self.real)

    def _count(self, node: NodeInfo) -> None:
        for tally in self.state.tallies:
            tally.refresh(node.slot, node)


def split_by_budgets(pods: list[PodInfo], budgets: Sequence[Any]) -> tuple[list[PodInfo], list[PodInfo]]:
    """Pods whose removal would break a PodDisruptionBudget, and the others."""
    compiled = [(one, of_label_selector(one.spec.selector)) for one in budgets]
    left = [(one.status.disruptionsAllowed or 0) if one.status is not None else 0 for one in budgets]
    protected: list[PodInfo] = []
    free: list[PodInfo] = []
    for info in pods:
        labels = info.pod.metadata.labels or {}
        violated = False
        for index, (budget, selector) in enumerate(compiled):
            if not labels or budget.metadata.namespace != info.key[0] or not selector or not matches(selector, labels):
                continue
            if budget.status is not None and info.key[1] in (budget.status.disruptedPods or {}):
                continue
            left[index] -= 1
            violated = violated or left[index] < 0
        (protected if violated else free).append(info)
    return protected, free


def start_time(pod: Any, now: int) -> int:
    """When a Pod began to run, in microseconds since 1970; `now` if it has not."""
    started = pod.status.startTime if pod.status is not None else None
    return parse(started) if started else now


def terminating_by_preemption(pod: Any) -> bool:
    """Whether a Pod is being deleted because the scheduler chose it as a victim."""
    if pod.metadata.deletionTimestamp is None or pod.status is None:
        return False
    return any(
        one.type == "DisruptionTarget" and one.status == "True" and one.reason == BY_SCHEDULER
        for one in pod.status.conditions or ()
    )


def _importance(info: PodInfo, now: int) -> tuple[int, int]:
    return (-info.priority, start_time(info.pod, now))


def _disruption(preemptor: Any, victim: Any) -> dict[str, Any]:
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": BY_SCHEDULER,
        "message": f"{preemptor.spec.schedulerName}: preempting to accommodate a higher priority pod",
    }
    return condition

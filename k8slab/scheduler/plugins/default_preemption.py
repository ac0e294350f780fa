"""DefaultPreemption: makes room for a Pod by removing less important ones (plugins/defaultpreemption)."""

from __future__ import annotations

from typing import Any

from k8slab.scheduler.events import ASSIGNED_POD, Action, EventHint
from k8slab.scheduler.framework import CycleState, Plugin, PostFilterResult, Status, unresolvable
from k8slab.scheduler.preemption import Evaluator


class DefaultPreemption(Plugin):
    """Args: `minCandidateNodesPercentage` (10), `minCandidateNodesAbsolute` (100)."""

    def __init__(self) -> None:
        self.evaluator: Any = None

    def setup(self, args: dict[str, Any], handle: Any) -> None:
        """Make the evaluator."""
        self.evaluator = Evaluator(
            handle,
            percentage=int(args.get("minCandidateNodesPercentage", 10)),
            absolute=int(args.get("minCandidateNodesAbsolute", 100)),
        )

    def pre_enqueue(self, pod: Any) -> Status | None:
        """A Pod for which victims are being deleted is not tried until that is done."""
        if pod.metadata.uid in self.evaluator.preempting:
            return unresolvable("waiting for the preemption for this pod to be finished")
        return None

    def post_filter(self, state: CycleState, pod: Any, statuses: Any) -> tuple[PostFilterResult | None, Status]:
        """Choose a node and victims."""
        result, status = self.evaluator.preempt(state, statuses)
        if status.message:
            return result, Status(status.code, f"preemption: {status.message}")
        return result, status

    def events_to_register(self) -> tuple[EventHint, ...]:
        """A victim is gone."""
        return (EventHint(ASSIGNED_POD, Action.DELETE, self.after_pod_deleted),)

    def after_pod_deleted(self, pod: Any, old: Any, new: Any) -> bool:
        """Whether a nomination, or the end of a preemption, lets the Pod be tried."""
        return pod.metadata.uid not in self.evaluator.preempting

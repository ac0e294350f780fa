"""SchedulingGates: a Pod with `spec.schedulingGates` is not tried (plugins/schedulinggates)."""

from __future__ import annotations

from typing import Any

from k8slab.scheduler.events import UNSCHEDULED_POD, Action, EventHint
from k8slab.scheduler.framework import Plugin, Status, unresolvable


class SchedulingGates(Plugin):
    """Keeps gated Pods out of the active queue."""

    def pre_enqueue(self, pod: Any) -> Status | None:
        """Reject while there are gates."""
        gates = pod.spec.schedulingGates
        if not gates:
            return None
        names = " ".join(gate.name for gate in gates)
        return unresolvable(f"waiting for scheduling gates: [{names}]")

    def events_to_register(self) -> tuple[EventHint, ...]:
        """The Pod's own gates have been removed."""
        return (EventHint(UNSCHEDULED_POD, Action.UPDATE_POD_GATES_ELIMINATED, self.ungated),)

    def ungated(self, pod: Any, old: Any, new: Any) -> bool:
        """Whether it was this Pod."""
        return new.metadata.uid == pod.metadata.uid

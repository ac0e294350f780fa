"""PrioritySort: higher priority first, then who has waited longer (plugins/queuesort)."""

from __future__ import annotations

from typing import Any

from k8slab.scheduler.framework import Plugin


class PrioritySort(Plugin):
    """Orders the active queue."""

    def less(self, one: Any, other: Any) -> bool:
        """Whether queued Pod `one` comes before `other`."""
        return (-one.priority, one.timestamp) < (-other.priority, other.timestamp)

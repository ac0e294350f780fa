"""A Pod in the scheduling queue, with its history of attempts."""

from __future__ import annotations

from typing import Any

from k8slab.scheduler.events import ClusterEvent
from k8slab.scheduler.podinfo import PodInfo


class QueuedPod:
    """A Pod in the queue, with its history of attempts (framework.QueuedPodInfo)."""

    __slots__ = (
        "attempts",
        "backoff_until",
        "causes",
        "consecutive_errors",
        "events",
        "gated_by",
        "gated_text",
        "info",
        "initial_attempt",
        "pending_plugins",
        "rejected_by",
        "seq",
        "timestamp",
        "token",
        "unschedulable_count",
        "where",
        "woken_by",
    )

    def __init__(self, info: PodInfo, now: int) -> None:
        self.info = info
        self.timestamp = now
        self.attempts = 0
        self.unschedulable_count = 0
        self.consecutive_errors = 0
        self.initial_attempt: int | None = None
        self.rejected_by: set[str] = set()
        self.pending_plugins: set[str] = set()
        self.gated_by = ""
        self.gated_text = ""
        self.causes: tuple[int, ...] = ()
        self.woken_by = ""
        self.events: list[tuple[ClusterEvent, Any, Any]] = []
        self.backoff_until = 0
        self.where = ""
        self.seq = 0
        self.token = 0

    @property
    def pod(self) -> Any:
        """The Pod as last seen."""
        return self.info.pod

    @property
    def priority(self) -> int:
        """The Pod's priority."""
        return self.info.priority

    def __repr__(self) -> str:
        return f"<QueuedPod {'/'.join(self.info.key)} {self.where}>"

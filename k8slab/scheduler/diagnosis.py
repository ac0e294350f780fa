"""Why a Pod fits nowhere, in the words of kube-scheduler (framework.Diagnosis and FitError)."""

from __future__ import annotations

from collections import Counter
from typing import Any

from k8slab.scheduler.framework import Status

NO_NODES = "no nodes available to schedule pods"


class Diagnosis:
    """The outcome of filtering when no node is feasible.

    Attributes:
        statuses: why each examined node was rejected, by slot.
        groups: the same, as (status, number of nodes).
        absent: the status of all nodes that are not in `statuses`, if any.
        message: what PreFilter said, if that ended it.
        post_filter: what PostFilter added.
    """

    def __init__(self, cycle: Any) -> None:
        self.cache = cycle.state.cache
        self.size = len(self.cache.nodes)
        self.message = cycle.rejection.message if cycle.rejection is not None else ""
        self.absent: Status | None = cycle.rejection if cycle.rejection is not None else cycle.absent
        self.statuses: dict[int, Status] = {} if cycle.rejection is not None else cycle.statuses()
        self.groups = grouped(self.statuses)
        self.post_filter = ""
        self._rejectors = list(cycle.rejectors)

    def status_of(self, node_name: str) -> Status | None:
        """Why that node was rejected."""
        node = self.cache.by_name.get(node_name)
        return self.statuses.get(node.slot, self.absent) if node is not None else self.absent

    def rejectors(self) -> set[str]:
        """The plugins to blame: something they wait for may make the Pod schedulable."""
        found = set(self._rejectors)
        found.update(status.plugin for status, _ in self.groups if status.plugin)
        return found

    def text(self) -> str:
        """The whole message, as in the event and the condition."""
        if self.size == 0:
            return NO_NODES
        if self.message:
            text = f"0/{self.size} nodes are available: {self.message}."
        else:
            text = fit_text(self.size, self.groups, self.absent)
        return f"{text} {self.post_filter}" if self.post_filter else text


def grouped(statuses: dict[int, Status]) -> list[tuple[Status, int]]:
    """The statuses with how often each occurs, as far as they are the same objects (plugins share them)."""
    by_identity = {id(status): status for status in statuses.values()}
    return [(by_identity[identity], number) for identity, number in Counter(map(id, statuses.values())).items()]


def fit_text(size: int, groups: list[tuple[Status, int]], absent: Status | None) -> str:
    """`0/N nodes are available: ...` with the reasons counted and sorted; `absent` is that of all other nodes."""
    counts: dict[str, int] = {}
    for status, number in groups:
        _count(counts, status, number)
    missing = size - sum(number for _, number in groups)
    if missing and absent is not None:
        _count(counts, absent, missing)
    listed = ", ".join(sorted(f"{count} {reason}" for reason, count in counts.items()))
    return f"0/{size} nodes are available: {listed}." if listed else f"0/{size} nodes are available:"


def _count(counts: dict[str, int], status: Status, number: int) -> None:
    for reason in status.reasons:
        counts[reason] = counts.get(reason, 0) + number

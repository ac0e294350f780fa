"""Counts of Pods per controller, kept up to date change by change: a reconcile need not walk all Pods to know them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from k8slab.api.core_v1 import Pod
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.ownership import controller_of
from k8slab.client import Informer
from k8slab.controllers.pods import is_ready, is_terminal

TALLY = "tally"

Labels = tuple[tuple[str, str], ...]
Key = tuple[str, str]


class Group(Struct):
    """How many Pods of one controller (or of none) bear the same labels.

    `active` are neither finished nor being deleted, `ready` those of them which are ready; `terminating` are being
    deleted and not finished. `metadata` has the labels that they share, for selectors to look at.
    """

    metadata: ObjectMeta
    active: int = 0
    ready: int = 0
    terminating: int = 0
    total: int = 0

    def add(self, kind: str, ready: bool, by: int) -> None:
        """Count one Pod more or less."""
        self.total += by
        if kind == "active":
            self.active += by
            self.ready += by if ready else 0
        elif kind == "terminating":
            self.terminating += by


class Tally:
    """Groups of Pods by controller; an informer's index that holds numbers instead of objects."""

    def __init__(self) -> None:
        self._groups: dict[Key, dict[Labels, Group]] = {}

    def change(self, key: Any, old: Pod | None, new: Pod | None) -> None:
        """Count `new` in the place of `old`; either may be None."""
        before = _facts(old) if old is not None else None
        after = _facts(new) if new is not None else None
        if before == after:
            return
        if before is not None:
            self._count(*before, -1)
        if after is not None:
            self._count(*after, 1)

    def of(self, uid: str) -> list[Group]:
        """The groups of the Pods that the object with that uid controls."""
        return list(self._groups.get((uid, ""), {}).values())

    def orphans(self, namespace: str) -> list[Group]:
        """The groups of the Pods in that namespace that nobody controls."""
        return list(self._groups.get(("", namespace), {}).values())

    def clear(self) -> None:
        """Forget all."""
        self._groups.clear()

    def counts(self) -> Iterator[tuple[Key, Labels, tuple[int, int, int, int]]]:
        """All numbers, for comparison: active, ready, terminating, total."""
        for key, groups in self._groups.items():
            for labels, group in groups.items():
                yield key, labels, (group.active, group.ready, group.terminating, group.total)

    def _count(self, key: Key, labels: Labels, kind: str, ready: bool, by: int) -> None:
        groups = self._groups.setdefault(key, {})
        group = groups.get(labels)
        if group is None:
            group = groups[labels] = Group(ObjectMeta(labels=dict(labels)))
        group.add(kind, ready, by)
        if not group.total:
            del groups[labels]
            if not groups:
                del self._groups[key]


def add_tally(pods: Informer) -> Tally:
    """The tally of an informer of Pods, shared by all who ask."""
    return pods.add_view(TALLY, Tally())


def includes(metadata: ObjectMeta, wanted: Mapping[str, str]) -> bool:
    """Whether an object with that metadata has all of the wanted labels."""
    return wanted.items() <= (metadata.labels or {}).items()


def _facts(pod: Pod) -> tuple[Key, Labels, str, bool]:
    reference = controller_of(pod)
    key = (reference.uid, "") if reference is not None else ("", pod.metadata.namespace or "")
    labels = tuple((pod.metadata.labels or {}).items())
    if is_terminal(pod):
        return key, labels, "finished", False
    if pod.metadata.deletionTimestamp is not None:
        return key, labels, "terminating", False
    return key, labels, "active", is_ready(pod)

"""What InterPodAffinity counts, per domain: a pair of topology key and label value."""

from __future__ import annotations

from k8slab.scheduler.cache import Cache
from k8slab.scheduler.nodeinfo import NodeInfo
from k8slab.scheduler.podinfo import PodClass
from k8slab.scheduler.tally import Tally

Domain = tuple[str, str]
Counts = dict[Domain, int]


class AffinityTally(Tally):
    """Pods that required terms speak of.

    Attributes:
        near: Pods that match all affinity terms of the class, per domain of each term.
        anti: Pods that match an anti-affinity term of the class.
        existing: anti-affinity terms of placed Pods that match the class.
        self_match: whether the class matches its own affinity terms.
    """

    def __init__(self, cache: Cache, cls: PodClass) -> None:
        super().__init__(cache)
        self.cls = cls
        self.near: Counts = {}
        self.anti: Counts = {}
        self.existing: Counts = {}
        self.existing_keys: dict[str, int] = {}
        labels_of = cache.namespace_labels
        self.self_match = bool(cls.affinity) and all(term.matches(cls, labels_of) for term in cls.affinity)
        self._counted: list[tuple[Counts, Counts, Counts]] = []
        self._matching: dict[int, tuple[bool, tuple[str, ...]]] = {}
        self._objecting: dict[int, tuple[str, ...]] = {}

    def clear(self, size: int) -> None:
        """Forget all."""
        self.near, self.anti, self.existing, self.existing_keys = {}, {}, {}, {}
        self._counted = [({}, {}, {})] * size

    def refresh(self, slot: int, node: NodeInfo) -> None:
        """Count a node's Pods again."""
        fresh = self._count(node)
        before = self._counted[slot]
        if fresh == before:
            return
        for counts, old, new in zip((self.near, self.anti, self.existing), before, fresh, strict=True):
            _replace(counts, old, new)
        for domains, sign in ((fresh[2], 1), (before[2], -1)):
            for key, _ in domains:
                self.existing_keys[key] = self.existing_keys.get(key, 0) + sign
                if not self.existing_keys[key]:
                    del self.existing_keys[key]
        self._counted[slot] = fresh

    def _count(self, node: NodeInfo) -> tuple[Counts, Counts, Counts]:
        near: Counts = {}
        anti: Counts = {}
        existing: Counts = {}
        labels = node.labels
        if self.cls.affinity or self.cls.anti_affinity:
            for ident, count in node.classes.items():
                wanted, unwanted = self._match(ident)
                if wanted:
                    for term in self.cls.affinity:
                        _add(near, term.topology_key, labels, count)
                for key in unwanted:
                    _add(anti, key, labels, count)
        for ident, count in node.anti_affinity_classes.items():
            for key in self._objections(ident):
                _add(existing, key, labels, count)
        return near, anti, existing

    def _match(self, ident: int) -> tuple[bool, tuple[str, ...]]:
        found = self._matching.get(ident)
        if found is None:
            other, labels_of = self.cache.interner.classes[ident], self.cache.namespace_labels
            terms = self.cls.affinity
            wanted = bool(terms) and all(term.matches(other, labels_of) for term in terms)
            unwanted = tuple(term.topology_key for term in self.cls.anti_affinity if term.matches(other, labels_of))
            found = self._matching[ident] = (wanted, unwanted)
        return found

    def _objections(self, ident: int) -> tuple[str, ...]:
        found = self._objecting.get(ident)
        if found is None:
            other, labels_of = self.cache.interner.classes[ident], self.cache.namespace_labels
            found = tuple(term.topology_key for term in other.anti_affinity if term.matches(self.cls, labels_of))
            self._objecting[ident] = found
        return found


class PreferenceTally(Tally):
    """Weights of preferences, of the class about placed Pods and of placed Pods about the class.

    `sums` maps topology key -> label value -> [weight, number of entries].
    """

    def __init__(self, cache: Cache, cls: PodClass, hard_weight: int, ignore_existing: bool) -> None:
        super().__init__(cache)
        self.cls = cls
        self.hard_weight = hard_weight
        self.ignore_existing = ignore_existing
        self.own = bool(cls.preferred_affinity or cls.preferred_anti_affinity)
        self.sums: dict[str, dict[str, list[int]]] = {}
        self._counted: list[tuple[tuple[str, str, int, int], ...]] = []
        self._weights: dict[int, tuple[tuple[str, int], ...]] = {}

    def clear(self, size: int) -> None:
        """Forget all."""
        self.sums = {}
        self._counted = [()] * size

    def refresh(self, slot: int, node: NodeInfo) -> None:
        """Weigh a node's Pods again."""
        classes = node.classes if self.own else node.affinity_classes
        entries = []
        for ident, count in classes.items():
            for key, weight in self._weigh(ident):
                value = node.labels.get(key)
                if value is not None:
                    entries.append((key, value, weight * count, count))
        fresh = tuple(entries)
        before = self._counted[slot]
        if fresh != before:
            self._apply(fresh, 1)
            self._apply(before, -1)
            self._counted[slot] = fresh

    def _apply(self, entries: tuple[tuple[str, str, int, int], ...], sign: int) -> None:
        for key, value, weight, count in entries:
            values = self.sums.setdefault(key, {})
            sums = values.setdefault(value, [0, 0])
            sums[0] += sign * weight
            sums[1] += sign * count
            if not sums[1]:
                del values[value]
                if not values:
                    del self.sums[key]

    def _weigh(self, ident: int) -> tuple[tuple[str, int], ...]:
        """(topology key, weight) of each preference between the class and another."""
        found = self._weights.get(ident)
        if found is None:
            found = self._weights[ident] = tuple(self._preferences(self.cache.interner.classes[ident]))
        return found

    def _preferences(self, other: PodClass) -> list[tuple[str, int]]:
        labels_of, mine = self.cache.namespace_labels, self.cls
        found = [(t.topology_key, t.weight) for t in mine.preferred_affinity if t.matches(other, labels_of)]
        found += [(t.topology_key, -t.weight) for t in mine.preferred_anti_affinity if t.matches(other, labels_of)]
        if self.hard_weight > 0:
            found += [(t.topology_key, self.hard_weight) for t in other.affinity if t.matches(mine, labels_of)]
        if not self.ignore_existing:
            found += [(t.topology_key, t.weight) for t in other.preferred_affinity if t.matches(mine, labels_of)]
            found += [(t.topology_key, -t.weight) for t in other.preferred_anti_affinity if t.matches(mine, labels_of)]
        return found


def _add(counts: Counts, key: str, labels: dict[str, str], number: int) -> None:
    value = labels.get(key)
    if value is not None:
        domain = (key, value)
        counts[domain] = counts.get(domain, 0) + number


def _replace(counts: Counts, old: Counts, new: Counts) -> None:
    for domain, number in new.items():
        counts[domain] = counts.get(domain, 0) + number
    for domain, number in old.items():
        left = counts[domain] - number
        if left:
            counts[domain] = left
        else:
            del counts[domain]

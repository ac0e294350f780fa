"""What topology spread constraints count: Pods per domain (plugins/podtopologyspread/common.go)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from k8slab.scheduler import selectors
from k8slab.scheduler.cache import Cache
from k8slab.scheduler.nodeinfo import NodeInfo
from k8slab.scheduler.podinfo import PodClass, PodInfo
from k8slab.scheduler.selectors import Selector, matches
from k8slab.scheduler.tally import Tally
from k8slab.scheduler.tolerations import untolerated

HOSTNAME = "kubernetes.io/hostname"


class Constraint(NamedTuple):
    """One topology spread constraint, ready for use."""

    key: str
    max_skew: int
    selector: Selector
    min_domains: int
    action: str
    honor_affinity: bool
    honor_taints: bool

    @classmethod
    def of(cls, one: Any, labels: dict[str, str]) -> Constraint:
        """From a Pod's own constraint; `matchLabelKeys` take their values from its labels."""
        selector = selectors.of_label_selector(one.labelSelector)
        if selector is not None and one.matchLabelKeys:
            more = tuple((key, "In", (labels[key],)) for key in one.matchLabelKeys if key in labels)
            selector = selector + tuple(requirement for requirement in more if requirement not in selector)
        return cls(
            one.topologyKey,
            one.maxSkew,
            selector,
            one.minDomains or 1,
            one.whenUnsatisfiable,
            one.nodeAffinityPolicy != "Ignore",
            one.nodeTaintsPolicy == "Honor",
        )

    @classmethod
    def by_default(cls, one: Any, selector: Selector) -> Constraint:
        """From the profile's defaults."""
        return cls(one["topologyKey"], one["maxSkew"], selector, 1, one["whenUnsatisfiable"], True, False)


def explicit(pod: Any) -> list[Constraint]:
    """All constraints of a Pod's own."""
    labels = pod.metadata.labels or {}
    return [Constraint.of(one, labels) for one in pod.spec.topologySpreadConstraints or ()]


def constraints_of(info: PodInfo, action: str) -> tuple[Constraint, ...]:
    """The Pod's constraints of that kind."""
    return tuple(one for one in explicit(info.pod) if one.action == action)


def default_selector(cache: Cache, pod: Any) -> Selector:
    """What Pods count for a Pod without constraints: those of its Services and its controller. () if it has none."""
    namespace, labels = pod.metadata.namespace, pod.metadata.labels or {}
    merged: dict[str, str] = {}
    for service in cache.services_by_namespace.get(namespace, {}).values():
        wanted = service.spec.selector if service.spec is not None else None
        if wanted and all(labels.get(key) == value for key, value in wanted.items()):
            merged.update(wanted)
    owner = next((one for one in pod.metadata.ownerReferences or () if one.controller), None)
    if owner is None:
        return selectors.of_labels(merged)
    kind = (owner.apiVersion, owner.kind)
    if kind == ("v1", "ReplicationController"):
        found = cache.get("replicationcontrollers", namespace, owner.name)
        if found is not None:
            merged.update(found.spec.selector or {})
        return selectors.of_labels(merged)
    resource = {("apps/v1", "ReplicaSet"): "replicasets", ("apps/v1", "StatefulSet"): "statefulsets"}.get(kind)
    found = cache.get(resource, namespace, owner.name) if resource is not None else None
    own = selectors.of_labels(merged) or ()
    if found is None:
        return own
    return own + (selectors.of_label_selector(found.spec.selector) or ())


def has_all_keys(node: NodeInfo, keys: list[str]) -> bool:
    """Whether the node has all these labels."""
    return all(key in node.labels for key in keys)


class SpreadTally(Tally):
    """Matching Pods per constraint and domain, over the nodes that count.

    Attributes:
        sums: per constraint, Pods by the domain's label value.
        sizes: per constraint, nodes by the domain's label value.
    """

    def __init__(self, cache: Cache, cls: PodClass, constraints: tuple[Constraint, ...], all_keys: bool) -> None:
        super().__init__(cache)
        self.cls = cls
        self.constraints = constraints
        self.all_keys = all_keys
        self.keys = [one.key for one in constraints]
        self.sums: list[dict[str, int]] = []
        self.sizes: list[dict[str, int]] = []
        self._counted: list[list[tuple[str, int] | None]] = []
        self._matching: list[dict[int, bool]] = [{} for _ in constraints]

    def clear(self, size: int) -> None:
        """Forget all."""
        self.sums = [{} for _ in self.constraints]
        self.sizes = [{} for _ in self.constraints]
        self._counted = [[None] * size for _ in self.constraints]

    def refresh(self, slot: int, node: NodeInfo) -> None:
        """Count a node's Pods again."""
        counts = not self.all_keys or has_all_keys(node, self.keys)
        for index, constraint in enumerate(self.constraints):
            entry = None
            if counts and self._included(constraint, node):
                entry = (node.labels.get(constraint.key, ""), self.here(index, node))
            before = self._counted[index][slot]
            if entry != before:
                self._replace(index, before, entry)
                self._counted[index][slot] = entry

    def _replace(self, index: int, old: tuple[str, int] | None, new: tuple[str, int] | None) -> None:
        sums, sizes = self.sums[index], self.sizes[index]
        if new is not None:
            value, count = new
            sums[value] = sums.get(value, 0) + count
            sizes[value] = sizes.get(value, 0) + 1
        if old is not None:
            value, count = old
            sums[value] -= count
            sizes[value] -= 1
            if not sizes[value]:
                del sizes[value], sums[value]

    def _included(self, constraint: Constraint, node: NodeInfo) -> bool:
        shape = self.cls.shape
        if constraint.honor_affinity and not shape.node_requirement.matches(node.node):
            return False
        return not (constraint.honor_taints and untolerated(shape.tolerations, node.taints) is not None)

    def here(self, index: int, node: NodeInfo) -> int:
        """Matching Pods on one node."""
        matching = self._matching[index]
        total = 0
        for ident, count in node.classes.items():
            found = matching.get(ident)
            if found is None:
                found = matching[ident] = self._matches(index, ident)
            if found:
                total += count
        return total

    def counted_on(self, index: int, nodes: Iterable[NodeInfo]) -> list[int | None]:
        """Matching Pods on each of the nodes, as of the last `sync`; None for a node without the constraint's label."""
        counted, key = self._counted[index], self.keys[index]
        found: list[int | None] = []
        for node in nodes:
            entry = counted[node.slot]
            if entry is not None and entry[0]:
                found.append(entry[1])
            else:
                found.append(self.here(index, node) if key in node.labels else None)
        return found

    def _matches(self, index: int, ident: int) -> bool:
        other = self.cache.interner.classes[ident]
        selector = self.constraints[index].selector
        # A selector that says nothing counts nothing, and Pods on their way out do not count.
        return (
            bool(selector)
            and not other.terminating
            and other.namespace == self.cls.namespace
            and matches(selector, other.labels)
        )

    def minima(self) -> list[int]:
        """Per constraint, the Pods in the emptiest domain; 0 where there are fewer domains than `minDomains`."""
        found = []
        for constraint, sums in zip(self.constraints, self.sums, strict=True):
            lowest = min(sums.values(), default=2**31 - 1)
            found.append(0 if len(sums) < constraint.min_domains else lowest)
        return found

"""Whether a node takes a Pod that was bound to it (pkg/kubelet/lifecycle/predicate.go)."""

from __future__ import annotations

from typing import Any

from k8slab.api import core_v1 as core
from k8slab.api import quantity
from k8slab.api.resources import pod_requests
from k8slab.api.selector import node_matches
from k8slab.kubelet.node import Amounts

Refusal = tuple[str, str]
"""Reason and message of a Pod that the node does not take."""
CRITICAL_PRIORITY = 2_000_000_000
RESOURCES = (("cpu", quantity.milli), ("memory", quantity.value), ("ephemeral-storage", quantity.value))


class Room:
    """What of a node is given away.

    Args:
        allocatable: as in the node's status.
    """

    __slots__ = ("held", "limits", "pods", "used")

    def __init__(self, allocatable: Amounts) -> None:
        self.limits = {name: unit(allocatable[name]) for name, unit in RESOURCES}
        self.pods = int(allocatable["pods"])
        self.used = dict.fromkeys(self.limits, 0)
        self.held: dict[str, dict[str, int]] = {}

    def take(self, pod: core.Pod) -> Refusal | None:
        """Give a Pod its share, or say why there is not enough."""
        requests = pod_requests(pod)
        wanted = {name: unit(requests.get(name) or 0) for name, unit in RESOURCES}
        if len(self.held) >= self.pods:
            return _lacking("pods", 1, len(self.held), self.pods)
        for name, amount in wanted.items():
            if amount and self.used[name] + amount > self.limits[name]:
                return _lacking(name, amount, self.used[name], self.limits[name])
        for name, amount in wanted.items():
            self.used[name] += amount
        self.held[pod.metadata.uid] = wanted
        return None

    def beyond(self, pod: core.Pod) -> str | None:
        """Why a Pod could never have what it asks for, however empty the node is."""
        requests = pod_requests(pod)
        for name, unit in (RESOURCES[1], RESOURCES[0]):
            wanted = unit(requests.get(name) or 0)
            if wanted > self.limits[name]:
                return f"Node didn't have enough capacity: {name}, requested: {wanted}, capacity: {self.limits[name]}"
        return None

    def exchange(self, pod: core.Pod) -> Refusal | None:
        """Give a Pod that is here what it asks for now; where there is not enough it keeps what it has."""
        held = self.held.get(pod.metadata.uid)
        self.release(pod.metadata.uid)
        refusal = self.take(pod)
        if refusal is not None and held is not None:
            for name, amount in held.items():
                self.used[name] += amount
            self.held[pod.metadata.uid] = held
        return refusal

    def release(self, uid: str) -> None:
        """Take a Pod's share back."""
        for name, amount in self.held.pop(uid, {}).items():
            self.used[name] -= amount


def _lacking(name: str, wanted: int, used: int, limit: int) -> Refusal:
    text = f"Node didn't have enough resource: {name}, requested: {wanted}, used: {used}, capacity: {limit}"
    return (f"OutOf{name}", text)


def admit(pod: core.Pod, node: core.Node, room: Room, pressure: set[str]) -> Refusal | None:
    """Why this node does not take the Pod, or None where it does (its share is then taken)."""
    critical = is_critical(pod)
    if pressure and not critical and not _bears(pod, pressure):
        kinds = ", ".join(sorted(pressure))
        return ("Evicted", f"The node had condition: [{kinds}]. ")
    if node is not None and not node_matches(pod.spec, node):
        return ("NodeAffinity", "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector")
    return room.take(pod)


def is_critical(pod: core.Pod) -> bool:
    """Static and mirror Pods, and those of system priority."""
    annotations = pod.metadata.annotations or {}
    return ("kubernetes.io/config.source" in annotations and annotations["kubernetes.io/config.source"] != "api") or (
        pod.spec.priority or 0
    ) >= CRITICAL_PRIORITY


def _bears(pod: core.Pod, pressure: set[str]) -> bool:
    if pressure != {"MemoryPressure"}:
        return False
    if (pod.status.qosClass if pod.status else "") != "BestEffort":
        return True
    return any(t.key == "node.kubernetes.io/memory-pressure" for t in pod.spec.tolerations or ())


def bytes_of(resources: Any, name: str) -> int | None:
    """A container's limit in bytes, None without one."""
    limits = (resources.limits if resources else None) or {}
    return quantity.value(limits[name]) if name in limits else None

"""A node as the scheduler sees it: its capacity, the Pods on it (assumed ones included), and their sums.

Follows pkg/scheduler/framework/types.go (NodeInfo).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8slab.api.volumes import claim_names
from k8slab.scheduler.podinfo import PodInfo, Port, has_volumes
from k8slab.scheduler.requests import Amounts, amounts

ANY_ADDRESS = "0.0.0.0"
NO_LABELS: dict[str, str] = {}


class NodeInfo:
    """One node. `slot` is its place in the scheduler's node order; `node` is None where only its Pods are known."""

    __slots__ = (
        "affinity_classes",
        "allocatable",
        "allowed_pods",
        "anti_affinity_classes",
        "claims",
        "classes",
        "cpu",
        "ephemeral",
        "images",
        "labels",
        "memory",
        "name",
        "newest",
        "node",
        "nonzero_cpu",
        "nonzero_memory",
        "pods",
        "ports",
        "requested_cpu",
        "requested_ephemeral",
        "requested_memory",
        "requested_scalars",
        "slot",
        "taints",
        "unschedulable",
        "volume_pods",
    )

    def __init__(self, name: str, newest: Callable[[Any], Any] | None = None) -> None:
        """``newest`` gives a Node object the heartbeats since it was delivered."""
        self.name = name
        self.newest = newest
        self.slot = -1
        self.pods: dict[tuple[str, str], PodInfo] = {}
        self.classes: dict[int, int] = {}
        self.affinity_classes: dict[int, int] = {}
        self.anti_affinity_classes: dict[int, int] = {}
        self.volume_pods: dict[tuple[str, str], PodInfo] = {}
        self.claims: dict[tuple[str, str], int] = {}
        self.requested_cpu = self.requested_memory = self.requested_ephemeral = 0
        self.requested_scalars: Amounts = {}
        self.nonzero_cpu = self.nonzero_memory = 0
        self.ports: dict[Port, int] = {}
        self.set_node(None)

    def set_node(self, node: Any) -> None:
        """Take over a Node object (None: the node is gone, its Pods are not yet)."""
        self.node = node
        spec = node.spec if node is not None else None
        status = node.status if node is not None else None
        self.labels: dict[str, str] = (node.metadata.labels if node is not None else None) or NO_LABELS
        self.taints = tuple(spec.taints or ()) if spec is not None else ()
        self.unschedulable = bool(spec.unschedulable) if spec is not None else False
        allocatable = amounts(status.allocatable) if status is not None else {}
        self.allocatable: Amounts = allocatable
        self.cpu = allocatable.get("cpu", 0)
        self.memory = allocatable.get("memory", 0)
        self.ephemeral = allocatable.get("ephemeral-storage", 0)
        self.allowed_pods = allocatable.get("pods", 0)
        self.images: dict[str, int] = images_on(status)

    def add_pod(self, info: PodInfo) -> None:
        """Count a Pod in."""
        self._count(info, 1)
        self.pods[info.key] = info
        if info.pod.spec.volumes:
            self._add_claims(info, 1)

    def remove_pod(self, info: PodInfo) -> None:
        """Count a Pod out."""
        del self.pods[info.key]
        self._count(info, -1)
        if info.pod.spec.volumes:
            self._add_claims(info, -1)

    def _count(self, info: PodInfo, sign: int) -> None:
        shape = info.shape
        self.requested_cpu += sign * shape.milli_cpu
        self.requested_memory += sign * shape.memory
        self.requested_ephemeral += sign * shape.ephemeral
        self.nonzero_cpu += sign * shape.nonzero_cpu
        self.nonzero_memory += sign * shape.nonzero_memory
        for name, number in shape.scalars.items():
            self.requested_scalars[name] = self.requested_scalars.get(name, 0) + sign * number
        for port in shape.ports:
            _bump(self.ports, port, sign)
        cls = info.cls
        _bump(self.classes, cls.ident, sign)
        if cls.has_affinity:
            _bump(self.affinity_classes, cls.ident, sign)
            if cls.anti_affinity:
                _bump(self.anti_affinity_classes, cls.ident, sign)

    def _add_claims(self, info: PodInfo, sign: int) -> None:
        if not has_volumes(info.pod.spec):
            return
        if sign > 0:
            self.volume_pods[info.key] = info
        else:
            self.volume_pods.pop(info.key, None)
        for name in claim_names(info.pod):
            _bump(self.claims, (info.key[0], name), sign)

    def clone(self) -> NodeInfo:
        """A copy on which Pods can be added and removed for trial."""
        copy = NodeInfo.__new__(NodeInfo)
        for name in NodeInfo.__slots__:
            setattr(copy, name, getattr(self, name))
        for name in (
            "pods",
            "classes",
            "affinity_classes",
            "anti_affinity_classes",
            "volume_pods",
            "claims",
            "requested_scalars",
            "ports",
        ):
            setattr(copy, name, dict(getattr(self, name)))
        return copy

    def port_conflict(self, ports: tuple[Port, ...]) -> bool:
        """Whether one of these host ports is taken; 0.0.0.0 means every address."""
        used = self.ports
        for port in ports:
            if port in used:
                return True
            address, protocol, number = port
            if address == ANY_ADDRESS:
                if any(one[1] == protocol and one[2] == number for one in used):
                    return True
            elif (ANY_ADDRESS, protocol, number) in used:
                return True
        return False

    def __repr__(self) -> str:
        return f"<NodeInfo {self.name}, {len(self.pods)} pods>"


def images_on(status: Any) -> dict[str, int]:
    """Image name -> bytes, of a node's status."""
    found: dict[str, int] = {}
    for image in (status.images if status is not None else None) or ():
        for name in image.names or ():
            found[name] = image.sizeBytes or 0
    return found


def _bump(counts: dict, key: Any, by: int) -> None:
    number = counts.get(key, 0) + by
    if number > 0:
        counts[key] = number
    else:
        counts.pop(key, None)

"""A node as learners' plugins and schedulers see it: read only, with the Pods that are there or on their way."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from k8slab.scheduler.cache import ZONE_LABELS
from k8slab.scheduler.requests import pod_requests

if TYPE_CHECKING:
    from k8slab.scheduler.nodeinfo import NodeInfo


class NodeView:
    """One node. CPU is in thousandths of a core, memory in bytes; what Pods request counts, not what they use."""

    __slots__ = ("_info",)

    def __init__(self, info: NodeInfo) -> None:
        self._info = info

    @property
    def name(self) -> str:
        """The node's name."""
        return self._info.name

    @property
    def object(self) -> Any:
        """The Node object."""
        info = self._info
        return info.node if info.newest is None or info.node is None else info.newest(info.node)

    @property
    def labels(self) -> Mapping[str, str]:
        """The node's labels."""
        return MappingProxyType(self._info.labels)

    @property
    def zone(self) -> str:
        """The node's zone, "" where it has none."""
        return next((self._info.labels[key] for key in ZONE_LABELS if self._info.labels.get(key)), "")

    @property
    def taints(self) -> tuple[Any, ...]:
        """The node's taints."""
        return self._info.taints

    @property
    def unschedulable(self) -> bool:
        """Whether the node is cordoned."""
        return self._info.unschedulable

    @property
    def allocatable(self) -> Mapping[str, int]:
        """What the node has for Pods, by resource."""
        return MappingProxyType(self._info.allocatable)

    @property
    def requested(self) -> Mapping[str, int]:
        """What its Pods request, by resource."""
        info = self._info
        found = {
            "cpu": info.requested_cpu,
            "memory": info.requested_memory,
            "ephemeral-storage": info.requested_ephemeral,
            "pods": len(info.pods),
            **info.requested_scalars,
        }
        return MappingProxyType(found)

    @property
    def free(self) -> Mapping[str, int]:
        """What is left, by resource."""
        requested = self.requested
        found = {name: number - requested.get(name, 0) for name, number in self._info.allocatable.items()}
        return MappingProxyType(found)

    @property
    def pods(self) -> tuple[Any, ...]:
        """The Pods on the node, those included that are on their way to it."""
        return tuple(info.pod for info in self._info.pods.values())

    @property
    def images(self) -> Mapping[str, int]:
        """Images on the node and their sizes in bytes."""
        return MappingProxyType(self._info.images)

    def has_room(self, pod: Any) -> bool:
        """Whether what the Pod requests is free, and the node takes one Pod more."""
        free = self.free
        wanted = {**pod_requests(pod), "pods": 1}
        return all(number <= free.get(name, 0) for name, number in wanted.items() if number)

    def __repr__(self) -> str:
        return f"<node {self.name}, {len(self._info.pods)} pods>"

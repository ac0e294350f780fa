"""Which nodes are being cleared, or kept, for which waiting Pods (pkg/scheduler/backend/queue/nominator.go)."""

from __future__ import annotations

from typing import Any

from k8slab.scheduler.cache import Cache
from k8slab.scheduler.podinfo import PodInfo


class Nominator:
    """Pods nominated to nodes: other Pods of no higher priority must fit beside them.

    Changes are noted in the cache's log and journal.
    """

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.nodes: dict[str, dict[tuple[str, str], PodInfo]] = {}
        self._node_of: dict[tuple[str, str], str] = {}

    def add(self, info: PodInfo, node_name: str = "") -> None:
        """Nominate a Pod to a node; without one, to that in its status, if any."""
        self.delete(info.key)
        status = info.pod.status
        name = node_name or (status.nominatedNodeName if status is not None else None)
        if name:
            self._node_of[info.key] = name
            self.nodes.setdefault(name, {})[info.key] = info
            self.cache.nomination_changed(name, ("nominated", info.pod, name))

    def delete(self, key: tuple[str, str]) -> None:
        """Forget a Pod's nomination."""
        name = self._node_of.pop(key, None)
        if name is not None:
            pods = self.nodes[name]
            del pods[key]
            if not pods:
                del self.nodes[name]
            self.cache.nomination_changed(name, ("released", key))

    def update(self, old: Any, info: PodInfo) -> None:
        """Follow a changed Pod; a nomination not yet in its status survives updates that say nothing about it."""
        kept = ""
        was = old.status.nominatedNodeName if old is not None and old.status is not None else None
        now = info.pod.status.nominatedNodeName if info.pod.status is not None else None
        if not was and not now:
            kept = self._node_of.get(info.key, "")
        self.add(info, kept)

    def node_of(self, key: tuple[str, str]) -> str:
        """The node that a Pod is nominated to, or ""."""
        return self._node_of.get(key, "")

    def rivals(self, node_name: str, info: PodInfo) -> list[PodInfo]:
        """Pods nominated to a node that a Pod must leave room for: those of at least its priority."""
        pods = self.nodes.get(node_name)
        if not pods:
            return []
        return [one for one in pods.values() if one.priority >= info.priority and one.key != info.key]

    def at_least(self, node_name: str, priority: int) -> list[PodInfo]:
        """All Pods nominated to a node that have at least that priority."""
        pods = self.nodes.get(node_name)
        return [one for one in pods.values() if one.priority >= priority] if pods else []

    def lower(self, node_name: str, info: PodInfo) -> list[PodInfo]:
        """Pods nominated to a node that have a lower priority."""
        return [one for one in self.nodes.get(node_name, {}).values() if one.priority < info.priority]

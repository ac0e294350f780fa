"""A small stand-in for a lab's cluster: a real store, clock and trace, and Pods written into it by hand."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

from k8slab.etcd.store import Store
from k8slab.sim.clock import Clock
from k8slab.sim.trace import Trace


class Cluster:
    """What a feed needs of a cluster."""

    def __init__(self, *objects: Any) -> None:
        self.clock = Clock()
        self.store = Store()
        self.trace = Trace(self.clock)
        self.faults = SimpleNamespace(failed_nodes={})
        for obj in objects:
            self.put(obj)

    def put(self, obj: Any) -> None:
        key = key_of(obj)
        kv = self.store.put(key, obj)
        self.trace.record(kv.mod_revision, key, "update")

    def drop(self, obj: Any) -> None:
        event = self.store.delete(key_of(obj))
        if event is not None:
            self.trace.record(event.kv.mod_revision, event.kv.key, "delete")

    def advance(self, delay: int) -> None:
        self.clock.run_for(delay)

    def snapshot(self) -> Any:
        return Snapshot(self)


class Snapshot:
    """What the views need of a snapshot, read from the store."""

    PREFIX = {"nodes": "/registry/minions/", "pods": "/registry/pods/", "events": "/registry/events/"}

    def __init__(self, cluster: Cluster) -> None:
        self._store = cluster.store
        self.time, self.revision = cluster.clock.now, cluster.store.revision

    def list(self, resource: str, namespace: str | None = None) -> tuple[Any, ...]:
        return tuple(kv.value for kv in self._store.range(self.PREFIX[resource]))

    def get(self, resource: str, namespace: str | None, name: str) -> Any:
        kv = self._store.get(self.PREFIX[resource] + (f"{namespace}/" if namespace else "") + name)
        return kv.value if kv else None


class Lab:
    """What a view and a player need of a lab; remembers what it was asked to do."""

    def __init__(self, *objects: Any) -> None:
        self.cluster = Cluster(*objects)
        self.lock = threading.RLock()
        self.playing, self.speed = False, 1.0
        self._player: Any = None
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    def submit(self, verb: str, target: str = "", args: dict[str, Any] | None = None) -> str:
        self.asked.append((verb, target, args or {}))
        if target == "broken":
            raise ValueError("it cannot be done")
        return f"{target} {verb}ed" if verb == "cordon" else ""


def key_of(obj: Any) -> str:
    meta = obj.metadata
    if obj.kind == "Node":
        return f"/registry/minions/{meta.name}"
    return f"/registry/{obj.kind.lower()}s/{meta.namespace}/{meta.name}"

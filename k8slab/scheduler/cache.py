"""The scheduler's view of the cluster: nodes with their Pods, assumed Pods included, and other objects it looks up.

Follows pkg/scheduler/backend/cache. One thread works on it, so that it serves as the snapshot of a cycle as well. Each
change of a node is noted in a log; whoever keeps something per node (tables, tallies) reads on from where it stopped.
All changes are journalled too, by reference, so that an earlier state can be rebuilt (see `snapshot`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8slab.api.volumes import claim_names
from k8slab.scheduler.nodeinfo import NodeInfo, images_on
from k8slab.scheduler.podinfo import Interner, PodInfo

ZONE_LABELS = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
REGION_LABELS = ("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region")

LISTED = (
    "namespaces",
    "services",
    "replicationcontrollers",
    "replicasets",
    "statefulsets",
    "poddisruptionbudgets",
    "persistentvolumeclaims",
    "persistentvolumes",
    "storageclasses",
    "csinodes",
    "csidrivers",
    "csistoragecapacities",
    "volumeattachments",
    "resourceclaims",
)
"""Resources other than nodes and Pods that plugins look up."""

Key = tuple[str, str]
Entry = tuple[Any, ...]
"""A journal entry: ("node", name, node|None), ("pod", pod, node_name), ("gone", key), ("object", resource, key, obj),
("nominated", pod, node_name), ("released", key)."""


class Cache:
    """Nodes in scheduling order, the Pods on them, and other objects by (namespace, name)."""

    def __init__(self, journalled: bool = True) -> None:
        self.interner = Interner()
        self.by_name: dict[str, NodeInfo] = {}
        #: Gives a Node object the heartbeats since it was delivered (`Informer.newest`); None: it is the newest.
        self.newest: Callable[[Any], Any] | None = None
        self.nodes: list[NodeInfo] = []
        self.order = 0
        self.pods: dict[Key, PodInfo] = {}
        self.assumed: dict[Key, str] = {}
        self.objects: dict[str, dict[Key, Any]] = {resource: {} for resource in LISTED}
        self.generation: dict[str, int] = dict.fromkeys(LISTED, 0)
        self.image_nodes: dict[str, dict[str, int]] = {}
        self.image_generation = 0
        self.claim_users: dict[Key, int] = {}
        self.affinity_pods = 0
        self.anti_affinity_pods = 0
        self.log: list[int] = []
        self.log_start = 0
        self.journal: list[Entry] | None = [] if journalled else None
        self.services_by_namespace: dict[str, dict[Key, Any]] = {}
        self._zones: dict[str, list[str]] = {}
        self._stale_order = False
        self._columns: dict[str, list[str | None]] = {}

    # --- nodes

    def set_node(self, node: Any) -> None:
        """Add a node, or take over its new state."""
        name = node.metadata.name
        info = self.by_name.get(name)
        if info is None:
            info = self.by_name[name] = NodeInfo(name, self.newest)
        old = info.node
        if old is not None and not node_differs(old, node):
            info.node = node
            return
        self._note(("node", name, node))
        if old is None or zone_of(old) != zone_of(node):
            if old is not None:
                self._leave_zone(old)
            self._zones.setdefault(zone_of(node), []).append(name)
            self._stale_order = True
        if old is None or old.metadata.labels != node.metadata.labels:
            self._columns.clear()
        self._set_images(name, old, node)
        info.set_node(node)
        self._touch(info)

    def remove_node(self, name: str) -> None:
        """The node is gone; Pods on it are kept until they go, too."""
        info = self.by_name.get(name)
        if info is None or info.node is None:
            return
        self._note(("node", name, None))
        self._leave_zone(info.node)
        self._set_images(name, info.node, None)
        info.set_node(None)
        info.slot = -1
        self._stale_order = True
        if not info.pods:
            del self.by_name[name]

    def _leave_zone(self, node: Any) -> None:
        zone = zone_of(node)
        names = self._zones[zone]
        names.remove(node.metadata.name)
        if not names:
            del self._zones[zone]

    def refresh(self) -> None:
        """Bring the node order up to date: round-robin over zones, oldest node first in each (node_tree.go)."""
        if not self._stale_order:
            return
        self._stale_order = False
        zones = list(self._zones.values())
        longest = max((len(zone) for zone in zones), default=0)
        names = [zone[index] for index in range(longest) for zone in zones if index < len(zone)]
        self.nodes = [self.by_name[name] for name in names]
        for slot, info in enumerate(self.nodes):
            info.slot = slot
        self.order += 1
        self.log_start += len(self.log)
        self.log = []
        self._columns.clear()

    def column(self, key: str) -> list[str | None]:
        """The value of a label on each node, in node order; None where it is missing."""
        found = self._columns.get(key)
        if found is None:
            found = self._columns[key] = [info.labels.get(key) for info in self.nodes]
        return found

    def _set_images(self, name: str, old: Any, new: Any) -> None:
        before = images_on(old.status) if old is not None else {}
        after = images_on(new.status) if new is not None else {}
        if before == after:
            return
        self.image_generation += 1
        for image in before:
            nodes = self.image_nodes[image]
            del nodes[name]
            if not nodes:
                del self.image_nodes[image]
        for image, size in after.items():
            self.image_nodes.setdefault(image, {})[name] = size

    # --- Pods

    def assume(self, info: PodInfo, node_name: str) -> None:
        """Count a Pod on a node before the API server knows."""
        info.node_name = node_name
        self.assumed[info.key] = node_name
        self._add(info)

    def forget(self, info: PodInfo) -> None:
        """The assumed Pod will not go there; another Pod of that name is left alone."""
        if self.is_assumed(info):
            del self.assumed[info.key]
            self._remove(info)
            info.node_name = ""

    def is_assumed(self, info: PodInfo) -> bool:
        """Whether this very Pod is counted on a node without the API server knowing."""
        return info.key in self.assumed and self.pods[info.key].uid == info.uid

    def set_pod(self, pod: Any) -> None:
        """Add a Pod that is bound, confirm an assumed one, or take over its new state."""
        key = (pod.metadata.namespace, pod.metadata.name)
        known = self.pods.get(key)
        node_name = pod.spec.nodeName
        if known is not None:
            self.assumed.pop(key, None)
            if known.node_name == node_name and known.uid == pod.metadata.uid and self._same(known, pod):
                if _start_of(known.pod) != _start_of(pod):
                    self._touch(self.by_name[node_name])
                known.pod = pod
                return
            self._remove(known)
        self._add(self.interner.info(pod, node_name))

    def remove_pod(self, key: Key) -> None:
        """The Pod is gone, or has ended."""
        known = self.pods.get(key)
        if known is not None:
            self.assumed.pop(key, None)
            self._remove(known)

    def _same(self, known: PodInfo, pod: Any) -> bool:
        old = known.pod
        return (
            (old.spec is pod.spec or self.interner.shape_of(pod) is known.shape)
            and old.metadata.labels == pod.metadata.labels
            and old.metadata.deletionTimestamp == pod.metadata.deletionTimestamp
            and old.spec.priority == pod.spec.priority
        )

    def _add(self, info: PodInfo) -> None:
        node = self.by_name.get(info.node_name)
        if node is None:
            node = self.by_name[info.node_name] = NodeInfo(info.node_name, self.newest)
        self._note(("pod", info.pod, info.node_name))
        self.pods[info.key] = info
        node.add_pod(info)
        self._count_affinity(info, 1, node)
        self._touch(node)

    def _remove(self, info: PodInfo) -> None:
        self._note(("gone", info.key))
        del self.pods[info.key]
        node = self.by_name[info.node_name]
        self._count_affinity(info, -1, node)
        node.remove_pod(info)
        self._touch(node)
        if node.node is None and not node.pods:
            del self.by_name[node.name]

    def _count_affinity(self, info: PodInfo, sign: int, node: NodeInfo) -> None:
        cls = info.cls
        if cls.has_affinity:
            self.affinity_pods += sign
            if cls.anti_affinity:
                self.anti_affinity_pods += sign
        if info.key in node.volume_pods:
            for name in claim_names(info.pod):
                key = (info.key[0], name)
                self.claim_users[key] = self.claim_users.get(key, 0) + sign

    # --- other objects

    def set_object(self, resource: str, key: Key, obj: Any) -> None:
        """Add, replace or (None) remove one of the objects that plugins look up."""
        self._note(("object", resource, key, obj))
        self.generation[resource] += 1
        table = self.objects[resource]
        if obj is None:
            table.pop(key, None)
        else:
            table[key] = obj
        if resource == "services":
            of_namespace = self.services_by_namespace.setdefault(key[0], {})
            if obj is None:
                of_namespace.pop(key, None)
            else:
                of_namespace[key] = obj

    def get(self, resource: str, namespace: str | None, name: str) -> Any:
        """An object, or None."""
        return self.objects[resource].get((namespace or "", name))

    def namespace_labels(self, name: str) -> dict[str, str]:
        """The labels of a namespace."""
        found = self.objects["namespaces"].get(("", name))
        return (found.metadata.labels if found is not None else None) or {}

    # --- log and journal

    @property
    def log_end(self) -> int:
        """Position after the last log entry."""
        return self.log_start + len(self.log)

    def nomination_changed(self, name: str, entry: Entry) -> None:
        """Pods nominated to a node have changed; they are kept elsewhere, but count for it."""
        self._note(entry)
        info = self.by_name.get(name)
        if info is not None:
            self._touch(info)

    def _touch(self, info: NodeInfo) -> None:
        if info.slot < 0 or self._stale_order:
            return
        self.log.append(info.slot)
        if len(self.log) > 10_000 + 8 * len(self.nodes):
            half = len(self.log) // 2
            del self.log[:half]
            self.log_start += half

    def _note(self, entry: Entry) -> None:
        if self.journal is not None:
            self.journal.append(entry)


def _start_of(pod: Any) -> str | None:
    return pod.status.startTime if pod.status is not None else None


def zone_of(node: Any) -> str:
    """Region and zone of a node as one text ("" if it has neither); older labels count, too."""
    labels = node.metadata.labels or {}
    region = next((labels[name] for name in REGION_LABELS if labels.get(name)), "")
    zone = next((labels[name] for name in ZONE_LABELS if labels.get(name)), "")
    return f"{region}:\x00:{zone}" if region or zone else ""


def node_differs(old: Any, new: Any) -> bool:
    """Whether anything changed in a node that the scheduler looks at (heartbeats do not count)."""
    if old is new:
        return False
    was, now = old.status, new.status
    return (
        old.spec != new.spec
        or old.metadata.labels != new.metadata.labels
        or old.metadata.annotations != new.metadata.annotations
        or (was.allocatable if was is not None else None) != (now.allocatable if now is not None else None)
        or (was.images if was is not None else None) != (now.images if now is not None else None)
    )

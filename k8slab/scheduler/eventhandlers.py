"""What the scheduler does when it learns of a change (pkg/scheduler/eventhandlers.go)."""

from __future__ import annotations

from typing import Any

from k8slab.scheduler import events
from k8slab.scheduler.cache import Cache
from k8slab.scheduler.events import Action, ClusterEvent, node_changes, pod_changes
from k8slab.scheduler.nominator import Nominator
from k8slab.scheduler.scheduling_queue import SchedulingQueue

POD_ADDED = ClusterEvent(events.ASSIGNED_POD, Action.ADD, "AssignedPodAdd")
POD_DELETED = ClusterEvent(events.ASSIGNED_POD, Action.DELETE, "AssignedPodDelete")
NODE_ADDED = ClusterEvent(events.NODE, Action.ADD, "NodeAdd")
NODE_DELETED = ClusterEvent(events.NODE, Action.DELETE, "NodeDelete")

EVENT_RESOURCES = {
    "persistentvolumeclaims": events.CLAIM,
    "persistentvolumes": events.VOLUME,
    "storageclasses": events.STORAGE_CLASS,
    "csinodes": events.CSI_NODE,
    "csidrivers": events.CSI_DRIVER,
    "csistoragecapacities": events.CSI_CAPACITY,
    "volumeattachments": events.ATTACHMENT,
    "resourceclaims": events.RESOURCE_CLAIM,
}
"""Resources whose changes may wake waiting Pods, by the name that events use."""

ENDED = ("Succeeded", "Failed")


class EventHandlers:
    """Carries changes into cache, queue and nominator.

    `profiles` are the names of the schedulers that this process serves; Pods that ask for others are left alone.
    """

    def __init__(self, cache: Cache, queue: SchedulingQueue, nominator: Nominator, profiles: Any) -> None:
        self.cache = cache
        self.queue = queue
        self.nominator = nominator
        self.profiles = profiles

    def attach(self, informers: Any, listed: Any) -> None:
        """Listen to nodes first, then to what plugins look up, to Pods last."""
        informers.of("nodes").add_handler(self.node_added, self.node_updated, self.node_deleted)
        for resource in listed:
            handler = ObjectHandler(self, resource)
            informers.of(handler.qualified).add_handler(handler.added, handler.updated, handler.deleted)
        informers.of("pods").add_handler(self.pod_added, self.pod_updated, self.pod_deleted)

    # --- Pods

    def pod_added(self, pod: Any) -> None:
        """A new Pod."""
        if ended(pod):
            return
        if pod.spec.nodeName:
            self._assigned(pod)
        elif self._mine(pod):
            info = self.cache.interner.info(pod)
            self.nominator.add(info)
            self.queue.add(info, _revision(pod))

    def pod_updated(self, old: Any, new: Any) -> None:
        """A changed Pod."""
        if old.metadata.uid != new.metadata.uid:
            self.pod_deleted(old)
            self.pod_added(new)
        elif ended(new):
            if not ended(old):
                self.pod_deleted(old)
        elif not new.spec.nodeName:
            self._waiting_changed(old, new)
        elif not old.spec.nodeName or ended(old):
            self._assigned(new)
        else:
            self._assigned_changed(old, new)

    def pod_deleted(self, pod: Any) -> None:
        """A Pod that is gone, or has ended."""
        if ended(pod):
            return
        key = (pod.metadata.namespace, pod.metadata.name)
        known = self.cache.pods.get(key)
        self.nominator.delete(key)
        if pod.spec.nodeName or known is not None:
            self.cache.remove_pod(key)
            self.queue.delete(key)
            self.queue.move(POD_DELETED, pod, None, _revision(pod))
            return
        self.queue.delete(key)
        if pod.status is not None and pod.status.nominatedNodeName:
            self.queue.move(POD_DELETED, pod, None, _revision(pod))

    def _assigned(self, pod: Any) -> None:
        key = (pod.metadata.namespace, pod.metadata.name)
        self.cache.set_pod(pod)
        self.nominator.delete(key)
        self.queue.delete(key)
        self.queue.move(POD_ADDED, None, pod, _revision(pod))

    def _assigned_changed(self, old: Any, new: Any) -> None:
        self.cache.set_pod(new)
        if old.spec is new.spec and old.metadata.labels == new.metadata.labels:
            return
        for event in pod_changes(old, new, events.ASSIGNED_POD):
            if event.action != Action.UPDATE:
                self.queue.move(event, old, new, _revision(new))

    def _waiting_changed(self, old: Any, new: Any) -> None:
        key = (new.metadata.namespace, new.metadata.name)
        if not self._mine(new) or key in self.cache.assumed:
            return
        info = self.cache.interner.info(new)
        changes = pod_changes(old, new, events.UNSCHEDULED_POD)
        self.queue.update(old, info, changes, _revision(new))
        self.nominator.update(old, info)

    def _mine(self, pod: Any) -> bool:
        return (pod.spec.schedulerName or "default-scheduler") in self.profiles

    # --- nodes

    def node_added(self, node: Any) -> None:
        """A new node."""
        self.cache.set_node(node)
        self.queue.move(NODE_ADDED, None, node, _revision(node))

    def node_updated(self, old: Any, new: Any) -> None:
        """A changed node; heartbeats go no further."""
        self.cache.set_node(new)
        for event in node_changes(old, new):
            self.queue.move(event, old, new, _revision(new))

    def node_deleted(self, node: Any) -> None:
        """A node that is gone."""
        self.cache.remove_node(node.metadata.name)
        self.queue.move(NODE_DELETED, node, None, _revision(node))


class ObjectHandler:
    """Carries changes of one resource that plugins look up."""

    def __init__(self, handlers: EventHandlers, resource: str) -> None:
        self.handlers = handlers
        self.resource = resource
        self.kind = EVENT_RESOURCES.get(resource)
        self.qualified = QUALIFIED.get(resource, resource)

    def added(self, obj: Any) -> None:
        """A new object."""
        self._take(obj, obj, Action.ADD, "Add", None)

    def updated(self, old: Any, new: Any) -> None:
        """A changed object."""
        self._take(new, new, Action.UPDATE, "Update", old)

    def deleted(self, obj: Any) -> None:
        """An object that is gone."""
        self._take(obj, None, Action.DELETE, "Delete", obj)

    def _take(self, obj: Any, new: Any, action: Action, verb: str, old: Any) -> None:
        metadata = obj.metadata
        handlers = self.handlers
        handlers.cache.set_object(self.resource, (metadata.namespace or "", metadata.name), new)
        if self.kind is not None:
            label = f"{self.kind.rsplit('/', 1)[-1]}{verb}"
            handlers.queue.move(ClusterEvent(self.kind, action, label), old, new, _revision(obj))


QUALIFIED = {"resourceclaims": "resourceclaims.resource.k8s.io"}
"""Resources that are asked for with their group."""


def ended(pod: Any) -> bool:
    """Whether a Pod has run to its end and holds nothing any more."""
    return pod.status is not None and pod.status.phase in ENDED


def _revision(obj: Any) -> int:
    version = obj.metadata.resourceVersion
    return int(version) if version else 0

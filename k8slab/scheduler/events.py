"""Cluster events, and which of them may make a waiting Pod schedulable (pkg/scheduler/framework/events.go)."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntFlag
from typing import Any, NamedTuple

from k8slab.scheduler.requests import pod_requests


class Action(IntFlag):
    """What happened to an object."""

    ADD = 1
    DELETE = 2
    UPDATE_NODE_ALLOCATABLE = 4
    UPDATE_NODE_LABEL = 8
    UPDATE_NODE_TAINT = 16
    UPDATE_NODE_CONDITION = 32
    UPDATE_NODE_ANNOTATION = 64
    UPDATE_POD_LABEL = 128
    UPDATE_POD_SCALE_DOWN = 256
    UPDATE_POD_TOLERATION = 512
    UPDATE_POD_GATES_ELIMINATED = 1024
    UPDATE_POD_RESOURCE_CLAIM = 2048
    UPDATE = 4096
    """Any other change, and any change of objects for which nothing finer is told apart."""


UPDATE_NODE = (
    Action.UPDATE_NODE_ALLOCATABLE
    | Action.UPDATE_NODE_LABEL
    | Action.UPDATE_NODE_TAINT
    | Action.UPDATE_NODE_CONDITION
    | Action.UPDATE_NODE_ANNOTATION
)
UPDATE_POD = (
    Action.UPDATE_POD_LABEL
    | Action.UPDATE_POD_SCALE_DOWN
    | Action.UPDATE_POD_TOLERATION
    | Action.UPDATE_POD_GATES_ELIMINATED
    | Action.UPDATE_POD_RESOURCE_CLAIM
)
ALL = Action.ADD | Action.DELETE | UPDATE_NODE | UPDATE_POD | Action.UPDATE

NODE = "Node"
POD = "Pod"
ASSIGNED_POD = "AssignedPod"
UNSCHEDULED_POD = "UnscheduledPod"
CLAIM = "PersistentVolumeClaim"
VOLUME = "PersistentVolume"
STORAGE_CLASS = "storage.k8s.io/StorageClass"
CSI_NODE = "storage.k8s.io/CSINode"
CSI_DRIVER = "storage.k8s.io/CSIDriver"
CSI_CAPACITY = "storage.k8s.io/CSIStorageCapacity"
ATTACHMENT = "storage.k8s.io/VolumeAttachment"
RESOURCE_CLAIM = "resource.k8s.io/ResourceClaim"
WILDCARD = "*"

Hint = Callable[[Any, Any, Any], bool]
"""(waiting Pod, old object or None, new object or None) -> whether to try the Pod again."""


class ClusterEvent(NamedTuple):
    """Something that happened; its label names it where the queue explains itself."""

    resource: str
    action: Action
    label: str


class EventHint(NamedTuple):
    """A plugin's interest in a kind of event. Without a hint, every such event lets its Pods be tried again."""

    resource: str
    action: Action
    hint: Hint | None = None

    def covers(self, event: ClusterEvent) -> bool:
        """Whether the event is of that kind."""
        if not self.action & event.action:
            return False
        if self.resource in (WILDCARD, event.resource):
            return True
        return self.resource == POD and event.resource in (ASSIGNED_POD, UNSCHEDULED_POD)


ALL_EVENTS = (EventHint(WILDCARD, ALL),)

TIMEOUT = ClusterEvent(WILDCARD, ALL, "UnschedulableTimeout")
FORCE_ACTIVATE = ClusterEvent(WILDCARD, ALL, "ForceActivate")


def node_changes(old: Any, new: Any) -> list[ClusterEvent]:
    """What changed in a node that may matter to waiting Pods (NodeSchedulingPropertiesChange)."""
    found = []
    was, now = old.spec, new.spec
    if bool(was and was.unschedulable) != bool(now and now.unschedulable) or (was and was.taints) != (
        now and now.taints
    ):
        found.append(ClusterEvent(NODE, Action.UPDATE_NODE_TAINT, "NodeTaintChange"))
    if _of_status(old, "allocatable") != _of_status(new, "allocatable"):
        found.append(ClusterEvent(NODE, Action.UPDATE_NODE_ALLOCATABLE, "NodeAllocatableChange"))
    if old.metadata.labels != new.metadata.labels:
        found.append(ClusterEvent(NODE, Action.UPDATE_NODE_LABEL, "NodeLabelChange"))
    if _conditions(old) != _conditions(new):
        found.append(ClusterEvent(NODE, Action.UPDATE_NODE_CONDITION, "NodeConditionChange"))
    if old.metadata.annotations != new.metadata.annotations:
        found.append(ClusterEvent(NODE, Action.UPDATE_NODE_ANNOTATION, "NodeAnnotationChange"))
    return found


def _of_status(node: Any, field: str) -> Any:
    return getattr(node.status, field) if node.status is not None else None


def _conditions(node: Any) -> dict[str, str]:
    return {one.type: one.status for one in _of_status(node, "conditions") or ()}


def pod_changes(old: Any, new: Any, resource: str) -> list[ClusterEvent]:
    """What changed in a Pod that may matter to waiting Pods (PodSchedulingPropertiesChange)."""
    found = []
    if old.metadata.labels != new.metadata.labels:
        found.append(ClusterEvent(resource, Action.UPDATE_POD_LABEL, "PodLabelChange"))
    if old.spec is not new.spec:
        if _scaled_down(old, new):
            found.append(ClusterEvent(resource, Action.UPDATE_POD_SCALE_DOWN, "PodRequestScaledDown"))
        if old.spec.schedulingGates and not new.spec.schedulingGates:
            action = Action.UPDATE_POD_GATES_ELIMINATED
            found.append(ClusterEvent(resource, action, "PodSchedulingGateEliminatedChange"))
        if (old.spec.tolerations or ()) != (new.spec.tolerations or ()):
            found.append(ClusterEvent(resource, Action.UPDATE_POD_TOLERATION, "PodTolerationChange"))
    return found or [ClusterEvent(resource, Action.UPDATE, "PodUpdate")]


def _scaled_down(old: Any, new: Any) -> bool:
    was, now = pod_requests(old), pod_requests(new)
    return any(now.get(name, 0) < number for name, number in was.items())

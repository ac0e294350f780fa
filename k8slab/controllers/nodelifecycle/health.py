"""What the controller has seen of a node's heartbeats, and when (tryUpdateNodeHealth)."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from k8slab.api.core_v1 import Node, NodeCondition
from k8slab.controllers import conditions
from k8slab.controllers.controller import Options
from k8slab.sim.timestamps import parse_rfc3339

WATCHED = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")


class Health(Struct):
    """When a node last gave a sign, by the controller's own clock (lab time, microseconds)."""

    conditions: tuple[NodeCondition, ...]
    renewed: str
    probed_at: int
    marked: int = 0
    """The revision with which the node was last declared unknown; 0 while it reports."""


def ready_of(node: Node) -> NodeCondition | None:
    """The node's Ready condition."""
    return conditions.find(node.status.conditions, "Ready") if node.status is not None else None


def observe(known: Health | None, node: Node, lease: Any, now: int, epoch: int) -> Health:
    """Compare with the last look: a changed heartbeat or a renewed Lease is a sign of life.

    `now` is lab time, `epoch` the Unix time of lab time 0, both in microseconds.
    """
    current = ready_of(node)
    present = (node.status.conditions or ()) if node.status is not None else ()
    if known is None:
        created = node.metadata.creationTimestamp
        never = current is None and created
        known = Health(present, "", parse_rfc3339(created) - epoch if never else now)
    else:
        saved = conditions.find(known.conditions, "Ready")
        if (saved is None) != (current is None) or (
            saved is not None and saved.lastHeartbeatTime != current.lastHeartbeatTime
        ):
            known.probed_at = now
            known.marked = 0
        known.conditions = present
    renewed = (lease.spec.renewTime or "") if lease is not None else ""
    if renewed > known.renewed:
        known.renewed = renewed
        known.probed_at = now
        known.marked = 0
    return known


def is_silent(health: Health, node: Node, now: int, options: Options) -> bool:
    """Whether the node has given no sign for longer than the grace period."""
    never = ready_of(node) is None
    grace = options.node_startup_grace_period if never else options.node_monitor_grace_period
    return now > health.probed_at + grace


def unknown_conditions(node: Node, stamp: str) -> tuple[NodeCondition, ...]:
    """The node's conditions, with all that its kubelet reports turned Unknown."""
    changed = (node.status.conditions or ()) if node.status is not None else ()
    for type_ in WATCHED:
        current = conditions.find(changed, type_)
        if current is None:
            never = NodeCondition(
                type=type_,
                status="Unknown",
                reason="NodeStatusNeverUpdated",
                message="Kubelet never posted node status.",
                lastHeartbeatTime=node.metadata.creationTimestamp,
                lastTransitionTime=stamp,
            )
            changed = (*changed, never)
        elif current.status != "Unknown":
            silent = current.replace(
                status="Unknown",
                reason="NodeStatusUnknown",
                message="Kubelet stopped posting node status.",
                lastTransitionTime=stamp,
            )
            changed = tuple(silent if c.type == type_ else c for c in changed)
    return changed

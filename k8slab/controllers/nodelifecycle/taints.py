"""The taints that a node's conditions ask for, and how they are put on and taken off.

Follows pkg/controller/nodelifecycle and pkg/util/taints.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import to_builtins

from k8slab.api.core_v1 import Node, Taint
from k8slab.client import Client
from k8slab.errors import ApiError

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
BY_CONDITION = {
    ("Ready", "False"): NOT_READY,
    ("Ready", "Unknown"): UNREACHABLE,
    ("MemoryPressure", "True"): "node.kubernetes.io/memory-pressure",
    ("DiskPressure", "True"): "node.kubernetes.io/disk-pressure",
    ("NetworkUnavailable", "True"): "node.kubernetes.io/network-unavailable",
    ("PIDPressure", "True"): "node.kubernetes.io/pid-pressure",
}
MANAGED = frozenset({*BY_CONDITION.values(), UNSCHEDULABLE})
RETRIES = 5


def wanted_no_schedule(node: Node) -> list[str]:
    """Keys of the NoSchedule taints for the node's conditions, and for being cordoned."""
    conditions = (node.status.conditions or ()) if node.status is not None else ()
    keys = [BY_CONDITION[(c.type, c.status)] for c in conditions if (c.type, c.status) in BY_CONDITION]
    return [*keys, UNSCHEDULABLE] if node.spec.unschedulable else keys


def present(node: Node, effect: str) -> list[str]:
    """Keys of the managed taints with that effect which the node has."""
    return [taint.key for taint in node.spec.taints or () if taint.effect == effect and taint.key in MANAGED]


def has(node: Node, key: str, effect: str) -> bool:
    """Whether the node has that taint."""
    return any(taint.key == key and taint.effect == effect for taint in node.spec.taints or ())


def swap(client: Client, node: Node, effect: str, add: Iterable[str], remove: Iterable[str], stamp: str) -> Node | None:
    """Add taints, then remove others, each in a write of its own. None when the node is gone. Raises ApiError."""
    add, remove = list(add), list(remove)
    current: Node | None = node
    if add:
        new = tuple(Taint(key=key, effect=effect, timeAdded=stamp) for key in add)
        current = _write(client, node, lambda taints: _added(taints, new))
    if remove and current is not None:
        current = _write(client, current, lambda taints: _removed(taints, remove, effect))
    return current


def _added(taints: tuple[Taint, ...], new: tuple[Taint, ...]) -> tuple[Taint, ...]:
    known = {(taint.key, taint.effect) for taint in taints}
    return (*taints, *(taint for taint in new if (taint.key, taint.effect) not in known))


def _removed(taints: tuple[Taint, ...], keys: list[str], effect: str) -> tuple[Taint, ...]:
    return tuple(taint for taint in taints if taint.effect != effect or taint.key not in keys)


def _write(client: Client, node: Node, change: Any) -> Node | None:
    for _ in range(RETRIES):
        before = node.spec.taints or ()
        after = change(before)
        if after == before:
            return node
        taints = [to_builtins(taint) for taint in after]
        patch = {"metadata": {"resourceVersion": node.metadata.resourceVersion}, "spec": {"taints": taints or None}}
        try:
            return client.patch("nodes", node.metadata.name, patch)
        except ApiError as error:
            if error.code == 404:
                return None
            if error.reason != "Conflict":
                raise
        try:
            node = client.get("nodes", node.metadata.name)
        except ApiError as error:
            if error.code == 404:
                return None
            raise
    raise ApiError(409, "Conflict", f"timed out waiting for the condition: taints of node {node.metadata.name}")

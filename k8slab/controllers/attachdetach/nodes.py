"""What the attach/detach controller reads from a Node."""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import Node
from k8slab.controllers import pods as podlib

MANAGED = "volumes.kubernetes.io/controller-managed-attach-detach"
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


def is_managed(node: Node) -> bool:
    """Whether the node leaves attaching to the controller."""
    return (node.metadata.annotations or {}).get(MANAGED) == "true"


def in_use(node: Node) -> tuple[str, ...]:
    """The volumes that the node says it has mounted, or is about to mount."""
    return ((node.status.volumesInUse if node.status is not None else None) or ()) if node is not None else ()


def is_ready(node: Node) -> bool:
    """Whether the node reports."""
    ready = podlib.condition(node, "Ready")
    return ready is not None and ready.status == "True"


def is_out_of_service(node: Node) -> bool:
    """Whether an administrator vouches for the node being down."""
    return any(taint.key == OUT_OF_SERVICE for taint in node.spec.taints or ())


def matters(node: Node) -> tuple[Any, ...]:
    """All of a node that can change what is to be done."""
    return (in_use(node), is_ready(node), is_out_of_service(node))

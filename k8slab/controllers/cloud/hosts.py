"""Which Nodes stand behind load balancers (the predicates of the service controller)."""

from __future__ import annotations

from collections.abc import Iterable

from k8slab.api.core_v1 import Node

EXCLUDE = "node.kubernetes.io/exclude-from-external-load-balancers"
TO_BE_DELETED = "ToBeDeletedByClusterAutoscaler"
FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


def excluded(node: Node) -> bool:
    """Whether the Node is labelled to stand behind no load balancer."""
    value = (node.metadata.labels or {}).get(EXCLUDE)
    return value is not None and value not in FALSE


def backends(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """The Nodes that stand behind load balancers: not excluded, not being deleted."""
    return tuple(
        node
        for node in nodes
        if node.metadata.deletionTimestamp is None
        and not excluded(node)
        and not any(taint.key == TO_BE_DELETED for taint in node.spec.taints or ())
    )


def sufficiently_equal(old: Iterable[Node], new: Iterable[Node]) -> bool:
    """Whether two sets of Nodes are the same machines."""
    return _machines(old) == _machines(new)


def _machines(nodes: Iterable[Node]) -> dict[str, str]:
    return {node.metadata.name: node.spec.providerID or "" for node in nodes}

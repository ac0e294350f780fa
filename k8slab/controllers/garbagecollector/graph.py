"""Who owns whom, by uid, as far as has been seen (pkg/controller/garbagecollector/graph.go, graph_builder.go)."""

from __future__ import annotations

from typing import Any, NamedTuple

from k8slab.api.meta_v1 import OwnerReference

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


class Identity(NamedTuple):
    """What an object is called; its uid tells it from others of that name."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str

    def __str__(self) -> str:
        return f"[{self.api_version}/{self.kind}, namespace: {self.namespace}, name: {self.name}, uid: {self.uid}]"


class Node:
    """One object: its owners and its dependents. Virtual while only a dependent's reference tells of it."""

    __slots__ = ("being_deleted", "deleting_dependents", "dependents", "identity", "owners", "virtual")

    def __init__(self, identity: Identity, owners: tuple[OwnerReference, ...] = (), virtual: bool = False) -> None:
        self.identity = identity
        self.owners = owners
        self.virtual = virtual
        self.dependents: dict[str, Node] = {}
        self.being_deleted = False
        self.deleting_dependents = False

    @property
    def blocking(self) -> list[Node]:
        """Dependents which their owner must wait for in a foreground deletion."""
        uid = self.identity.uid
        return [
            dependent
            for dependent in self.dependents.values()
            if any(owner.uid == uid and owner.blockOwnerDeletion for owner in dependent.owners)
        ]


class Graph:
    """All nodes by uid."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}

    def get(self, uid: str) -> Node | None:
        """The node of that uid, or None."""
        return self.nodes.get(uid)

    def insert(self, obj: Any) -> tuple[Node, list[Node]]:
        """Add an object; also returns the virtual owners that its references made."""
        metadata = obj.metadata
        node = Node(identity_of(obj), metadata.ownerReferences or ())
        node.being_deleted = metadata.deletionTimestamp is not None
        self.nodes[metadata.uid] = node
        return node, self._link(node, node.owners)

    def change_owners(self, node: Node, owners: tuple[OwnerReference, ...]) -> list[Node]:
        """Other references; returns the virtual owners that they made."""
        kept = {owner.uid for owner in owners}
        for owner in node.owners:
            if owner.uid not in kept:
                self._unlink(node, owner.uid)
        node.owners = owners
        return self._link(node, owners)

    def remove(self, node: Node) -> None:
        """The object is gone; its dependents keep their references."""
        self.nodes.pop(node.identity.uid, None)
        for owner in node.owners:
            self._unlink(node, owner.uid)

    def clear(self) -> None:
        """Forget everything."""
        self.nodes.clear()

    def _link(self, node: Node, owners: tuple[OwnerReference, ...]) -> list[Node]:
        made = []
        for reference in owners:
            owner = self.nodes.get(reference.uid)
            if owner is None:
                identity = Identity(
                    reference.apiVersion, reference.kind, node.identity.namespace, reference.name, reference.uid
                )
                owner = self.nodes[reference.uid] = Node(identity, virtual=True)
                made.append(owner)
            owner.dependents[node.identity.uid] = node
        return made

    def _unlink(self, node: Node, owner_uid: str) -> None:
        owner = self.nodes.get(owner_uid)
        if owner is not None:
            owner.dependents.pop(node.identity.uid, None)


def identity_of(obj: Any) -> Identity:
    """What an object is called."""
    metadata = obj.metadata
    return Identity(obj.apiVersion, obj.kind, metadata.namespace or "", metadata.name, metadata.uid)


def is_deleting_with(obj: Any, finalizer: str) -> bool:
    """Being deleted, and held by that finalizer."""
    metadata = obj.metadata
    return metadata.deletionTimestamp is not None and finalizer in (metadata.finalizers or ())

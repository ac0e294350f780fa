"""Who controls what: controller references, indexes on them, adoption and release.

Follows pkg/controller/controller_ref_manager.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from k8slab.api.ownership import controller_of
from k8slab.client import Client, Informer
from k8slab.client.client import STRATEGIC_PATCH
from k8slab.errors import ApiError

OWNER_INDEX = "controller-uid"
ORPHAN_INDEX = "orphans-by-namespace"


def owner_uid(obj: Any) -> tuple[str, ...]:
    """Index function: uid of the controller."""
    reference = controller_of(obj)
    return (reference.uid,) if reference is not None else ()


def orphan_namespace(obj: Any) -> tuple[str, ...]:
    """Index function: namespace of an object without a controller."""
    return () if controller_of(obj) is not None else (obj.metadata.namespace or "",)


def add_owner_indexes(informer: Informer) -> None:
    """Make objects of the informer findable by controller, and orphans by namespace."""
    informer.add_index(OWNER_INDEX, owner_uid)
    informer.add_index(ORPHAN_INDEX, orphan_namespace)


def resolve(owners: Informer, kind: str, obj: Any) -> Any:
    """The live object of that kind that controls `obj`, or None (resolveControllerRef)."""
    reference = controller_of(obj)
    if reference is None or reference.kind != kind:
        return None
    owner = owners.get(obj.metadata.namespace, reference.name)
    return owner if owner is not None and owner.metadata.uid == reference.uid else None


def candidates(informer: Informer, owner: Any) -> list[Any]:
    """What `owner` controls, and what it might adopt."""
    owned = informer.by_index(OWNER_INDEX, owner.metadata.uid)
    return owned + informer.by_index(ORPHAN_INDEX, owner.metadata.namespace or "")


class Claims:
    """Adopts matching orphans for an owner, and releases what no longer matches.

    Args:
        client: writes the owner references.
        owner: the controller object.
        resource: of the objects to claim.
        owner_resource: of the owner, to check before the first adoption that it still exists.
        matches: whether an object's labels are selected by the owner.
        finalizer: what an adopted object gets, and a released one loses; "" for none.
    """

    def __init__(
        self,
        client: Client,
        owner: Any,
        resource: str,
        owner_resource: str,
        matches: Callable[[Any], bool],
        finalizer: str = "",
    ) -> None:
        self.client = client
        self.owner = owner
        self.resource = resource
        self.owner_resource = owner_resource
        self.matches = matches
        self.finalizer = finalizer
        self._checked = False

    def claim(self, objects: Iterable[Any]) -> list[Any]:
        """Those of the objects that belong to the owner, now or after adoption. Raises ApiError."""
        return [obj for obj in objects if self._claim_one(obj)]

    def _claim_one(self, obj: Any) -> bool:
        reference = controller_of(obj)
        if reference is None:
            return self._adopt(obj)
        if reference.uid != self.owner.metadata.uid:
            return False
        if self.matches(obj):
            return True
        if self.owner.metadata.deletionTimestamp is None:
            self._release(obj)
        return False

    def _adopt(self, obj: Any) -> bool:
        owner, metadata = self.owner.metadata, obj.metadata
        if owner.deletionTimestamp is not None or metadata.deletionTimestamp is not None or not self.matches(obj):
            return False
        self._check_owner()
        reference = {
            "apiVersion": self.owner.apiVersion,
            "kind": self.owner.kind,
            "name": owner.name,
            "uid": owner.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
        patch: dict[str, Any] = {"metadata": {"ownerReferences": [reference], "uid": metadata.uid}}
        if self.finalizer:
            patch["metadata"]["finalizers"] = [self.finalizer]
        self.client.trace.note = f"{metadata.name} matches the selector and has no controller: adopting it"
        return self._patch(obj, patch)

    def _release(self, obj: Any) -> None:
        drop = {"$patch": "delete", "uid": self.owner.metadata.uid}
        patch: dict[str, Any] = {"metadata": {"uid": obj.metadata.uid, "ownerReferences": [drop]}}
        if self.finalizer:
            patch["metadata"]["$deleteFromPrimitiveList/finalizers"] = [self.finalizer]
        self.client.trace.note = f"{obj.metadata.name} no longer matches the selector: releasing it"
        try:
            self._patch(obj, patch)
        except ApiError as error:
            if error.reason != "Invalid":  # a changed uid: another object of that name
                raise

    def _patch(self, obj: Any, patch: dict[str, Any]) -> bool:
        try:
            self.client.patch(
                self.resource, obj.metadata.name, patch, obj.metadata.namespace, patch_type=STRATEGIC_PATCH
            )
        except ApiError as error:
            if error.code == 404:
                return False
            raise
        return True

    def _check_owner(self) -> None:
        if self._checked:
            return
        mine = self.owner.metadata
        fresh = self.client.get(self.owner_resource, mine.name, mine.namespace)
        if fresh.metadata.uid != mine.uid:
            raise ApiError(409, "Conflict", f"original {self.owner.kind} {mine.namespace}/{mine.name} is gone")
        if fresh.metadata.deletionTimestamp is not None:
            text = f"{mine.namespace}/{mine.name} has just been deleted at {fresh.metadata.deletionTimestamp}"
            raise ApiError(409, "Conflict", text)
        self._checked = True

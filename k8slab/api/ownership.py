"""Owner references: who made an object and deletes it with itself (apimachinery's `meta/v1/controller_ref.go`)."""

from __future__ import annotations

from typing import Any

from k8slab.api.meta_v1 import OwnerReference


def controller_of(obj: Any) -> OwnerReference | None:
    """The reference to the one owner that manages the object, or None."""
    for reference in obj.metadata.ownerReferences or ():
        if reference.controller:
            return reference
    return None


def controller_reference(owner: Any) -> OwnerReference:
    """A reference that makes `owner` the managing controller and keeps it from going first."""
    return owner_reference(owner).replace(controller=True, blockOwnerDeletion=True)


def owner_reference(owner: Any) -> OwnerReference:
    """A plain reference to `owner`."""
    metadata = owner.metadata
    return OwnerReference(apiVersion=owner.apiVersion, kind=owner.kind, name=metadata.name, uid=metadata.uid)


def is_controlled_by(obj: Any, owner: Any) -> bool:
    """Whether `owner` is the managing controller, by uid."""
    reference = controller_of(obj)
    return reference is not None and reference.uid == owner.metadata.uid

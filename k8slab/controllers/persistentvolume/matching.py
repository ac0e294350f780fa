"""Which PersistentVolume fits a claim best.

Follows pkg/controller/volume/persistentvolume/index.go and component-helpers' storage/volume.
"""

from __future__ import annotations

from collections.abc import Iterable

from k8slab.api.core_v1 import ObjectReference, PersistentVolume, PersistentVolumeClaim
from k8slab.api.quantity import nano
from k8slab.api.selector import from_label_selector

BETA_CLASS = "volume.beta.kubernetes.io/storage-class"


def class_of(claim: PersistentVolumeClaim) -> str:
    """The claim's storage class, "" for none."""
    beta = (claim.metadata.annotations or {}).get(BETA_CLASS)
    return beta if beta is not None else claim.spec.storageClassName or ""


def is_reserved_for(volume: PersistentVolume, claim: PersistentVolumeClaim) -> bool:
    """Whether the volume names this claim (an empty uid means any claim of that name)."""
    reference = volume.spec.claimRef
    if reference is None:
        return False
    same = (reference.namespace, reference.name) == (claim.metadata.namespace, claim.metadata.name)
    return same and reference.uid in (None, "", claim.metadata.uid)


def reference_to(claim: PersistentVolumeClaim) -> ObjectReference:
    """What a volume's claimRef says."""
    metadata = claim.metadata
    return ObjectReference(
        kind="PersistentVolumeClaim",
        apiVersion="v1",
        namespace=metadata.namespace,
        name=metadata.name,
        uid=metadata.uid,
        resourceVersion=metadata.resourceVersion,
    )


def requested(claim: PersistentVolumeClaim) -> int:
    """The wanted size in nano-bytes, to compare."""
    resources = claim.spec.resources
    asked = ((resources.requests if resources is not None else None) or {}).get("storage", "0")
    return nano(asked)


def size_of(volume: PersistentVolume) -> int:
    """The size in nano-bytes, to compare."""
    return nano((volume.spec.capacity or {}).get("storage", "0"))


def fits(volume: PersistentVolume, claim: PersistentVolumeClaim) -> bool:
    """Class, mode, access, size and selector fit."""
    selector = claim.spec.selector
    chosen = selector is None or from_label_selector(selector).matches(volume.metadata.labels)
    return chosen and not mismatch(volume, claim)


def mismatch(volume: PersistentVolume, claim: PersistentVolumeClaim) -> str:
    """Why a volume that a claim names cannot be its own, "" if it can (checkVolumeSatisfyClaim)."""
    if volume.metadata.deletionTimestamp is not None:
        return f'the volume is marked for deletion "{volume.metadata.name}"'
    if size_of(volume) < requested(claim):
        return "requested PV is too small"
    if (volume.spec.storageClassName or "") != class_of(claim):
        return "storageClassName does not match"
    if (volume.spec.volumeAttributesClassName or "") != (claim.spec.volumeAttributesClassName or ""):
        return "volumeAttributesClassName does not match"
    if not same_mode(volume, claim):
        return "incompatible volumeMode"
    if not set(claim.spec.accessModes or ()) <= set(volume.spec.accessModes or ()):
        return "incompatible accessMode"
    return ""


def same_mode(volume: PersistentVolume, claim: PersistentVolumeClaim) -> bool:
    """Both are file systems, or both are raw blocks."""
    return (volume.spec.volumeMode or "Filesystem") == (claim.spec.volumeMode or "Filesystem")


def best(volumes: Iterable[PersistentVolume], claim: PersistentVolumeClaim, delayed: bool) -> PersistentVolume | None:
    """One that is reserved for the claim, else (unless binding is `delayed`) the smallest free one that fits."""
    free = []
    for volume in volumes:
        if volume.metadata.deletionTimestamp is not None:
            continue
        if is_reserved_for(volume, claim):
            if size_of(volume) >= requested(claim) and same_mode(volume, claim):
                return volume
        elif volume.spec.claimRef is None and volume.status.phase == "Available" and fits(volume, claim):
            free.append(volume)
    if delayed or not free:
        return None
    return min(free, key=lambda volume: (size_of(volume), volume.metadata.name))

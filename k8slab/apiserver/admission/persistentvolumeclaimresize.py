"""PersistentVolumeClaimResize: claims grow only where their class says so (`storage/persistentvolume/resize`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api.quantity import compare
from k8slab.apiserver.admission.plugin import Plugin, refuse

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"
NOT_BOUND = "Only bound persistent volume claims can be expanded"
NOT_DYNAMIC = (
    "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"
)


class PersistentVolumeClaimResize(Plugin):
    """Guards growing claims."""

    name = "PersistentVolumeClaimResize"
    resources = frozenset({("", "persistentvolumeclaims")})
    operations = frozenset({"UPDATE"})

    def validate(self, call: Call, obj: Any, old: Any) -> None:
        """Refuse growth of claims that are not bound, or whose class does not allow it."""
        if call.subresource or compare(_storage(obj), _storage(old)) <= 0:
            return
        if old.status is None or old.status.phase != "Bound":
            raise refuse(call, obj, NOT_BOUND)
        name = _class_of(obj)
        found = call.server.peek("storageclasses", name, group="storage.k8s.io") if name else None
        if name != _class_of(old) or found is None or not found.allowVolumeExpansion:
            raise refuse(call, obj, NOT_DYNAMIC)


def _storage(claim: Any) -> Any:
    resources = claim.spec.resources
    return ((resources.requests if resources is not None else None) or {}).get("storage", "0")


def _class_of(claim: Any) -> str:
    annotated = (claim.metadata.annotations or {}).get(CLASS_ANNOTATION)
    return annotated if annotated is not None else claim.spec.storageClassName or ""

"""StorageObjectInUseProtection: volumes and claims in use are not removed (finalizers that controllers take off)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.apiserver.admission.plugin import Plugin
from k8slab.apiserver.meta import with_meta

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

FINALIZERS = {
    "PersistentVolumeClaim": "kubernetes.io/pvc-protection",
    "PersistentVolume": "kubernetes.io/pv-protection",
}


class StorageObjectInUseProtection(Plugin):
    """Adds the protecting finalizers."""

    name = "StorageObjectInUseProtection"
    resources = frozenset({("", "persistentvolumeclaims"), ("", "persistentvolumes")})

    def admit(self, call: Call, obj: Any, old: Any) -> Any:
        """Add the finalizer of the kind."""
        present, wanted = obj.metadata.finalizers or (), FINALIZERS[obj.kind]
        return obj if wanted in present else with_meta(obj, finalizers=(*present, wanted))

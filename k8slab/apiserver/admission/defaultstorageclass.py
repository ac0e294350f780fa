"""DefaultStorageClass: claims that name no class get the default one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.apiserver.admission.plugin import Plugin

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

IS_DEFAULT = "storageclass.kubernetes.io/is-default-class"
IS_DEFAULT_BETA = "storageclass.beta.kubernetes.io/is-default-class"
CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"


class DefaultStorageClass(Plugin):
    """Sets the storage class of claims."""

    name = "DefaultStorageClass"
    resources = frozenset({("", "persistentvolumeclaims")})

    def admit(self, call: Call, obj: Any, old: Any) -> Any:
        """An empty name is a choice, too: only an absent one is filled in."""
        if obj.spec.storageClassName is not None or CLASS_ANNOTATION in (obj.metadata.annotations or {}):
            return obj
        found = _default_class(call)
        return obj if found is None else obj.replace(spec=obj.spec.replace(storageClassName=found.metadata.name))


def _default_class(call: Call) -> Any:
    """The newest of the classes marked as default; of equally new ones the first by name."""
    classes = call.server.peek_all("storageclasses", group="storage.k8s.io")
    marked = [each for each in classes if _is_default(each)]
    return max(marked, key=_created) if marked else None


def _is_default(storage_class: Any) -> bool:
    annotations = storage_class.metadata.annotations or {}
    return "true" in (annotations.get(IS_DEFAULT), annotations.get(IS_DEFAULT_BETA))


def _created(storage_class: Any) -> str:
    return storage_class.metadata.creationTimestamp

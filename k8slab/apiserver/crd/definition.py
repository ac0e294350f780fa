"""The rules of CustomResourceDefinitions (`apiextensions-apiserver/pkg/registry/customresourcedefinition`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api.apiextensions_v1 import (
    CustomResourceDefinitionCondition as Condition,
)
from k8slab.api.apiextensions_v1 import (
    CustomResourceDefinitionNames as Names,
)
from k8slab.api.apiextensions_v1 import (
    CustomResourceDefinitionStatus as Status,
)
from k8slab.api.conditions import is_true, set_condition
from k8slab.apiserver.crd.validation import definition_errors, update_errors
from k8slab.apiserver.registry.strategy import Strategy
from k8slab.errors import FieldError

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call
    from k8slab.etcd.store import KeyValue

CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
PENDING = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"


class DefinitionStrategy(Strategy):
    """The rules of definitions: what may change, what has been stored, and that instances go first."""

    counts_generations = True
    unconditional_update = False

    def prepare_create(self, obj: Any, call: Call) -> Any:
        """Nothing accepted yet; the storage version is remembered."""
        status = Status(acceptedNames=Names(plural="", kind=""), storedVersions=_with_storage((), obj.spec))
        return obj.replace(status=status)

    def prepare_update(self, obj: Any, old: Any, call: Call) -> Any:
        """The stored status stays, with a new storage version added."""
        status = old.status
        stored = _with_storage(status.storedVersions or (), obj.spec)
        if stored != status.storedVersions:
            status = status.replace(storedVersions=stored)
        return obj.replace(status=status)

    def validate_create(self, obj: Any, call: Call) -> list[FieldError]:
        """Names, versions and schemas."""
        return definition_errors(obj)

    def validate_update(self, obj: Any, old: Any, call: Call) -> list[FieldError]:
        """As for new ones; group and plural never change, scope and kind not once it is established."""
        return update_errors(obj, old, is_true(old.status.conditions, "Established"))

    def begin_deletion(self, call: Call, kv: KeyValue) -> Any:
        """The first deletion marks a definition and keeps it until its objects are gone; None where that was done."""
        old = kv.value
        if old.metadata.deletionTimestamp:
            return None
        finalizers = old.metadata.finalizers or ()
        if CLEANUP not in finalizers:
            finalizers = (*finalizers, CLEANUP)
        condition = Condition(type="Terminating", status="True", reason="InstanceDeletionPending", message=PENDING)
        conditions = set_condition(old.status.conditions, condition, call.now)
        metadata = old.metadata.replace(deletionTimestamp=call.now, finalizers=finalizers)
        marked = old.replace(metadata=metadata, status=old.status.replace(conditions=conditions))
        if call.options.dry_run:
            return marked
        return call.server.storage.update(call.endpoint, marked, kv, "delete")


def _with_storage(stored: tuple[str, ...], spec: Any) -> tuple[str, ...]:
    found = [version.name for version in spec.versions or () if version.storage]
    return (*stored, *(name for name in found if name not in stored))

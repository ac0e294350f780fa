"""What the API server does to objects of a resource around storing them; the plain case, from which others differ.

Follows `staging/src/k8s.io/apiserver/pkg/registry/rest` (RESTCreateStrategy and its siblings) and the strategies in
`pkg/registry`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api.base import KubeStruct
from k8slab.api.validation import validate_create, validate_status_update, validate_update
from k8slab.apiserver.meta import has_field
from k8slab.apiserver.registry.warnings import object_warnings

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call
    from k8slab.errors import FieldError
    from k8slab.etcd.store import KeyValue

BACKGROUND, FOREGROUND, ORPHAN = "Background", "Foreground", "Orphan"


class Strategy:
    """The rules of one resource. Strategies hold no state: everything they need comes with the call."""

    counts_generations = False
    """metadata.generation starts at 1 and grows with each change of what is wanted."""
    unconditional_update = True
    """An update without a resourceVersion overwrites whatever is stored."""
    create_on_update = False
    """An update of what does not exist creates it."""
    returns_deleted = False
    """A successful deletion answers with the object rather than a Status."""
    collects_garbage = True
    """Dependents are looked after when such an object is deleted."""
    default_propagation = BACKGROUND
    keeps_status_on_create = False
    """The status that comes with a new object counts."""
    status_keeps_labels = False
    """A write to /status leaves the labels alone."""

    version: Any = None
    """Of custom resources: what the definition says about the version (`crd.version.Version`)."""

    def prepare_create(self, obj: Any, call: Call) -> Any:
        """Reset what a client may not set, fill in what the server decides; the status is the default one already."""
        return obj

    def prepare_update(self, obj: Any, old: Any, call: Call) -> Any:
        """Carry over what a write to the main resource may not change."""
        if has_field(obj, "status") and obj.status is not old.status:
            return obj.replace(status=old.status)
        return obj

    def prepare_status(self, obj: Any, old: Any, call: Call) -> Any:
        """Carry over what a write to /status may not change: everything but status and metadata."""
        kept = {
            name: getattr(old, name)
            for name in old.__struct_fields__
            if name not in ("apiVersion", "kind", "metadata", "status")
        }
        obj = obj.replace(**kept)
        if self.status_keeps_labels and obj.metadata.labels != old.metadata.labels:
            obj = obj.replace(metadata=obj.metadata.replace(labels=old.metadata.labels))
        return obj

    def wanted_changed(self, obj: Any, old: Any) -> bool:
        """Whether a write changed what is wanted, so that the generation grows."""
        return any(
            getattr(obj, name) != getattr(old, name)
            for name in old.__struct_fields__
            if name not in ("apiVersion", "kind", "metadata", "status")
        )

    def allocate(self, obj: Any, old: Any, call: Call) -> Any:
        """Take what must be unique in the cluster (addresses, ports), before it is validated."""
        return obj

    def validate_create(self, obj: Any, call: Call) -> list[FieldError]:
        """What is wrong with a new object."""
        return validate_create(obj)

    def validate_update(self, obj: Any, old: Any, call: Call) -> list[FieldError]:
        """What is wrong with a changed object."""
        return validate_update(obj, old)

    def validate_status(self, obj: Any, old: Any, call: Call) -> list[FieldError]:
        """What is wrong with a changed status."""
        return validate_status_update(obj, old)

    def warnings(self, obj: Any, old: Any, call: Call) -> tuple[str, ...]:
        """What a client should know about an object that is accepted all the same."""
        return object_warnings(obj, old) if isinstance(obj, KubeStruct) else ()

    def begin_deletion(self, call: Call, kv: KeyValue) -> Any:
        """Do the first step of a deletion in the resource's own way; None where there is none."""
        return None

    def grace(self, obj: Any, requested: int | None) -> int | None:
        """Seconds between the deletion and the object's end; None where objects end at once."""
        return None

"""The scale subresource: replicas of a workload, whatever its kind (autoscaling/v1 Scale)."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from k8slab.api.autoscaling_v1 import Scale, ScaleSpec, ScaleStatus
from k8slab.api.codec import to_dict
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.request import APPLY_PATCH, Response
from k8slab.api.selector import selector_text
from k8slab.apiserver.call import Call
from k8slab.apiserver.crd.scale import scale_parts, with_replicas
from k8slab.apiserver.subresources.body import read_as
from k8slab.apiserver.verbs.apply import apply_to_replicas
from k8slab.apiserver.verbs.patch import apply, decode_patched, patch_type, read_patch
from k8slab.apiserver.verbs.update import update_object
from k8slab.errors import FieldError, bad_request, internal_error, invalid, quote
from k8slab.etcd.store import KeyValue


def get_scale(call: Call) -> Response:
    """The Scale of the object in the path."""
    return Response(200, _scale(call, _read(call).value))


def update_scale(call: Call) -> Response:
    """Set the replicas by a whole Scale."""
    scale = read_as(call, "autoscaling/v1", "Scale")
    name = scale.metadata.name
    if name and name != call.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({call.name})")
    return Response(200, _store(call, scale, _read(call)))


def patch_scale(call: Call) -> Response:
    """Set the replicas by a patch of the Scale."""
    kind, kv = patch_type(call), _read(call)
    if kind == APPLY_PATCH:
        applied = _scale(call, kv.value).replace(spec=ScaleSpec(replicas=apply_to_replicas(call, kv)))
        return Response(200, _store(call, applied, kv))
    current = to_dict(_scale(call, kv.value))
    data, rest = apply(kind, current, read_patch(call.request.body, kind), Scale)
    return Response(200, _store(call, decode_patched(call, data, Scale, current, rest), kv))


def _read(call: Call) -> KeyValue:
    return call.server.storage.read(call.endpoint, call.namespace, call.name)


def _scale(call: Call, obj: Any) -> Scale:
    """The Scale of an object of whatever kind. Raises ApiError for a custom object that names no replicas."""
    if not call.endpoint.custom:
        return scale_of(obj)
    paths = call.strategy.version.scale
    wanted, present, selector = scale_parts(obj, paths)
    if wanted is None:
        raise internal_error(f"the spec replicas field {quote(paths.specReplicasPath)} does not exist")
    return _scale_with(obj.metadata, wanted, ScaleStatus(replicas=present, selector=selector))


def scale_of(obj: Any) -> Scale:
    """An object's Scale."""
    status = ScaleStatus(
        replicas=(obj.status.replicas if obj.status is not None else None) or 0,
        selector=selector_text(obj.spec.selector) or None,
    )
    return _scale_with(obj.metadata, obj.spec.replicas, status)


def _scale_with(metadata: Any, replicas: int | None, status: ScaleStatus) -> Scale:
    kept = ObjectMeta(
        name=metadata.name,
        namespace=metadata.namespace,
        uid=metadata.uid,
        resourceVersion=metadata.resourceVersion,
        creationTimestamp=metadata.creationTimestamp,
    )
    return Scale(metadata=kept, spec=ScaleSpec(replicas=replicas), status=status)


def _store(call: Call, scale: Any, kv: KeyValue) -> Scale:
    replicas = (scale.spec.replicas if scale.spec is not None else None) or 0
    if replicas < 0:
        error = FieldError.invalid("spec.replicas", replicas, "must be greater than or equal to 0")
        raise invalid("Scale.autoscaling", call.name, [error])
    old = kv.value
    metadata = replace(
        old.metadata,
        uid=scale.metadata.uid or old.metadata.uid,
        resourceVersion=scale.metadata.resourceVersion or old.metadata.resourceVersion,
    )
    wanted = _with_replicas(call, replace(old, metadata=metadata), replicas)
    return _scale(call, update_object(call, wanted, kv))


def _with_replicas(call: Call, obj: Any, replicas: int) -> Any:
    if call.endpoint.custom:
        return with_replicas(obj, call.strategy.version.scale, replicas)
    return replace(obj, spec=replace(obj.spec, replicas=replicas))

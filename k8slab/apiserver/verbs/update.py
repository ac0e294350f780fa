"""PUT: replace an object, or its status (`registry/generic/registry/store.go`, Update)."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from k8slab.api.request import Response
from k8slab.apiserver.call import Call
from k8slab.apiserver.decoding import decode_object
from k8slab.apiserver.fieldmanager import accounted, carried_over
from k8slab.apiserver.verbs.create import create_object
from k8slab.errors import FieldError, bad_request, conflict, invalid, not_found, unexpected
from k8slab.etcd.store import KeyValue


def update(call: Call) -> Response:
    """Replace the object of that name by the request's body."""
    obj = decode_object(call)
    if call.endpoint.namespaced and obj.metadata.namespace not in (None, "", call.namespace):
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    check_name(call, obj)
    kv = call.server.store.get(call.endpoint.key(call.namespace, call.name))
    if kv is None:
        return _create_instead(call, obj)
    return Response(200, update_object(call, obj, kv))


def check_name(call: Call, obj: Any) -> None:
    """Refuse an object of another name or namespace than the path says (`handlers/rest.go`). Raises BadRequest."""
    name = obj.metadata.name
    if not name:
        why = f"the name of the object ({call.name} based on URL) was undeterminable: name must be provided"
        raise bad_request(why)
    if name != call.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({call.name})")
    namespace = obj.metadata.namespace
    if call.namespace and namespace and namespace != call.namespace:
        wanted = f"does not match the namespace on the request ({call.namespace})"
        raise bad_request(f"the namespace of the object ({namespace}) {wanted}")


def _create_instead(call: Call, obj: Any) -> Response:
    if not call.strategy.create_on_update or call.subresource or obj.metadata.uid:
        raise not_found(call.endpoint.group_resource, call.name)
    metadata = replace(obj.metadata, resourceVersion=None)
    return Response(201, create_object(call, replace(obj, metadata=metadata)))


def update_object(call: Call, obj: Any, kv: KeyValue, must_match: bool = True) -> Any:
    """Take a changed object through admission and validation into the store; returns what is stored then.

    Args:
        call: the request.
        obj: the object as the client wants it, in the client's version.
        kv: what is stored.
        must_match: an object without a resourceVersion is subject to the resource's rule about that.
    """
    endpoint = call.endpoint
    call.operation = "UPDATE"
    old = kv.value if endpoint.from_storage is None else endpoint.from_storage(kv.value)
    check_version(call, obj, old, must_match)
    obj = carry_over(call, obj, old)
    obj = call.server.admission.admit(call, obj, old)
    obj = _prepare(call, obj, old)
    if obj.metadata.managedFields is not None:
        obj = accounted(call, obj, old)
    call.server.admission.validate(call, obj, old)
    return commit_update(call, obj, old, kv)


def check_version(call: Call, obj: Any, old: Any, must_match: bool) -> None:
    """Refuse an object that is not the stored one, or an old version of it. Raises Conflict or Invalid."""
    metadata, endpoint = obj.metadata, call.endpoint
    if metadata.uid and metadata.uid != old.metadata.uid:
        raise uid_conflict(call, metadata.uid, old)
    version = metadata.resourceVersion
    if version in (None, "", "0"):
        if must_match and not call.strategy.unconditional_update:
            error = FieldError.invalid("metadata.resourceVersion", 0, "must be specified for an update")
            raise invalid(endpoint.group_resource, old.metadata.name, [error])
    elif version != old.metadata.resourceVersion:
        if not version.isdigit():
            raise unexpected(f'strconv.ParseUint: parsing "{version}": invalid syntax')
        raise conflict(endpoint.group_resource, old.metadata.name)


def uid_conflict(call: Call, uid: str, old: Any) -> Any:
    """409 for an object that is another one of the same name."""
    key = call.endpoint.key(call.namespace, old.metadata.name)
    why = (
        f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: "
        f"Precondition failed: UID in precondition: {uid}, UID in object meta: {old.metadata.uid}"
    )
    return conflict(call.endpoint.group_resource, old.metadata.name, why)


def carry_over(call: Call, obj: Any, old: Any) -> Any:
    """Metadata that no client changes is that of the stored object."""
    new, before = obj.metadata, old.metadata
    grace = new.deletionGracePeriodSeconds
    filled = replace(
        new,
        namespace=new.namespace or before.namespace,
        uid=before.uid,
        resourceVersion=before.resourceVersion,
        generation=before.generation,
        creationTimestamp=before.creationTimestamp,
        deletionTimestamp=before.deletionTimestamp,
        deletionGracePeriodSeconds=grace
        if grace is not None and before.deletionTimestamp
        else before.deletionGracePeriodSeconds,
        selfLink=None,
        managedFields=carried_over(call, new.managedFields, before.managedFields),
    )
    return replace(obj, metadata=filled)


def _prepare(call: Call, obj: Any, old: Any) -> Any:
    strategy = call.strategy
    if call.subresource == "status":
        obj = strategy.prepare_status(obj, old, call)
        errors = strategy.validate_status(obj, old, call)
    else:
        obj = strategy.allocate(strategy.prepare_update(obj, old, call), old, call)
        if strategy.counts_generations and strategy.wanted_changed(obj, old):
            obj = replace(obj, metadata=replace(obj.metadata, generation=(old.metadata.generation or 0) + 1))
        errors = strategy.validate_update(obj, old, call)
    if errors:
        raise invalid(call.endpoint.group_kind, old.metadata.name, errors)
    if call.subresource != "status":
        call.warn(*strategy.warnings(obj, old, call))
    return obj


def commit_update(call: Call, obj: Any, old: Any, kv: KeyValue) -> Any:
    """Store what changed, if anything did; delete an object whose last finalizer went."""
    server, endpoint = call.server, call.endpoint
    if _was_last_finalizer(obj, old) and not call.options.dry_run:
        server.storage.delete(endpoint, kv)
        return obj
    if obj == old or call.options.dry_run:
        return old if obj == old else obj
    stored = obj if endpoint.to_storage is None else endpoint.to_storage(obj)
    verb = f"{call.request.verb} {call.subresource}" if call.subresource else call.request.verb
    return call.answer(server.storage.update(endpoint, stored, kv, verb))


def _was_last_finalizer(obj: Any, old: Any) -> bool:
    """Whether nothing keeps an object any longer that is being deleted; a namespace has finalizers in its spec, too."""
    metadata = obj.metadata
    if not metadata.deletionTimestamp or metadata.finalizers or metadata.deletionGracePeriodSeconds:
        return False
    has_content = obj.kind == "Namespace" and obj.spec is not None and obj.spec.finalizers
    return bool(old.metadata.finalizers) and not has_content

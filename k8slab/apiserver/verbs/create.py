"""POST to a resource: default, admit, validate, commit (`registry/generic/registry/store.go`, Create)."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from k8slab.api.request import Response
from k8slab.apiserver.call import Call
from k8slab.apiserver.decoding import decode_object
from k8slab.apiserver.fieldmanager import for_created
from k8slab.errors import AlreadyExists, bad_request, generate_name_conflict, invalid, unexpected

GENERATED_BASE = 58
ATTEMPTS = 8


def create(call: Call) -> Response:
    """Create the object of the request's body."""
    return Response(201, create_object(call, decode_object(call)))


def create_object(call: Call, obj: Any) -> Any:
    """Take a decoded, defaulted object through admission and validation into the store."""
    server, strategy = call.server, call.strategy
    call.operation = "CREATE"
    obj = _named(call, obj)
    managed = for_created(call, obj)
    obj = server.admission.admit(call, obj, None)
    generates = not obj.metadata.name and bool(obj.metadata.generateName)
    for _ in range(ATTEMPTS if generates else 1):
        ready = strategy.allocate(_prepare(call, obj, managed), None, call)
        errors = strategy.validate_create(ready, call)
        if errors:
            raise invalid(call.endpoint.group_kind, ready.metadata.name or "", errors)
        if not ready.metadata.name:
            raise bad_request("Name parameter required.")
        call.warn(*strategy.warnings(ready, None, call))
        try:
            return _commit(call, ready)
        except AlreadyExists:
            if not generates:
                raise
            taken = ready.metadata.name
    raise generate_name_conflict(call.endpoint.group_resource, taken)


def _named(call: Call, obj: Any) -> Any:
    """In its namespace, or refused."""
    metadata = obj.metadata
    if not call.endpoint.namespaced:
        return obj if metadata.namespace is None else replace(obj, metadata=replace(metadata, namespace=None))
    wanted = call.namespace
    if metadata.namespace == wanted:
        return obj
    if metadata.namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    return replace(obj, metadata=replace(metadata, namespace=wanted))


def _prepare(call: Call, obj: Any, managed: Any) -> Any:
    server, metadata = call.server, obj.metadata
    name = metadata.name
    if not name and metadata.generateName:
        name = metadata.generateName[:GENERATED_BASE] + server.streams.suffix(call.endpoint.plural)
    filled = replace(
        metadata,
        name=name,
        uid=server.streams.uid(call.endpoint.plural),
        creationTimestamp=call.now,
        deletionTimestamp=None,
        deletionGracePeriodSeconds=None,
        selfLink=None,
        managedFields=managed,
        generation=1 if call.strategy.counts_generations else None,
    )
    return call.strategy.prepare_create(replace(obj, metadata=filled), call)


def _commit(call: Call, obj: Any) -> Any:
    server, endpoint = call.server, call.endpoint
    server.admission.validate(call, obj, None)
    if obj.metadata.resourceVersion not in (None, "", "0"):
        raise unexpected("resourceVersion should not be set on objects to be created")
    stored = obj if endpoint.to_storage is None else endpoint.to_storage(obj)
    if call.options.dry_run:
        if server.storage.find(endpoint, obj.metadata.namespace, obj.metadata.name) is not None:
            from k8slab.errors import already_exists

            raise already_exists(endpoint.group_resource, obj.metadata.name)
        return obj
    return call.answer(server.storage.create(endpoint, stored))

"""DELETE on a resource: everything that matches."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from k8slab.api.request import ListBody, Response
from k8slab.apiserver.call import Call
from k8slab.apiserver.verbs.delete import JOB_ORPHANS, check_options, delete_object
from k8slab.apiserver.verbs.read import list_objects
from k8slab.errors import NotFound


def delete_collection(call: Call) -> Response:
    """Delete all objects that match, one after the other; answers with what they were."""
    check_options(call.options)
    found = list_objects(call)
    server, endpoint = call.server, call.endpoint
    if endpoint.plural == "jobs" and call.options.propagation_policy is None:
        call.warn(JOB_ORPHANS)
    deleted: list[Any] = []
    for item in found.items:
        kv = server.store.get(endpoint.key(item.metadata.namespace, item.metadata.name))
        if kv is None:
            continue
        try:
            server.admission.check_delete(call, call.answer(kv.value))
            delete_object(call, kv)
        except NotFound:
            continue
        deleted.append(item)
    return Response(200, replace(found, items=tuple(deleted)) if isinstance(found, ListBody) else found)

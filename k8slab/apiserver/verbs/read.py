"""GET: one object, a list or a page of it."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from k8slab.api.request import ListBody, Options, Response
from k8slab.apiserver.attribution import with_attribution
from k8slab.apiserver.call import Call
from k8slab.apiserver.selection import selection_for
from k8slab.apiserver.storage import parse_revision
from k8slab.errors import FieldError, bad_request, invalid, not_found, too_large_resource_version


def get(call: Call) -> Response:
    """The object of that name."""
    server, endpoint = call.server, call.endpoint
    kv = server.store.get(endpoint.key(call.namespace, call.name))
    wanted = call.options.resource_version
    if wanted and parse_revision(wanted) > server.store.revision:
        raise too_large_resource_version(int(wanted), server.store.revision)
    if kv is None:
        raise not_found(endpoint.group_resource, call.name)
    obj = with_attribution(server, kv.value, kv.key) if call.options.managed_fields else kv.value
    return Response(200, obj if endpoint.from_storage is None else endpoint.from_storage(obj))


def list_(call: Call) -> Response:
    """All objects that match, or a page of them."""
    return Response(200, list_objects(call))


def list_objects(call: Call) -> ListBody:
    """As `list_`, without the wrapping."""
    endpoint, options = call.endpoint, call.options
    selection = selection_for(endpoint.resource, options.label_selector, options.field_selector)
    _check(options)
    index = call.server.broadcasters.get(endpoint.prefix)
    body = call.server.storage.list_objects(endpoint, call.namespace, selection, options, index)
    if options.managed_fields:
        body = replace(body, items=tuple(_attributed(call, item) for item in body.items))
    if endpoint.from_storage is None:
        return body
    return ListBody(
        items=tuple(map(endpoint.from_storage, body.items)),
        resourceVersion=body.resourceVersion,
        continue_=body.continue_,
        remainingItemCount=body.remainingItemCount,
        kind=body.kind,
        apiVersion=body.apiVersion,
        custom=body.custom,
    )


def _attributed(call: Call, obj: Any) -> Any:
    return with_attribution(call.server, obj, call.endpoint.key(obj.metadata.namespace, obj.metadata.name))


def _check(options: Options) -> None:
    """The rules of combining resourceVersion, its match and continue (`meta/internalversion/validation`)."""
    match, version = options.resource_version_match, options.resource_version
    if match:
        errors = _match_errors(match, version, options.continue_)
        if errors:
            raise invalid_options("ListOptions", errors)
    if options.send_initial_events is not None:
        detail = "sendInitialEvents is forbidden for list"
        raise invalid_options("ListOptions", [FieldError.forbidden("sendInitialEvents", detail)])
    if options.continue_ and version and version != "0":
        raise bad_request("specifying resource version is not allowed when using continue")


def _match_errors(match: str, version: str | None, token: str) -> list[FieldError]:
    field = "resourceVersionMatch"
    errors = []
    if not version:
        errors.append(
            FieldError.forbidden(field, "resourceVersionMatch is forbidden unless resourceVersion is provided")
        )
    if token:
        errors.append(FieldError.forbidden(field, "resourceVersionMatch is forbidden when continue is provided"))
    if match not in ("Exact", "NotOlderThan"):
        errors.append(FieldError.not_supported(field, match, ("Exact", "NotOlderThan", "")))
    if match == "Exact" and version == "0":
        detail = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
        errors.append(FieldError.forbidden(field, detail))
    return errors


def invalid_options(kind: str, errors: list[FieldError]) -> Any:
    """422 for query parameters that contradict each other."""
    return invalid(f"{kind}.meta.k8s.io", "", errors)

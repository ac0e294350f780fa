"""Answers in the form that the client asked for by its Accept header: as they are, as a Table, or metadata only.

Follows `apiserver/pkg/endpoints/handlers/response.go` and `negotiation`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api.codec import to_dict
from k8slab.api.request import ListBody, Request, Response
from k8slab.apiserver.printing import table_of
from k8slab.errors import ApiError, bad_request, not_acceptable

if TYPE_CHECKING:
    from k8slab.apiserver.server import APIServer

MEDIA_TYPES = ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf")
WATCH_TYPES = ("application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch")
INCLUDES = ("", "None", "Metadata", "Object")
ONLY = f"only the following media types are accepted: {', '.join(MEDIA_TYPES)}"


def present(server: APIServer, request: Request, response: Response, accept: str, as_text: bool = False) -> Response:
    """The response as the Accept header wants it; errors stay what they are.

    With `as_text` the objects in a Table's rows are JSON texts (`msgspec.Raw`): good for being encoded as JSON only.
    """
    if not response.is_success or not accept:
        return response
    try:
        return _presented(server, request, response, accept, as_text)
    except ApiError as error:
        return Response(error.code, error.status())


def _presented(server: APIServer, request: Request, response: Response, accept: str, as_text: bool) -> Response:
    rejected = False
    for media_type, parameters in _clauses(accept):
        shape = parameters.get("as", "")
        if media_type not in (*MEDIA_TYPES, "*/*", "application/*"):
            continue
        if shape:
            made = _shaped(server, request, response, shape, parameters, as_text)
            if made is not None:
                return made
            rejected = True
            continue
        return response
    if rejected:
        raise not_acceptable(ONLY)
    types = (*MEDIA_TYPES, *WATCH_TYPES) if request.verb in ("list", "watch") else MEDIA_TYPES
    text = f"406: Not Acceptable\n\nAvailable representations: {', '.join(types)}"
    raise ApiError(406, "NotAcceptable", text, {})


def _clauses(accept: str) -> list[tuple[str, dict[str, str]]]:
    found = []
    for clause in accept.split(","):
        media_type, *rest = (part.strip() for part in clause.split(";"))
        pairs = (part.partition("=") for part in rest)
        found.append((media_type, {key: value for key, _, value in pairs}))
    return found


def _shaped(
    server: APIServer, request: Request, response: Response, shape: str, parameters: dict[str, str], as_text: bool
) -> Response | None:
    version, group = parameters.get("v", ""), parameters.get("g", "")
    if group != "meta.k8s.io" or version not in ("v1", "v1beta1"):
        return None
    body = response.body
    if shape == "Table":
        include = request.options.include_object
        if include not in INCLUDES:
            why = f"includeObject: Invalid value: \"{include}\": must be 'Metadata', 'Object', 'None', or empty"
            raise bad_request(f"Unable to convert to Table as requested: {why}")
        table = table_of(server, request, body, f"{group}/{version}", as_text)
        return Response(response.code, table, response.warnings)
    kind = server.endpoint(request.resource, request.group, request.version).kind
    is_list = isinstance(body, ListBody)
    if shape == "PartialObjectMetadata":
        if is_list:
            raise not_acceptable(
                f"you requested PartialObjectMetadata, but the requested object is a list (*core.{kind}List)"
            )
        return Response(response.code, _metadata_only(body, f"{group}/{version}"), response.warnings)
    if shape == "PartialObjectMetadataList":
        if not is_list:
            raise not_acceptable(
                f"you requested PartialObjectMetadataList, but the requested object is not a list (*core.{kind})"
            )
        return Response(response.code, _metadata_list(body, f"{group}/{version}"), response.warnings)
    return None


def _metadata_only(obj: Any, api_version: str) -> dict[str, Any]:
    return {"kind": "PartialObjectMetadata", "apiVersion": api_version, "metadata": to_dict(obj.metadata)}


def _metadata_list(body: ListBody, api_version: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"resourceVersion": body.resourceVersion}
    if body.continue_:
        metadata["continue"] = body.continue_
    if body.remainingItemCount is not None:
        metadata["remainingItemCount"] = body.remainingItemCount
    items = [_metadata_only(item, api_version) for item in body.items]
    return {"kind": "PartialObjectMetadataList", "apiVersion": api_version, "metadata": metadata, "items": items}

"""`kubectl get --raw`: a path of the API, answered as the server would over HTTP."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from k8slab.api.request import Options
from k8slab.apiserver.discovery import discover
from k8slab.errors import ApiError
from k8slab.kubectl.access import plain

#: Query parameters of lists, as the options of a request name them.
_OPTIONS = {
    "continue": "continue_",
    "fieldSelector": "field_selector",
    "labelSelector": "label_selector",
    "resourceVersion": "resource_version",
}


def raw_get(inv: Any, path: str) -> str:
    """The body of the answer. Raises ApiError (NotFound) for paths the server does not have."""
    path, _, query = path.partition("?")
    response = discover(inv.access.scheme, path)
    if response is None:
        return _of_resource(inv, path.strip("/").split("/"), dict(parse_qsl(query)))
    if response.is_success:
        return response.body if isinstance(response.body, str) else _dump(response.body)
    raise ApiError.from_status(response.body) if isinstance(response.body, dict) else not_found()


def not_found() -> ApiError:
    """What the server says about a path which it does not have."""
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def _of_resource(inv: Any, parts: list[str], query: dict[str, str]) -> str:
    group, parts = ("", parts[1:]) if parts[0] == "api" else (parts[1], parts[2:])
    version, parts = parts[0], parts[1:]
    namespace = None
    if parts[0] == "namespaces" and len(parts) > 2 and parts[2] not in ("status", "finalize"):
        namespace, parts = parts[1], parts[2:]
    resource = inv.access.scheme.served(group, version, parts[0])
    if resource is None:
        raise not_found()
    if len(parts) == 1:
        return _dump(_list(inv, resource, namespace, query))
    subresource = parts[2] if len(parts) > 2 else ""
    options = Options(parameters={**query, **({"path": "/".join(parts[3:])} if len(parts) > 3 else {})})
    chosen = {"options": options} if subresource else {}
    body = inv.access.send("get", resource, name=parts[1], namespace=namespace, subresource=subresource, **chosen)
    return body if isinstance(body, str) else _dump(plain(body))


def _list(inv: Any, resource: Any, namespace: str | None, query: dict[str, str]) -> dict[str, Any]:
    chosen: dict[str, Any] = {_OPTIONS[name]: value for name, value in query.items() if name in _OPTIONS}
    limit = query.get("limit", "")
    options = Options(limit=int(limit) if limit.isdigit() else 0, managed_fields=True, **chosen)
    body = inv.access.send("list", resource, namespace=namespace, options=options)
    if isinstance(body, dict):
        return body  # an answer of another server's
    metadata: dict[str, Any] = {"resourceVersion": body.resourceVersion}
    if body.continue_ or resource.custom:
        metadata["continue"] = body.continue_
    if body.remainingItemCount is not None:
        metadata["remainingItemCount"] = body.remainingItemCount
    items = [_item(plain(item), resource.custom) for item in body.items]
    return {"kind": resource.list_kind, "apiVersion": resource.api_version, "metadata": metadata, "items": items}


def _item(item: dict[str, Any], is_custom: bool) -> dict[str, Any]:
    """Items of typed lists do not repeat what the list says."""
    return item if is_custom else {key: value for key, value in item.items() if key not in ("kind", "apiVersion")}


def _dump(body: dict[str, Any]) -> str:
    ordered = {name: body[name] for name in ("kind", "apiVersion") if name in body} | body
    return json.dumps(ordered, separators=(",", ":"), ensure_ascii=False) + "\n"

"""`kubectl get --raw`: a path of the API, answered as the server would over HTTP."""

from __future__ import annotations

import json
from typing import Any

from k8slab.errors import ApiError
from k8slab.kubectl.access import plain

_HEALTH = ("/healthz", "/livez", "/readyz")


def raw_get(inv: Any, path: str) -> str:
    """The body of the answer. Raises ApiError (NotFound) for paths the server does not have."""
    path = path.partition("?")[0].rstrip("/")
    if path in _HEALTH:
        return "ok"
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) > 2:
        return _resource(inv, "", parts[1], parts[2:])
    if parts[0] == "apis" and len(parts) > 3:
        return _resource(inv, parts[1], parts[2], parts[3:])
    raise not_found()


def not_found() -> ApiError:
    """What the server says about a path which it does not have."""
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def _resource(inv: Any, group: str, version: str, parts: list[str]) -> str:
    namespace = None
    if parts[0] == "namespaces" and len(parts) > 2 and parts[2] not in ("status", "finalize"):
        namespace, parts = parts[1], parts[2:]
    resource = inv.access.scheme.served(group, version, parts[0])
    if resource is None:
        raise not_found()
    if len(parts) == 1:
        return _dump(_list(inv, resource, namespace))
    subresource = parts[2] if len(parts) > 2 else ""
    body = inv.access.send("get", resource, name=parts[1], namespace=namespace, subresource=subresource)
    return body if isinstance(body, str) else _dump(plain(body))


def _list(inv: Any, resource: Any, namespace: str | None) -> dict[str, Any]:
    body = inv.access.send("list", resource, namespace=namespace)
    return {
        "apiVersion": resource.api_version,
        "kind": resource.list_kind,
        "metadata": {"resourceVersion": body.resourceVersion},
        "items": [plain(item) for item in body.items],
    }


def _dump(body: dict[str, Any]) -> str:
    ordered = {"kind": body.get("kind"), "apiVersion": body.get("apiVersion"), **body}
    return json.dumps(ordered, separators=(",", ":"), ensure_ascii=False) + "\n"

"""Bodies of subresource requests whose kind is not that of the resource."""

from __future__ import annotations

from typing import Any

from k8slab.api.base import KubeStruct
from k8slab.apiserver.call import Call
from k8slab.apiserver.decoding import decode_data, read_data


def read_as(call: Call, api_version: str, kind: str, aliases: tuple[str, ...] = ()) -> Any:
    """The request's body as an object of this kind; bodies of the `aliases` versions count as well."""
    body = call.request.body
    if isinstance(body, KubeStruct):
        return body
    repeats: list[str] = []
    data = read_data(call, body, kind, repeats)
    if isinstance(data, dict) and data.get("apiVersion") in aliases:
        data = data | {"apiVersion": api_version}
    return decode_data(call, data, api_version, kind, call.server.scheme.class_of(api_version, kind), repeats)


def succeeded(code: int = 201) -> dict[str, Any]:
    """The Status of a subresource request that has nothing else to say."""
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": code}

"""Answers as bytes: JSON or YAML, lists, Statuses, headers.

Follows `apiserver/pkg/endpoints/handlers/responsewriters/writers.go`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from k8slab.api import documents
from k8slab.api.request import ListBody, Response, WatchEvent
from k8slab.api.unstructured import Unstructured
from k8slab.api.wire import to_wire

YAML = "application/yaml"
#: Clients that people read the output of, and which therefore get it indented.
READERS = ("curl", "Wget", "Mozilla/5.0")
_ENCODER = msgspec.json.Encoder()


def plain(body: Any) -> Any:
    """An answer's body as plain data, with the nulls that the real server writes."""
    if isinstance(body, ListBody):
        return _list(body)
    if isinstance(body, (dict, list, str, bytes)) or body is None:
        return body
    return _object(body)


def encode(data: Any, pretty: bool = False) -> bytes:
    """Plain data as a line of JSON, or indented."""
    text = _ENCODER.encode(data)
    if pretty:
        text = msgspec.json.format(text, indent=2)
    return text + b"\n"


def encode_yaml(data: Any) -> bytes:
    """Plain data as YAML with sorted keys."""
    return documents.dump(data).encode()


def encode_event(event: WatchEvent, shown: Any) -> bytes:
    """One event of a watch: a line of JSON."""
    return encode({"type": event.type, "object": plain(shown)})


def wants_pretty(query: dict[str, str], user_agent: str) -> bool:
    """Whether JSON is to be indented: where asked for, or for people's tools."""
    wish = query.get("pretty")
    return wish in ("true", "1", "") if wish is not None else user_agent.startswith(READERS)


def headers_of(response: Response) -> list[tuple[bytes, bytes]]:
    """Headers that an answer carries besides its type: warnings, and when to try again."""
    headers = [(b"warning", f'299 - "{_quoted(text)}"'.encode()) for text in response.warnings]
    body = response.body
    if isinstance(body, dict) and body.get("kind") == "Status":
        retry = (body.get("details") or {}).get("retryAfterSeconds")
        if retry:
            headers.append((b"retry-after", str(retry).encode()))
    return headers


def _quoted(text: str) -> str:
    # A header is one line: control characters have no place in it.
    visible = "".join(sign if sign.isprintable() else " " for sign in text)
    return visible.replace("\\", "\\\\").replace('"', '\\"')


def _object(obj: Any) -> dict[str, Any]:
    data = to_wire(obj)
    head = {key: data.pop(key) for key in ("kind", "apiVersion") if key in data}
    return head | data


def _list(body: ListBody) -> dict[str, Any]:
    metadata: dict[str, Any] = {"resourceVersion": body.resourceVersion}
    if body.continue_ or body.custom:
        metadata["continue"] = body.continue_
    if body.remainingItemCount is not None:
        metadata["remainingItemCount"] = body.remainingItemCount
    items = [_item(item) for item in body.items]
    return {"kind": body.kind, "apiVersion": body.apiVersion, "metadata": metadata, "items": items}


def _item(item: Any) -> dict[str, Any]:
    data = to_wire(item)
    # Items of typed lists do not repeat what the list says; those of custom resources do.
    if not isinstance(item, Unstructured):
        data.pop("kind", None)
        data.pop("apiVersion", None)
    return data

"""Kinds without a description of their own: every field, with names made readable. Follows GenericDescriber."""

from __future__ import annotations

import re
from typing import Any

from k8slab.kubectl.describe.writer import Object, Writer, events, labels, notes

_SKIPPED = frozenset(
    (("managedFields",), ("metadata", "managedFields"), ("metadata", "name"), ("metadata", "namespace"),
     ("metadata", "labels"), ("metadata", "annotations"), ("apiVersion",), ("kind",))
)  # fmt: skip
_ACRONYMS = (
    "api",
    "cidr",
    "cpu",
    "dns",
    "http",
    "https",
    "id",
    "ip",
    "json",
    "pid",
    "tcp",
    "tls",
    "ttl",
    "udp",
    "uid",
    "uri",
    "url",
)


def describe_generic(inv: Any, obj: Object) -> str:
    """Any object."""
    writer, metadata = Writer(), obj["metadata"]
    writer.field("Name", metadata["name"])
    writer.field("Namespace", metadata.get("namespace", ""))
    labels(writer, metadata.get("labels"))
    notes(writer, metadata.get("annotations"))
    writer.field("API Version", obj.get("apiVersion", ""))
    writer.field("Kind", obj.get("kind", ""))
    _map(writer, 0, obj, ())
    events(writer, inv, obj)
    return writer.text()


def _map(writer: Writer, level: int, value: Object, path: tuple[str, ...]) -> None:
    for key in sorted(value):
        here = (*path, key)
        if here in _SKIPPED:
            continue
        _field(writer, level, readable(key), value[key], here)


def _field(writer: Writer, level: int, title: str, value: Any, path: tuple[str, ...]) -> None:
    if isinstance(value, dict):
        writer.line(level, f"{title}:")
        _map(writer, level + 1, value, path)
    elif isinstance(value, (list, tuple)):
        writer.line(level, f"{title}:")
        for item in value:
            if isinstance(item, dict):
                _map(writer, level + 1, item, path)
            else:
                writer.line(level + 1, _scalar(item))
    else:
        writer.field(title, _scalar(value), level)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "<nil>" if value is None else str(value)


def readable(name: str) -> str:
    """`progressDeadlineSeconds` as `Progress Deadline Seconds`, `clusterIP` as `Cluster IP`."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", name):
        return name
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|[A-Z]", name)
    return " ".join(word.upper() if word.lower() in _ACRONYMS else word[0].upper() + word[1:] for word in words)

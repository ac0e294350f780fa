"""Kinds without a description of their own: every field, with names made readable. Follows GenericDescriber."""

from __future__ import annotations

import re
from typing import Any

from k8slab.kubectl.describe.writer import Object, Writer, events, labels, notes

_SKIPPED = frozenset(
    (("managedFields",), ("metadata", "managedFields"), ("metadata", "name"), ("metadata", "namespace"),
     ("metadata", "labels"), ("metadata", "annotations"))
)  # fmt: skip
_ACRONYMS = ("API", "URL", "UID", "OSB", "GUID")


def describe_generic(inv: Any, obj: Object) -> str:
    """Any object."""
    writer, metadata = Writer(), obj["metadata"]
    writer.field("Name", metadata["name"])
    writer.field("Namespace", metadata.get("namespace", ""))
    labels(writer, metadata.get("labels"))
    notes(writer, metadata.get("annotations"))
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
    """`progressDeadlineSeconds` as `Progress Deadline Seconds` (`smartLabelFor`); names with other signs stay."""
    if not re.fullmatch(r"[A-Za-z-]+", name):
        return name
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|-+", name)
    return " ".join(word.upper() if word.upper() in _ACRONYMS else word[0].upper() + word[1:] for word in words)

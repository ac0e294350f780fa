"""Sets of field paths, and their form in managedFields (`fieldpath/serialize.go`).

A path is a tuple of FieldsV1 keys (`f:spec`, `k:{"name":"c"}`, `v:"x"`, `i:0`), a set of fields a set of paths.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

Path = tuple[str, ...]
SELF = "."


def encode(paths: Iterable[Path]) -> dict[str, Any]:
    """A set as FieldsV1.

    >>> encode({("f:spec", "f:replicas"), ("f:data",), ("f:data", "f:a")})
    {'f:data': {'.': {}, 'f:a': {}}, 'f:spec': {'f:replicas': {}}}
    """
    root: dict[str, Any] = {}
    for path in sorted(paths):
        node = root
        for element in path:
            node = node.setdefault(element, {})
        node[SELF] = {}
    return {key: _slim(node) for key, node in root.items()}


def _slim(node: dict[str, Any]) -> dict[str, Any]:
    """A member without children is an empty object."""
    if len(node) == 1 and SELF in node:
        return {}
    return {key: child if key == SELF else _slim(child) for key, child in sorted(node.items())}


def decode(fields: dict[str, Any] | None) -> set[Path]:
    """The set that FieldsV1 describes."""
    found: set[Path] = set()
    for key, node in (fields or {}).items():
        _walk(node, (key,), found)
    return found


def _walk(node: dict[str, Any], path: Path, found: set[Path]) -> None:
    if not node:
        found.add(path)
        return
    for key, child in node.items():
        if key == SELF:
            found.add(path)
        else:
            _walk(child, (*path, key), found)


def is_valid(fields: Any, top: bool = True) -> bool:
    """Whether something that a client sent is FieldsV1."""
    if fields is None and top:
        return True
    return isinstance(fields, dict) and all(
        (_is_element(key) or (key == SELF and not top)) and is_valid(child, False) for key, child in fields.items()
    )


def _is_element(key: Any) -> bool:
    kind, colon, rest = key[:1], key[1:2], key[2:]
    if colon != ":" or kind not in ("f", "k", "v", "i"):
        return False
    if kind == "f":
        return True
    try:
        found = json.loads(rest)
    except ValueError:
        return False
    return isinstance(found, dict) if kind == "k" else not isinstance(found, dict)


def field(name: str) -> str:
    """The path element of a field or map key."""
    return "f:" + name


def item(key: dict[str, Any]) -> str:
    """The path element of a list item with these keys."""
    return "k:" + json.dumps(key, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def value(scalar: Any) -> str:
    """The path element of a set's item."""
    return "v:" + json.dumps(scalar, separators=(",", ":"), ensure_ascii=False)


def text_of(path: Path) -> str:
    """A path as messages show it: `.spec.ports[port=80,protocol="TCP"].name`."""
    return "".join(map(element_text, path))


def element_text(element: str) -> str:
    """One element of a path as messages show it."""
    kind, rest = element[0], element[2:]
    if kind == "f":
        return "." + rest
    if kind == "k":
        pairs = sorted(json.loads(rest).items())
        return "[" + ",".join(f"{name}={json.dumps(key, ensure_ascii=False)}" for name, key in pairs) + "]"
    return f"[={rest}]" if kind == "v" else f"[{rest}]"

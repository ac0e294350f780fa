"""Simple JSON paths of definitions: `.spec.replicas`, `.spec['a.b']`."""

from __future__ import annotations

import re
from typing import Any

_GO_TYPES: dict[type, str] = {
    str: "string",
    bool: "bool",
    float: "float64",
    dict: "map[string]interface {}",
    list: "[]interface {}",
}
_STEP = re.compile(r"\.([^.\[\]]+)|\['([^']+)'\]")


def steps(path: str) -> tuple[str, ...]:
    """The fields that a path goes through."""
    return tuple(plain or quoted for plain, quoted in _STEP.findall(path))


def value_at(data: Any, path: str) -> Any:
    """The value at a path, None where it leads nowhere."""
    for name in steps(path):
        if not isinstance(data, dict):
            return None
        data = data.get(name)
    return data


def number_at(data: Any, path: str) -> int | str | None:
    """The integer at a path; None where nothing is there, a complaint where something else is."""
    found = value_at(data, path)
    if found is None or (isinstance(found, int) and not isinstance(found, bool)):
        return found
    go_type = _GO_TYPES.get(type(found), "interface {}")
    return f"{path} accessor error: {found} is of the type {go_type}, expected int64"


def with_value(data: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of the data with the value at the path."""
    return _with(data, list(steps(path)), value)


def _with(data: dict[str, Any], names: list[str], value: Any) -> dict[str, Any]:
    name, *rest = names
    if not rest:
        return data | {name: value}
    inner = data.get(name)
    return data | {name: _with(inner if isinstance(inner, dict) else {}, rest, value)}

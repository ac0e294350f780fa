"""The columns of custom objects in Tables (`apiextensions-apiserver/pkg/registry/customresource/tableconvertor`)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from k8slab.api.codec import to_dict
from k8slab.api.jsonpath import JSONPath, PathError, compact
from k8slab.api.scheme import Column, Resource
from k8slab.api.timestamps import TimeError, human_duration, parse

AGE = Column(name="Age", type="date", path=".metadata.creationTimestamp")
NAME_TEXT = "The object's name, unique among objects of its kind in its namespace."
FROM_PATH = "Custom resource definition column (in JSONPath format): {}"


def column_definitions(resource: Resource) -> list[dict[str, Any]]:
    """The columnDefinitions: the name, then those of the definition (the age where it has none)."""
    name = {"name": "Name", "type": "string", "format": "name", "description": NAME_TEXT, "priority": 0}
    return [name, *(_definition(column) for column in resource.columns or (AGE,))]


def _definition(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "format": column.format,
        "description": column.description or FROM_PATH.format(column.path),
        "priority": column.priority,
    }


def cells(obj: Any, resource: Resource, unix_us: int) -> list[Any]:
    """The cells of an object's row.

    Args:
        obj: the custom object.
        resource: what it is one of.
        unix_us: the time at which the Table is printed.
    """
    data = to_dict(obj)
    return [obj.metadata.name, *(_cell(data, column, unix_us) for column in resource.columns or (AGE,))]


@lru_cache(maxsize=1024)
def _path(path: str) -> JSONPath:
    return JSONPath(f"{{{path}}}")


def _cell(data: dict[str, Any], column: Column, unix_us: int) -> Any:
    try:
        found = [value for group in _path(column.path).find(data) for value in group]
    except PathError:
        return None
    if not found or found[0] is None:
        return None
    return _FORMS.get(column.type, _text)(found, unix_us)


def _text(found: list[Any], unix_us: int) -> str | None:
    """Several results are joined, as the template would print them."""
    return ",".join(_printed(value) for value in found)


def _printed(value: Any) -> str:
    if isinstance(value, (dict, list, bool)):
        return compact(value)
    return str(value)


def _integer(found: list[Any], unix_us: int) -> int | None:
    value = found[0]
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _number(found: list[Any], unix_us: int) -> float | None:
    value = found[0]
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _boolean(found: list[Any], unix_us: int) -> bool | None:
    return found[0] if isinstance(found[0], bool) else None


def _date(found: list[Any], unix_us: int) -> str:
    try:
        return human_duration(unix_us - parse(found[0]))
    except (TimeError, TypeError, ValueError):
        return "<invalid>"


_FORMS = {"integer": _integer, "number": _number, "boolean": _boolean, "date": _date, "string": _text}

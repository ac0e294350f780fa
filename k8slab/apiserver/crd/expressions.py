"""Custom objects in expressions: the types that a schema gives, and values as their schema types them.

Follows `apiserver/pkg/cel/common/schemas.go` and `values.go`.
"""

from __future__ import annotations

from typing import Any

from k8slab.api.cel import BOOL, DYN, INT, STRING, CelError, Kind, list_of, map_of
from k8slab.api.cel.kinds import BYTES, DOUBLE, DURATION, TIMESTAMP, object_of
from k8slab.api.cel.lexer import RESERVED
from k8slab.api.cel.standard import to_double
from k8slab.api.cel.times import read_duration, read_timestamp
from k8slab.apiserver.crd.structural import EMBEDDED, PRESERVE, Schema

_ESCAPES = (("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__"))
_KEYWORDS = RESERVED | {"true", "false", "null", "in"}
METADATA = object_of("object", {"name": STRING, "generateName": STRING})
FORMATS = {"byte": BYTES, "date": TIMESTAMP, "date-time": TIMESTAMP, "datetime": TIMESTAMP, "duration": DURATION}
SIMPLE = {"boolean": BOOL, "integer": INT, "number": DOUBLE}


def escaped(name: str) -> str:
    """The name of a field as expressions write it."""
    if name in _KEYWORDS:
        return f"__{name}__"
    for sign, word in _ESCAPES:
        name = name.replace(sign, word)
    return name


def kind_of(schema: Any, is_resource: bool = False) -> Kind:
    """The type of the values that a schema describes."""
    if not isinstance(schema, dict) or schema.get("x-kubernetes-int-or-string"):
        return DYN
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, is_resource or bool(schema.get(EMBEDDED)))
    if kind == "array":
        return list_of(kind_of(schema.get("items")))
    if kind == "string":
        return FORMATS.get(schema.get("format") or "", STRING)
    return SIMPLE.get(kind or "", DYN)


def _object(schema: Schema, is_resource: bool) -> Kind:
    others, properties = schema.get("additionalProperties"), schema.get("properties") or {}
    if isinstance(others, dict):
        return map_of(STRING, kind_of(others))
    if (others or schema.get(PRESERVE)) and not properties and not is_resource:
        return DYN
    fields = {escaped(name): kind_of(each) for name, each in properties.items()}
    if is_resource:
        fields |= {"apiVersion": STRING, "kind": STRING, "metadata": METADATA}
    return object_of("object", fields)


def to_cel(value: Any, schema: Any, is_resource: bool = False) -> Any:
    """A JSON value as its schema types it, with field names as expressions write them."""
    schema = schema if isinstance(schema, dict) else {}
    if isinstance(value, dict):
        return _map(value, schema, is_resource or bool(schema.get(EMBEDDED)))
    if isinstance(value, list):
        return [to_cel(item, schema.get("items")) for item in value]
    if isinstance(value, str):
        return _text(value, schema.get("format"))
    kind = schema.get("type")
    if kind == "number" and isinstance(value, int) and not isinstance(value, bool):
        return to_double(value)
    return int(value) if kind == "integer" and isinstance(value, float) else value


def _map(value: dict[str, Any], schema: Schema, is_resource: bool) -> Any:
    properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
    if not properties and not isinstance(others, dict) and not is_resource and (others or schema.get(PRESERVE)):
        return value
    found = {}
    for name, item in value.items():
        if is_resource and name == "metadata":
            found[name] = {key: item[key] for key in ("name", "generateName") if item.get(key)}
        elif name in properties:
            found[escaped(name)] = to_cel(item, properties[name])
        elif isinstance(others, dict):
            found[name] = to_cel(item, others)
        elif is_resource and name in ("apiVersion", "kind"):
            found[name] = item
    return found


def _text(value: str, name: str | None) -> Any:
    try:
        if name in ("date-time", "datetime"):
            return read_timestamp(value)
        if name == "date":
            return read_timestamp(f"{value}T00:00:00Z")
        if name == "duration":
            return read_duration(value)
    except CelError:
        pass
    return value

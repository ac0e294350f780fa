"""The OpenAPI v2 document in protobuf, which kubectl asks for (google/gnostic-models: openapiv2/OpenAPIv2.proto).

A message is written field by field; numbers are those of the proto file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

#: What the answer is called; clients also ask for an older name, which is no valid media type.
MEDIA_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
ASKED = (MEDIA_TYPE, "application/com.github.proto-openapi.spec.v2@v1.0+protobuf")
METHODS = {"get": 2, "put": 3, "post": 4, "delete": 5, "patch": 8}
EXTENSION = "x-"
#: Numbers of the plain texts of a schema.
TEXTS = {"$ref": 1, "format": 2, "title": 3, "description": 4, "pattern": 15}


def encode(document: dict[str, Any]) -> bytes:
    """The document as a protobuf message."""
    info = _text(1, document["info"]["title"]) + _text(2, document["info"]["version"])
    paths = b"".join(_named(2, path, _path(item)) for path, item in document["paths"].items())
    definitions = b"".join(_named(1, name, _schema(each)) for name, each in document["definitions"].items())
    return _text(1, document["swagger"]) + _part(2, info) + _part(8, paths) + _part(9, definitions)


def _path(item: dict[str, Any]) -> bytes:
    operations = b"".join(_part(number, _operation(item[name])) for name, number in METHODS.items() if name in item)
    return operations + _parameters(9, item.get("parameters", ()))


def _operation(operation: dict[str, Any]) -> bytes:
    responses = b"".join(_named(1, code, _response(each)) for code, each in operation["responses"].items())
    return b"".join(
        (
            *(_text(7, each) for each in operation.get("consumes", ())),
            _parameters(8, operation["parameters"]),
            _part(9, responses),
            _extensions(13, operation),
        )
    )


def _response(response: dict[str, Any]) -> bytes:
    schema = _part(2, _part(1, _schema(response["schema"]))) if response.get("schema") else b""
    return _part(1, _text(1, response["description"]) + schema)


def _parameters(number: int, parameters: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(_part(number, _part(1, _parameter(each))) for each in parameters)


def _parameter(parameter: dict[str, Any]) -> bytes:
    place, required = parameter["in"], bool(parameter.get("required"))
    if place == "body":
        body = (
            _text(2, parameter["name"]) + _text(3, place) + _flag(4, required) + _part(5, _schema(parameter["schema"]))
        )
        return _part(1, body)
    head = _flag(1, required) + _text(2, place)
    if place == "path":
        return _part(2, _part(4, head + _text(4, parameter["name"]) + _text(5, parameter["type"])))
    return _part(2, _part(3, head + _text(4, parameter["name"]) + _text(6, parameter["type"])))


def _schema(schema: dict[str, Any]) -> bytes:
    parts = [_text(number, schema[name]) for name, number in TEXTS.items() if schema.get(name)]
    if "default" in schema:
        parts.append(_part(5, _any(schema["default"])))
    parts += [_text(19, each) for each in schema.get("required", ())]
    parts += [_part(20, _any(each)) for each in schema.get("enum", ())]
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        parts.append(_part(21, _part(1, _schema(others))))
    elif others is not None:
        parts.append(_part(21, _flag(2, others)))
    if "type" in schema:
        parts.append(_part(22, _text(1, schema["type"])))
    if "items" in schema:
        parts.append(_part(23, _part(1, _schema(schema["items"]))))
    parts += [_part(24, _schema(each)) for each in schema.get("allOf", ())]
    if schema.get("properties"):
        named = (_named(1, name, _schema(each)) for name, each in schema["properties"].items())
        parts.append(_part(25, b"".join(named)))
    return b"".join((*parts, _extensions(31, schema)))


def _extensions(number: int, schema: dict[str, Any]) -> bytes:
    return b"".join(_named(number, name, _any(each)) for name, each in schema.items() if name.startswith(EXTENSION))


def _any(value: Any) -> bytes:
    # JSON is YAML.
    return _text(2, json.dumps(value))


def _named(number: int, name: str, value: bytes) -> bytes:
    return _part(number, _text(1, name) + _part(2, value))


def _text(number: int, text: str) -> bytes:
    return _part(number, text.encode())


def _flag(number: int, value: bool) -> bytes:
    return _size(number << 3) + _size(value)


def _part(number: int, data: bytes) -> bytes:
    return _size(number << 3 | 2) + _size(len(data)) + data


def _size(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)

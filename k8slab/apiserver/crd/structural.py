"""What a structural schema does to a custom object before it is validated: pruning and defaults.

Schemas are plain data as in `openAPIV3Schema`; values are never changed, what differs is copied. Follows
`apiextensions-apiserver/pkg/apiserver/schema/pruning` and `.../schema/defaulting`.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

Schema = dict[str, Any]
PRESERVE = "x-kubernetes-preserve-unknown-fields"
EMBEDDED = "x-kubernetes-embedded-resource"
ROOT_FIELDS = ("apiVersion", "kind", "metadata")


def prune(value: Any, schema: Schema | None, is_resource: bool = False) -> tuple[Any, list[str]]:
    """The value without fields that the schema does not know, and the paths of those fields.

    Args:
        value: plain JSON data.
        schema: None allows nothing.
        is_resource: the value is an object of its own with apiVersion, kind and metadata.
    """
    unknown: list[str] = []
    return _pruned(value, schema or {}, is_resource, "", unknown), unknown


def _pruned(value: Any, schema: Schema, is_resource: bool, path: str, unknown: list[str]) -> Any:
    if isinstance(value, dict):
        return _pruned_object(value, schema, is_resource or bool(schema.get(EMBEDDED)), path, unknown)
    if isinstance(value, list):
        items = schema.get("items")
        if items is None and schema.get(PRESERVE):
            return value
        return [_pruned(item, items or {}, False, f"{path}[{index}]", unknown) for index, item in enumerate(value)]
    return value


def _pruned_object(value: dict[str, Any], schema: Schema, is_resource: bool, path: str, unknown: list[str]) -> Any:
    properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
    kept = {}
    for name, item in value.items():
        place = f"{path}.{name}" if path else name
        if is_resource and name in ROOT_FIELDS:
            kept[name] = item
        elif name in properties:
            kept[name] = _pruned(item, properties[name], False, place, unknown)
        elif isinstance(others, dict):
            kept[name] = _pruned(item, others, False, place, unknown)
        elif others is True or schema.get(PRESERVE):
            kept[name] = item
        else:
            unknown.append(place)
    return kept


def has_defaults(schema: Schema | None) -> bool:
    """Whether a default lies anywhere in the schema."""
    if not isinstance(schema, dict):
        return False
    if "default" in schema:
        return True
    inner = [*(schema.get("properties") or {}).values(), schema.get("items"), schema.get("additionalProperties")]
    return any(has_defaults(each) for each in inner)


def default(value: Any, schema: Schema | None) -> Any:
    """The value with the schema's defaults for what is absent, and for nulls that the schema does not allow."""
    if not isinstance(schema, dict):
        return value
    if isinstance(value, dict):
        return _defaulted_object(value, schema)
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return [default(item, schema["items"]) for item in value]
    return value


def _defaulted_object(value: dict[str, Any], schema: Schema) -> dict[str, Any]:
    properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
    result = {}
    for name, item in value.items():
        known = properties.get(name, others if isinstance(others, dict) else None)
        if item is None and known is not None and not known.get("nullable"):
            continue
        result[name] = default(item, known)
    for name, known in properties.items():
        if name not in result and "default" in known:
            result[name] = default(deepcopy(known["default"]), known)
    return result

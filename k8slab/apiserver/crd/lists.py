"""Lists that are sets or maps have no item twice (`apiextensions-apiserver/pkg/apiserver/schema/listtype`)."""

from __future__ import annotations

from typing import Any

from k8slab.apiserver.crd.structural import Schema
from k8slab.errors import FieldError, go_json


def duplicates(value: Any, schema: Schema | None, path: str = "") -> list[FieldError]:
    """An error for each item that occurs a second time."""
    if not isinstance(schema, dict):
        return []
    if isinstance(value, list):
        return _in_list(value, schema, path)
    errors: list[FieldError] = []
    if isinstance(value, dict):
        properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
        for name in sorted(value):
            child = f"{path}.{name}" if path else name
            if name in properties:
                errors += duplicates(value[name], properties[name], child)
            elif others is not None:
                errors += duplicates(value[name], others, f"{path}[{name}]")
    return errors


def _in_list(value: list[Any], schema: Schema, path: str) -> list[FieldError]:
    kind = schema.get("x-kubernetes-list-type")
    errors = []
    if kind in ("set", "map"):
        names = schema.get("x-kubernetes-list-map-keys") or ()
        errors += _repeated([_key(item, kind, names, schema) for item in value], path)
    for index, item in enumerate(value):
        errors += duplicates(item, schema.get("items"), f"{path}[{index}]")
    return errors


def _key(item: Any, kind: str, names: Any, schema: Schema) -> Any:
    if kind == "set" or not isinstance(item, dict):
        return item
    properties = (schema.get("items") or {}).get("properties") or {}
    found = {name: item.get(name, properties.get(name, {}).get("default")) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _repeated(keys: list[Any], path: str) -> list[FieldError]:
    seen: set[str] = set()
    errors = []
    for index, key in enumerate(keys):
        text = go_json(key)
        if text in seen:
            errors.append(FieldError.duplicate(f"{path}[{index}]", key))
        seen.add(text)
    return errors

"""The shapes of custom resources, from the schemas of their definitions (`x-kubernetes-list-type` and its kin)."""

from __future__ import annotations

from typing import Any

from k8slab.api.apply.schema import ANY, BOOLEAN, NUMERIC, STRING, UNTYPED, Shape, shape_of
from k8slab.api.meta_v1 import ObjectMeta

_SCALARS = {"string": STRING, "integer": NUMERIC, "number": NUMERIC, "boolean": BOOLEAN}
_ROOT = {"apiVersion": STRING, "kind": STRING, "metadata": shape_of(ObjectMeta)}


def custom_shape(schema: dict[str, Any], is_resource: bool = True) -> Shape:
    """The shape that a structural schema (plain data of `openAPIV3Schema`) describes."""
    if schema.get("x-kubernetes-int-or-string"):
        return UNTYPED
    kind = schema.get("type")
    if kind == "array":
        return _list(schema)
    if kind == "object" or "properties" in schema:
        return _object(schema, is_resource or bool(schema.get("x-kubernetes-embedded-resource")))
    return _SCALARS.get(kind or "", ANY)


def _list(schema: dict[str, Any]) -> Shape:
    items = schema.get("items") or {}
    kind = schema.get("x-kubernetes-list-type", "atomic")
    keys = tuple(sorted(schema.get("x-kubernetes-list-map-keys") or ())) if kind == "map" else ()
    known = items.get("properties") or {}
    defaults = {key: known[key]["default"] for key in keys if "default" in known.get(key, {})}
    element = custom_shape(items, False)
    return Shape("list", atomic=kind == "atomic", element=element, keys=keys, defaults=defaults)


def _object(schema: dict[str, Any], is_resource: bool) -> Shape:
    atomic = schema.get("x-kubernetes-map-type") == "atomic"
    others = schema.get("additionalProperties")
    if others:
        return Shape("map", atomic=atomic, element=custom_shape(others, False) if isinstance(others, dict) else ANY)
    properties = {name: custom_shape(each, False) for name, each in (schema.get("properties") or {}).items()}
    if is_resource:
        properties |= _ROOT
    is_open = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    return Shape("struct", atomic=atomic, properties=properties, is_open=is_open)

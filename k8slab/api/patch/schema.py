"""What a strategic merge must know of a field: its element type, its patch strategy and its merge key."""

from __future__ import annotations

from functools import cache
from types import NoneType, UnionType
from typing import Any, NamedTuple, get_args, get_origin

from msgspec.structs import fields

from k8slab.api.base import KubeStruct
from k8slab.api.patch.failure import internal

Schema = type[KubeStruct] | str
"""A class of the API, or the Go kind of anything else (`map`, `string`, ...), which has no fields to look up."""


class Field(NamedTuple):
    """One field of a struct, as the tags `patchStrategy` and `patchMergeKey` of its Go field describe it."""

    schema: Schema
    """Of the value, or of the elements if it is a list."""
    is_list: bool
    strategy: str
    """`merge`, `replace` or empty."""
    retain_keys: bool
    merge_key: str


def lookup(schema: Schema, key: str) -> Field:
    """The field `key` of a struct; raises ApiError 500 with the server's text if there is none."""
    if isinstance(schema, str):
        if schema == "json":
            raise internal(f'unable to find api field in struct RawExtension for the json field "{key}"')
        raise internal(f"merging an object in json but data type is not struct, instead is: {schema}")
    found = _table(schema).get(key)
    if found is None:
        name = (schema.GO_TYPE or schema.__name__).rpartition(".")[2]
        raise internal(f'unable to find api field in struct {name} for the json field "{key}"')
    return found


def lookup_list(schema: Schema, key: str) -> Field:
    """The field `key`, which has to be a list."""
    found = lookup(schema, key)
    if not found.is_list:
        kind = found.schema if isinstance(found.schema, str) else "struct"
        raise internal(f"expected slice or array type, but got: {kind}")
    return found


@cache
def _table(cls: type[KubeStruct]) -> dict[str, Field]:
    return {item.encode_name: _field(cls, item.encode_name, item.type) for item in fields(cls)}


def _field(cls: type[KubeStruct], key: str, annotation: Any) -> Field:
    annotation = _strip_none(annotation)
    is_list = get_origin(annotation) is tuple
    element = _strip_none(get_args(annotation)[0]) if is_list else annotation
    strategies = cls.PATCH_STRATEGY.get(key, ())
    strategy = next((item for item in strategies if item != "retainKeys"), "")
    return Field(_schema(element), is_list, strategy, "retainKeys" in strategies, cls.PATCH_MERGE_KEY.get(key, ""))


def _strip_none(annotation: Any) -> Any:
    if get_origin(annotation) is UnionType or "Union" in str(get_origin(annotation)):
        rest = [item for item in get_args(annotation) if item is not NoneType]
        return rest[0]
    return annotation


def _schema(annotation: Any) -> Schema:
    if isinstance(annotation, type) and issubclass(annotation, KubeStruct):
        return annotation
    if get_origin(annotation) is dict:
        return "map"
    if annotation is Any:
        return "json"
    return {bool: "bool", int: "int64", str: "string", float: "float64"}.get(annotation, "struct")

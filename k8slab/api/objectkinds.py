"""The types that expressions see of Kubernetes' own kinds, read from the classes that hold them."""

from __future__ import annotations

from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from msgspec import Struct

from k8slab.api.cel.kinds import BOOL, DOUBLE, DYN, INT, STRING, TIMESTAMP, Kind, list_of, map_of, object_of

PLAIN = {str: STRING, bool: BOOL, int: INT, float: DOUBLE}
RECURSIVE = frozenset({"JSONSchemaProps"})
"""Classes that contain themselves: expressions may ask them for anything."""


@cache
def kind_of(cls: type[Any]) -> Kind:
    """The type of such objects: each field has the type that the class says it holds."""
    if cls.__name__ in RECURSIVE:
        return DYN
    formats = getattr(cls, "FORMAT", {})
    hints = get_type_hints(cls, include_extras=True)
    names = [name for name in getattr(cls, "__struct_fields__", ()) if name in hints]
    return object_of(
        cls.__name__, {name: TIMESTAMP if formats.get(name) == "time" else _read(hints[name]) for name in names}
    )


def _read(hint: Any) -> Kind:
    origin = get_origin(hint)
    if origin is Annotated:
        return _read(get_args(hint)[0])
    if origin in (Union, UnionType):
        given = [each for each in get_args(hint) if each is not NoneType]
        return _read(given[0]) if len(given) == 1 else DYN
    if origin is tuple:
        return list_of(_read(get_args(hint)[0]))
    if origin is dict:
        key, value = get_args(hint)
        return map_of(_read(key), _read(value))
    if isinstance(hint, type) and issubclass(hint, Struct):
        return kind_of(hint)
    return PLAIN.get(hint, DYN)

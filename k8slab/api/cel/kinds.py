"""The types of expressions: what the checker reckons with, and what values say they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from k8slab.api.cel.lexer import Unsigned


class Kind(NamedTuple):
    """A type: its name, and what it is made of (items, keys and values). Objects know their fields."""

    name: str
    params: tuple[Any, ...] = ()
    fields: Any = None
    """Of objects: a mapping from field to Kind; None where any field may be."""

    def __str__(self) -> str:
        if not self.params:
            return self.name
        return f"{self.name}({', '.join(map(str, self.params))})"


class Fields(dict[str, Kind]):
    """The fields of an object's type; never changed."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self))


def object_of(name: str, fields: Mapping[str, Kind]) -> Kind:
    """The type of objects with these fields."""
    return Kind(name, (), Fields(fields))


DYN, BOOL, INT, UINT, DOUBLE = Kind("dyn"), Kind("bool"), Kind("int"), Kind("uint"), Kind("double")
STRING, BYTES, NULL, TYPE = Kind("string"), Kind("bytes"), Kind("null_type"), Kind("type")
TIMESTAMP, DURATION = Kind("google.protobuf.Timestamp"), Kind("google.protobuf.Duration")
SHORT = {"timestamp": TIMESTAMP.name, "duration": DURATION.name, "null": NULL.name, "optional": "optional_type"}
"""How signatures in the tables of functions write long names."""
PLAIN = (BOOL, INT, UINT, DOUBLE, STRING, BYTES, NULL, TYPE)
_NAMES: dict[type, str] = {
    bool: "bool",
    int: "int",
    Unsigned: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    type(None): "null_type",
    list: "list",
    tuple: "list",
    dict: "map",
    datetime: TIMESTAMP.name,
    timedelta: DURATION.name,
}


def name_of(value: Any) -> str:
    """The type of a value at run time, without what it is made of."""
    return _NAMES.get(type(value)) or value.kind


def list_of(item: Kind) -> Kind:
    """The type of lists of such items."""
    return Kind("list", (item,))


def map_of(key: Kind, value: Kind) -> Kind:
    """The type of maps."""
    return Kind("map", (key, value))


def optional_of(value: Kind) -> Kind:
    """The type of values that may be none."""
    return Kind("optional_type", (value,))


def is_variable(kind: Kind) -> bool:
    """Whether a type in a signature stands for any type (`A`)."""
    return len(kind.name) == 1


_PART = re.compile(r"\s*([A-Za-z_.]+|[(),])")


def read_kind(text: str) -> Kind:
    """The type that a signature writes, such as `map(string, list(A))`."""
    kind, rest = _read(_PART.findall(text))
    assert not rest, text
    return kind


def _read(parts: list[str]) -> tuple[Kind, list[str]]:
    name, rest = SHORT.get(parts[0], parts[0]), parts[1:]
    if not rest or rest[0] != "(":
        return Kind(name), rest
    params: list[Kind] = []
    while rest[0] != ")":
        kind, rest = _read(rest[1:])
        params.append(kind)
    return Kind(name, tuple(params)), rest[1:]


def fits(wanted: Kind, given: Kind, bound: dict[str, Kind]) -> bool:
    """Whether a value of type `given` may stand where a signature wants `wanted`; `bound` learns what `A` is."""
    if is_variable(wanted):
        known = bound.get(wanted.name)
        if known is None or known.name == "dyn":
            bound[wanted.name] = given if known is None else known
            return True
        return fits(known, given, {}) or fits(given, known, {})
    if "dyn" in (wanted.name, given.name):
        return True
    if given.name == "null_type" and wanted not in PLAIN and wanted.name not in ("list", "map"):
        return True
    if wanted.name != given.name:
        return False
    pairs = zip(wanted.params, given.params, strict=False)
    return all(fits(left, right, bound) for left, right in pairs)


def filled(kind: Kind, bound: dict[str, Kind]) -> Kind:
    """A type of a signature with what is known of its variables; the rest is dyn."""
    if is_variable(kind):
        return bound.get(kind.name, DYN)
    return kind._replace(params=tuple(filled(each, bound) for each in kind.params)) if kind.params else kind


def common(kinds: list[Kind]) -> Kind:
    """The type of all of them, dyn where they differ."""
    if not kinds:
        return DYN
    first = kinds[0]
    return first if all(each == first for each in kinds) else DYN

"""What an expression consists of. Each node knows where it begins in the text, for messages."""

from __future__ import annotations

from typing import Any, NamedTuple


class Literal(NamedTuple):
    """A value as it is written."""

    at: int
    value: Any


class Ident(NamedTuple):
    """A name: a variable, or the beginning of a qualified name."""

    at: int
    name: str


class Select(NamedTuple):
    """`operand.field`, `operand.?field`, and with `test` the question of `has(operand.field)`."""

    at: int
    operand: Any
    field: str
    test: bool = False
    optional: bool = False


class Index(NamedTuple):
    """`operand[key]` and `operand[?key]`."""

    at: int
    operand: Any
    key: Any
    optional: bool = False


class Call(NamedTuple):
    """A function, a method of a target, or an operator under its name such as `_+_`."""

    at: int
    name: str
    target: Any
    args: tuple[Any, ...]


class Items(NamedTuple):
    """A list; `optional` holds the indexes of items that are left out where they are none."""

    at: int
    items: tuple[Any, ...]
    optional: frozenset[int] = frozenset()


class Entries(NamedTuple):
    """A map: keys and values."""

    at: int
    entries: tuple[tuple[Any, Any, bool], ...]
    """Key, value, and whether the entry is left out where the value is none."""


class Message(NamedTuple):
    """An object of a named type: `Object.spec{replicas: 1}`."""

    at: int
    name: str
    fields: tuple[tuple[str, Any, bool], ...]


class Fold(NamedTuple):
    """A macro that goes over a list or map: all, exists, exists_one, filter, map and their kin."""

    at: int
    macro: str
    over: Any
    names: tuple[str, ...]
    """One name for items (keys of maps), or two for index and item (key and value)."""
    steps: tuple[Any, ...]


class Bind(NamedTuple):
    """`cel.bind(name, value, body)`."""

    at: int
    name: str
    value: Any
    body: Any


class Opt(NamedTuple):
    """`target.optMap(name, body)`, and `optFlatMap` whose body makes the optional value itself."""

    at: int
    target: Any
    name: str
    body: Any
    flat: bool


Node = Any

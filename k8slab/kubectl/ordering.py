"""`--sort-by`: objects and table rows in the order of a field. Follows kubectl's RuntimeSorter."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from k8slab.api import quantity
from k8slab.api.jsonpath import JSONPath, PathError, relaxed
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.gosort import sorted_as_go

T = TypeVar("T")
_MISSING = object()


def by_field(items: Sequence[T], field: str, object_of: Callable[[T], Any]) -> list[T]:
    """The items in the order of the field's values; those without it come first. Raises CommandError."""
    if not items:
        return []
    path = JSONPath(relaxed(field))
    values = [_value(path, object_of(item)) for item in items]
    if all(value is _MISSING for value in values):
        raise CommandError(f'couldn\'t find any field with path "{relaxed(field)}" in the list of objects')
    order = sorted_as_go(range(len(items)), lambda one, other: _less(values[one], values[other]))
    return [items[index] for index in order]


def is_usable(field: str) -> bool:
    """Whether the expression is a path at all."""
    try:
        JSONPath(relaxed(field))
    except PathError:
        return False
    return True


def _value(path: JSONPath, obj: Any) -> Any:
    try:
        found = path.first(obj)
    except PathError:
        return _MISSING
    return found[0] if found else _MISSING


def _less(one: Any, other: Any) -> bool:
    """What is missing comes before everything, also before another that is missing: kubectl asks in this order."""
    if one is _MISSING or other is _MISSING:
        return one is _MISSING
    return compare(one, other) < 0


def compare(one: Any, other: Any) -> int:
    """-1, 0 or 1: numbers as numbers, quantities as quantities, other texts with their numbers as numbers."""
    if one is None or other is None:
        return (other is None) - (one is None)
    if isinstance(one, str) and isinstance(other, str):
        return _compare_texts(one, other)
    if isinstance(one, (dict, list, tuple)) or isinstance(other, (dict, list, tuple)):
        return 0
    if isinstance(one, str) != isinstance(other, str):
        return _sign(str(one), str(other))
    return _sign(one, other)


def _compare_texts(one: str, other: str) -> int:
    amounts = [_amount(text) for text in (one, other)]
    if None not in amounts:
        return _sign(*amounts)
    return _sign(_natural(one), _natural(other))


def _amount(text: str) -> Any:
    try:
        return quantity.milli(text) if text else None
    except ValueError:
        return None


def _natural(text: str) -> list[tuple[int, int, str]]:
    parts = re.findall(r"\d+|\D+", text)
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]


def _sign(one: Any, other: Any) -> int:
    return (one > other) - (one < other)

"""Functions on lists and sets (`apiserver/pkg/cel/library/lists.go`, cel-go `ext/sets.go`), and on optional values."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from k8slab.api.cel.overloads import Table, declare
from k8slab.api.cel.values import NONE, CelError, Optional, add, equal, order


def _sum(items: list[Any]) -> Any:
    total: Any = 0
    for index, item in enumerate(items):
        total = item if index == 0 else add(total, item)
    return total


def _lowest(items: list[Any]) -> Any:
    if not items:
        raise CelError("min called on empty list")
    found = items[0]
    for item in items[1:]:
        found = item if order(item, found) < 0 else found
    return found


def _highest(items: list[Any]) -> Any:
    if not items:
        raise CelError("max called on empty list")
    found = items[0]
    for item in items[1:]:
        found = item if order(item, found) > 0 else found
    return found


def _is_sorted(items: list[Any]) -> bool:
    return all(order(left, right) <= 0 for left, right in pairwise(items))


def _index_of(items: list[Any], wanted: Any) -> int:
    return next((index for index, item in enumerate(items) if equal(item, wanted)), -1)


def _last_index_of(items: list[Any], wanted: Any) -> int:
    return max((index for index, item in enumerate(items) if equal(item, wanted)), default=-1)


def _contains_all(items: list[Any], wanted: list[Any]) -> bool:
    return all(_index_of(items, each) >= 0 for each in wanted)


def _intersects(left: list[Any], right: list[Any]) -> bool:
    return any(_index_of(left, each) >= 0 for each in right)


def _equivalent(left: list[Any], right: list[Any]) -> bool:
    return _contains_all(left, right) and _contains_all(right, left)


def _of(value: Any) -> Optional:
    return Optional(value)


def _none() -> Optional:
    return NONE


def _of_non_zero(value: Any) -> Optional:
    is_zero = value is None or value in (False, 0, 0.0, "", b"") or (isinstance(value, (list, dict)) and not value)
    return NONE if is_zero else Optional(value)


def _has_value(optional: Optional) -> bool:
    return optional.present


def _value(optional: Optional) -> Any:
    if not optional.present:
        raise CelError("optional.none() dereference")
    return optional.value


def add_lists(table: Table) -> None:
    """Declare what lists can do."""
    for kind in ("int", "uint", "double", "duration"):
        declare(table, _sum, f"list({kind})~sum() {kind}")
    for kind in ("int", "uint", "double", "duration", "timestamp", "bool", "string", "bytes"):
        declare(table, _lowest, f"list({kind})~min() {kind}")
        declare(table, _highest, f"list({kind})~max() {kind}")
        declare(table, _is_sorted, f"list({kind})~isSorted() bool")
    declare(table, _index_of, "list(A)~indexOf(A) int")
    declare(table, _last_index_of, "list(A)~lastIndexOf(A) int")
    declare(table, _contains_all, "sets.contains(list(A), list(A)) bool")
    declare(table, _intersects, "sets.intersects(list(A), list(A)) bool")
    declare(table, _equivalent, "sets.equivalent(list(A), list(A)) bool")


def add_optionals(table: Table) -> None:
    """Declare what values that may be none can do; `or` and `orValue` are known to the interpreter."""
    declare(table, _of, "optional.of(A) optional(A)")
    declare(table, _none, "optional.none() optional(A)")
    declare(table, _of_non_zero, "optional.ofNonZeroValue(A) optional(A)")
    declare(table, _has_value, "optional(A)~hasValue() bool")
    declare(table, _value, "optional(A)~value() A")
    declare(table, None, "optional(A)~or(optional(A)) optional(A)")
    declare(table, None, "optional(A)~orValue(A) A")

"""Quantities (`apiserver/pkg/cel/library/quantity.go`)."""

from __future__ import annotations

from typing import Any

from k8slab.api import quantity as q
from k8slab.api.cel.overloads import Table, declare
from k8slab.api.cel.values import CelError

NAME = "kubernetes.Quantity"
NANO = 10**9


class QuantityValue:
    """A quantity as a value."""

    __slots__ = ("text",)
    kind = NAME

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, QuantityValue) and q.compare(self.text, other.text) == 0

    def __hash__(self) -> int:
        return hash(q.nano(self.text))


def _is_quantity(text: str) -> bool:
    try:
        q.parse(text)
    except ValueError:
        return False
    return True


def _quantity(text: str) -> QuantityValue:
    try:
        q.parse(text)
    except ValueError:
        why = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        raise CelError(why) from None
    return QuantityValue(text)


def _is_integer(value: QuantityValue) -> bool:
    return q.nano(value.text) % NANO == 0 and abs(q.nano(value.text)) < 2**63 * NANO


def _as_integer(value: QuantityValue) -> int:
    if not _is_integer(value):
        raise CelError("cannot convert value to integer")
    return q.nano(value.text) // NANO


def _as_float(value: QuantityValue) -> float:
    return q.nano(value.text) / NANO


def _sign(value: QuantityValue) -> int:
    amount = q.nano(value.text)
    return (amount > 0) - (amount < 0)


def _text(value: Any) -> str:
    return value.text if isinstance(value, QuantityValue) else str(value)


def _add(value: QuantityValue, other: Any) -> QuantityValue:
    return QuantityValue(q.add(value.text, _text(other)))


def _sub(value: QuantityValue, other: Any) -> QuantityValue:
    return QuantityValue(q.sub(value.text, _text(other)))


def _compare(value: QuantityValue, other: QuantityValue) -> int:
    return q.compare(value.text, other.text)


def _less(value: QuantityValue, other: QuantityValue) -> bool:
    return _compare(value, other) < 0


def _greater(value: QuantityValue, other: QuantityValue) -> bool:
    return _compare(value, other) > 0


def add_quantities(table: Table) -> None:
    """Declare what quantities can do."""
    declare(table, _quantity, f"quantity(string) {NAME}")
    declare(table, _is_quantity, "isQuantity(string) bool")
    declare(table, _is_integer, f"{NAME}~isInteger() bool")
    declare(table, _as_integer, f"{NAME}~asInteger() int")
    declare(table, _as_float, f"{NAME}~asApproximateFloat() double")
    declare(table, _sign, f"{NAME}~sign() int")
    for name, run in (("add", _add), ("sub", _sub)):
        declare(table, run, f"{NAME}~{name}({NAME}) {NAME}", f"{NAME}~{name}(int) {NAME}")
    declare(table, _compare, f"{NAME}~compareTo({NAME}) int")
    declare(table, _less, f"{NAME}~isLessThan({NAME}) bool")
    declare(table, _greater, f"{NAME}~isGreaterThan({NAME}) bool")

"""Resource amounts: `500m` CPU, `1Gi` memory; exact, with Kubernetes' canonical form, rounding and error texts.

Follows apimachinery's `pkg/api/resource` (quantity.go, suffix.go, scale_int.go).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from k8slab.errors import K8sLabError, go_number

DECIMAL = "DecimalSI"
BINARY = "BinarySI"
EXPONENT = "DecimalExponent"

NANO = 10**9
MAXIMUM = (2**63 - 1) * NANO
FORMAT_WRONG = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
SUFFIX_WRONG = "unable to parse quantity's suffix"

_TEXT = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)\Z")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIX = {exponent: suffix for suffix, exponent in _BINARY.items()} | {0: ""}
_EXPONENT = re.compile(r"[eE]([-+]?[0-9]+)\Z")


class QuantityError(K8sLabError, ValueError):
    """A text that is no quantity, in Kubernetes' words."""


class Amount(NamedTuple):
    """A parsed quantity: the exact number of billionths, and the format it is written in."""

    nano: int
    format: str

    def __str__(self) -> str:
        return _canonical(self.nano, self.format)


def parse(quantity: str | int | float) -> Amount:
    """The amount that a quantity stands for; finer than a billionth is rounded up (away from zero).

    Raises QuantityError with the API server's text.
    """
    return _parse(quantity if isinstance(quantity, str) else go_number(quantity))


@lru_cache(maxsize=65536)
def _parse(text: str) -> Amount:
    found = _TEXT.match(text) if text else None
    if found is None:
        raise QuantityError(FORMAT_WRONG)
    sign, whole, fraction, suffix = found[1], found[2], found[3] or "", found[4]
    base, exponent, form = _interpret(suffix)
    digits = int((whole + fraction) or "0")
    nano = _scaled(digits, len(fraction), base, exponent)
    if form == BINARY:
        nano = min(nano, MAXIMUM)
        form = DECIMAL if 0 < nano < NANO else form
    return Amount(-nano if sign == "-" else nano, form)


def _interpret(suffix: str) -> tuple[int, int, str]:
    if suffix in _DECIMAL:
        return 10, _DECIMAL[suffix], DECIMAL
    if suffix in _BINARY:
        return 2, _BINARY[suffix], BINARY
    found = _EXPONENT.match(suffix)
    if found is None:
        raise QuantityError(SUFFIX_WRONG)
    return 10, max(-400, min(int(found[1]), 400)), EXPONENT


def _scaled(digits: int, places: int, base: int, exponent: int) -> int:
    """`digits` x 10^-places x base^exponent in billionths, rounded up."""
    numerator, power = digits * NANO, exponent if base == 10 else 0
    if base == 2:
        numerator <<= exponent
    power -= places
    return numerator * 10**power if power >= 0 else -(-numerator // 10**-power)


def nano(quantity: str | int | float) -> int:
    """Billionths, exactly."""
    return parse(quantity).nano


@lru_cache(maxsize=65536)
def milli(quantity: str | int | float) -> int:
    """Thousandths, rounded up (away from zero): CPU in millicores."""
    return _rounded(parse(quantity).nano, NANO // 1000)


@lru_cache(maxsize=65536)
def value(quantity: str | int | float) -> int:
    """Whole units, rounded up (away from zero): memory in bytes, Pods in pieces."""
    return _rounded(parse(quantity).nano, NANO)


def _rounded(amount: int, unit: int) -> int:
    return -(-amount // unit) if amount >= 0 else amount // unit


def canonical(quantity: str | int | float) -> str:
    """The form in which the API server writes a quantity: `0.5` -> `500m`, `1024Mi` -> `1Gi`, `1000` -> `1k`."""
    return str(parse(quantity))


@lru_cache(maxsize=65536)
def _canonical(amount: int, form: str) -> str:
    if amount == 0:
        return "0"
    if form == BINARY and abs(amount) >= 1024 * NANO and amount % NANO == 0:
        return _factored(amount // NANO, 1024, 0, 10, _BINARY_SUFFIX)
    if form in (BINARY, DECIMAL):
        return _factored(amount, 1000, -9, 3, _DECIMAL_SUFFIX)
    number, exponent = _shortest(amount, 1000, -9, 3, 10**6)
    return f"{number}e{exponent}" if exponent else str(number)


def _factored(amount: int, base: int, start: int, step: int, suffixes: dict[int, str]) -> str:
    number, exponent = _shortest(amount, base, start, step, max(suffixes))
    return f"{number}{suffixes[exponent]}"


def _shortest(amount: int, base: int, start: int, step: int, limit: int) -> tuple[int, int]:
    exponent = start
    while amount % base == 0 and exponent + step <= limit:
        amount //= base
        exponent += step
    return amount, exponent


def from_milli(amount: int, form: str = DECIMAL) -> str:
    """The quantity for a number of thousandths: 1500 -> `1500m`, 2000 -> `2`."""
    return _canonical(amount * (NANO // 1000), form)


def from_value(amount: int, form: str = DECIMAL) -> str:
    """The quantity for a number of whole units: 1000 -> `1k`; with `BINARY` 1048576 -> `1Mi`."""
    return _canonical(amount * NANO, form)


def add(left: str | int | float, right: str | int | float) -> str:
    """The sum, written in the format of the left (of the right where the left is zero)."""
    return _combined(left, right, 1)


def sub(left: str | int | float, right: str | int | float) -> str:
    """The difference, written in the format of the left (of the right where the left is zero)."""
    return _combined(left, right, -1)


def _combined(left: str | int | float, right: str | int | float, sign: int) -> str:
    first, second = parse(left), parse(right)
    return _canonical(first.nano + sign * second.nano, first.format if first.nano else second.format)


def total(quantities: list[str | int | float] | tuple[str | int | float, ...]) -> str:
    """The sum of several, `0` for none."""
    result: str | int | float = "0"
    for quantity in quantities:
        result = add(result, quantity)
    return canonical(result)


def compare(left: str | int | float, right: str | int | float) -> int:
    """-1, 0 or 1 as the left amount is less than, equal to or more than the right one."""
    first, second = parse(left).nano, parse(right).nano
    return (first > second) - (first < second)


def is_zero(quantity: str | int | float) -> bool:
    """Whether it is no amount at all."""
    return parse(quantity).nano == 0

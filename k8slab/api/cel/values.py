"""Values of expressions beyond Python's own, and what may be done to all of them: compare, order, reckon."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from k8slab.api.cel.kinds import name_of
from k8slab.api.cel.lexer import Unsigned

NUMBERS = frozenset({"int", "uint", "double"})


class CelError(Exception):
    """An expression that cannot be evaluated: the words of cel-go."""


class CostExceeded(CelError):
    """An expression that costs more than it may."""

    def __init__(self) -> None:
        super().__init__("operation cancelled: actual cost limit exceeded")


class TypeValue:
    """A type as a value: `type(1) == int`."""

    __slots__ = ("name",)
    kind = "type"

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TypeValue) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)


class Optional:
    """A value that may be none."""

    __slots__ = ("present", "value")
    kind = "optional_type"

    def __init__(self, value: Any = None, present: bool = True) -> None:
        self.value = value
        self.present = present


NONE = Optional(None, False)


class Record(dict[str, Any]):
    """An object of a named type, made by an expression: `Object.spec{...}`."""

    __slots__ = ("kind",)

    def __init__(self, kind: str, fields: dict[str, Any]) -> None:
        super().__init__(fields)
        self.kind = kind


def equal(left: Any, right: Any) -> bool:
    """Whether two values are equal: numbers by what they are, values of different types never."""
    kinds = name_of(left), name_of(right)
    if kinds[0] in NUMBERS and kinds[1] in NUMBERS:
        return bool(left == right)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(item, right[key]) for key, item in left.items())
    if kinds[0] != kinds[1]:
        return False
    if kinds[0] == "list":
        return len(left) == len(right) and all(map(equal, left, right))
    if kinds[0] == "optional_type":
        return left.present is right.present and (not left.present or equal(left.value, right.value))
    return bool(left == right)


def order(left: Any, right: Any) -> int:
    """Less than, equal to or greater than zero. Raises CelError for values that have no order."""
    kinds = name_of(left), name_of(right)
    if not (kinds[0] == kinds[1] or (kinds[0] in NUMBERS and kinds[1] in NUMBERS)):
        raise CelError("no such overload")
    if kinds[0] in ("list", "map", "null_type", "type", "optional_type") or not hasattr(left, "__lt__"):
        raise CelError("no such overload")
    return (left > right) - (left < right)


def whole(value: int, kind: type = int) -> Any:
    """An integer of 64 bits. Raises CelError where it has more."""
    if kind is Unsigned:
        if not 0 <= value < 2**64:
            raise CelError("unsigned integer overflow")
        return Unsigned(value)
    if not -(2**63) <= value < 2**63:
        raise CelError("integer overflow")
    return int(value)


def add(left: Any, right: Any) -> Any:
    """`+`: numbers, texts, bytes, lists, times."""
    kinds = name_of(left), name_of(right)
    if kinds in (("int", "int"), ("uint", "uint")):
        return whole(int(left) + int(right), type(left))
    if kinds[0] == kinds[1] and kinds[0] in ("double", "string", "bytes"):
        return left + right
    if kinds == ("list", "list"):
        return [*left, *right]
    if _are_times(left, right) and not (isinstance(left, datetime) and isinstance(right, datetime)):
        return _time(left, right, 1)
    raise CelError("no such overload")


def subtract(left: Any, right: Any) -> Any:
    """`-`: numbers and times."""
    kinds = name_of(left), name_of(right)
    if kinds in (("int", "int"), ("uint", "uint")):
        return whole(int(left) - int(right), type(left))
    if kinds == ("double", "double"):
        return left - right
    if _are_times(left, right) and (isinstance(left, datetime) or not isinstance(right, datetime)):
        return _time(left, right, -1)
    raise CelError("no such overload")


def _are_times(left: Any, right: Any) -> bool:
    return isinstance(left, (datetime, timedelta)) and isinstance(right, (datetime, timedelta))


def _time(left: Any, right: Any, sign: int) -> Any:
    try:
        return left + right if sign > 0 else left - right
    except OverflowError:
        raise CelError("timestamp overflow") from None


def multiply(left: Any, right: Any) -> Any:
    """`*`."""
    kinds = name_of(left), name_of(right)
    if kinds in (("int", "int"), ("uint", "uint")):
        return whole(int(left) * int(right), type(left))
    if kinds == ("double", "double"):
        return left * right
    raise CelError("no such overload")


def divide(left: Any, right: Any) -> Any:
    """`/`: integers towards zero."""
    kinds = name_of(left), name_of(right)
    if kinds in (("int", "int"), ("uint", "uint")):
        if right == 0:
            raise CelError("division by zero")
        quotient = abs(int(left)) // abs(int(right))
        return whole(quotient if (left < 0) is (right < 0) else -quotient, type(left))
    if kinds == ("double", "double"):
        if right == 0:
            return (
                math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left) * math.copysign(1, right)
            )
        return left / right
    raise CelError("no such overload")


def remainder(left: Any, right: Any) -> Any:
    """`%`: of integers, with the sign of the left one."""
    kinds = name_of(left), name_of(right)
    if kinds not in (("int", "int"), ("uint", "uint")):
        raise CelError("no such overload")
    if right == 0:
        raise CelError("modulus by zero")
    rest = abs(int(left)) % abs(int(right))
    return whole(-rest if left < 0 else rest, type(left))


def negate(value: Any) -> Any:
    """`-x`."""
    kind = name_of(value)
    if kind == "int":
        return whole(-value)
    if kind == "double":
        return -value
    raise CelError("no such overload")


def contains(item: Any, container: Any) -> bool:
    """`item in container`: items of lists, keys of maps."""
    if isinstance(container, dict):
        return any(equal(item, key) for key in container) if not isinstance(item, str) else item in container
    if isinstance(container, (list, tuple)):
        return any(equal(item, each) for each in container)
    raise CelError("no such overload")


def at(container: Any, key: Any) -> Any:
    """`container[key]`. Raises CelError where there is none."""
    if isinstance(container, dict):
        if isinstance(key, str):
            if key in container:
                return container[key]
        else:
            for name, value in container.items():
                if equal(name, key):
                    return value
        raise CelError(f"no such key: {printed(key)}")
    if isinstance(container, (list, tuple)):
        return container[_place(container, key)]
    if container is None or isinstance(container, (str, bool, int, float, bytes)):
        raise CelError(f"no such key: {printed(key)}")
    raise CelError("no such overload")


def _place(items: Any, key: Any) -> int:
    if name_of(key) not in NUMBERS or (isinstance(key, float) and not key.is_integer()):
        raise CelError(f"unsupported index type '{name_of(key)}' in list")
    if not 0 <= key < len(items):
        raise CelError(f"index out of bounds: {int(key)}")
    return int(key)


def printed(value: Any) -> str:
    """A value as messages show it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return "null" if value is None else str(value)

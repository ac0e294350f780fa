"""The standard's operators and conversions (cel-go, `common/stdlib/standard.go`)."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from k8slab.api.cel.kinds import name_of
from k8slab.api.cel.lexer import Unsigned
from k8slab.api.cel.overloads import Table, declare
from k8slab.api.cel.textformat import double_text
from k8slab.api.cel.times import duration_text, read_duration, read_timestamp, timestamp_text
from k8slab.api.cel.values import CelError, TypeValue, whole

NUMBERS = ("int", "uint", "double")
ORDERED = ("bool", *NUMBERS, "string", "bytes", "timestamp", "duration")


def _refused(value: Any, wanted: str) -> CelError:
    return CelError(f"type conversion error from '{name_of(value)}' to '{wanted}'")


def to_int(value: Any) -> int:
    """`int(x)`. Raises CelError."""
    if isinstance(value, str):
        return whole(_digits(value, "int"))
    if isinstance(value, datetime):
        return math.floor(value.timestamp())
    if isinstance(value, float) and not math.isfinite(value):
        raise CelError("integer overflow")
    return whole(int(value))


def to_uint(value: Any) -> int:
    """`uint(x)`. Raises CelError."""
    if isinstance(value, str):
        return whole(_digits(value, "uint"), Unsigned)
    if isinstance(value, float) and not math.isfinite(value):
        raise CelError("unsigned integer overflow")
    return whole(int(value), Unsigned)


def _digits(text: str, wanted: str) -> int:
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not digits.isascii() or not digits.isdigit():
        raise _refused(text, wanted)
    return int(text)


def to_double(value: Any) -> float:
    """`double(x)`. Raises CelError."""
    try:
        return float(value)
    except ValueError:
        raise _refused(value, "double") from None


def to_string(value: Any) -> str:
    """`string(x)`. Raises CelError."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return double_text(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise CelError("invalid UTF-8 in bytes, cannot convert to string") from None
    if isinstance(value, datetime):
        return timestamp_text(value)
    return duration_text(value) if isinstance(value, timedelta) else str(value)


def _to_bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("1", "t", "true", "TRUE", "True", "T"):
        return True
    if value in ("0", "f", "false", "FALSE", "False", "F"):
        return False
    raise _refused(value, "bool")


def _to_timestamp(value: Any) -> datetime:
    if isinstance(value, str):
        return read_timestamp(value)
    return value if isinstance(value, datetime) else datetime.fromtimestamp(value, UTC)


def _to_duration(value: Any) -> timedelta:
    if isinstance(value, str):
        return read_duration(value)
    return value if isinstance(value, timedelta) else timedelta(microseconds=value / 1000)


def _same(value: Any) -> Any:
    return value


def _type(value: Any) -> TypeValue:
    return TypeValue(name_of(value))


def add_standard(table: Table) -> None:
    """Declare operators and conversions."""
    _add_operators(table)
    for kind in (*NUMBERS, "string", "timestamp"):
        declare(table, to_int, f"int({kind}) int")
    for kind in (*NUMBERS, "string"):
        declare(table, to_uint, f"uint({kind}) uint")
        declare(table, to_double, f"double({kind}) double")
    for kind in (*NUMBERS, "bool", "string", "bytes", "timestamp", "duration"):
        declare(table, to_string, f"string({kind}) string")
    declare(table, _to_bytes, "bytes(string) bytes", "bytes(bytes) bytes")
    declare(table, _to_bool, "bool(string) bool", "bool(bool) bool")
    declare(table, _to_timestamp, "timestamp(string) timestamp", "timestamp(int) timestamp")
    declare(table, _to_timestamp, "timestamp(timestamp) timestamp")
    declare(table, _to_duration, "duration(string) duration", "duration(int) duration")
    declare(table, _to_duration, "duration(duration) duration")
    declare(table, _same, "dyn(A) dyn")
    declare(table, _type, "type(A) type")
    for kind in ("string", "bytes", "list(A)", "map(A, B)"):
        declare(table, len, f"size({kind}) int", f"{kind}~size() int")


def _add_operators(table: Table) -> None:
    for name in ("_&&_", "_||_"):
        declare(table, None, f"{name}(bool, bool) bool")
    declare(table, None, "!_(bool) bool", "_?_:_(bool, A, A) A")
    declare(table, None, "_==_(A, A) bool", "_!=_(A, A) bool")
    declare(table, None, "@in(A, list(A)) bool", "@in(A, map(A, B)) bool")
    declare(table, None, "-_(int) int", "-_(double) double")
    for name in ("_<_", "_<=_", "_>_", "_>=_"):
        declare(table, None, *(f"{name}({kind}, {kind}) bool" for kind in ORDERED))
        declare(table, None, *(f"{name}({a}, {b}) bool" for a in NUMBERS for b in NUMBERS if a != b))
    for name in ("_+_", "_-_", "_*_", "_/_"):
        declare(table, None, *(f"{name}({kind}, {kind}) {kind}" for kind in NUMBERS))
    declare(table, None, "_%_(int, int) int", "_%_(uint, uint) uint")
    declare(table, None, "_+_(string, string) string", "_+_(bytes, bytes) bytes", "_+_(list(A), list(A)) list(A)")
    declare(table, None, "_+_(duration, duration) duration", "_+_(timestamp, duration) timestamp")
    declare(table, None, "_+_(duration, timestamp) timestamp", "_-_(duration, duration) duration")
    declare(table, None, "_-_(timestamp, duration) timestamp", "_-_(timestamp, timestamp) duration")

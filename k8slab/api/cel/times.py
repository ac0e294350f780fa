"""Timestamps and durations: reading, writing and taking apart (cel-go, `common/types/timestamp.go`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from k8slab.api.cel.overloads import Table, declare
from k8slab.api.cel.values import CelError

_UNITS = {"h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1000, "us": 1, "µs": 1, "μs": 1, "ns": 0.001}
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(h|ms|m|us|µs|μs|ns|s)")
_OFFSET = re.compile(r"([+-]?)(\d{2}):(\d{2})")


def read_timestamp(text: str) -> datetime:
    """The moment of an RFC 3339 text. Raises CelError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or "T" not in text.upper():
        why = f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse "{text}" as "2006"'
        raise CelError(why)
    return found.astimezone(UTC)


def read_duration(text: str) -> timedelta:
    """The length of a text such as `1h30m`. Raises CelError."""
    body = text.lstrip("+-") if text[:1] in ("+", "-") else text
    parts = _DURATION.findall(body)
    if body != "0" and (not parts or "".join(number + unit for number, unit in parts) != body):
        raise CelError(f'time: invalid duration "{text}"')
    microseconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return timedelta(microseconds=-microseconds if text.startswith("-") else microseconds)


def timestamp_text(value: datetime) -> str:
    """A moment as RFC 3339 writes it."""
    text = value.strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{value.microsecond:06d}".rstrip("0") if value.microsecond else ""
    return f"{text}{fraction}Z"


def duration_text(value: timedelta) -> str:
    """A length in seconds: `90s`."""
    seconds = value // timedelta(microseconds=1) / 1_000_000
    return f"{int(seconds) if seconds == int(seconds) else seconds}s"


def _zone(name: str) -> Any:
    found = _OFFSET.fullmatch(name)
    if found:
        sign = -1 if found[1] == "-" else 1
        return timezone(sign * timedelta(hours=int(found[2]), minutes=int(found[3])))
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise CelError(f"unknown time zone {name}") from None


class _Part:
    """One part of a moment, in UTC or a zone."""

    def __init__(self, read: Callable[[datetime], int]) -> None:
        self.read = read

    def __call__(self, value: datetime, zone: str = "") -> int:
        return self.read(value.astimezone(_zone(zone)) if zone else value)


class _Whole:
    """A length in whole units."""

    def __init__(self, unit: timedelta) -> None:
        self.unit = unit

    def __call__(self, value: timedelta) -> int:
        return -(-value // self.unit) if value < timedelta() else value // self.unit


def _milliseconds(value: timedelta) -> int:
    return value.microseconds // 1000


PARTS: dict[str, Callable[[datetime], int]] = {
    "getFullYear": lambda value: value.year,
    "getMonth": lambda value: value.month - 1,
    "getDate": lambda value: value.day,
    "getDayOfMonth": lambda value: value.day - 1,
    "getDayOfWeek": lambda value: value.isoweekday() % 7,
    "getDayOfYear": lambda value: value.timetuple().tm_yday - 1,
    "getHours": lambda value: value.hour,
    "getMinutes": lambda value: value.minute,
    "getSeconds": lambda value: value.second,
    "getMilliseconds": lambda value: value.microsecond // 1000,
}
WHOLE = {"getHours": timedelta(hours=1), "getMinutes": timedelta(minutes=1), "getSeconds": timedelta(seconds=1)}


def add_times(table: Table) -> None:
    """Declare what times can do."""
    for name, read in PARTS.items():
        declare(table, _Part(read), f"timestamp~{name}() int", f"timestamp~{name}(string) int")
    for name, unit in WHOLE.items():
        declare(table, _Whole(unit), f"duration~{name}() int")
    declare(table, _milliseconds, "duration~getMilliseconds() int")

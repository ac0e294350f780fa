"""Durations as Go writes and reads them, and as kubectl prints ages."""

from __future__ import annotations

import re

from k8slab.sim.clock import SECOND

_UNITS_US = {"ns": 0.001, "us": 1.0, "µs": 1.0, "μs": 1.0, "ms": 1e3, "s": 1e6, "m": 60e6, "h": 3600e6}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def parse(text: str) -> int:
    """Microseconds of a Go duration (`1m30s`, `500ms`, `0`). Raises ValueError in Go's words (`time.ParseDuration`)."""
    body = text.lstrip("+-")
    if body == "0":
        return 0
    if not body:
        raise ValueError(f'time: invalid duration "{text}"')
    position, total = 0, 0.0
    for match in _PART.finditer(body):
        if match.start() != position:
            break
        total += float(match.group(1)) * _UNITS_US[match.group(2)]
        position = match.end()
    if position != len(body):
        raise ValueError(_why_not(text, body[position:]))
    return -round(total) if text.startswith("-") else round(total)


def _why_not(text: str, rest: str) -> str:
    number = re.match(r"\d+\.?\d*|\.\d+", rest)
    if number is None:
        return f'time: invalid duration "{text}"'
    unit = re.match(r"[^\d.]*", rest[number.end() :]).group()
    if not unit:
        return f'time: missing unit in duration "{text}"'
    return f'time: unknown unit "{unit}" in duration "{text}"'


def human(duration_us: int) -> str:
    """An age as in kubectl's AGE column (`duration.HumanDuration` of k8s.io/apimachinery)."""
    seconds = duration_us // SECOND
    if seconds < -1:
        return "<invalid>"
    if seconds < 0:
        return "0s"
    if seconds < 2 * _MINUTE:
        return f"{seconds}s"
    if seconds < 10 * _MINUTE:
        return _two(seconds // _MINUTE, "m", seconds % _MINUTE, "s")
    if seconds < 3 * _HOUR:
        return f"{seconds // _MINUTE}m"
    if seconds < 8 * _HOUR:
        return _two(seconds // _HOUR, "h", seconds // _MINUTE % 60, "m")
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR}h"
    if seconds < 8 * _DAY:
        return _two(seconds // _DAY, "d", seconds // _HOUR % 24, "h")
    return _in_years(seconds)


def _in_years(seconds: int) -> str:
    days = seconds // _DAY
    if days < 2 * 365:
        return f"{days}d"
    if days < 8 * 365:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _two(first: int, first_unit: str, second: int, second_unit: str) -> str:
    return f"{first}{first_unit}{second}{second_unit}" if second else f"{first}{first_unit}"


def go(duration_us: int) -> str:
    """A duration as Go prints it: `1m30s`, `500ms`, `0s` (`time.Duration.String`)."""
    if duration_us == 0:
        return "0s"
    sign, rest = ("-", -duration_us) if duration_us < 0 else ("", duration_us)
    if rest < SECOND:
        return f"{sign}{rest / 1000:g}ms" if rest >= 1000 else f"{sign}{rest}µs"
    hours, rest = divmod(rest, _HOUR * SECOND)
    minutes, rest = divmod(rest, _MINUTE * SECOND)
    text = f"{rest / SECOND:g}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return sign + (f"{hours}h{text}" if hours else text)

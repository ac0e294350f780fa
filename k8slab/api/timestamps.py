"""Times as API objects carry them: RFC 3339 texts, read and rejected as Go's `time.Parse` does.

Making texts of times is the clock's business (`k8slab.sim.timestamps`); this module reads them.
"""

from __future__ import annotations

import calendar
import re
from functools import lru_cache

from k8slab.errors import quote

SECOND = 1_000_000
RFC3339 = "2006-01-02T15:04:05Z07:00"
RFC3339_MICRO = "2006-01-02T15:04:05.000000Z07:00"

# (digits or separator to find, element of Go's layout to name when it is not there, limits)
_ELEMENTS: tuple[tuple[str, str, int, int, str], ...] = (
    (r"\d{4}", "2006", 0, 9999, "year"),
    ("-", "-", 0, 0, ""),
    (r"\d{2}", "01", 1, 12, "month"),
    ("-", "-", 0, 0, ""),
    (r"\d{2}", "02", 1, 31, "day"),
    ("T", "T", 0, 0, ""),
    (r"\d{2}", "15", 0, 23, "hour"),
    (":", ":", 0, 0, ""),
    (r"\d{2}", "04", 0, 59, "minute"),
    (":", ":", 0, 0, ""),
    (r"\d{2}", "05", 0, 59, "second"),
)
_ZONE = re.compile(r"Z|([+-])(\d{2}):(\d{2})")


class TimeError(ValueError):
    """A text that is no RFC 3339 time, in Go's words."""


@lru_cache(maxsize=65536)
def parse(text: str, micro: bool = False) -> int:
    """Microseconds since 1970 of a `metav1.Time` (or, with `micro`, a `metav1.MicroTime`).

    Raises TimeError: `parsing time "now" as "2006-01-02T15:04:05Z07:00": cannot parse "now" as "2006"`.
    """
    values, rest = _date_and_clock(text, micro)
    fraction, rest = _fraction(text, rest, micro)
    zone = _ZONE.match(rest)
    if zone is None:
        raise _cannot(text, micro, rest, "Z07:00")
    if rest[zone.end() :]:
        raise TimeError(f"parsing time {quote(text)}: extra text: {quote(rest[zone.end() :])}")
    year, month, day, hour, minute, second = values
    if day > calendar.monthrange(max(year, 1), month)[1]:
        raise TimeError(f"parsing time {quote(text)}: day out of range")
    offset = 0 if zone[0] == "Z" else (int(zone[2]) * 60 + int(zone[3])) * 60 * (1 if zone[1] == "+" else -1)
    return (calendar.timegm((year, month, day, hour, minute, second)) - offset) * SECOND + fraction


def _date_and_clock(text: str, micro: bool) -> tuple[list[int], str]:
    values, rest = [], text
    for pattern, element, low, high, name in _ELEMENTS:
        found = re.match(pattern, rest)
        if found is None:
            raise _cannot(text, micro, rest, element)
        rest = rest[found.end() :]
        if name:
            values.append(int(found[0]))
            if not low <= values[-1] <= high:
                raise TimeError(f"parsing time {quote(text)}: {name} out of range")
    return values, rest


def _fraction(text: str, rest: str, micro: bool) -> tuple[int, str]:
    found = re.match(r"\.(\d{6})" if micro else r"[.,](\d+)", rest)
    if found is None:
        if micro:
            raise _cannot(text, micro, rest, ".000000")
        return 0, rest
    return int(found[1][:6].ljust(6, "0")), rest[found.end() :]


def _cannot(text: str, micro: bool, rest: str, element: str) -> TimeError:
    layout = RFC3339_MICRO if micro else RFC3339
    return TimeError(f'parsing time {quote(text)} as "{layout}": cannot parse {quote(rest)} as "{element}"')


def human_duration(microseconds: int) -> str:
    """An age as kubectl prints it: `5s`, `3m20s`, `2h`, `4d3h` (apimachinery's `duration.HumanDuration`)."""
    seconds = int(microseconds / SECOND)
    if seconds < -1:
        return "<invalid>"
    if seconds < 0:
        return "0s"
    if seconds < 60 * 2:
        return f"{seconds}s"
    minutes = seconds // 60
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if minutes < 60 * 3:
        return f"{minutes}m"
    return _long_duration(minutes)


def _long_duration(minutes: int) -> str:
    hours = minutes // 60
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    days = hours // 24
    if hours < 24 * 8:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    if hours < 24 * 365 * 2:
        return f"{days}d"
    years, rest = divmod(days, 365)
    if hours < 24 * 365 * 8:
        return f"{years}y{rest}d" if rest else f"{years}y"
    return f"{years}y"

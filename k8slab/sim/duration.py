"""Durations as people and Kubernetes write them: ``30s``, ``1h30m``, ``100ms``."""

from __future__ import annotations

import re

from k8slab.errors import K8sLabError
from k8slab.sim.clock import HOUR, MILLISECOND, MINUTE, SECOND

_UNITS = {"us": 1, "µs": 1, "ms": MILLISECOND, "s": SECOND, "m": MINUTE, "h": HOUR}
_PART = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(us|µs|ms|s|m|h)")


class DurationError(K8sLabError):
    """A text is not a duration; the message shows some that are."""


def parse_duration(value: str | float) -> int:
    """Microseconds of a duration: a text as Go's time.ParseDuration takes it, or a number of seconds.

    >>> parse_duration("1m30s"), parse_duration(2), parse_duration("1.5h")
    (90000000, 2000000, 5400000000)
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise DurationError(f"a duration is a text such as '30s' or '1h30m', or a number of seconds, not {value!r}")
    if isinstance(value, (int, float)):
        if not 0 <= value < 1e12:
            raise DurationError(f"a duration is a number of seconds from 0 on, not {value!r}")
        return round(value * SECOND)
    text = value.strip()
    if text == "0":
        return 0
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text or len(text) > 40:
        raise DurationError(f"{value[:40]!r} is not a duration: write for example '30s', '5m' or '1h30m'")
    return round(sum(float(number) * _UNITS[unit] for number, unit in parts))


def format_duration(us: int) -> str:
    """A duration for people: ``300ms``, ``12.5s``, ``5m3s``, ``1h2m``.

    >>> [format_duration(us) for us in (300_000, 12_500_000, 303_000_000, 3_720_000_000)]
    ['300ms', '12.5s', '5m3s', '1h2m']
    """
    if us < 0:
        return "-" + format_duration(-us)
    if us < SECOND:
        return f"{us / MILLISECOND:g}ms"
    if us < MINUTE:
        return f"{us / SECOND:.3f}".rstrip("0").rstrip(".") + "s"
    seconds = round(us / SECOND)
    hours, minutes, seconds = seconds // 3600, seconds % 3600 // 60, seconds % 60
    parts = [(hours, "h"), (minutes, "m"), (seconds, "s")]
    return "".join(f"{number}{unit}" for number, unit in parts[:2] if number) + (
        f"{seconds}s" if seconds and not hours else ""
    )

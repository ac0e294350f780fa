"""RFC 3339 texts of virtual times, as metav1.Time and metav1.MicroTime write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_UNIX = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(unix_us: int) -> str:
    """Microseconds since 1970 as ``2026-01-01T00:00:00Z`` (fractions cut off)."""
    return (_UNIX + timedelta(microseconds=unix_us)).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_micro(unix_us: int) -> str:
    """Microseconds since 1970 as ``2026-01-01T00:00:00.000000Z``."""
    return (_UNIX + timedelta(microseconds=unix_us)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@lru_cache(maxsize=4096)
def parse_rfc3339(text: str) -> int:
    """Microseconds since 1970 of an RFC 3339 text. Raises ValueError where it is none."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"no time zone in {text!r}")
    return round((moment - _UNIX) / timedelta(microseconds=1))

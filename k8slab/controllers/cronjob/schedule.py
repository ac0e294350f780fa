"""Cron schedules as Kubernetes reads them (github.com/robfig/cron/v3: five fields, names, steps, macros)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
YEARS_AHEAD = 5


class Bounds(NamedTuple):
    """What a field may hold."""

    low: int
    high: int
    names: tuple[str, ...] = ()


FIELDS = (Bounds(0, 59), Bounds(0, 23), Bounds(1, 31), Bounds(1, 12, MONTHS), Bounds(0, 6, DAYS))


class Schedule:
    """The minutes at which something is due.

    Args:
        text: such as `*/5 * * * *` or `@daily`. Raises ValueError when it cannot be read.
        zone: name of a time zone. Raises ZoneInfoNotFoundError for an unknown one.
    """

    def __init__(self, text: str, zone: str | None = None) -> None:
        self.zone = ZoneInfo(zone) if zone else UTC
        text = MACROS.get(text.strip(), text)
        parts = text.split()
        if len(parts) != len(FIELDS):
            raise ValueError(f"expected exactly 5 fields, found {len(parts)}: {parts}")
        parsed = [_field(part, bounds) for part, bounds in zip(parts, FIELDS, strict=True)]
        self.minutes, self.hours, self.days, self.months, self.weekdays = (values for values, _ in parsed)
        self.any_day = parsed[2][1] or parsed[4][1]

    def next(self, after: int) -> int | None:
        """The first time after `after` (Unix seconds); None if there is none within five years."""
        start = datetime.fromtimestamp(after, self.zone).replace(tzinfo=None, second=0, microsecond=0)
        moment, limit = start + timedelta(minutes=1), start.year + YEARS_AHEAD
        while moment.year <= limit:
            if moment.month not in self.months:
                moment = (moment.replace(day=1, hour=0, minute=0) + timedelta(days=32)).replace(day=1)
            elif not self._is_day(moment):
                moment = moment.replace(hour=0, minute=0) + timedelta(days=1)
            elif moment.hour not in self.hours:
                moment = moment.replace(minute=0) + timedelta(hours=1)
            elif moment.minute not in self.minutes:
                moment += timedelta(minutes=1)
            else:
                found = int(moment.replace(tzinfo=self.zone).timestamp())
                if found > after:
                    return found
                moment += timedelta(minutes=1)
        return None

    def _is_day(self, moment: datetime) -> bool:
        by_month = moment.day in self.days
        by_week = moment.isoweekday() % 7 in self.weekdays
        return by_month and by_week if self.any_day else by_month or by_week


def _field(text: str, bounds: Bounds) -> tuple[frozenset[int], bool]:
    """The values of a field, and whether it was a plain star."""
    values: set[int] = set()
    star = False
    for part in text.split(","):
        found, is_star = _range(part, bounds)
        values |= found
        star = star or is_star
    return frozenset(values), star


def _range(text: str, bounds: Bounds) -> tuple[set[int], bool]:
    span, slash, step_text = text.partition("/")
    step = _number(step_text, ()) if slash else 1
    if step == 0:
        raise ValueError(f"step of range should be a positive number: {text}")
    if span in ("*", "?"):
        return set(range(bounds.low, bounds.high + 1, step)), step == 1
    first, dash, last = span.partition("-")
    low = _number(first, bounds.names, bounds.low)
    high = _number(last, bounds.names, bounds.low) if dash else (bounds.high if slash else low)
    if low < bounds.low:
        raise ValueError(f"beginning of range ({low}) below minimum ({bounds.low}): {text}")
    if high > bounds.high:
        raise ValueError(f"end of range ({high}) above maximum ({bounds.high}): {text}")
    if low > high:
        raise ValueError(f"beginning of range ({low}) beyond end of range ({high}): {text}")
    return set(range(low, high + 1, step)), False


def _number(text: str, names: tuple[str, ...], offset: int = 0) -> int:
    if text.lower() in names:
        return names.index(text.lower()) + offset
    if not text.isdigit():
        raise ValueError(f"failed to parse int from {text}")
    return int(text)

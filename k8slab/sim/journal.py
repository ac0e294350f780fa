"""The journal: every input from outside (API requests, faults, advances of time) with its virtual time.

The same seed, set-up and journal give the same history, bit for bit: sharing a session, reports of bugs and grading
rest on it. Entries are plain JSON data, one object a line, so that a journal can be read, cut and compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from k8slab.errors import K8sLabError

#: Kinds of entries which a journal may hold.
KINDS = ("setup", "request", "fault", "advance", "extension", "stream", "trust", "calendar", "note", "image", "metric")


class JournalError(K8sLabError):
    """A text is not a journal; the message names the line."""


class Entry(NamedTuple):
    """One input: lab time in microseconds, its kind (``KINDS``), and its plain data."""

    time: int
    kind: str
    data: dict[str, Any]


class Journal:
    """A list of entries in the order in which they came in.

    >>> journal = Journal()
    >>> journal.append(0, "fault", {"verb": "fail", "target": "worker-1"})
    >>> Journal.loads(journal.dumps()).entries == journal.entries
    True
    """

    __slots__ = ("entries",)

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        """Start with these entries."""
        self.entries: list[Entry] = list(entries)

    def append(self, time: int, kind: str, data: dict[str, Any]) -> None:
        """Add an input that came in at lab time ``time``."""
        if kind == "advance" and self.entries and self.entries[-1].kind == "advance":
            # Advances only matter as the time of what follows: the last one says it all.
            self.entries[-1] = Entry(self.entries[-1].time, kind, data)
            return
        self.entries.append(Entry(time, kind, data))

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def dumps(self) -> str:
        """The journal as text: a JSON object a line."""
        lines = (
            json.dumps({"time": time, "kind": kind, **data}, separators=(",", ":")) for time, kind, data in self.entries
        )
        return "".join(line + "\n" for line in lines)

    @classmethod
    def loads(cls, text: str) -> Journal:
        """Read what ``dumps`` wrote. Raises JournalError with the number of the first bad line."""
        return cls(_entry(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())


def _entry(number: int, line: str) -> Entry:
    try:
        data = json.loads(line)
        time, kind = data.pop("time"), data.pop("kind")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise JournalError(f"journal line {number}: not an entry with time and kind: {error}") from None
    if not isinstance(time, int) or isinstance(time, bool) or kind not in KINDS:
        raise JournalError(f"journal line {number}: time must be whole microseconds and kind one of {', '.join(KINDS)}")
    return Entry(time, kind, data)

"""Exponential back-off per key, as client-go's flowcontrol.Backoff keeps it for crashed containers and image pulls."""

from __future__ import annotations

from k8slab.sim.clock import SECOND

INITIAL = 10 * SECOND
MAXIMUM = 300 * SECOND


class Backoff:
    """Back-off times 10, 20, 40, ... 300 s; a key that was not touched for twice the maximum starts again.

    >>> backoff = Backoff()
    >>> backoff.advance("web", 0), backoff.wait("web", since=4, now=5 * SECOND) == 5 * SECOND + 4
    (10000000, True)
    """

    __slots__ = ("_entries", "initial", "maximum")

    def __init__(self, initial: int = INITIAL, maximum: int = MAXIMUM) -> None:
        """Start at `initial`, never exceed `maximum` (microseconds)."""
        self.initial = initial
        self.maximum = maximum
        self._entries: dict[str, tuple[int, int]] = {}

    def advance(self, key: str, now: int) -> int:
        """Count one more failure at `now`; returns the new back-off time."""
        entry = self._entries.get(key)
        if entry is None or now - entry[1] > 2 * self.maximum:
            delay = self.initial
        else:
            delay = min(entry[0] * 2, self.maximum)
        self._entries[key] = (delay, now)
        return delay

    def current(self, key: str) -> int:
        """The key's back-off time, 0 where it has none."""
        return self._entries.get(key, (0, 0))[0]

    def wait(self, key: str, since: int | None, now: int) -> int:
        """How long to wait still; counted from `since`, or where that is None from the last failure."""
        entry = self._entries.get(key)
        if entry is None:
            return 0
        start = entry[1] if since is None else since
        if start - entry[1] > 2 * self.maximum:
            return 0
        return max(0, start + entry[0] - now)

    def forget(self, prefix: str) -> None:
        """Drop all keys that begin with `prefix`."""
        for key in [key for key in self._entries if key.startswith(prefix)]:
            del self._entries[key]

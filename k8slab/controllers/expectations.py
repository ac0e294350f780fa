"""What a controller still expects to see of its own writes, so that a lagging cache does not make it act twice.

Follows UIDTrackingControllerExpectations of pkg/controller/controller_utils.go.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from k8slab.sim.clock import MINUTE

TIMEOUT = 5 * MINUTE


class Expected(Struct):
    """Creations and deletions not seen yet, and when they were begun."""

    creations: int
    deletions: dict[str, None]
    since: int


class Expectations:
    """Expected creations (a count) and deletions (by uid) per key."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self._expected: dict[Any, Expected] = {}

    def satisfied(self, key: Any) -> bool:
        """Whether all was seen, or so long ago expected that it no longer counts."""
        expected = self._expected.get(key)
        if expected is None:
            return True
        if expected.creations <= 0 and not expected.deletions:
            return True
        return self.clock.now - expected.since > TIMEOUT

    def expect(self, key: Any, creations: int = 0, deletions: tuple[str, ...] = ()) -> None:
        """Replace what is expected for the key."""
        self._expected[key] = Expected(creations, dict.fromkeys(deletions), self.clock.now)

    def created(self, key: Any, count: int = 1) -> None:
        """Saw a creation, or gave some up."""
        expected = self._expected.get(key)
        if expected is not None and expected.creations > 0:
            expected.creations -= count

    def deleted(self, key: Any, uid: str) -> None:
        """Saw a deletion, or gave it up."""
        expected = self._expected.get(key)
        if expected is not None:
            expected.deletions.pop(uid, None)

    def forget(self, key: Any) -> None:
        """The object is gone."""
        self._expected.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._expected.clear()

"""The limit that a client puts on its own requests: a token bucket (client-go, util/flowcontrol)."""

from __future__ import annotations

from typing import Any

from k8slab.sim.clock import SECOND


class Throttle:
    """So many requests a second on average, with bursts.

    Requests of a lab take effect at once; ``spend`` says how long whoever made them would have been held up.

    >>> from k8slab.sim.clock import Clock
    >>> throttle = Throttle(Clock(), qps=20, burst=30)
    >>> throttle.spend(30), throttle.spend(40)
    (0, 2000000)
    """

    def __init__(self, clock: Any, qps: int, burst: int) -> None:
        """``qps`` 0 limits nothing."""
        self.clock, self.qps, self.burst = clock, qps, burst
        # When the bucket was, or will be, exactly empty: lab time in microseconds.
        self._empty_at = clock.now - self._time(burst)

    def spend(self, requests: int) -> int:
        """Take ``requests`` tokens; returns the microseconds until the last of them is there."""
        if not self.qps or not requests:
            return 0
        now = self.clock.now
        self._empty_at = max(self._empty_at, now - self._time(self.burst)) + self._time(requests)
        return max(self._empty_at - now, 0)

    def _time(self, requests: int) -> int:
        return requests * SECOND // self.qps if self.qps else 0

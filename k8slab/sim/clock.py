"""Virtual time: one heap of timers, integer microseconds, no wall clock.

Everything that happens in a lab happens in a callback which this clock fires. Callbacks are bound methods plus plain
arguments, so that a whole lab can be copied, pickled, saved and forked.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Any

from k8slab.errors import K8sLabError
from k8slab.sim.timestamps import rfc3339, rfc3339_micro

MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

#: Unix time of lab time 0: 2026-01-01T00:00:00Z.
EPOCH_US = 1_767_225_600 * SECOND

#: So many callbacks without any progress of time mean a loop, not work.
STALL_LIMIT = 5_000_000

Timer = list[Any]
"""A pending callback: ``[when, seq, callback, args]``; opaque to callers, who only pass it to ``Clock.cancel``."""


class ClockStalled(K8sLabError):
    """Callbacks keep scheduling callbacks at the same instant: something loops without ever waiting."""


class Clock:
    """A virtual clock with a heap of timers.

    Timers with the same time fire in the order in which they were set.

    >>> clock = Clock()
    >>> fired = []
    >>> timer = clock.call_after(2 * SECOND, fired.append, "late")
    >>> timer = clock.call_after(1 * SECOND, fired.append, "early")
    >>> clock.run_for(90 * SECOND)
    >>> fired, clock.now, clock.rfc3339()
    (['early', 'late'], 90000000, '2026-01-01T00:01:30Z')
    """

    __slots__ = ("_cancelled", "_epochs", "_heap", "_rfc3339", "_seq", "epoch", "fired", "now")

    def __init__(self, start: int = 0, epoch: int = EPOCH_US) -> None:
        """Make a clock that reads ``start`` (microseconds of lab time, may be negative: the boot)."""
        self.now = start
        self.epoch = epoch
        self._epochs: list[tuple[int, int]] = []  # (until which lab time, epoch) of those that are over
        self.fired = 0
        self._heap: list[Timer] = []
        self._seq = 0
        self._cancelled = 0
        self._rfc3339: tuple[int, str] = (-1, "")

    def call_at(self, when: int, callback: Callable[..., object], *args: Any) -> Timer:
        """Call ``callback(*args)`` at lab time ``when`` (microseconds), or now where that has passed."""
        timer = [when if when > self.now else self.now, self._seq, callback, args]
        self._seq += 1
        heappush(self._heap, timer)
        return timer

    def call_after(self, delay: int, callback: Callable[..., object], *args: Any) -> Timer:
        """Call ``callback(*args)`` after ``delay`` microseconds."""
        timer = [self.now + delay if delay > 0 else self.now, self._seq, callback, args]
        self._seq += 1
        heappush(self._heap, timer)
        return timer

    def call_soon(self, callback: Callable[..., object], *args: Any) -> Timer:
        """Call ``callback(*args)`` at this instant, after what is already due."""
        timer = [self.now, self._seq, callback, args]
        self._seq += 1
        heappush(self._heap, timer)
        return timer

    def cancel(self, timer: Timer | None) -> None:
        """Forget a timer; a timer that has fired, was cancelled, or is None is left alone."""
        if timer is None or timer[2] is None:
            return
        timer[2] = None
        timer[3] = ()
        self._cancelled += 1
        if self._cancelled > 1_000 and self._cancelled * 2 > len(self._heap):
            self._sweep()

    def _sweep(self) -> None:
        # Cancelled timers would stay until their time comes, and hold memory. In place: run_until may be under way.
        self._heap[:] = [timer for timer in self._heap if timer[2] is not None]
        heapify(self._heap)
        self._cancelled = 0

    def next_time(self) -> int | None:
        """Lab time of the next timer, or None where nothing is pending."""
        heap = self._heap
        while heap and heap[0][2] is None:
            heappop(heap)
            self._cancelled -= 1
        return heap[0][0] if heap else None

    def step(self) -> bool:
        """Fire the next timer, moving time to it. Returns False where nothing is pending."""
        if self.next_time() is None:
            return False
        timer = heappop(self._heap)
        self.now = timer[0]
        callback, args = timer[2], timer[3]
        timer[2] = None
        self.fired += 1
        callback(*args)
        return True

    def run_until(self, when: int) -> None:
        """Fire everything that is due up to and including ``when``, and leave the clock there.

        Raises ClockStalled where callbacks loop without time moving on.
        """
        heap = self._heap
        at, limit = self.now, self.fired + STALL_LIMIT
        while heap and heap[0][0] <= when:
            timer = heappop(heap)
            callback = timer[2]
            if callback is None:
                self._cancelled -= 1
                continue
            if timer[0] != at:
                at, limit = timer[0], self.fired + STALL_LIMIT
            elif self.fired >= limit:
                raise ClockStalled(
                    f"time stands still at {self.rfc3339()}: {callback!r} and others keep each other busy"
                )
            self.now = at
            timer[2] = None
            self.fired += 1
            callback(*timer[3])
        if when > self.now:
            self.now = when

    def run_for(self, delay: int) -> None:
        """Run for ``delay`` microseconds of virtual time."""
        self.run_until(self.now + delay)

    @property
    def pending(self) -> int:
        """How many timers are set."""
        return len(self._heap) - self._cancelled

    def set_epoch(self, epoch: int) -> None:
        """Set the calendar: lab time 0 is ``epoch`` (Unix microseconds) from now on. Timers are not touched."""
        self._epochs.append((self.now, self.epoch))
        self.epoch = epoch
        self._rfc3339 = (-1, "")

    def unix_at(self, when: int) -> int:
        """Unix microseconds of a lab time, by the calendar that was valid then."""
        for until, epoch in self._epochs:
            if when <= until:
                return epoch + when
        return self.epoch + when

    @property
    def unix_us(self) -> int:
        """Now in microseconds since 1970."""
        return self.epoch + self.now

    def rfc3339(self) -> str:
        """Now as metav1.Time: whole seconds, ``2026-01-01T00:00:00Z``."""
        second = (self.epoch + self.now) // SECOND
        if self._rfc3339[0] != second:
            self._rfc3339 = (second, rfc3339(second * SECOND))
        return self._rfc3339[1]

    def rfc3339_micro(self) -> str:
        """Now as metav1.MicroTime: ``2026-01-01T00:00:00.000000Z``."""
        return rfc3339_micro(self.epoch + self.now)

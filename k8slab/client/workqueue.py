"""Work queues as client-go's: deduplicated, delayed and rate limited. A key remembers why it was queued.

Follows client-go/util/workqueue (queue.go, delaying_queue.go, default_rate_limiters.go).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from typing import Any

MILLISECOND = 1_000
SECOND = 1_000_000
MAX_CAUSES = 32
"""How many revisions a waiting key remembers; the latest are kept."""


class RateLimiter:
    """The larger of a key's exponential back-off and what an overall token bucket asks for.

    Args:
        clock: the lab's clock.
        base: first delay of a failing key, in microseconds; doubles with each failure.
        maximum: longest delay of a key, in microseconds.
        qps: refill of the bucket per second; 0 leaves the bucket out.
        burst: size of the bucket.
    """

    def __init__(
        self, clock: Any, base: int = 5 * MILLISECOND, maximum: int = 1000 * SECOND, qps: int = 10, burst: int = 100
    ) -> None:
        self.clock = clock
        self.base = base
        self.maximum = maximum
        self.qps = qps
        self.burst = burst
        self._failures: dict[Hashable, int] = {}
        self._tokens = float(burst)
        self._filled_at = clock.now

    def when(self, key: Hashable) -> int:
        """How long to wait before the key's next try, in microseconds; counts one more failure."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = self.maximum if failures > 40 else min(self.base << failures, self.maximum)
        return max(delay, self._reserve())

    def failures(self, key: Hashable) -> int:
        """How often the key failed since it was last forgotten."""
        return self._failures.get(key, 0)

    def forget(self, key: Hashable) -> None:
        """The key succeeded (or was given up): its back-off starts anew."""
        self._failures.pop(key, None)

    def _reserve(self) -> int:
        if not self.qps:
            return 0
        elapsed = self.clock.now - self._filled_at
        self._filled_at = self.clock.now
        self._tokens = min(float(self.burst), self._tokens + elapsed * self.qps / SECOND) - 1.0
        return 0 if self._tokens >= 0 else int(-self._tokens * SECOND / self.qps)


class WorkQueue:
    """Keys waiting to be worked on, each at most once, with the revisions that made them wait.

    Args:
        clock: the lab's clock.
        trace: its `causes` at the time of `add` are remembered with the key.
        name: for people.
        limiter: delays of `add_rate_limited`; the default is the controllers' usual one.
    """

    def __init__(self, clock: Any, trace: Any, name: str = "", limiter: RateLimiter | None = None) -> None:
        self.clock = clock
        self.trace = trace
        self.name = name
        self.limiter = limiter or RateLimiter(clock)
        self.on_ready: Callable[[], None] | None = None
        self.adds = self.retries = 0
        self._queue: deque[Hashable] = deque()
        self._causes: dict[Hashable, tuple[int, ...]] = {}
        self._processing: set[Hashable] = set()
        self._waiting: dict[Hashable, tuple[int, Any]] = {}
        self._later: dict[Hashable, tuple[int, ...]] = {}

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def waiting(self) -> dict[Hashable, int]:
        """Delayed keys and when they become ready (lab time in microseconds)."""
        return {key: when for key, (when, _) in self._waiting.items()}

    def keys(self) -> list[Hashable]:
        """The keys that are ready, first to last."""
        return list(self._queue)

    def add(self, key: Hashable) -> None:
        """Queue the key unless it is queued; if it is being worked on, it is queued again afterwards."""
        self._add(key, self.trace.causes)

    def add_after(self, key: Hashable, delay: int) -> None:
        """Queue the key in `delay` microseconds; of several calls the earliest counts."""
        if delay <= 0:
            self.add(key)
            return
        when = self.clock.now + delay
        self._later[key] = merge(self._later.get(key, ()), self.trace.causes)
        known = self._waiting.get(key)
        if known is not None:
            if known[0] <= when:
                return
            self.clock.cancel(known[1])
        self._waiting[key] = (when, self.clock.call_at(when, self._ripen, key))

    def add_rate_limited(self, key: Hashable) -> None:
        """Queue the key again after a failure, when its back-off allows."""
        self.retries += 1
        self.add_after(key, self.limiter.when(key))

    def forget(self, key: Hashable) -> None:
        """Reset the key's back-off."""
        self.limiter.forget(key)

    def failures(self, key: Hashable) -> int:
        """How often the key was rate limited since it was last forgotten."""
        return self.limiter.failures(key)

    def get(self) -> tuple[Hashable, tuple[int, ...]] | None:
        """The next key and its causes, now being worked on until `done`; None when nothing is ready."""
        if not self._queue:
            return None
        key = self._queue.popleft()
        self._processing.add(key)
        return key, self._causes.pop(key)

    def done(self, key: Hashable) -> None:
        """The key is no longer being worked on."""
        self._processing.discard(key)
        if key in self._causes:
            self._enqueue(key)

    def clear(self) -> None:
        """Drop everything, also what waits (a component stops)."""
        for _, timer in self._waiting.values():
            self.clock.cancel(timer)
        self._queue.clear()
        self._causes.clear()
        self._processing.clear()
        self._waiting.clear()
        self._later.clear()
        self.limiter = RateLimiter(
            self.clock, self.limiter.base, self.limiter.maximum, self.limiter.qps, self.limiter.burst
        )

    def _add(self, key: Hashable, causes: tuple[int, ...]) -> None:
        known = self._causes.get(key)
        if known is not None:
            if causes and causes != known:
                self._causes[key] = merge(known, causes)
            return
        self._causes[key] = causes
        self.adds += 1
        if key not in self._processing:
            self._enqueue(key)

    def _enqueue(self, key: Hashable) -> None:
        self._queue.append(key)
        if self.on_ready is not None:
            self.on_ready()

    def _ripen(self, key: Hashable) -> None:
        self._waiting.pop(key, None)
        self._add(key, self._later.pop(key, ()))


def merge(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    """Both sets of revisions, each once, in order; only the latest `MAX_CAUSES`."""
    if not first or first == second:
        return second
    if not second:
        return first
    merged = first + tuple(revision for revision in second if revision not in first)
    return merged[-MAX_CAUSES:]

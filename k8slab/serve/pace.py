"""The live clock: virtual time follows real time, so that `kubectl get -w`, `wait` and `rollout status` behave.

A thread lets time pass through the gate in short slices, and stands back between them: requests are not held up.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from k8slab.cluster.epoch import catch_up
from k8slab.errors import K8sLabError
from k8slab.sim.clock import SECOND

if TYPE_CHECKING:
    from k8slab.cluster.cluster import Cluster
    from k8slab.serve.committer import Committer

LOG = logging.getLogger("k8slab.serve")
#: Seconds between two rounds.
TICK = 0.01
#: Seconds for which the gate is held at a time (one instant of the simulation is never cut).
SLICE = 0.02
#: A longer pause (a busy notebook cell, a closed laptop) is not caught up with.
MAX_STEP = 0.25
#: Seconds by which the calendar may be behind.
BEHIND = 60
#: So many failures one after another, and the clock stops.
FAILURES = 20


class PaceError(K8sLabError, ValueError):
    """A speed that is none."""


class Pace:
    """Lets a cluster's time pass, `speed` virtual seconds in each real one.

    Args:
        cluster: whose time.
        speed: how fast.
        committer: is handed what has happened; while it cannot keep more, time stands still.
        present: set the calendar forward where it has fallen behind the real one (a laptop was asleep).
    """

    def __init__(
        self, cluster: Cluster, speed: float = 1.0, committer: Committer | None = None, present: bool = False
    ) -> None:
        if not speed > 0:
            raise PaceError(f"speed must be a positive number of virtual seconds in a second, not {speed!r}")
        self._cluster, self._committer, self._present = cluster, committer, present
        self.speed = float(speed)
        self.error: Exception | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="k8slab-clock", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Let no more time pass; returns when the thread has ended."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        last, owed, failures = time.monotonic(), 0.0, 0
        while failures < FAILURES and not self._stopping.wait(TICK):
            now = time.monotonic()
            owed += min(now - last, MAX_STEP) * self.speed * SECOND
            last = now
            try:
                owed -= self._advance(int(owed))
                failures = 0
            except Exception as error:
                # A component that fails must not stop the others: what it was about to do is dropped.
                self.error = error
                failures += 1
                LOG.exception("a component failed at lab time %s", self._cluster.clock.rfc3339())
            owed = min(owed, MAX_STEP * self.speed * SECOND)
        if failures:
            LOG.error("the clock has stopped: nothing but failures")

    def _advance(self, delay: int) -> int:
        """Let at most `delay` microseconds pass, for a slice of real time; returns how many have."""
        gate, clock, committer = self._cluster.gate, self._cluster.clock, self._committer
        with gate.lock:
            begin = clock.now
            try:
                if committer is None or not committer.alarm:
                    self._let_pass(delay)
            finally:
                if committer is not None:
                    committer.collect()
            return clock.now - begin

    def _let_pass(self, delay: int) -> None:
        gate, clock = self._cluster.gate, self._cluster.clock
        if self._present and time.time() * SECOND - clock.unix_us > BEHIND * SECOND:
            catch_up(self._cluster, int(time.time()))
        target, deadline = clock.now + delay, time.monotonic() + SLICE
        while clock.now < target and time.monotonic() < deadline:
            following = clock.next_time()
            gate.advance(target if following is None or following > target else max(following, clock.now))

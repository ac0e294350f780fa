"""The one shape of all control loops: `reconcile(Request) -> Result`, level-based, as in controller-runtime."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from itertools import islice
from typing import Any, NamedTuple

from msgspec import Struct

from k8slab.api.scheme import NoMatch
from k8slab.client.throttle import Throttle
from k8slab.client.workqueue import WorkQueue
from k8slab.errors import ApiError

REMEMBERED_ERRORS = 50
EVENTS = "/registry/events/"


class Request(NamedTuple):
    """What to reconcile: an object's namespace ("" if it has none) and name."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


class Result(Struct, frozen=True):
    """What to do next with the request: nothing, look again in `requeue_after` microseconds, or retry with back-off."""

    requeue_after: int = 0
    requeue: bool = False


class Failure(Struct, frozen=True):
    """One failed reconcile: when (lab time in microseconds), of what, and the error's text."""

    time: int
    key: Any
    message: str


class Loop:
    """Takes keys from a queue, one per clock callback, and reconciles them. API errors are retried with back-off.

    Args:
        name: the actor of all writes made in here, e.g. `replicaset-controller`.
        queue: where the keys come from.
        reconcile: bound method, called with a key (usually a `Request`); returns a `Result` or None.
        clock: the lab's clock.
        trace: names the actor and the causes of writes.
        max_retries: give a key up after so many failures in a row; None retries for ever.
        catch: errors that are retried; anything else is a bug and is raised.

    `write_cost` is how long each write of a sync keeps its key busy, in microseconds: in a real cluster a request takes
    a while, and what happens meanwhile is seen together afterwards. Events are written in the background and cost
    nothing; `discount` is how many of a sync's writes were made at the same time as others, and `effort` how long it
    took to compute, in microseconds (its reconcile says so, where that is long).
    """

    def __init__(
        self,
        name: str,
        queue: WorkQueue,
        reconcile: Callable[[Any], Result | None],
        clock: Any,
        trace: Any,
        max_retries: int | None = None,
        catch: tuple[type[Exception], ...] = (ApiError, NoMatch),
    ) -> None:
        self.name = name
        self.queue = queue
        self.reconcile = reconcile
        self.clock = clock
        self.trace = trace
        self.max_retries = max_retries
        self.catch = catch
        self.write_cost = 0
        self.throttle: Throttle | None = None
        self.discount = 0
        self.effort = 0
        self.running = False
        self.paused = False
        self.syncs = 0
        self.errors: deque[Failure] = deque(maxlen=REMEMBERED_ERRORS)
        self._incarnation = 0
        self._scheduled = False
        queue.on_ready = self._wake

    def start(self) -> None:
        """Begin to work on what is, and what will be, queued."""
        if not self.running:
            self.running = True
            self._wake()

    def stop(self) -> None:
        """Stop and forget everything that is queued."""
        self.running = False
        self._incarnation += 1
        self._scheduled = False
        self.queue.clear()

    def pause(self) -> None:
        """Leave everything in the queue until `resume`."""
        self.paused = True

    def resume(self) -> None:
        """Work on what has been queued meanwhile."""
        self.paused = False
        self._wake()

    def _wake(self) -> None:
        if self.running and not self.paused and not self._scheduled and len(self.queue):
            self._scheduled = True
            self.clock.call_soon(self._process, self._incarnation)

    def _process(self, incarnation: int) -> None:
        if incarnation != self._incarnation:
            return
        self._scheduled = False
        if self.paused:
            return
        item = self.queue.get()
        if item is None:
            return
        key, causes = item
        before = len(self.trace.writes)
        try:
            self._sync(key, causes)
        finally:
            busy = self._busy(len(self.trace.writes) - before)
            if busy:
                self.clock.call_after(busy, self._done, key, incarnation)
            else:
                self.queue.done(key)
            self._wake()

    def _busy(self, count: int) -> int:
        """How long the key's worker is busy with the `count` writes of a sync: they take time, and are throttled."""
        if not count:
            return self.effort
        # Events go their own way (client-go's broadcaster): no sync waits for them.
        latest = islice(reversed(self.trace.writes.values()), count)
        writes = sum(not write.key.startswith(EVENTS) for write in latest)
        taken = max(0, writes - self.discount) * self.write_cost
        held_up = self.throttle.spend(writes) if self.throttle is not None else 0
        return max(taken, held_up) + self.effort

    def _done(self, key: Hashable, incarnation: int) -> None:
        if incarnation == self._incarnation:
            self.queue.done(key)
            self._wake()

    def _sync(self, key: Hashable, causes: tuple[int, ...]) -> None:
        self.syncs += 1
        self.discount = self.effort = 0
        with self.trace.acting(self.name, causes=causes):
            try:
                result = self.reconcile(key)
            except self.catch as error:
                self._failed(key, error)
                return
            if result is None or not result.requeue:
                self.queue.forget(key)
                if result is not None and result.requeue_after > 0:
                    self.queue.add_after(key, result.requeue_after)
            else:
                self.queue.add_rate_limited(key)

    def _failed(self, key: Hashable, error: Exception) -> None:
        self.errors.append(Failure(self.clock.now, key, str(error)))
        if self.max_retries is not None and self.queue.failures(key) >= self.max_retries:
            self.queue.forget(key)
        else:
            self.queue.add_rate_limited(key)

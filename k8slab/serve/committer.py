"""Nothing is told to a client before it is on the disk.

Whoever holds the gate hands in what has come in (`collect`); a thread writes it, everything that waits in one commit;
answers and watch events wait until what they show is kept (`kept`, `seen`). So requests that come together share one
sync of the disk, and the gate is never held during it.

When the disk is full, the room that was held back takes what is under way, and from then on writes are refused, as by
an etcd with a NOSPACE alarm, and time stands still, until there is room again.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from k8slab.cluster.datadir import DataDirectoryError, DiskFullError
from k8slab.errors import ApiError
from k8slab.serve.exchange import REQUEST_TIMEOUT
from k8slab.serve.exposition import Histogram

if TYPE_CHECKING:
    from k8slab.cluster.datadir import Row
    from k8slab.cluster.keeping import Image, Keeper

LOG = logging.getLogger("k8slab.serve")
#: Seconds until what nobody waits for (time that passes) is written.
LAZY = 1.0
#: Seconds between two tries after a failure.
RETRY = 0.5
#: A snapshot is worth its while after so much to live through again: fired timers, a request counting for ten.
WORK = 100_000
REQUEST_WORK = 10
#: Making a snapshot holds everybody up: seconds that it may take while clients are served, and its share of the time.
PAUSE, SHARE = 1.0, 0.02
#: Seconds that a snapshot takes for each revision of the history, before the first one was timed.
ESTIMATE = 40e-6
#: Bounds of etcd's histogram of disk writes, in seconds.
FSYNC = tuple(0.001 * 2**power for power in range(14))


class _Waiter(NamedTuple):
    """Somebody who waits for a mark to be written, on an event loop, until a time (monotonic seconds)."""

    mark: int
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[bool]
    deadline: float


class Committer:
    """Writes a served cluster's journal to its data directory.

    Args:
        keeper: the cluster and its directory.
    """

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper
        self.alarm = ""
        self._rows: list[Row] = []
        self._taken = self._needed = self._written = 0
        self._revision = self._seen = keeper.revision
        self._waiters: list[_Waiter] = []
        self._change = threading.Condition()
        self._stopping = False
        self._begun = self._work()
        self._spent, self._snapped_at = 0.0, time.monotonic()
        self._thread = threading.Thread(target=self._run, name="k8slab-commit", daemon=True)
        about = "Seconds that a commit to disk took."
        self.fsyncs = Histogram("etcd_disk_wal_fsync_duration_seconds", about, FSYNC)
        keeper.directory.reserve()

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is left, and a snapshot if there is much to live through; close the directory."""
        with self._change:
            self._stopping = True
            self._change.notify()
        if self._thread.ident is not None:
            self._thread.join()
            with self.keeper.cluster.gate.lock:
                self.collect()
                self._flush()
                self._snapshot(pause=float("inf"), least=WORK // 20)
        self.keeper.directory.close()

    # -- those who have something to tell ----------------------------------------------------------------------

    def collect(self) -> int:
        """Take what has come in; called with the gate held. Returns a mark for `kept`."""
        rows = self.keeper.take()
        if rows:
            with self._change:
                self._rows += rows
                self._taken += 1
                if self.keeper.revision != self._revision or any(row.entry.kind != "advance" for row in rows):
                    self._revision, self._needed = self.keeper.revision, self._taken
                if self._waiters:
                    self._change.notify()
        return self._needed

    def check_room(self) -> None:
        """Raises ApiError (500) while there is no room for more writes."""
        if self.alarm:
            raise ApiError(500, "", self.alarm)

    async def kept(self, mark: int) -> None:
        """Wait until all is kept that `collect` had seen when it returned `mark`. Raises ApiError (504)."""
        if mark > self._written:
            loop = asyncio.get_running_loop()
            future: asyncio.Future[bool] = loop.create_future()
            with self._change:
                self._waiters.append(_Waiter(mark, loop, future, time.monotonic() + REQUEST_TIMEOUT))
                self._change.notify()
            if not await future:
                raise ApiError(504, "Timeout", "etcdserver: request timed out", {})

    async def seen(self, revision: int) -> None:
        """Wait until a revision of the store is kept. Raises ApiError (504)."""
        while revision > self._seen:
            with self._change:
                # What made the revision may not have been handed in yet: time is passing at this moment.
                mark = self._needed if revision <= self._revision else self._taken + 1
            await self.kept(mark)

    # -- the thread --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping:
            with self._change:
                self._change.wait_for(self._is_wanted, LAZY)
            if self._flush():
                self._consider_snapshot()
            self._give_up()

    def _is_wanted(self) -> bool:
        return self._stopping or any(waiter.mark <= self._taken for waiter in self._waiters)

    def _flush(self) -> bool:
        """Write what there is; returns whether all is well."""
        with self._change:
            rows, taken, revision = self._rows, self._taken, self._revision
            self._rows = []
        try:
            if rows:
                self._append(rows)
        except DataDirectoryError as error:
            self._failed(rows, error)
            return False
        self._done(taken, revision)
        if self.alarm and self.keeper.directory.reserve():
            LOG.warning("there is room again: writes are accepted")
            self.alarm = ""
        return not self.alarm

    def _append(self, rows: list[Row]) -> None:
        directory, began = self.keeper.directory, time.perf_counter()
        try:
            directory.append(rows)
            self.fsyncs.observe(time.perf_counter() - began)
        except DiskFullError as error:
            if not directory.release():
                raise
            self._sound(error)
            directory.append(rows)

    def _failed(self, rows: list[Row], error: DataDirectoryError) -> None:
        """Nothing of it was written: keep it for the next try, and let nothing more come in."""
        with self._change:
            self._rows = rows + self._rows
        self._sound(error)
        if not self._stopping:
            time.sleep(RETRY)

    def _sound(self, error: DataDirectoryError) -> None:
        if not self.alarm:
            LOG.error("%s: writes are refused and time stands still", error)
        full = isinstance(error, DiskFullError)
        self.alarm = "etcdserver: mvcc: database space exceeded" if full else "etcdserver: no leader"

    def _done(self, taken: int, revision: int) -> None:
        with self._change:
            self._written, self._seen = taken, revision
            ready = [waiter for waiter in self._waiters if waiter.mark <= taken]
            self._waiters = [waiter for waiter in self._waiters if waiter.mark > taken]
        _tell(ready, True)

    def _give_up(self) -> None:
        """Have those told who have waited for too long."""
        now = time.monotonic()
        with self._change:
            late = [waiter for waiter in self._waiters if waiter.deadline < now]
            self._waiters = [waiter for waiter in self._waiters if waiter.deadline >= now]
        _tell(late, False)

    # -- snapshots ---------------------------------------------------------------------------------------------

    def _consider_snapshot(self) -> None:
        since = time.monotonic() - self._snapped_at
        expected = self._spent or self.keeper.revision * ESTIMATE
        if expected <= PAUSE and expected <= since * SHARE:
            self._snapshot(PAUSE, WORK)

    def _snapshot(self, pause: float, least: int) -> None:
        """Spare the next start living through all of it, where there is much of it."""
        if self._work() - self._begun < least or self._spent > pause:
            return
        gate = self.keeper.cluster.gate
        with gate.lock:
            began = time.monotonic()
            self.collect()
            image = self.keeper.image()
            if image is not None and self._flush():
                # Still with the gate held: the snapshot is of what has been written, and of nothing more.
                self._spent, self._begun = time.monotonic() - began, self._work()
                seq = self.keeper.directory.seal()
        self._snapped_at = time.monotonic()
        if image is not None and not self.alarm:
            self._write_image(image, seq)

    def _write_image(self, image: Image, seq: int) -> None:
        try:
            self.keeper.write_image(image, seq)
        except DataDirectoryError as error:
            LOG.warning("no snapshot: %s", error)

    def _work(self) -> int:
        cluster = self.keeper.cluster
        return cluster.clock.fired + REQUEST_WORK * len(cluster.journal)


def _tell(waiters: list[_Waiter], good: bool) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[bool]]] = {}
    for waiter in waiters:
        by_loop.setdefault(waiter.loop, []).append(waiter.future)
    for loop, futures in by_loop.items():
        try:
            loop.call_soon_threadsafe(_wake, futures, good)
        except RuntimeError:  # the server has stopped and its loop is closed
            continue


def _wake(futures: list[asyncio.Future[bool]], good: bool) -> None:
    for future in futures:
        if not future.done():
            future.set_result(good)

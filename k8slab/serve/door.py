"""The way from HTTP into the cluster: the gate, without holding up everybody else while it is shut.

A notebook cell may hold the gate for seconds (`lab.run("1h")`). Where the gate is free a request passes at once, on the
event loop's own thread; otherwise it waits on a thread of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from k8slab.cluster.gate import READ_VERBS
from k8slab.errors import ApiError
from k8slab.serve.exchange import REQUEST_TIMEOUT

if TYPE_CHECKING:
    from k8slab.api.request import Request, Response
    from k8slab.cluster.cluster import Cluster
    from k8slab.serve.committer import Committer

Result = TypeVar("Result")
#: So many requests wait for the gate at a time; the others queue behind them.
WAITING = 32


class Door:
    """Passes requests through a cluster's gate; a `committer` keeps what comes in before it is answered."""

    def __init__(self, cluster: Cluster, committer: Committer | None = None) -> None:
        self.cluster = cluster
        self.committer = committer
        self.gate = cluster.gate
        self._waiters = ThreadPoolExecutor(WAITING, thread_name_prefix="k8slab-request")

    async def handle(self, request: Request) -> Response:
        """Have a request handled. Raises ApiError (504) where the gate stays shut, (500) where the disk is full."""
        if self.committer is not None and request.verb not in READ_VERBS:
            self.committer.check_room()
        return await self.enter(self.gate.handle, request)

    async def enter(self, act: Callable[..., Result], *args: object) -> Result:
        """Call `act(*args)` while nobody else changes the cluster; returns when all that it did is kept."""
        if self.gate.lock.acquire(blocking=False):
            try:
                result, mark = self._act(act, args)
            finally:
                self.gate.lock.release()
        else:
            result, mark = await asyncio.get_running_loop().run_in_executor(self._waiters, self._wait, act, args)
        if mark:
            await self.committer.kept(mark)
        return result

    async def seen(self, revision: int) -> None:
        """Wait until a revision of the store may be shown: until it is kept, where the cluster is kept."""
        if self.committer is not None:
            await self.committer.seen(revision)

    def _act(self, act: Callable[..., Result], args: tuple[object, ...]) -> tuple[Result, int]:
        result = act(*args)
        return result, 0 if self.committer is None else self.committer.collect()

    def _wait(self, act: Callable[..., Result], args: tuple[object, ...]) -> tuple[Result, int]:
        if not self.gate.lock.acquire(timeout=REQUEST_TIMEOUT):
            message = "Timeout: request did not complete within the allotted timeout"
            raise ApiError(504, "Timeout", message, {})
        try:
            return self._act(act, args)
        finally:
            self.gate.lock.release()

    def close(self) -> None:
        """Let no more requests wait."""
        self._waiters.shutdown(wait=False, cancel_futures=True)

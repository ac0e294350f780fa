"""What a session in a container writes, on its way to a client.

A session writes when the clock fires its timers, on whatever thread lets time pass; the client takes it on the event
loop. What waits is bounded: a client that does not read loses its session.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

#: Characters that may wait for a client.
LIMIT = 8 << 20


class Outlet:
    """The output that waits for one client.

    A copy of a lab has no client: its outlets are closed and take nothing.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self.closed = loop is None
        self.overflowed = False
        self._loop = loop
        self._items: deque[tuple[str, Any]] = deque()
        self._size = 0
        self._wake = asyncio.Event()

    def __reduce__(self) -> tuple[Any, ...]:
        return (Outlet, ())

    def push(self, item: tuple[str, Any]) -> None:
        """Take `(channel, value)`; called on any thread, with the gate held."""
        if self.closed:
            return
        if isinstance(item[1], str):
            self._size += len(item[1])
        if self._size > LIMIT:
            self.closed = self.overflowed = True
            self._items.clear()
        else:
            self._items.append(item)
        try:
            self._loop.call_soon_threadsafe(self._wake.set)
        except RuntimeError:  # the server has stopped and its loop is closed
            self.closed = True

    async def take(self) -> list[tuple[str, Any]]:
        """Wait for output; empty where there will be no more."""
        while not self._items and not self.closed:
            await self._wake.wait()
            self._wake.clear()
        items = [self._items.popleft() for _ in range(len(self._items))]
        self._size -= sum(len(value) for _, value in items if isinstance(value, str))
        return items

    def close(self) -> None:
        """Take no more, and wake who waits; called on the loop's thread."""
        self.closed = True
        self._wake.set()

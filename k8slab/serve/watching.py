"""Watches over HTTP: events come from the clock's callbacks, on whatever thread lets time pass, and go to the client.

Each watch has a bounded queue. A client that does not keep up is cut off, as by the real server: it lists again. An
event is encoded once, however many watch it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from k8slab.api.request import ERROR, Request, Response, WatchEvent
from k8slab.apiserver.presentation import present
from k8slab.serve.encoding import encode_event

if TYPE_CHECKING:
    from k8slab.apiserver import APIServer
    from k8slab.serve.exchange import Exchange

#: Events that may wait for a client.
QUEUE_LIMIT = 10_000
#: Events whose encoded form is kept for other watchers.
CACHED = 4_096
#: Seconds that a client has, when its watch is over, to take what was sent.
PATIENCE = 60.0
#: Seconds until a watch ends whose client named no time (`--min-request-timeout`).
DEFAULT_TIMEOUT = 1800.0


#: About what it takes to send one watch what waits for it, in seconds.
TURN = 0.0001

Seen = Callable[[int], Awaitable[None]]
"""Waits until a revision may be shown to clients (`Door.seen`)."""


class Rounds:
    """Wakes the streams that have something to send, many at a time.

    Sending a thousand watches one event each takes as long as sending them ten each. So after each round there is a
    rest of about the time that the round takes: where there are few watches nobody notices, where there are many the
    events of that time go together.
    """

    def __init__(self) -> None:
        self._asking: deque[Stream] = deque()
        self._planned = False
        self._rest_until = 0.0

    def ask(self, stream: Stream, loop: asyncio.AbstractEventLoop) -> None:
        """Wake a stream in the next round; called on any thread. Raises RuntimeError where the loop is closed."""
        self._asking.append(stream)
        if not self._planned:
            self._planned = True
            loop.call_soon_threadsafe(self._plan, loop)

    def _plan(self, loop: asyncio.AbstractEventLoop) -> None:
        rest = self._rest_until - loop.time()
        if rest > 0:
            loop.call_later(rest, self._run, loop)
        else:
            self._run(loop)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        # In this order: who asks in between plans a round of its own.
        self._planned = False
        count = len(self._asking)
        for _ in range(count):
            self._asking.popleft().wake()
        self._rest_until = loop.time() + 2 * count * TURN


class Stream:
    """The events that wait for one client.

    A copy of a lab (a fork, a saved one) has no client: its streams are closed and take nothing.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop | None = None,
        seen: Seen | None = None,
        rounds: Rounds | None = None,
        abort: Callable[[], None] | None = None,
    ) -> None:
        self.closed = loop is None
        self._loop, self._seen, self._abort = loop, seen, abort
        self._rounds = rounds or Rounds()
        self._events: deque[WatchEvent] = deque()
        self._wake = asyncio.Event()
        self._waking = False

    def __reduce__(self) -> tuple[Any, ...]:
        return (Stream, ())

    def push(self, event: WatchEvent) -> None:
        """Take an event; called on any thread, with the gate held."""
        if self.closed:
            return
        if len(self._events) >= QUEUE_LIMIT:
            self.closed = True
            self._events.clear()
            self._break_off()
        else:
            self._events.append(event)
        if not self._waking:
            self._waking = True
            try:
                self._rounds.ask(self, self._loop)
            except RuntimeError:  # the server has stopped and its loop is closed
                self.closed = True

    def wake(self) -> None:
        """Its turn has come; called on the loop's thread."""
        self._wake.set()

    def _break_off(self) -> None:
        """The client does not read: an answer that cannot be sent would hold its connection for ever."""
        if self._abort is not None:
            with contextlib.suppress(RuntimeError):  # the server has stopped and its loop is closed
                self._loop.call_soon_threadsafe(self._abort)

    async def take(self) -> list[WatchEvent]:
        """Wait for events; empty where there will be no more."""
        while not self._events and not self.closed:
            await self._wake.wait()
            # In this order: an event that comes in between wakes once more, for nothing.
            self._wake.clear()
            self._waking = False
        events = [self._events.popleft() for _ in range(len(self._events))]
        if events and self._seen is not None:
            await self._seen(max(event.revision for event in events))
        return events

    def close(self, *_: Any) -> None:
        """Take no more, and wake who waits; called on the loop's thread."""
        self.closed = True
        self._events.clear()
        self._wake.set()


class EventCache:
    """Encoded events, shared by all watches that show them in the same form."""

    def __init__(self, server: APIServer) -> None:
        self._server = server
        self._kept: OrderedDict[int, tuple[WatchEvent, bytes]] = OrderedDict()

    def encoded(self, event: WatchEvent, request: Request, accept: str, is_first: bool) -> bytes:
        """An event as a client wants it; a Table's column definitions come with its first event only."""
        if accept:
            return encode_event(event, self._shown(event, request, accept, is_first))
        # The event is kept with its text, so that its id stays its own.
        found = self._kept.get(id(event))
        if found is None:
            found = self._kept[id(event)] = (event, encode_event(event, event.object))
            if len(self._kept) > CACHED:
                self._kept.popitem(last=False)
        return found[1]

    def _shown(self, event: WatchEvent, request: Request, accept: str, is_first: bool) -> Any:
        if event.type == ERROR:
            return event.object
        shown = present(self._server, request, Response(200, event.object), accept, as_text=True).body
        if not is_first and isinstance(shown, dict) and shown.get("kind") == "Table":
            return shown | {"columnDefinitions": None}
        return shown


async def serve_watch(
    exchange: Exchange, stream: Stream, request: Request, accept: str, cache: EventCache, timeout: float
) -> None:
    """Send events until the client leaves, does not keep up, or its time (seconds) is over."""
    gone = asyncio.ensure_future(exchange.gone())
    gone.add_done_callback(stream.close)
    loop = asyncio.get_running_loop()
    endings = [loop.call_later(timeout, stream.close), loop.call_later(timeout + PATIENCE, exchange.abort)]
    try:
        await exchange.begin("application/json")
        is_first = True
        while events := await stream.take():
            parts = []
            for event in events:
                parts.append(cache.encoded(event, request, accept, is_first))
                is_first = False
            await exchange.write(b"".join(parts))
            exchange.meter.told(len(events))
        await exchange.end()
    finally:
        for ending in endings:
            ending.cancel()
        gone.cancel()

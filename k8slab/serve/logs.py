"""GET pods/log: a container's log as text, and as it grows with `follow=true`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from k8slab.api.request import Request, Response
from k8slab.serve.encoding import encode, headers_of, plain

if TYPE_CHECKING:
    from k8slab.serve.door import Door
    from k8slab.serve.exchange import Exchange

#: Seconds between two looks at a log that is followed.
INTERVAL = 0.25
PLAIN = "text/plain"
#: Parameters that choose a part of the log.
PARTIAL = ("tailLines", "sinceSeconds", "sinceTime", "limitBytes", "follow")


async def serve_log(door: Door, exchange: Exchange, request: Request) -> None:
    """Send a log; where it is followed, until its container has ended or the client leaves."""
    follow = request.options.parameters.get("follow") in ("true", "1") and "previous" not in exchange.query
    follower = Follower(door, request)
    response = await door.enter(follower.begin) if follow else await door.handle(request)
    if not response.is_success:
        await exchange.answer(response.code, encode(plain(response.body)), headers=headers_of(response))
    elif not follow:
        await exchange.answer(200, _text(response), PLAIN)
    else:
        await _follow(exchange, follower, _text(response))


async def _follow(exchange: Exchange, follower: Follower, text: bytes) -> None:
    gone = asyncio.ensure_future(exchange.gone())
    try:
        await exchange.begin(PLAIN)
        while not gone.done():
            if text:
                await exchange.write(text)
            if follower.ended:
                await exchange.end()
                return
            await asyncio.wait((gone,), timeout=INTERVAL)
            text = await follower.door.enter(follower.more)
    finally:
        gone.cancel()


class Follower:
    """Reads a growing log; its methods are called with the gate held."""

    def __init__(self, door: Door, request: Request) -> None:
        self.door, self.request = door, request
        self.ended = False
        options = request.options
        rest = {name: value for name, value in options.parameters.items() if name not in PARTIAL}
        self._whole = request.replace(options=replace(options, parameters=rest))
        self._seen = 0
        self._run: Any = None

    def begin(self) -> Response:
        """The part that was asked for; what comes later counts from here."""
        response = self.door.gate.handle(self.request)
        if response.is_success:
            self._run = self._container()
            self._seen = len(_text(self.door.gate.handle(self._whole)))
            self.ended = self._run is None
        return response

    def more(self) -> bytes:
        """What was written since the last look; sets `ended` after the container's end."""
        run = self._container()
        self.ended = run != self._run
        if self.ended and run is not None:
            return b""  # the log is that of another run by now
        response = self.door.gate.handle(self._whole)
        if not response.is_success:
            self.ended = True
            return b""
        text = _text(response)
        new, self._seen = text[self._seen :], len(text)
        return new

    def _container(self) -> Any:
        """What tells one run of the container from the next; None while it does not run."""
        request = self.request
        pod = self.door.cluster.server.peek("pods", request.name or "", request.namespace)
        if pod is None or pod.status is None:
            return None
        wanted = request.options.parameters.get("container")
        status = pod.status
        for each in (*(status.containerStatuses or ()), *(status.initContainerStatuses or ())):
            if wanted in (None, "", each.name) and each.state is not None and each.state.running is not None:
                return pod.metadata.uid, each.restartCount, each.state.running.startedAt
        return None


def _text(response: Response) -> bytes:
    return response.body.encode() if isinstance(response.body, str) else b""

"""Port-forward: what reaches a forwarded port is answered by the program in the Pod (`cri/streaming/portforward`).

Over SPDY a client opens an error and a data stream for each connection; over a plain WebSocket each port has one data
and one error channel. kubectl since 1.31 sends SPDY through a WebSocket.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Awaitable, Callable
from http.client import responses
from typing import Any

import h11

from k8slab.serve.spdy import (
    REFUSED_STREAM,
    Connection,
    DataReceived,
    Event,
    SpdyError,
    StreamEnded,
    StreamOpened,
    StreamReset,
)
from k8slab.serve.upgrade import WebSocket, Wire

PROTOCOL = "portforward.k8s.io"
TUNNEL = "SPDY/3.1+portforward.k8s.io"
WEBSOCKET_PROTOCOLS = ("v4.channel.k8s.io", "v4.base64.channel.k8s.io")
#: Bytes that may wait for a client that does not read; more, and it is cut off.
BACKLOG = 4 << 20

Ask = Callable[..., Awaitable[Any]]
"""Calls a method of the Pod's `Forward` while nobody changes the cluster: `ask("request", port, path)`."""


class Conversation:
    """One connection to a port: an HTTP/1.1 server whose answers come from the simulated program."""

    def __init__(self, ask: Ask, port: int) -> None:
        self._ask, self.port = ask, port
        self._http = h11.Connection(h11.SERVER)
        self.closed = False
        self._request: h11.Request | None = None

    async def connect(self) -> str:
        """ "" where something listens, else what the node says."""
        return await self._ask("connect", self.port)

    async def receive(self, data: bytes) -> bytes:
        """What the program answers to these bytes; `closed` tells that it hung up."""
        if self.closed:
            return b""
        self._http.receive_data(data)
        answer = b""
        try:
            while not self.closed and (part := await self._step()) is not None:
                answer += part
        except h11.RemoteProtocolError:
            answer += self._bad_request()
        return answer

    async def _step(self) -> bytes | None:
        """Deal with one event; None where more must come first."""
        event = self._http.next_event()
        if event is h11.NEED_DATA:
            return None
        if event is h11.PAUSED:
            if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                return None
            self._http.start_next_cycle()
        elif isinstance(event, h11.ConnectionClosed):
            self.closed = True
        elif isinstance(event, h11.Request):
            self._request = event
        elif isinstance(event, h11.EndOfMessage):
            return await self._answer()
        return b""

    async def _answer(self) -> bytes:
        target = self._request.target.decode("latin-1")
        status, body = await self._ask("request", self.port, target)
        if status <= 0:
            # A program that speaks another protocol hangs up on a request that it cannot read.
            self.closed = True
            return b""
        return self._response(
            status, body or f"{status} {responses.get(status, '')}\n", self._request.method == b"HEAD"
        )

    def _response(self, status: int, body: str, is_head: bool = False) -> bytes:
        data = body.encode("utf-8", "surrogateescape")
        kind = "text/html" if body.lstrip().startswith("<") else "text/plain; charset=utf-8"
        headers = [("Content-Type", kind), ("Content-Length", str(len(data)))]
        sent = self._http.send(
            h11.Response(status_code=status, headers=headers, reason=responses.get(status, "").encode())
        )
        if not is_head:
            sent += self._http.send(h11.Data(data=data))
        sent += self._http.send(h11.EndOfMessage()) or b""
        self.closed = self._http.our_state is h11.MUST_CLOSE
        return sent

    def _bad_request(self) -> bytes:
        self.closed = True
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return b""
        return self._response(400, "400 Bad Request\n")


# -- SPDY -------------------------------------------------------------------------------------------------------------


class SpdyForward:
    """Forwarded connections as pairs of SPDY streams."""

    def __init__(self, wire: Wire, ask: Ask) -> None:
        self._wire, self._ask = wire, ask
        self._spdy = Connection()
        self._halves: dict[str, dict[str, tuple[int, str]]] = {}
        self._open: dict[int, tuple[Conversation, int]] = {}

    async def run(self) -> None:
        """Serve connections until the client leaves."""
        politely = False
        try:
            while data := await self._wire.read():
                for event in self._spdy.receive(data):
                    await self._handle(event)
                await self._wire.write(self._spdy.data_to_send())
                if self._spdy.backlog > BACKLOG:
                    return
            politely = True
        except (SpdyError, ConnectionError):
            pass
        finally:
            await self._wire.close(politely)

    async def _handle(self, event: Event) -> None:
        if isinstance(event, StreamOpened):
            await self._opened(event)
        elif isinstance(event, DataReceived):
            self._spdy.consumed(event.stream, len(event.data))
            await self._received(event)
        elif isinstance(event, (StreamEnded, StreamReset)) and event.stream in self._open:
            self._close(event.stream)
        elif isinstance(event, StreamReset):
            self._give_up(event.stream)

    async def _opened(self, event: StreamOpened) -> None:
        kind, port = event.headers.get("streamtype", ""), event.headers.get("port", "")
        if kind not in ("error", "data") or not (port.isdecimal() and len(port) < 6 and 0 < int(port) < 65536):
            self._spdy.reset(event.stream, REFUSED_STREAM)
            return
        self._spdy.reply(event.stream)
        # Old clients send no request id: their data stream is the one after the error stream.
        default = event.stream if kind == "error" else event.stream - 2
        request = event.headers.get("requestid") or f"stream {default}"
        halves = self._halves.setdefault(request, {})
        halves[kind] = (event.stream, port)
        if len(halves) == 2:
            del self._halves[request]
            await self._connect(halves["data"][0], halves["error"][0], int(halves["data"][1]))

    async def _connect(self, data: int, error: int, port: int) -> None:
        conversation = Conversation(self._ask, port)
        refusal = await conversation.connect()
        if refusal:
            self._spdy.send(error, refusal.encode(), fin=True)
            self._spdy.end(data)
        else:
            self._open[data] = (conversation, error)

    async def _received(self, event: DataReceived) -> None:
        found = self._open.get(event.stream)
        if found is None:
            return
        conversation, _ = found
        self._spdy.send(event.stream, await conversation.receive(event.data))
        if conversation.closed:
            self._close(event.stream)

    def _give_up(self, stream: int) -> None:
        """Forget a stream whose other half has not come yet."""
        for request, halves in list(self._halves.items()):
            if any(number == stream for number, _ in halves.values()):
                del self._halves[request]

    def _close(self, data: int) -> None:
        _, error = self._open.pop(data)
        self._spdy.end(data)
        self._spdy.end(error)


# -- WebSocket --------------------------------------------------------------------------------------------------------


class WebSocketForward:
    """One connection for each port that the request named, as channels of a WebSocket."""

    def __init__(self, socket: WebSocket, protocol: str, ports: list[int], ask: Ask) -> None:
        self._socket, self._base64, self._ask = socket, "base64" in protocol, ask
        self._ports = ports
        self._open: dict[int, Conversation] = {}

    async def run(self) -> None:
        """Serve the connections until all have ended or the client leaves."""
        try:
            await self._begin()
            while self._open and (message := await self._socket.receive()) is not None:
                if message:
                    await self._take(message)
        except ConnectionError:
            pass
        finally:
            await self._socket.close()

    async def _begin(self) -> None:
        for index, port in enumerate(self._ports):
            # Each channel begins with the number of its port.
            for channel in (2 * index, 2 * index + 1):
                await self._write(channel, struct.pack("<H", port))
        for index, port in enumerate(self._ports):
            conversation = Conversation(self._ask, port)
            refusal = await conversation.connect()
            if refusal:
                await self._write(2 * index + 1, refusal.encode())
            else:
                self._open[2 * index] = conversation

    async def _take(self, message: bytes | str) -> None:
        raw = message.encode() if isinstance(message, str) else message
        channel, data = raw[0], raw[1:]
        if self._base64:
            channel = raw[0] - ord("0")
            try:
                data = base64.b64decode(data)
            except ValueError:
                return
        conversation = self._open.get(channel)
        if conversation is None:
            return
        answer = await conversation.receive(data)
        if answer:
            await self._write(channel, answer)
        if conversation.closed:
            del self._open[channel]

    async def _write(self, channel: int, data: bytes) -> None:
        if self._base64:
            await self._socket.send(f"{channel}{base64.b64encode(data).decode()}")
        else:
            await self._socket.send(bytes((channel,)) + data)

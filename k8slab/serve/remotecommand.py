"""Exec and attach: the protocols of `k8s.io/kubelet/pkg/cri/streaming/remotecommand`, over WebSocket and over SPDY.

A WebSocket carries channels: the first byte of a message says which (with `base64.` the first character, and the rest
is text). SPDY has a stream for each. The last word is a Status on the error channel.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from k8slab.serve.outlet import Outlet
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
from k8slab.serve.upgrade import Plain, WebSocket, stopped

STDIN, STDOUT, STDERR, ERROR, RESIZE = range(5)
NUMBERS = {"stdout": STDOUT, "stderr": STDERR}
CLOSE = 255
"""In v5: the channel whose number follows is closed."""
V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
WEBSOCKET_PROTOCOLS = (V5, V4, "v4.base64.channel.k8s.io", "channel.k8s.io", "base64.channel.k8s.io")
SPDY_PROTOCOLS = (V4, "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io")
#: Output is sent in parts of at most this many bytes, as by the real copy loops.
PART = 32 * 1024
#: Seconds in which a SPDY client must open its streams (`DefaultStreamCreationTimeout`).
CREATION_TIMEOUT = 30.0

Send = Callable[..., Awaitable[None]]
"""Passes what the client sends on to the session: `send(action, *values)`."""


def status_bytes(status: dict[str, Any], protocol: str) -> bytes:
    """A session's last word in the way of a protocol: before v4 it is the text of an error, and nothing for success."""
    if protocol == V5:
        status = translated(status)
    if protocol.startswith(("v4.", "v5.")):
        return json.dumps(status, separators=(",", ":")).encode()
    return b"" if status.get("status") == "Success" else status.get("message", "").encode()


def translated(status: dict[str, Any]) -> dict[str, Any]:
    """The Status that the API server's stream translator makes of the kubelet's."""
    if status.get("status") == "Success":
        return status
    if status.get("reason") == "NonZeroExitCode":
        code = status["details"]["causes"][0]["message"]
        said = f"command terminated with exit code {code}"
        return {**status, "message": f"command terminated with non-zero exit code: {said}"}
    inner = status.get("message", "")
    details = {"causes": [{"message": inner}]}
    return {**status, "message": f"Internal error occurred: {inner}", "reason": "InternalError", "details": details}


def window(text: str) -> tuple[int, int] | None:
    """Rows and columns of a resize message, None for one that says nothing."""
    try:
        size = json.loads(text)
        rows, columns = int(size["Height"]), int(size["Width"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    return (rows, columns) if 0 < rows < 65536 and 0 < columns < 65536 else None


def decoded(data: bytes) -> str:
    """Bytes as the text that a simulated process reads; `encoded` gives the same bytes again."""
    return data.decode("utf-8", "surrogateescape")


def encoded(text: str) -> bytes:
    """What a simulated process wrote, as bytes."""
    return text.encode("utf-8", "surrogateescape")


# -- WebSocket --------------------------------------------------------------------------------------------------------


class WebSocketCommand:
    """One session over a WebSocket."""

    def __init__(self, socket: WebSocket, protocol: str, outlet: Outlet, send: Send) -> None:
        self._socket, self._protocol, self._outlet, self._send = socket, protocol, outlet, send
        self._base64 = "base64" in protocol

    async def run(self) -> None:
        """Carry the session to its end, or to the client's."""
        reading = asyncio.create_task(self._read())
        reading.add_done_callback(lambda _: self._outlet.close())
        politely = True
        try:
            # An empty message tells the client that the connection stands.
            await self._write(STDOUT, b"")
            while items := await self._outlet.take():
                for channel, value in items:
                    if channel == "cut":
                        politely = False
                        return
                    await self._show(channel, value)
                    if channel == "end":
                        return
        except ConnectionError:
            pass
        finally:
            await stopped(reading)
            await self._socket.close(politely)

    async def refuse(self, status: dict[str, Any]) -> None:
        """Say why there is no session, where the client expects to hear it on the error channel."""
        with contextlib.suppress(ConnectionError):
            await self._show("end", status)
        await self._socket.close()

    async def _show(self, channel: str, value: Any) -> None:
        if channel == "end":
            last = status_bytes(value, self._protocol)
            if last:
                await self._write(ERROR, last)
            return
        data = encoded(value)
        for at in range(0, len(data), PART):
            await self._write(NUMBERS[channel], data[at : at + PART])

    async def _write(self, channel: int, data: bytes) -> None:
        if self._base64:
            await self._socket.send(f"{channel}{base64.b64encode(data).decode()}")
        else:
            await self._socket.send(bytes((channel,)) + data)

    async def _read(self) -> None:
        while (message := await self._socket.receive()) is not None:
            if message:
                channel, data = self._split(message)
                await self._take(channel, data)

    def _split(self, message: bytes | str) -> tuple[int, bytes]:
        raw = message.encode() if isinstance(message, str) else message
        if not self._base64:
            return raw[0], raw[1:]
        try:
            return raw[0] - ord("0"), base64.b64decode(raw[1:])
        except ValueError:
            return -1, b""

    async def _take(self, channel: int, data: bytes) -> None:
        if channel == STDIN and data:
            await self._send("input", decoded(data))
        elif channel == RESIZE and (size := window(decoded(data))):
            await self._send("resize", *size)
        elif channel == CLOSE and self._protocol == V5 and data[:1] == bytes((STDIN,)):
            await self._send("close")


# -- SPDY -------------------------------------------------------------------------------------------------------------


class SpdyCommand:
    """One session over SPDY streams, which the client opens; the header `streamtype` says what each is for."""

    def __init__(self, wire: Plain, protocol: str, outlet: Outlet, send: Send, wanted: set[str]) -> None:
        self._wire, self._protocol, self._outlet, self._send = wire, protocol, outlet, send
        self._spdy = Connection()
        self._wanted = wanted
        self._streams: dict[str, int] = {}
        self._complete = asyncio.Event()
        self._moved = asyncio.Event()
        self._gone = False

    async def run(self) -> None:
        """Carry the session to its end, or to the client's."""
        reading = asyncio.create_task(self._read())
        reading.add_done_callback(self._end)
        try:
            async with asyncio.timeout(CREATION_TIMEOUT):
                await self._complete.wait()
            while not self._gone and (items := await self._outlet.take()):
                for channel, value in items:
                    if channel == "cut":
                        self._gone = True
                        return
                    await self._show(channel, value)
                    if channel == "end":
                        return
        except (ConnectionError, TimeoutError):
            pass
        finally:
            await stopped(reading)
            await self._wire.close(politely=not self._gone)

    def _end(self, _task: Any) -> None:
        self._gone = True
        self._complete.set()
        self._moved.set()
        self._outlet.close()

    async def _show(self, channel: str, value: Any) -> None:
        if channel == "end":
            await self._finish(value)
        elif channel in self._streams:
            data, stream = encoded(value), self._streams[channel]
            for at in range(0, len(data), PART):
                self._spdy.send(stream, data[at : at + PART])
                await self._flush()
            while self._spdy.backlog and not self._gone:
                # The client's window is shut: what comes meanwhile waits in the outlet.
                self._moved.clear()
                await self._moved.wait()

    async def _finish(self, status: dict[str, Any]) -> None:
        for name in ("stdout", "stderr"):
            if name in self._streams:
                self._spdy.end(self._streams[name])
        self._spdy.send(self._streams["error"], status_bytes(status, self._protocol), fin=True)
        self._spdy.go_away()
        await self._flush()

    async def _flush(self) -> None:
        await self._wire.write(self._spdy.data_to_send())

    async def _read(self) -> None:
        while data := await self._wire.read():
            try:
                for event in self._spdy.receive(data):
                    await self._handle(event)
            except SpdyError:
                return
            await self._flush()
            self._moved.set()
            self._complete_if_all()

    async def _handle(self, event: Event) -> None:
        stdin, resize = self._streams.get("stdin"), self._streams.get("resize")
        if isinstance(event, StreamOpened):
            self._accept(event)
        elif isinstance(event, DataReceived):
            if event.stream == stdin:
                await self._send("input", decoded(event.data))
            elif event.stream == resize and (size := window(decoded(event.data))):
                await self._send("resize", *size)
            self._spdy.consumed(event.stream, len(event.data))
        elif isinstance(event, (StreamEnded, StreamReset)) and event.stream == stdin:
            await self._send("close")

    def _accept(self, event: StreamOpened) -> None:
        kind = event.headers.get("streamtype", "")
        if kind not in self._wanted or kind in self._streams:
            self._spdy.reset(event.stream, REFUSED_STREAM)
            return
        self._streams[kind] = event.stream
        self._spdy.reply(event.stream)

    def _complete_if_all(self) -> None:
        if self._wanted <= set(self._streams):
            self._complete.set()

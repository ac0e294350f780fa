"""From an HTTP request to a connection that speaks something else: SPDY/3.1 or WebSocket.

Follows `apimachinery/pkg/util/httpstream` (which headers ask for what, how a protocol is agreed on) and RFC 6455.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol

from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError, RemoteProtocolError, generate_accept_token

from k8slab.errors import bad_request

if TYPE_CHECKING:
    from k8slab.serve.exchange import Exchange

SPDY = "SPDY/3.1"
WEBSOCKET = "websocket"
STREAM_PROTOCOL = b"X-Stream-Protocol-Version"
#: Bytes read from a connection at a time.
CHUNK = 64 * 1024
#: The longest message that is taken from a client.
MAX_MESSAGE = 16 << 20
#: Seconds that a client gets to close its side after the last word.
LINGER = 2.0


class Wire(Protocol):
    """A way to a client: bytes in order, both ways."""

    async def read(self) -> bytes:
        """Some bytes, none at the end."""

    async def write(self, data: bytes) -> None:
        """Send bytes; waits while the client does not keep up. Raises ConnectionError."""

    async def close(self, politely: bool = True) -> None:
        """Say goodbye and close; at once where the client does not deserve politeness."""


def upgrade_of(exchange: Exchange) -> str:
    """What a request wants to turn into: SPDY, WEBSOCKET, or "" where it stays HTTP."""
    if "upgrade" not in exchange.header("connection").lower():
        return ""
    wanted = exchange.header("upgrade").lower()
    return {"spdy/3.1": SPDY, "websocket": WEBSOCKET}.get(wanted, "")


def offered(exchange: Exchange, header: str) -> list[str]:
    """The protocols that a client offers, in its order."""
    return [word.strip() for word in exchange.header(header).split(",") if word.strip()]


async def to_spdy(exchange: Exchange, protocol: str) -> Plain:
    """Switch a connection to SPDY/3.1, over which `protocol` is spoken."""
    headers = [(b"Connection", b"Upgrade"), (b"Upgrade", SPDY.encode())]
    if protocol:
        headers.append((STREAM_PROTOCOL, protocol.encode()))
    return Plain(*exchange.switch(headers))


async def to_websocket(exchange: Exchange, protocol: str) -> WebSocket:
    """Switch a connection to WebSocket, with a subprotocol. Raises ApiError (400) for a bad handshake."""
    key = exchange.header("sec-websocket-key")
    if exchange.method != "GET" or not key or exchange.header("sec-websocket-version") != "13":
        raise bad_request("websocket: the client is not using the websocket protocol")
    headers = [
        (b"Upgrade", b"websocket"),
        (b"Connection", b"Upgrade"),
        (b"Sec-WebSocket-Accept", generate_accept_token(key.encode())),
    ]
    if protocol:
        headers.append((b"Sec-WebSocket-Protocol", protocol.encode()))
    return WebSocket(*exchange.switch(headers))


async def stopped(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait until it has ended."""
    task.cancel()
    await asyncio.wait((task,))


class Plain:
    """A connection as it is."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self) -> bytes:
        """Some bytes, none at the end."""
        try:
            return await self._reader.read(CHUNK)
        except (ConnectionError, OSError):
            return b""

    async def write(self, data: bytes) -> None:
        """Send bytes; waits while the client does not keep up. Raises ConnectionError."""
        if data:
            if self._writer.is_closing():
                raise ConnectionResetError
            self._writer.write(data)
            await self._writer.drain()

    async def close(self, politely: bool = True) -> None:
        """Let the client close first, for a while, so that it reads everything; then close."""
        try:
            async with asyncio.timeout(LINGER):
                while politely and await self.read():
                    pass
        except TimeoutError:
            pass
        self._writer.close()


class WebSocket:
    """A WebSocket: whole messages, with pings answered. As a `Wire` it carries bytes in binary messages."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._wire = Plain(reader, writer)
        self._connection = Connection(ConnectionType.SERVER)
        self._messages: list[bytes | str] = []
        self._parts: list[bytes | str] = []
        self._size = 0
        self._closed = False

    async def receive(self) -> bytes | str | None:
        """The next message, None where none will come."""
        while not self._messages and not self._closed:
            data = await self._wire.read()
            if not data:
                self._closed = True
                break
            try:
                self._connection.receive_data(data)
                await self._handle()
            except (RemoteProtocolError, LocalProtocolError):
                await self._say_goodbye(CloseReason.PROTOCOL_ERROR)
            except ConnectionError:
                self._closed = True
        return self._messages.pop(0) if self._messages else None

    async def _handle(self) -> None:
        for event in self._connection.events():
            if isinstance(event, Ping):
                await self._wire.write(self._connection.send(event.response()))
            elif isinstance(event, CloseConnection):
                await self._wire.write(self._connection.send(event.response()))
                self._closed = True
            elif isinstance(event, (BytesMessage, TextMessage)):
                await self._collect(event)

    async def _collect(self, event: BytesMessage | TextMessage) -> None:
        if event.data:  # empty parts cost their sender next to nothing: they must not pile up
            self._parts.append(event.data if isinstance(event, TextMessage) else bytes(event.data))
        self._size += len(event.data)
        if self._size > MAX_MESSAGE:
            await self._say_goodbye(CloseReason.MESSAGE_TOO_BIG)
        elif event.message_finished:
            empty: bytes | str = "" if isinstance(event, TextMessage) else b""
            self._messages.append(empty.join(self._parts))  # type: ignore[arg-type]
            self._parts, self._size = [], 0

    async def send(self, message: bytes | str) -> None:
        """Send a message; waits while the client does not keep up. Raises ConnectionError."""
        if self._closed:
            raise ConnectionResetError
        event = TextMessage(data=message) if isinstance(message, str) else BytesMessage(data=message)
        await self._wire.write(self._connection.send(event))

    async def read(self) -> bytes:
        """The bytes of the next message that has some, none at the end."""
        while (message := await self.receive()) is not None:
            if message:
                return message if isinstance(message, bytes) else message.encode()
        return b""

    async def write(self, data: bytes) -> None:
        """Send bytes as a message."""
        if data:
            await self.send(data)

    async def close(self, politely: bool = True) -> None:
        """The closing handshake, and the end."""
        try:
            if politely and not self._closed:
                await self._say_goodbye(CloseReason.NORMAL_CLOSURE)
        except ConnectionError:
            pass
        await self._wire.close(politely)

    async def _say_goodbye(self, reason: CloseReason) -> None:
        self._closed = True
        with contextlib.suppress(LocalProtocolError):
            await self._wire.write(self._connection.send(CloseConnection(code=reason)))

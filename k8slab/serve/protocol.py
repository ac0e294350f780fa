"""uvicorn's HTTP/1.1 connection with what a server of the Kubernetes API needs besides.

The application learns which client certificate was shown, and a connection that does not get its request across in time
is closed: slow or idle clients must not hold the server's sockets for ever. Where there are too many connections, the
one that has waited longest for a request makes room for a new one.
"""

from __future__ import annotations

import asyncio
import resource
import socket
import sys
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

#: Key of the verified client certificate (DER) in the state of each request.
CERTIFICATE = "k8slab.client_certificate"
#: Seconds for a client to send the head of a request (Go's ReadHeaderTimeout in kube-apiserver is 32 s).
HEAD_TIMEOUT = 32.0
#: Key of what breaks the connection off, in the state of each request.
ABORT = "k8slab.abort"
#: So many connections at a time, as far as the process may have so many files.
MAX_CONNECTIONS = 12_000
#: Bytes that are read from a connection at a time: the largest record of TLS.
RECORD = 16 * 1024
#: Files that are left for everything else.
OTHER_FILES = 128
#: Seconds in which a client of a session must answer when the server stops.
FAREWELL = 0.2
#: Key of the method that hands the connection over, in the state of each request.
SWITCH = "k8slab.switch"
#: Bytes that may wait to be read from, and to be written to, a connection that was handed over.
BUFFER = 256 * 1024


class Gathering:
    """A transport that sends what is written in one go together: head and body of an answer as one TLS record."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._parts: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send data at the end of this turn of the loop."""
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        """Send what is left, and close."""
        self._flush()
        self._transport.close()

    @property
    def bare(self) -> asyncio.Transport:
        """The transport itself, once what was gathered has been sent."""
        self._flush()
        return self._transport

    def _flush(self) -> None:
        if self._parts:
            data, self._parts = b"".join(self._parts), []
            self._transport.write(data)


class Waiting:
    """The connections that wait for a request, those that have waited longest first."""

    def __init__(self) -> None:
        self._connections: dict[Connection, None] = {}

    def add(self, connection: Connection) -> None:
        """A connection begins to wait."""
        self._connections[connection] = None

    def remove(self, connection: Connection) -> None:
        """A connection does not wait any more."""
        self._connections.pop(connection, None)

    def make_room(self) -> None:
        """Break off the connection that has waited longest."""
        connection = next(iter(self._connections), None)
        if connection is not None:
            self.remove(connection)
            connection.transport.abort()


def _slim(transport: asyncio.Transport) -> None:
    """Have a TLS connection keep room for one record instead of asyncio's 256 KiB, which thousands would fill."""
    tls: Any = getattr(transport, "_ssl_protocol", None)
    if tls is not None and hasattr(tls, "_ssl_buffer_view"):
        tls.max_size = RECORD
        tls._ssl_buffer = bytearray(RECORD)
        tls._ssl_buffer_view = memoryview(tls._ssl_buffer)


def most_connections() -> int:
    """How many connections the server holds at a time: each is an open file."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MAX_CONNECTIONS if files == resource.RLIM_INFINITY else max(1, min(MAX_CONNECTIONS, files - OTHER_FILES))


class Connection(H11Protocol):
    """One client's connection; `waiting` are those of the same server that have no request under way."""

    _head: asyncio.TimerHandle | None = None
    _bare: asyncio.Transport | None = None

    def __init__(self, waiting: Waiting, **options: Any) -> None:
        super().__init__(**options)
        self._waiting = waiting

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember the certificate of a new connection and start its clock."""
        super().connection_made(Gathering(transport, self.loop))  # type: ignore[arg-type]
        tls = transport.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if tls is not None else None
        self.app_state: dict[str, Any] = {**self.app_state, CERTIFICATE: certificate, SWITCH: self.switch}
        self.app_state[ABORT] = transport.abort
        _slim(transport)
        self._waiting.add(self)
        if len(self.connections) > most_connections():
            self._waiting.make_room()
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock of a connection that is gone."""
        self._waiting.remove(self)
        self._stop_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what has come. Who sends a request drop by drop has no more time for it than others."""
        super().data_received(data)
        if self._is_busy():
            self._waiting.remove(self)
            self._stop_clock()
        elif self._bare is None:
            self._expect_head()

    def on_response_complete(self) -> None:
        """An answer is complete: wait for the next request, whose beginning may be here already."""
        super().on_response_complete()
        if not self._is_busy() and not self.transport.is_closing():
            self._waiting.add(self)
            if self.conn.trailing_data[0]:
                self._expect_head()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP with the code that fits; where an answer is under way, break it off."""
        if self._is_busy():
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        error = sys.exc_info()[1]
        code = getattr(error, "error_status_hint", 400)
        try:
            head = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
            reason = STATUS_PHRASES[code]
            parts = (
                h11.Response(status_code=code, headers=head, reason=reason),
                h11.Data(data=b"%d %s: %s" % (code, reason, msg.encode())),
                h11.EndOfMessage(),
            )
            for part in parts:
                self.transport.write(self.conn.send(part) or b"")
            self.transport.close()
        except h11.LocalProtocolError:
            self.transport.abort()

    def _is_busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _expect_head(self) -> None:
        if self._head is None:
            self._head = self.loop.call_later(HEAD_TIMEOUT, self._give_up)

    def _stop_clock(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def switch(self, headers: list[tuple[bytes, bytes]]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Answer 101 Switching Protocols and hand the connection over to who asks, with what was read already."""
        event = h11.InformationalResponse(status_code=101, headers=headers, reason=b"Switching Protocols")
        self.transport.write(self.conn.send(event))
        self._bare = self.transport.bare  # type: ignore[attr-defined]
        self.cycle.disconnected = self.cycle.response_complete = True
        connection = self._bare.get_extra_info("socket")
        if connection is not None:
            # A session may be silent for hours: a client whose machine is gone must be noticed all the same.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        reader = asyncio.StreamReader(limit=BUFFER, loop=self.loop)
        protocol = Switched(reader, self)
        self._bare.set_protocol(protocol)
        protocol.connection_made(self._bare)
        self._bare.set_write_buffer_limits(high=BUFFER)
        self.flow.resume_reading()
        if read := self.conn.trailing_data[0]:
            reader.feed_data(read)
        return reader, asyncio.StreamWriter(self._bare, protocol, reader, self.loop)

    def shutdown(self) -> None:
        """The server stops."""
        if self.conn.our_state is h11.ERROR:
            self.transport.abort()
        elif self._bare is not None:
            self._bare.close()
            # Who does not answer the goodbye of TLS must not hold the server up.
            self.loop.call_later(FAREWELL, self._bare.abort)
        else:
            super().shutdown()
            if self.transport.is_closing():
                self.loop.call_later(FAREWELL, self.transport.abort)

    def _give_up(self) -> None:
        if not self._is_busy() and not self.transport.is_closing():
            self.transport.close()


class Switched(asyncio.StreamReaderProtocol):
    """A connection that does not speak HTTP any more; the server still knows it as the one that it was."""

    def __init__(self, reader: asyncio.StreamReader, former: Connection) -> None:
        super().__init__(reader, loop=former.loop)
        self._former = former

    def connection_lost(self, exc: Exception | None) -> None:
        """The server need not close this one any more."""
        self._former.connections.discard(self._former)
        super().connection_lost(exc)

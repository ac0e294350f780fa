"""uvicorn's HTTP/1.1 connection with what a server of the Kubernetes API needs besides.

The application learns which client certificate was shown, and a connection that does not get its request across in time
is closed: slow or idle clients must not hold the server's sockets for ever.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

#: Key of the verified client certificate (DER) in the state of each request.
CERTIFICATE = "k8slab.client_certificate"
#: Seconds for a new connection to send its first request (Go's ReadHeaderTimeout in kube-apiserver is 32 s).
FIRST_REQUEST = 32.0
#: Key of what breaks the connection off, in the state of each request.
ABORT = "k8slab.abort"
#: So many connections at a time; one that is too much is closed again before anything is read from it.
MAX_CONNECTIONS = 5_000
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


class Connection(H11Protocol):
    """One client's connection."""

    _first_request: asyncio.TimerHandle | None = None
    _bare: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember the certificate of a new connection and start its clock."""
        super().connection_made(Gathering(transport, self.loop))  # type: ignore[arg-type]
        tls = transport.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if tls is not None else None
        self.app_state: dict[str, Any] = {**self.app_state, CERTIFICATE: certificate, SWITCH: self.switch}
        self.app_state[ABORT] = transport.abort
        if len(self.server_state.connections) > MAX_CONNECTIONS:
            transport.abort()
        self._first_request = self.loop.call_later(FIRST_REQUEST, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock of a connection that is gone."""
        if self._first_request is not None:
            self._first_request.cancel()
        super().connection_lost(exc)

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
        if self._bare is not None:
            self._bare.close()
            # Who does not answer the goodbye of TLS must not hold the server up.
            self.loop.call_later(FAREWELL, self._bare.abort)
        else:
            super().shutdown()
            if self.transport.is_closing():
                self.loop.call_later(FAREWELL, self.transport.abort)

    def _give_up(self) -> None:
        if self.scope is None and not self.transport.is_closing():
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

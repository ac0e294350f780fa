"""Small clients of the streaming subresources, for tests: SPDY/3.1 and WebSocket on sockets of their own."""

from __future__ import annotations

import socket
import struct
from typing import Any
from urllib.parse import urlencode

from wsproto.connection import Connection as WebSocketConnection
from wsproto.connection import ConnectionType
from wsproto.events import BytesMessage, CloseConnection, TextMessage

from k8slab.serve.spdy import Connection, DataReceived, Replied, StreamEnded, StreamReset
from tests.serve.conftest import Caller

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


class Refused(Exception):
    """The server did not switch: code and body."""


class Upgraded:
    """A connection that was switched; `headers` are those of the 101."""

    def __init__(self, call: Caller, method: str, path: str, headers: list[tuple[str, str]]) -> None:
        plain = socket.create_connection(("127.0.0.1", call.server.port), timeout=60)
        self.socket = call.context.wrap_socket(plain, server_hostname="127.0.0.1")
        lines = [f"{method} {path} HTTP/1.1", "Host: x", *(f"{name}: {value}" for name, value in headers)]
        lines += [f"{name}: {value}" for name, value in call.headers.items()]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        head, self.rest = self._head()
        first, *others = head.decode().split("\r\n")
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in others)}
        if " 101 " not in first:
            missing = int(self.headers.get("content-length", 0)) - len(self.rest)
            body = self.rest + (self.socket.recv(missing) if missing > 0 else b"")
            self.socket.close()
            raise Refused(int(first.split()[1]), body)

    def _head(self) -> tuple[bytes, bytes]:
        data = b""
        while b"\r\n\r\n" not in data:
            part = self.socket.recv(65536)
            assert part, data
            data += part
        head, _, rest = data.partition(b"\r\n\r\n")
        return head, rest

    def receive(self) -> bytes:
        """Some bytes, none at the end."""
        if self.rest:
            data, self.rest = self.rest, b""
            return data
        return self.socket.recv(65536)

    def close(self) -> None:
        self.socket.close()


def path_of(namespace: str, pod: str, kind: str, **query: Any) -> str:
    return f"/api/v1/namespaces/{namespace}/pods/{pod}/{kind}?{urlencode(query, doseq=True)}"


class Spdy:
    """A SPDY client; `data` is what came, by stream, `ended` and `reset` which streams are over."""

    def __init__(self, call: Caller, path: str, *protocols: str) -> None:
        headers = [("Connection", "Upgrade"), ("Upgrade", "SPDY/3.1"), ("Content-Length", "0")]
        headers += [("X-Stream-Protocol-Version", protocol) for protocol in protocols]
        self.wire = Upgraded(call, "POST", path, headers)
        self.connection = Connection(client=True)
        self.data: dict[int, bytes] = {}
        self.replied: set[int] = set()
        self.ended: set[int] = set()
        self.reset: set[int] = set()

    def open(self, **headers: str) -> int:
        stream = self.connection.open(headers)
        self.flush()
        return stream

    def send(self, stream: int, data: bytes, fin: bool = False) -> None:
        self.connection.send(stream, data, fin)
        self.flush()

    def flush(self) -> None:
        self.wire.socket.sendall(self.connection.data_to_send())

    def step(self) -> bool:
        """Read once; False at the end of the connection."""
        data = self.wire.receive()
        for event in self.connection.receive(data):
            if isinstance(event, DataReceived):
                self.data[event.stream] = self.data.get(event.stream, b"") + event.data
            elif isinstance(event, StreamEnded):
                self.ended.add(event.stream)
            elif isinstance(event, StreamReset):
                self.reset.add(event.stream)
            elif isinstance(event, Replied):
                self.replied.add(event.stream)
        return bool(data)

    def until_ended(self, *streams: int) -> None:
        while not set(streams) <= self.ended | self.reset:
            assert self.step(), "the connection ended first"


class WebSocket:
    """A WebSocket client; `channels` collects what came by channel."""

    def __init__(self, call: Caller, path: str, *protocols: str) -> None:
        headers = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
        headers += [("Sec-WebSocket-Key", KEY)]
        if protocols:
            headers.append(("Sec-WebSocket-Protocol", ", ".join(protocols)))
        self.wire = Upgraded(call, "GET", path, headers)
        assert self.wire.headers["sec-websocket-accept"] == ACCEPT
        self.protocol = self.wire.headers.get("sec-websocket-protocol", "")
        self.connection = WebSocketConnection(ConnectionType.CLIENT)
        self.channels: dict[int, bytes] = {}
        self.messages: list[bytes | str] = []
        self.code: int | None = None
        self._partial: bytes = b""

    def send(self, message: bytes | str) -> None:
        event = TextMessage(data=message) if isinstance(message, str) else BytesMessage(data=message)
        self.wire.socket.sendall(self.connection.send(event))

    def step(self) -> bool:
        """Read once; False at the end of the connection."""
        data = self.wire.receive()
        if not data:
            return False
        self.connection.receive_data(data)
        for event in self.connection.events():
            if isinstance(event, TextMessage):
                self.messages.append(event.data)
            elif isinstance(event, BytesMessage):
                self._partial += bytes(event.data)
                if event.message_finished:
                    self.messages.append(self._partial)
                    self.channels[self._partial[0]] = self.channels.get(self._partial[0], b"") + self._partial[1:]
                    self._partial = b""
            elif isinstance(event, CloseConnection):
                self.code = event.code
                self.wire.socket.sendall(self.connection.send(event.response()))
                return False
        return True

    def to_end(self) -> None:
        while self.step():
            pass
        self.wire.close()


def port_prefix(port: int) -> bytes:
    """What each channel of a forwarded port begins with."""
    return struct.pack("<H", port)

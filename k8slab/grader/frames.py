"""Messages between supervisor and worker: JSON with its length before it. Nothing is ever unpickled."""

from __future__ import annotations

import json
import socket
import struct
import time
from typing import Any

from k8slab.errors import K8sLabError

#: A longer message is no honest one.
MAX_FRAME = 16 * 2**20


class ChannelClosed(K8sLabError):
    """The other side is gone, or sent what is no message."""


class ChannelTimeout(K8sLabError):
    """The other side did not answer in time."""


def send(channel: socket.socket, message: Any) -> None:
    """Send a message of plain data. Raises ChannelClosed."""
    body = json.dumps(message, separators=(",", ":")).encode()
    try:
        channel.sendall(struct.pack(">I", len(body)) + body)
    except OSError as error:
        raise ChannelClosed(f"cannot send: {error}") from None


def receive(channel: socket.socket, deadline: float | None = None) -> Any:
    """The next message; ``deadline`` is a time.monotonic() time. Raises ChannelClosed, ChannelTimeout."""
    (length,) = struct.unpack(">I", _exactly(channel, 4, deadline))
    if length > MAX_FRAME:
        raise ChannelClosed(f"a message of {length} bytes is longer than the {MAX_FRAME} allowed")
    try:
        return json.loads(_exactly(channel, length, deadline))
    except (ValueError, RecursionError):
        raise ChannelClosed("what came is not JSON") from None


def _exactly(channel: socket.socket, count: int, deadline: float | None) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        try:
            channel.settimeout(None if deadline is None else max(deadline - time.monotonic(), 0.001))
            part = channel.recv(min(count - len(parts), 2**16))
        except TimeoutError:
            raise ChannelTimeout("no answer in time") from None
        except OSError as error:
            raise ChannelClosed(str(error)) from None
        if not part:
            raise ChannelClosed("the other side closed the channel")
        parts += part
    return bytes(parts)

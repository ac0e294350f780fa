"""SPDY/3.1 frames and streams, without sockets: bytes in, events and bytes out.

Follows the SPDY Protocol, Draft 3.1 (https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/), as far as
`moby/spdystream` speaks it, over which kubectl and the kubelet carry exec, attach and port-forward.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field

VERSION = 3
SYN_STREAM, SYN_REPLY, RST_STREAM, SETTINGS, PING, GOAWAY, HEADERS, WINDOW_UPDATE = 1, 2, 3, 4, 6, 7, 8, 9
FIN = 0x01
PROTOCOL_ERROR, INVALID_STREAM, REFUSED_STREAM, CANCEL, FLOW_CONTROL_ERROR = 1, 2, 3, 5, 7
INITIAL_WINDOW_SETTING = 7
WINDOW = 64 * 1024
MAX_DATA = 32 * 1024
#: The longest frame that is read; a longer one ends the connection.
MAX_FRAME = 1 << 20
MAX_HEADERS = 64 * 1024
MAX_STREAMS = 1000

_WORDS = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow "
    "authorization cache-control connection content-base content-encoding content-language content-length "
    "content-location content-md5 content-range content-type date etag expect expires from host if-match "
    "if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma "
    "proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade "
    "user-agent vary via warning www-authenticate method get status"
)
_REST = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized"
    "403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,"
    "text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)


def _dictionary() -> bytes:
    words = (*_WORDS.split(), "200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin")
    return b"".join(struct.pack(">I", len(word)) + word.encode() for word in words) + _REST.encode()


#: What both sides have seen before the first header (section 2.6.10.1 of the draft).
DICTIONARY = _dictionary()


class SpdyError(Exception):
    """The peer broke the protocol: the connection is of no more use."""


# -- events -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StreamOpened:
    """The peer opened a stream; header names are lower-case."""

    stream: int
    headers: dict[str, str]


@dataclass(frozen=True)
class DataReceived:
    """Data on a stream. Tell the connection with `consumed` when it was used."""

    stream: int
    data: bytes


@dataclass(frozen=True)
class StreamEnded:
    """The peer will send no more on a stream."""

    stream: int


@dataclass(frozen=True)
class StreamReset:
    """The peer gave a stream up."""

    stream: int
    status: int


@dataclass(frozen=True)
class Replied:
    """The peer accepted a stream that this side opened."""

    stream: int
    headers: dict[str, str]


@dataclass(frozen=True)
class GoneAway:
    """The peer will open no more streams."""

    last: int


@dataclass(frozen=True)
class WindowOpened:
    """More may be sent on a stream."""

    stream: int


Event = StreamOpened | DataReceived | StreamEnded | StreamReset | Replied | GoneAway | WindowOpened


@dataclass
class _Stream:
    window: int
    local_ended: bool = False
    remote_ended: bool = False
    unacknowledged: int = 0
    waiting: bytearray = field(default_factory=bytearray)
    ends_after: bool = False


# -- headers ----------------------------------------------------------------------------------------------------------


class HeaderCodec:
    """Header blocks: one zlib stream each way for a whole connection."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(wbits=15, zdict=DICTIONARY)
        self._inflate = zlib.decompressobj(wbits=15, zdict=DICTIONARY)

    def encode(self, headers: Iterable[tuple[str, str]]) -> bytes:
        """A compressed block."""
        pairs = list(headers)
        plain = struct.pack(">I", len(pairs))
        for text in (part for pair in pairs for part in pair):
            data = text.encode("latin-1", "replace")
            plain += struct.pack(">I", len(data)) + data
        return self._deflate.compress(plain) + self._deflate.flush(zlib.Z_SYNC_FLUSH)

    def decode(self, block: bytes) -> dict[str, str]:
        """The headers of a block; several values of one name are joined by NUL. Raises SpdyError."""
        try:
            plain = self._inflate.decompress(block, MAX_HEADERS)
        except zlib.error as error:
            raise SpdyError(f"headers cannot be decompressed: {error}") from None
        if self._inflate.unconsumed_tail:
            raise SpdyError("headers are too long")
        words, at = [], 4
        (count,) = struct.unpack(">I", _part(plain, 0, 4))
        if count > MAX_HEADERS // 8:
            raise SpdyError("there are too many headers")
        for _ in range(2 * count):
            (length,) = struct.unpack(">I", _part(plain, at, 4))
            words.append(_part(plain, at + 4, length).decode("latin-1"))
            at += 4 + length
        return {name.lower(): value for name, value in zip(words[::2], words[1::2], strict=True)}


def _part(data: bytes, at: int, length: int) -> bytes:
    part = data[at : at + length]
    if len(part) != length:
        raise SpdyError("a header block ends too early")
    return part


# -- the connection ---------------------------------------------------------------------------------------------------


class Connection:
    """One side of a SPDY connection.

    Feed `receive`, and send what `data_to_send` returns. Data beyond the peer's window waits here: `backlog` says how
    much, so that callers can stop producing.

    Args:
        client: whether this side opened the connection; it then opens streams with odd numbers.

    A peer that never tells of a window (`moby/spdystream` does not) is taken to have an endless one: TCP holds it back.
    """

    def __init__(self, client: bool = False) -> None:
        self._codec = HeaderCodec()
        self._buffer = bytearray()
        self._out = bytearray()
        self._streams: dict[int, _Stream] = {}
        self._next = 1 if client else 2
        self._parity = 0 if client else 1
        self._last_remote = 0
        self._peer_controls_flow = False
        self._initial_window = WINDOW
        self.closing = False

    # -- what this side does ----------------------------------------------------------------------------------------

    def data_to_send(self) -> bytes:
        """What is to be written to the transport; it is then taken as sent."""
        data, self._out = bytes(self._out), bytearray()
        return data

    def open(self, headers: dict[str, str], fin: bool = False) -> int:
        """Open a stream; returns its number."""
        number, self._next = self._next, self._next + 2
        self._streams[number] = _Stream(self._initial_window, local_ended=fin)
        block = self._codec.encode(headers.items())
        self._control(SYN_STREAM, struct.pack(">IIBB", number, 0, 0, 0) + block, FIN if fin else 0)
        return number

    def reply(self, stream: int, headers: dict[str, str] | None = None) -> None:
        """Accept a stream."""
        block = self._codec.encode((headers or {}).items())
        self._control(SYN_REPLY, struct.pack(">I", stream) + block)

    def send(self, stream: int, data: bytes, fin: bool = False) -> None:
        """Send data on a stream, as far as its window allows; the rest waits. A stream that is closed takes none."""
        found = self._streams.get(stream)
        if found is None or found.local_ended or found.ends_after:
            return
        found.waiting += data
        found.ends_after = fin
        self._pump(stream, found)

    def end(self, stream: int) -> None:
        """Send no more on a stream."""
        self.send(stream, b"", fin=True)

    def reset(self, stream: int, status: int = CANCEL) -> None:
        """Give a stream up."""
        if self._streams.pop(stream, None) is not None:
            self._control(RST_STREAM, struct.pack(">II", stream, status))

    def consumed(self, stream: int, size: int) -> None:
        """Data of a stream was used: let the peer send more."""
        found = self._streams.get(stream)
        if found is None or found.remote_ended:
            return
        found.unacknowledged += size
        if found.unacknowledged >= WINDOW // 2:
            self._control(WINDOW_UPDATE, struct.pack(">II", stream, found.unacknowledged))
            found.unacknowledged = 0

    def ping(self, number: int) -> None:
        """Ask whether the peer is there."""
        self._control(PING, struct.pack(">I", number))

    def settings(self, values: dict[int, int]) -> None:
        """Tell the peer of settings, such as the initial window."""
        entries = b"".join(struct.pack(">II", name & 0xFFFFFF, value) for name, value in values.items())
        self._control(SETTINGS, struct.pack(">I", len(values)) + entries)

    def go_away(self, status: int = 0) -> None:
        """Say that the connection will end."""
        self.closing = True
        self._control(GOAWAY, struct.pack(">II", self._last_remote, status))

    @property
    def backlog(self) -> int:
        """Bytes that wait for the peer's windows."""
        return sum(len(stream.waiting) for stream in self._streams.values())

    def is_open(self, stream: int) -> bool:
        """Whether anything may still be sent on a stream."""
        found = self._streams.get(stream)
        return found is not None and not found.local_ended and not found.ends_after

    # -- what the peer does -----------------------------------------------------------------------------------------

    def receive(self, data: bytes) -> list[Event]:
        """Take bytes from the transport. Raises SpdyError, after which the connection must be closed."""
        self._buffer += data
        events: list[Event] = []
        while len(self._buffer) >= 8:
            first, second = struct.unpack_from(">II", self._buffer)
            flags, length = second >> 24, second & 0xFFFFFF
            if length > MAX_FRAME:
                raise SpdyError(f"a frame of {length} bytes is too long")
            if len(self._buffer) < 8 + length:
                break
            payload = bytes(self._buffer[8 : 8 + length])
            del self._buffer[: 8 + length]
            if first & 0x80000000:
                events.extend(self._controlled(first, flags, payload))
            else:
                events.extend(self._data(first, flags, payload))
        return events

    def _controlled(self, first: int, flags: int, payload: bytes) -> list[Event]:
        if first >> 16 & 0x7FFF != VERSION:
            raise SpdyError(f"version {first >> 16 & 0x7FFF} of SPDY is not spoken here")
        handler = {
            SYN_STREAM: self._syn_stream,
            SYN_REPLY: self._syn_reply,
            RST_STREAM: self._rst_stream,
            SETTINGS: self._settings,
            PING: self._ping,
            GOAWAY: self._goaway,
            HEADERS: self._headers,
            WINDOW_UPDATE: self._window_update,
        }.get(first & 0xFFFF)
        try:
            # Frames of unknown types must be ignored.
            return handler(flags, payload) if handler is not None else []
        except struct.error:
            raise SpdyError("a frame is too short") from None

    def _syn_stream(self, flags: int, payload: bytes) -> list[Event]:
        number = struct.unpack_from(">I", payload)[0] & 0x7FFFFFFF
        headers = self._codec.decode(payload[10:])
        if number % 2 != self._parity or number <= self._last_remote:
            raise SpdyError(f"stream {number} cannot be opened by the peer")
        self._last_remote = number
        if self.closing or len(self._streams) >= MAX_STREAMS:
            self._control(RST_STREAM, struct.pack(">II", number, REFUSED_STREAM))
            return []
        self._streams[number] = _Stream(self._initial_window)
        opened: list[Event] = [StreamOpened(number, headers)]
        return [*opened, *self._ended(number)] if flags & FIN else opened

    def _syn_reply(self, flags: int, payload: bytes) -> list[Event]:
        number = struct.unpack_from(">I", payload)[0] & 0x7FFFFFFF
        replied: list[Event] = [Replied(number, self._codec.decode(payload[4:]))]
        return [*replied, *self._ended(number)] if flags & FIN else replied

    def _headers(self, flags: int, payload: bytes) -> list[Event]:
        number = struct.unpack_from(">I", payload)[0] & 0x7FFFFFFF
        self._codec.decode(payload[4:])
        return self._ended(number) if flags & FIN else []

    def _rst_stream(self, _flags: int, payload: bytes) -> list[Event]:
        number, status = struct.unpack_from(">II", payload)
        known = self._streams.pop(number & 0x7FFFFFFF, None)
        return [] if known is None else [StreamReset(number & 0x7FFFFFFF, status)]

    def _settings(self, _flags: int, payload: bytes) -> list[Event]:
        (count,) = struct.unpack_from(">I", payload)
        for index in range(min(count, len(payload) // 8)):
            name, value = struct.unpack_from(">II", payload, 4 + 8 * index)
            if name & 0xFFFFFF == INITIAL_WINDOW_SETTING:
                self._peer_controls_flow = True
                for stream in self._streams.values():
                    stream.window += value - self._initial_window
                self._initial_window = value
        return self._pump_all()

    def _ping(self, _flags: int, payload: bytes) -> list[Event]:
        (number,) = struct.unpack_from(">I", payload)
        if number % 2 == self._parity:
            # Not an answer to a ping of this side's.
            self._control(PING, payload[:4])
        return []

    def _goaway(self, _flags: int, payload: bytes) -> list[Event]:
        return [GoneAway(struct.unpack_from(">I", payload)[0] & 0x7FFFFFFF)]

    def _window_update(self, _flags: int, payload: bytes) -> list[Event]:
        number, delta = (value & 0x7FFFFFFF for value in struct.unpack_from(">II", payload))
        self._peer_controls_flow = True
        stream = self._streams.get(number)
        if stream is None:
            return []
        stream.window += delta
        if stream.window > 0x7FFFFFFF:
            self.reset(number, FLOW_CONTROL_ERROR)
            return []
        self._pump(number, stream)
        return [WindowOpened(number)]

    def _data(self, first: int, flags: int, payload: bytes) -> list[Event]:
        stream = self._streams.get(first)
        if stream is None or stream.remote_ended:
            # Data may be under way while a stream is closed.
            return []
        received: list[Event] = [DataReceived(first, payload)] if payload else []
        return [*received, *self._ended(first)] if flags & FIN else received

    def _ended(self, number: int) -> list[Event]:
        stream = self._streams.get(number)
        if stream is None or stream.remote_ended:
            return []
        stream.remote_ended = True
        self._forget_closed(number, stream)
        return [StreamEnded(number)]

    # -- inside -----------------------------------------------------------------------------------------------------

    def _pump_all(self) -> list[Event]:
        for number, stream in list(self._streams.items()):
            self._pump(number, stream)
        return [WindowOpened(number) for number, stream in self._streams.items() if stream.window > 0]

    def _pump(self, number: int, stream: _Stream) -> None:
        if stream.local_ended:
            return
        while stream.waiting:
            allowed = stream.window if self._peer_controls_flow else MAX_DATA
            part = bytes(stream.waiting[: min(MAX_DATA, allowed)]) if allowed > 0 else b""
            if not part:
                return
            del stream.waiting[: len(part)]
            stream.window -= len(part)
            self._frame(number, b"", part)
        if stream.ends_after:
            stream.local_ended = True
            self._frame(number, bytes((FIN,)), b"")
            self._forget_closed(number, stream)

    def _frame(self, number: int, flags: bytes, data: bytes) -> None:
        self._out += struct.pack(">I", number) + (flags or b"\0") + len(data).to_bytes(3, "big") + data

    def _forget_closed(self, number: int, stream: _Stream) -> None:
        if stream.local_ended and stream.remote_ended:
            self._streams.pop(number, None)

    def _control(self, kind: int, payload: bytes, flags: int = 0) -> None:
        head = struct.pack(">HHI", 0x8000 | VERSION, kind, flags << 24 | len(payload))
        self._out += head + payload

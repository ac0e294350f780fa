"""SPDY/3.1 framing by itself: two connections that hand each other bytes."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8slab.serve.spdy import (
    DICTIONARY,
    GOAWAY,
    INITIAL_WINDOW_SETTING,
    PING,
    REFUSED_STREAM,
    WINDOW,
    Connection,
    DataReceived,
    GoneAway,
    HeaderCodec,
    Replied,
    SpdyError,
    StreamEnded,
    StreamOpened,
    StreamReset,
)


def pair() -> tuple[Connection, Connection]:
    return Connection(client=True), Connection()


def opened(client: Connection, server: Connection) -> int:
    stream = client.open({"streamtype": "stdin"})
    server.receive(client.data_to_send())
    server.reply(stream)
    client.receive(server.data_to_send())
    return stream


def test_the_dictionary_is_that_of_the_draft() -> None:
    assert (len(DICTIONARY), zlib.adler32(DICTIONARY)) == (1423, 0xE3C6A7C2)


def test_a_stream_from_its_opening_to_its_end() -> None:
    client, server = pair()
    stream = client.open({"streamtype": "data", "port": "80"})
    assert server.receive(client.data_to_send()) == [StreamOpened(1, {"streamtype": "data", "port": "80"})]
    server.reply(stream, {"answer": "yes"})
    server.send(stream, b"hello", fin=True)
    events = client.receive(server.data_to_send())
    assert events == [Replied(1, {"answer": "yes"}), DataReceived(1, b"hello"), StreamEnded(1)]
    client.end(stream)
    assert server.receive(client.data_to_send()) == [StreamEnded(1)]
    server.send(stream, b"too late")
    assert server.data_to_send() == b""


@given(st.lists(st.dictionaries(st.text("abc-", min_size=1), st.text("xyz 1", max_size=40)), max_size=5))
def test_headers_come_back(blocks: list[dict[str, str]]) -> None:
    ours, theirs = HeaderCodec(), HeaderCodec()
    for headers in blocks:
        assert theirs.decode(ours.encode(headers.items())) == headers


@given(st.integers(1, 7), st.binary(max_size=300))
def test_frames_may_come_in_pieces(size: int, data: bytes) -> None:
    client, server = pair()
    stream = client.open({"streamtype": "stdin"})
    client.send(stream, data, fin=True)
    sent = client.data_to_send()
    events = [event for at in range(0, len(sent), size) for event in server.receive(sent[at : at + size])]
    assert isinstance(events[0], StreamOpened)
    assert b"".join(event.data for event in events if isinstance(event, DataReceived)) == data
    assert events[-1] == StreamEnded(stream)


def test_a_peer_with_a_window_is_not_sent_more() -> None:
    client, server = pair()
    client.settings({INITIAL_WINDOW_SETTING: 1000})
    stream = opened(client, server)
    server.send(stream, b"x" * 2500, fin=True)
    received = client.receive(server.data_to_send())
    assert sum(len(event.data) for event in received) == 1000
    assert server.backlog == 1500
    server.receive(struct.pack(">HHIII", 0x8003, 9, 8, stream, 1500))
    received = client.receive(server.data_to_send())
    assert sum(len(event.data) for event in received if isinstance(event, DataReceived)) == 1500
    assert received[-1] == StreamEnded(stream)
    assert server.backlog == 0


def test_a_peer_that_knows_no_windows_is_sent_everything() -> None:
    client, server = pair()
    stream = opened(client, server)
    server.send(stream, b"x" * (3 * WINDOW))
    assert sum(len(event.data) for event in client.receive(server.data_to_send())) == 3 * WINDOW


def test_used_data_opens_the_window_again() -> None:
    client, server = pair()
    stream = opened(client, server)
    server.consumed(stream, WINDOW // 4)
    assert server.data_to_send() == b""
    server.consumed(stream, WINDOW // 4)
    assert server.data_to_send() == struct.pack(">HHIII", 0x8003, 9, 8, stream, WINDOW // 2)


def test_pings_are_answered_and_answers_are_not() -> None:
    client, server = pair()
    client.ping(1)
    server.receive(client.data_to_send())
    answer = server.data_to_send()
    assert answer == struct.pack(">HHII", 0x8003, PING, 4, 1)
    client.receive(answer)
    assert client.data_to_send() == b""


def test_streams_are_reset_and_refused() -> None:
    client, server = pair()
    stream = opened(client, server)
    server.reset(stream, REFUSED_STREAM)
    assert client.receive(server.data_to_send()) == [StreamReset(stream, REFUSED_STREAM)]
    server.go_away()
    assert client.receive(server.data_to_send()) == [GoneAway(stream)]
    late = client.open({"streamtype": "stdout"})
    assert server.receive(client.data_to_send()) == []
    assert client.receive(server.data_to_send()) == [StreamReset(late, REFUSED_STREAM)]


def test_frames_of_unknown_types_are_skipped() -> None:
    server = Connection()
    assert server.receive(struct.pack(">HHI", 0x8003, 77, 3) + b"abc") == []
    assert server.receive(struct.pack(">HHIII", 0x8003, GOAWAY, 8, 5, 0)) == [GoneAway(5)]


@pytest.mark.parametrize(
    "frame",
    [
        struct.pack(">HHI", 0x8002, PING, 4) + b"\0\0\0\1",
        struct.pack(">HHI", 0x8003, PING, 2) + b"\0\1",
        struct.pack(">II", 1, 0xFFFFFF) + b"x",
        struct.pack(">HHIIIH", 0x8003, 1, 14, 2, 0, 0) + b"\0\0\0\0",
        struct.pack(">HHIIIH", 0x8003, 1, 14, 1, 0, 0) + b"bad!",
    ],
)
def test_a_broken_peer_is_refused(frame: bytes) -> None:
    with pytest.raises(SpdyError):
        Connection().receive(frame)


def test_headers_that_unfold_without_end_are_refused() -> None:
    codec = HeaderCodec()
    with pytest.raises(SpdyError):
        HeaderCodec().decode(codec.encode([("bomb", "0" * 200_000)]))

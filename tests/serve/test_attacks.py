"""Clients that mean no good, or are broken: raw bytes over TLS, and what is left of the server afterwards."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from k8slab.serve import protocol
from tests.serve.conftest import Caller
from tests.serve.test_http import MAP, maps

LOGGERS = ("k8slab.serve", "asyncio", "uvicorn.error")


@pytest.fixture(autouse=True)
def quiet(call: Caller, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing fails behind the scenes, and others are answered afterwards."""
    with caplog.at_level(logging.WARNING):
        yield
        assert call("GET", "/readyz").code == 200
    assert [record.getMessage() for record in caplog.records if record.name in LOGGERS] == []
    assert call.server.pace.error is None


def connected(call: Caller) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", call.server.port), timeout=10)
    return call.context.wrap_socket(plain, server_hostname="127.0.0.1")


def head(call: Caller, line: str, *headers: str) -> bytes:
    who = f"Authorization: Bearer {call.server.token}"
    return "\r\n".join([line, "Host: x", who, *headers, "", ""]).encode("latin-1")


def spoken(call: Caller, data: bytes, wait: float = 5) -> bytes:
    """What the server answers to some bytes, until it closes or says nothing for a while."""
    with connected(call) as wire:
        wire.settimeout(wait)
        found = b""
        try:
            wire.sendall(data)
            while part := wire.recv(65536):
                found += part
                if b"\r\n\r\n" in found and b"close" not in found.lower():
                    wire.settimeout(0.2)
        except (TimeoutError, ConnectionError, ssl.SSLError):
            pass
        return found


def code_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


NONSENSE = [
    ("no HTTP", b"\x16\x03\x01\x00\x00\r\n\r\n", 400),
    ("no version", b"GET /\r\n\r\n", 400),
    ("no host", b"GET / HTTP/1.1\r\n\r\n", 400),
    ("two hosts", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("a NUL in a header", b"GET / HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n", 400),
    ("a NUL in the path", b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("raw UTF-8 in the path", "GET /ä HTTP/1.1\r\nHost: x\r\n\r\n".encode(), 400),
    ("a folded header", b"GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400),
    ("a space before the colon", b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
    ("two lengths", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    ("a negative length", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
    ("an endless length", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
    ("a length in Arabic", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ²\r\n\r\n".encode("latin-1"), 400),
    ("an unknown encoding", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 501),
    ("a long head", b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * (1 << 20), 431),
]


@pytest.mark.parametrize(("data", "code"), [row[1:] for row in NONSENSE], ids=[row[0] for row in NONSENSE])
def test_what_is_no_http_is_refused(call: Caller, data: bytes, code: int) -> None:
    assert code_of(spoken(call, data)) == code


def test_length_and_chunks_at_once_are_one_request(call: Caller) -> None:
    line, kind = f"POST {maps('default')} HTTP/1.1", "Content-Type: application/json"
    data = head(call, line, kind, "Content-Length: 6", "Transfer-Encoding: chunked")
    answer = spoken(call, data + b"0\r\n\r\n" + b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"unexpected end of JSON input" in answer or code_of(answer) == 400


CHUNKS = [b"ZZ\r\n", b"-1\r\n", b"F" * 30 + b"\r\n", b"5\r\nabcdefgh\r\n", b"1;" + b"x" * (1 << 21)]


@pytest.mark.parametrize("chunk", CHUNKS, ids=["hex", "minus", "huge", "longer", "extension"])
@pytest.mark.parametrize("line", ["POST /api/v1/namespaces/default/configmaps", "GET /api/v1/pods?watch=true"])
def test_chunks_that_are_none(call: Caller, line: str, chunk: bytes) -> None:
    data = head(call, f"{line} HTTP/1.1", "Transfer-Encoding: chunked", "Content-Type: application/json")
    with connected(call) as wire:
        wire.sendall(data)
        if "watch" in line:
            assert wire.recv(100).startswith(b"HTTP/1.1 200")
        try:
            wire.sendall(chunk)
            wire.settimeout(5)
            while wire.recv(65536):
                pass
        except (ConnectionError, ssl.SSLError):
            pass


def test_pipelined_requests_are_answered_in_order(call: Caller) -> None:
    lines = [f"GET {path} HTTP/1.1" for path in ("/livez", "/nope", "/api/v1/nodes/nope", "/version")]
    answer = spoken(call, b"".join(head(call, line) for line in lines))
    codes = [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert codes == [200, 404, 404, 200]


def test_bodies_wait_for_leave(call: Caller) -> None:
    body = json.dumps({**MAP, "metadata": {"generateName": "expected-"}}).encode()
    length, expect = f"Content-Length: {len(body)}", "Expect: 100-continue"
    with connected(call) as wire:
        wire.sendall(head(call, f"POST {maps('default')} HTTP/1.1", length, expect, "Content-Type: application/json"))
        assert wire.recv(1000).startswith(b"HTTP/1.1 100")
        wire.sendall(body)
        assert wire.recv(1000).startswith(b"HTTP/1.1 201")
    big = head(call, f"POST {maps('default')} HTTP/1.1", "Content-Length: 9999999", expect)
    assert code_of(spoken(call, big)) == 413


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "CONNECT", "BREW", "get", "G" * 5000])
@pytest.mark.parametrize("path", ["/", "/api/v1/pods", "/api/v1/namespaces/default/pods/x/exec", "/nope"])
def test_methods(call: Caller, method: str, path: str) -> None:
    code = code_of(spoken(call, head(call, f"{method} {path} HTTP/1.1", "Connection: close")))
    assert code in (200, 400, 403, 404, 405), code


PATHS = [
    "/api/v1/namespaces/default/pods/%2f",
    "/api/v1/namespaces/default/pods/a%2fb%2fc%2fd%2fe",
    "/api/v1/namespaces/%2e%2e/pods",
    "/api/v1/../../etc/passwd",
    "/api/v1/namespaces/default/pods/%00",
    "/api/v1/namespaces/default/pods/%ff%fe",
    "/api/v1/namespaces/default/pods/%",
    "/api/v1/namespaces/default/pods/%zz",
    "/api/v1//pods",
    "//api/v1/pods",
    "/api/v1/namespaces//pods",
    "/apis//v1/pods",
    "/apis/apps//deployments",
    "/api/v1/watch",
    "/api/v1/proxy/nodes/x",
    "/openapi/v3/../v2",
    "/openapi/v3/apis/%00",
    "/healthz/%00",
    "/api/v1/nodes/" + "x" * 100_000,
    "/" + "/" * 10_000,
    "*",
    "http://elsewhere/api/v1/nodes",
]


@pytest.mark.parametrize("path", PATHS, ids=[path[:40] for path in PATHS])
def test_paths_that_lead_nowhere(call: Caller, path: str) -> None:
    answer = spoken(call, head(call, f"GET {path} HTTP/1.1", "Connection: close"))
    assert code_of(answer) in (200, 400, 403, 404), answer[:300]


TERMS = ",".join(f"k{number}=v" for number in range(100_000))
QUERIES = [
    ("limit=-1", 200),
    ("limit=99999999999999999999", 400),
    ("timeoutSeconds=99999999999999999999", 400),
    ("timeoutSeconds=-5", 200),
    ("resourceVersion=junk", 500),
    ("resourceVersion=-1", 500),
    ("resourceVersion=99999999999999999999999", 504),
    ("continue=junk", 400),
    ("continue=%ff%00", 400),
    ("continue=" + "e30" * 1000, 400),
    ("labelSelector=" + quote("a in (" + ",".join("v" for _ in range(50_000)) + ")"), 200),
    ("labelSelector=" + TERMS[: TERMS.index(",k20000")], 200),
    ("labelSelector=" + "(" * 10_000, 400),
    ("labelSelector=%00", 400),
    ("labelSelector=%ff", 400),
    ("fieldSelector=" + ",".join(["metadata.name=a"] * 50_000), 200),
    ("fieldSelector=a%3D%3D%5C", 400),
    ("fieldSelector=%3D", 400),
    ("&".join(f"a{number}=1" for number in range(20_000)), 400),
    ("a;b=%zz&=&&&;", 200),
    ("resourceVersionMatch=Exact", 400),
    ("sendInitialEvents=true", 400),
]


@pytest.mark.parametrize(("query", "code"), QUERIES, ids=[query[:40] for query, _ in QUERIES])
def test_queries(call: Caller, query: str, code: int) -> None:
    began = time.monotonic()
    answer = spoken(call, head(call, f"GET /api/v1/namespaces/default/pods?{query} HTTP/1.1", "Connection: close"))
    assert code_of(answer) in (code, 422 if code == 400 else code), answer[-400:]
    assert time.monotonic() - began < 3


def deep_yaml(depth: int) -> bytes:
    return b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: " + b"[" * depth


BODIES = [
    ("application/json", b'{"a":' * 100_000, 400),
    (
        "application/json",
        b'{"apiVersion":"v1","kind":"ConfigMap","data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        400,
    ),
    ("application/json", b'{"a":"' + b"\\ud800" * 100_000 + b'"}', 400),
    ("application/json", b"1" * 100_000, 400),
    ("application/json", b"1e" + b"9" * 100_000, 400),
    ("application/json", b'{"apiVersion":"v1","kind":"ConfigMap","data":{"a":' + b"9" * 50_000 + b"}}", 400),
    ("application/json", gzip.compress(b" " * 10_000_000), 400),
    ("application/yaml", deep_yaml(100_000), 400),
    ("application/yaml", b"- " * 100_000, 400),
    ("application/yaml", b"{a: " * 100_000, 400),
    ("application/yaml", b"? " * 100_000, 400),
    ("application/yaml", b"&a " * 1000, 400),
    ("application/yaml", b"<<: *a\n", 400),
    ("application/yaml", b"a: &a\n  <<: *a\n", 400),
    ("application/yaml", b"!!python/object/apply:os.system [true]\n", 400),
    ("application/yaml", b"\x00\x01\x02", 400),
    ("application/yaml", b"a: " + b"'" * 100_001, 400),
    ("application/cbor", b"\xd9\xd9\xf7" + b"\x9f" * 10_000, 415),
    ("application/json; charset=utf-16", '{"a":1}'.encode("utf-16"), 400),
    ("application/json;;;=;", b"{}", 400),
    ("", b"{}", 400),
    ("\xff/\xff", b"{}", 415),
    ("a" * 50_000, b"{}", 415),
    ("application/vnd.kubernetes.protobuf", b"k8s\x00" + b"\x0a\xff\xff\xff\xff\x0f", 400),
    ("application/vnd.kubernetes.protobuf", b"k8s\x00" + b"\x80" * 1000, 400),
    ("application/vnd.kubernetes.protobuf", b"k8s\x00", 400),
    ("application/vnd.kubernetes.protobuf", b"", 400),
]


@pytest.mark.parametrize(
    ("kind", "body", "code"), BODIES, ids=[f"{kind[:12]}-{n}" for n, (kind, _, _) in enumerate(BODIES)]
)
def test_bodies(call: Caller, kind: str, body: bytes, code: int) -> None:
    began = time.monotonic()
    lengths = (f"Content-Length: {len(body)}", f"Content-Type: {kind}", "Content-Encoding: gzip", "Connection: close")
    answer = spoken(call, head(call, f"POST {maps('default')} HTTP/1.1", *lengths) + body)
    assert code_of(answer) in (code, 422 if code == 400 else code), answer[:500]
    assert time.monotonic() - began < 3


def test_who_sends_a_request_drop_by_drop_is_left(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT", 0.3)
    with connected(call) as wire:
        wire.sendall(head(call, "GET /livez HTTP/1.1"))
        assert wire.recv(1000).startswith(b"HTTP/1.1 200")
        began = time.monotonic()
        with pytest.raises((ConnectionError, ssl.SSLError)):
            while time.monotonic() - began < 5:
                wire.sendall(b"A")
                time.sleep(0.05)
        assert 0.2 < time.monotonic() - began < 3


def test_the_oldest_idle_connection_makes_room(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MAX_CONNECTIONS", len(call.server._server.server_state.connections) + 5)
    first = connected(call)
    others = [connected(call) for _ in range(12)]
    try:
        assert call("GET", "/api/v1/nodes").code == 200
        with pytest.raises((ConnectionError, ssl.SSLError)):
            first.sendall(head(call, "GET /livez HTTP/1.1"))
            if not first.recv(1000):
                raise ConnectionResetError
        others[-1].sendall(head(call, "GET /livez HTTP/1.1"))
        assert others[-1].recv(1000).startswith(b"HTTP/1.1 200")
    finally:
        for wire in (first, *others):
            wire.close()


def test_no_acknowledged_write_is_lost(call: Caller, namespace: str) -> None:
    """Writers that hang up in the middle, at random places: what was answered is there, and nothing is there twice."""
    acknowledged: list[str] = []

    def write(writer: int) -> None:
        for number in range(20):
            name = f"w{writer}-{number}"
            body = json.dumps({**MAP, "metadata": {"name": name}}).encode()
            kind = f"Content-Length: {len(body)}"
            data = head(call, f"POST {maps(namespace)} HTTP/1.1", kind, "Content-Type: application/json") + body
            with connected(call) as wire:
                cut = (writer * 7919 + number * 104_729) % (2 * len(data))
                wire.sendall(data[:cut])
                if cut >= len(data) and wire.recv(100).startswith(b"HTTP/1.1 201"):
                    acknowledged.append(name)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    names = [item["metadata"]["name"] for item in call("GET", maps(namespace)).body["items"]]
    assert len(names) == len(set(names))
    assert len(acknowledged) > 10
    assert set(acknowledged) <= set(names)

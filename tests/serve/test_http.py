"""What goes in and comes out as HTTP."""

from __future__ import annotations

import json
import socket
import threading
import time

import pytest
import yaml

from k8slab.api.codec import from_dict
from k8slab.serve.server import Server
from tests.serve.conftest import Caller

MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cm"}, "data": {"k": "v"}}


def maps(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps"


def test_create_read_update_delete(call: Caller, namespace: str) -> None:
    made = call("POST", maps(namespace), MAP)
    assert made.code == 201
    assert made.headers["content-type"] == "application/json"
    assert list(made.body)[:2] == ["kind", "apiVersion"]
    changed = made.body | {"data": {"k": "w"}}
    assert call("PUT", f"{maps(namespace)}/cm", changed).body["data"] == {"k": "w"}
    conflict = call("PUT", f"{maps(namespace)}/cm", made.body)
    assert (conflict.code, conflict.body["reason"]) == (409, "Conflict")
    gone = call("DELETE", f"{maps(namespace)}/cm")
    assert (gone.code, gone.body["status"]) == (200, "Success")
    assert call("GET", f"{maps(namespace)}/cm").code == 404


def test_lists_do_not_repeat_the_kind(call: Caller, namespace: str) -> None:
    call("POST", maps(namespace), MAP)
    body = call("GET", maps(namespace)).body
    assert body["kind"] == "ConfigMapList"
    assert body["metadata"]["resourceVersion"].isdigit()
    assert {item["metadata"]["name"] for item in body["items"]} >= {"cm"}
    assert all(set(item) == {"metadata", "data"} for item in body["items"])


def test_yaml_goes_in_and_comes_out(call: Caller, namespace: str) -> None:
    headers = {"Content-Type": "application/yaml", "Accept": "application/yaml"}
    answer = call("POST", maps(namespace), yaml.safe_dump(MAP), headers)
    assert (answer.code, answer.headers["content-type"]) == (201, "application/yaml")
    assert yaml.safe_load(answer.text)["data"] == {"k": "v"}


def test_tables_and_metadata(call: Caller) -> None:
    accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
    table = call("GET", "/api/v1/nodes", headers=accept).body
    assert table["kind"] == "Table"
    assert [row["cells"][0] for row in table["rows"]] == ["control-plane-1", "worker-1", "worker-2", "worker-3"]
    accept = {"Accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}
    only = call("GET", "/api/v1/nodes/worker-1", headers=accept).body
    assert set(only) == {"kind", "apiVersion", "metadata"}


def test_who_takes_nothing_that_can_be_made_changes_nothing(call: Caller, namespace: str) -> None:
    assert call("POST", maps(namespace), MAP, {"Accept": "text/html"}).code == 406
    assert call("GET", f"{maps(namespace)}/cm").code == 404


def test_protobuf_alone_is_refused_but_may_be_wished_first(call: Caller) -> None:
    wish = "application/vnd.kubernetes.protobuf"
    assert call("GET", "/api/v1/nodes", headers={"Accept": wish}).code == 406
    assert call("GET", "/api/v1/nodes", headers={"Accept": f"{wish},application/json"}).code == 200


@pytest.mark.parametrize(
    ("body", "content_type", "code", "words"),
    [
        (b"hello", "application/json", 400, "invalid character 'h' looking for beginning of value"),
        (b"", "application/json", 400, "unexpected end of JSON input"),
        (b"[1]", "application/json", 400, "cannot unmarshal array"),
        (b"\xff\xfe", "application/json", 400, "unrecognized"),
        (
            b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"\xff"}}',
            "application/json",
            422,
            "metadata.name",
        ),
        (
            b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"\\ud800"}}',
            "application/json",
            422,
            "metadata.name",
        ),
        (b"a: [", "application/yaml", 400, "yaml"),
        (b"\xff\xff", "application/yaml", 400, ""),
        (b"{}", "text/plain", 415, "unknown format"),
        (b"nope", "application/vnd.kubernetes.protobuf", 400, "protobuf"),
        (b"k8s\x00\xff\xff", "application/vnd.kubernetes.protobuf", 400, "unexpected EOF"),
        (b"[" * 100_000, "application/json", 400, ""),
        (b"{" + b'"a":{' * 50_000, "application/json", 400, ""),
        (b"a: &a [x,x,x,x]\n" + b"b: &b [*a,*a,*a,*a]\nc: [*b,*b,*b]\n", "application/yaml", 422, "name"),
    ],
)
def test_bodies_that_are_none(call: Caller, body: bytes, content_type: str, code: int, words: str) -> None:
    answer = call("POST", maps("default"), body, {"Content-Type": content_type})
    assert answer.code == code, answer.text[:300]
    assert words in answer.message
    assert answer.body["kind"] == "Status"


@pytest.mark.parametrize("raw", [b'"\xff"', b'"\\ud800"', b'"a\\ud800b"'])
def test_text_that_is_not_unicode_is_replaced(call: Caller, namespace: str, raw: bytes) -> None:
    body = b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"cm"},"data":{"k":' + raw + b"}}"
    answer = call("POST", maps(namespace), body, {"Content-Type": "application/json"})
    assert answer.code == 201
    assert "\ufffd" in call("GET", f"{maps(namespace)}/cm").body["data"]["k"]


def test_a_bomb_of_aliases_is_no_danger(call: Caller) -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    began = time.monotonic()
    answer = call("POST", maps("default"), "\n".join(lines), {"Content-Type": "application/yaml"})
    assert answer.code in (400, 413, 422)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("size", [3 * 1024 * 1024 + 1, 10 * 1024 * 1024])
def test_bodies_that_are_too_large(call: Caller, size: int) -> None:
    answer = call("POST", maps("default"), b" " * size, {"Content-Type": "application/json"})
    assert (answer.code, answer.body["reason"]) == (413, "RequestEntityTooLarge")


def test_a_body_of_unknown_length_that_is_too_large(call: Caller) -> None:
    connection = call.connect()
    chunks = (b" " * 65536 for _ in range(60))
    try:
        connection.request("POST", maps("default"), chunks, call.headers | {"Content-Type": "application/json"})
        assert connection.getresponse().status == 413
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "code", "content_type"),
    [
        ("/nope", 404, "text/plain"),
        ("/apis/nope.io/v1/foos", 404, "text/plain"),
        ("/apis/nope", 404, "text/plain"),
        ("/api/v2", 404, "application/json"),
        ("/api/v1/nopes", 404, "application/json"),
        ("/apis/apps/v9/deployments", 404, "application/json"),
        ("/api/v1/namespaces/default/pods/x/nope", 404, "application/json"),
        ("/api/v1/namespaces/default/pods/x/status/nope/deep", 404, "application/json"),
        ("/api/v1/pods?limit=x", 400, "application/json"),
        ("/api/v1/pods?labelSelector=a%20b", 400, "application/json"),
        ("/api/v1/pods?fieldSelector=nope%3D1", 400, "application/json"),
        ("/openapi/v3/nope", 404, "text/plain"),
    ],
)
def test_paths_that_are_none(call: Caller, path: str, code: int, content_type: str) -> None:
    answer = call("GET", path)
    assert (answer.code, answer.headers["content-type"].partition(";")[0]) == (code, content_type)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE", "HEAD"])
def test_methods_that_a_collection_does_not_know(call: Caller, method: str) -> None:
    assert call(method, maps("default"), {} if method in ("PUT", "PATCH") else None).code == 405


def test_warnings_are_headers(call: Caller, namespace: str) -> None:
    answer = call("POST", maps(namespace), MAP | {"nope": 1})
    assert answer.headers["warning"] == '299 - "unknown field \\"nope\\""'


def test_delete_options(call: Caller, namespace: str) -> None:
    call("POST", maps(namespace), MAP)
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": "another"}}
    assert call("DELETE", f"{maps(namespace)}/cm", options).code == 409
    assert call("DELETE", f"{maps(namespace)}/cm", b"[1]").code == 400
    assert call("DELETE", f"{maps(namespace)}/cm", {"kind": "DeleteOptions", "apiVersion": "v1"}).code == 200


def test_people_get_indented_json(call: Caller) -> None:
    assert b"\n  " in call("GET", "/api/v1/nodes/worker-1", headers={"User-Agent": "curl/8.0"}).text
    assert b"\n  " not in call("GET", "/api/v1/nodes/worker-1", headers={"User-Agent": "kubectl"}).text
    assert b"\n  " in call("GET", "/api/v1/nodes/worker-1?pretty=true").text


def test_large_lists(call: Caller, namespace: str, server: Server) -> None:
    for number in range(600):  # in process: as many TLS handshakes would test nothing
        metadata = {"name": f"cm-{number}", "namespace": namespace, "labels": {"of": "test"}}
        server.cluster.client.create(from_dict(MAP | {"metadata": metadata}))
    assert len(call("GET", f"{maps(namespace)}?labelSelector=of%3Dtest").body["items"]) == 600
    page = call("GET", f"{maps(namespace)}?limit=10").body
    assert (len(page["items"]), page["metadata"]["remainingItemCount"]) == (10, 591)  # and kube-root-ca.crt


def test_health_in_detail(call: Caller) -> None:
    assert call("GET", "/readyz?verbose").text.decode().splitlines()[-1] == "readyz check passed"


def test_garbage_on_the_wire_ends_the_connection_only(call: Caller) -> None:
    raw = socket.create_connection(("127.0.0.1", call.server.port), timeout=60)
    raw.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert b"200" not in raw.recv(1000)
    raw.close()
    with call.context.wrap_socket(
        socket.create_connection(("127.0.0.1", call.server.port), timeout=60), server_hostname="127.0.0.1"
    ) as secured:
        secured.sendall(b"\x00\x01garbage\r\n\r\n")
        assert secured.recv(1000).startswith(b"HTTP/1.1 400")
    assert call("GET", "/livez").code == 200


def test_a_held_gate_holds_up_requests_but_not_health(call: Caller, nobody: Caller) -> None:
    gate, found = call.server.cluster.gate, []
    with gate.lock:
        waiting = threading.Thread(target=lambda: found.append(call("GET", "/api/v1/nodes").code))
        waiting.start()
        began = time.monotonic()
        assert nobody("GET", "/livez").code == 200
        assert time.monotonic() - began < 2
        assert not found
    waiting.join(60)
    assert found == [200]


def test_every_request_from_outside_is_journalled(call: Caller, namespace: str) -> None:
    call("POST", maps(namespace), MAP, {"User-Agent": "a-test"})
    entries = [entry for entry in call.server.cluster.journal if entry.kind == "request"]
    assert entries[-1].data["resource"] == "configmaps"
    assert entries[-1].data["user_agent"] == "a-test"
    json.dumps(entries[-1].data)


def test_answers_are_not_held_back(call: Caller) -> None:
    """Small answers in several packets, with Nagle's algorithm on, take 40 ms each."""
    connection = call.connect()
    connection.connect()
    times = []
    for _ in range(20):
        began = time.monotonic()
        connection.request("GET", "/livez", headers=call.headers)
        connection.getresponse().read()
        times.append(time.monotonic() - began)
    connection.close()
    assert sorted(times)[5] < 0.03

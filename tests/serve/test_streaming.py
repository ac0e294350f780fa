"""exec, attach and port-forward over sockets: raw SPDY and WebSocket, and what each protocol promises."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator

import pytest

pytest.importorskip("wsproto", reason="the extra `serve` is not installed")

from k8slab.cluster.cluster import replay
from k8slab.serve.server import Server
from k8slab.sim.journal import Journal
from tests.serve.conftest import Caller
from tests.serve.sessions import Refused, Spdy, Upgraded, WebSocket, path_of, port_prefix

V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def pod(call: Caller) -> Iterator[str]:
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "streams"}}
    body["spec"] = {"containers": [{"name": "web", "image": "nginx"}]}
    assert call("POST", "/api/v1/namespaces/default/pods", body).code == 201
    deadline = time.monotonic() + 60
    while call("GET", "/api/v1/namespaces/default/pods/streams").body["status"].get("phase") != "Running":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield "streams"
    call("DELETE", "/api/v1/namespaces/default/pods/streams")


def command(*words: str, **flags: str) -> str:
    return path_of("default", "streams", "exec", **{"command": words, "stdout": "true", "stderr": "true", **flags})


def spdy_command(call: Caller, protocol: str, *words: str, **flags: str) -> tuple[Spdy, dict[str, int]]:
    client = Spdy(call, command(*words, **flags), protocol)
    names = ["error", *(name for name in ("stdin", "stdout", "stderr") if flags.get(name, "true") == "true")]
    if "stdin" not in flags:
        names.remove("stdin")
    return client, {name: client.open(streamtype=name) for name in names}


# -- exec -------------------------------------------------------------------------------------------------------------


def test_v5_carries_channels_and_a_status(call: Caller, pod: str) -> None:
    client = WebSocket(call, command("sh", "-c", "cat; echo bad >&2; exit 3", stdin="true"), V5)
    assert client.protocol == V5
    client.send(b"\0some input")
    client.send(b"\xff\0")
    client.to_end()
    assert (client.channels[1], client.channels[2], client.code) == (b"some input", b"bad\n", 1000)
    status = json.loads(client.channels[3])
    assert (status["status"], status["reason"]) == ("Failure", "NonZeroExitCode")
    assert status["details"] == {"causes": [{"reason": "ExitCode", "message": "3"}]}
    said = "command terminated with non-zero exit code: command terminated with exit code 3"
    assert status["message"] == said


def test_v4_gets_the_words_of_the_runtime(call: Caller, pod: str) -> None:
    client = WebSocket(call, command("false"), V4)
    client.to_end()
    said = "command terminated with non-zero exit code: error executing command [false], exit code 1"
    assert json.loads(client.channels[3])["message"] == said
    client = WebSocket(call, command("true"), V4)
    client.to_end()
    assert json.loads(client.channels[3]) == {"metadata": {}, "status": "Success"}


@pytest.mark.parametrize("protocols", [(), ("channel.k8s.io",)])
def test_the_first_protocol_says_nothing_of_success(call: Caller, pod: str, protocols: tuple[str, ...]) -> None:
    client = WebSocket(call, command("echo", "hi"), *protocols)
    client.to_end()
    assert (client.channels.get(1), client.channels.get(3, b"")) == (b"hi\n", b"")
    client = WebSocket(call, command("false"), *protocols)
    client.to_end()
    assert client.channels[3].startswith(b"command terminated with non-zero exit code")


@pytest.mark.parametrize("protocol", ["base64.channel.k8s.io", "v4.base64.channel.k8s.io"])
def test_base64_is_text(call: Caller, pod: str, protocol: str) -> None:
    client = WebSocket(call, command("cat", stdin="true"), protocol)
    client.send("0" + base64.b64encode("ä\n".encode()).decode())
    while not any(message[0] == "1" and len(message) > 1 for message in client.messages):
        assert client.step()
    text = next(message for message in client.messages if message[0] == "1" and len(message) > 1)
    assert base64.b64decode(text[1:]).decode() == "ä\n"
    client.wire.close()


def test_a_terminal_over_a_websocket(call: Caller, pod: str) -> None:
    client = WebSocket(call, command("sh", stdin="true", tty="true", stderr="false"), V5)
    client.send(b"\4" + json.dumps({"Width": 101, "Height": 33}).encode())
    client.send(b"\0stty size\r")
    while b"33 101\r\n" not in client.channels.get(1, b""):
        assert client.step()
    client.send(b"\0sleep 100000\r")
    client.send(b"\0\x03exit 5\r")
    client.to_end()
    assert b"^C" in client.channels[1]
    assert json.loads(client.channels[3])["details"]["causes"][0]["message"] == "5"


@pytest.mark.parametrize("protocol", ["v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"])
def test_spdy_has_a_stream_for_each(call: Caller, pod: str, protocol: str) -> None:
    client, streams = spdy_command(call, protocol, "sh", "-c", "cat; echo bad >&2; exit 4", stdin="true")
    assert client.wire.headers["x-stream-protocol-version"] == protocol
    client.send(streams["stdin"], b"input", fin=True)
    client.until_ended(streams["error"], streams["stdout"], streams["stderr"])
    assert set(streams.values()) <= client.replied
    assert (client.data[streams["stdout"]], client.data[streams["stderr"]]) == (b"input", b"bad\n")
    last = client.data[streams["error"]]
    if protocol == "v4.channel.k8s.io":
        assert json.loads(last)["details"]["causes"][0]["message"] == "4"
    else:
        assert last.endswith(b"exit code 4")


def test_spdy_takes_what_it_does_not_want_back(call: Caller, pod: str) -> None:
    client = Spdy(call, command("echo", "x"), V4)
    strange = client.open(streamtype="strange")
    client.until_ended(strange)
    assert strange in client.reset
    client.wire.close()


def test_spdy_resizes(call: Caller, pod: str) -> None:
    client = Spdy(call, command("sh", stdin="true", tty="true", stderr="false"), V4)
    streams = {name: client.open(streamtype=name) for name in ("error", "stdin", "stdout", "resize")}
    client.send(streams["resize"], b'{"Width":99,"Height":11}\n')
    client.send(streams["stdin"], b"stty size; exit\r")
    client.until_ended(streams["error"])
    assert b"11 99\r\n" in client.data[streams["stdout"]]


# -- attach -----------------------------------------------------------------------------------------------------------


def test_attach_ends_with_the_container(call: Caller, namespace: str) -> None:
    script = "for i in 1 2 3 4; do echo $i; sleep 6; done"
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    body["spec"] = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox"}]}
    body["spec"]["containers"][0]["command"] = ["sh", "-c", script]
    assert call("POST", f"/api/v1/namespaces/{namespace}/pods", body).code == 201
    deadline = time.monotonic() + 60
    while call("GET", f"/api/v1/namespaces/{namespace}/pods/p").body["status"].get("phase") != "Running":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    client = WebSocket(call, path_of(namespace, "p", "attach", container="c"), V5)
    client.to_end()
    assert client.channels[1].endswith(b"3\n4\n")
    assert json.loads(client.channels[3])["status"] == "Success"


# -- port-forward -----------------------------------------------------------------------------------------------------


def test_spdy_forwards_connections(call: Caller, pod: str) -> None:
    client = Spdy(call, path_of("default", pod, "portforward"), "portforward.k8s.io")
    assert client.wire.headers["x-stream-protocol-version"] == "portforward.k8s.io"
    pairs = []
    for number in range(3):
        identity = {"port": "80", "requestid": str(number)}
        error = client.open(streamtype="error", **identity)
        pairs.append((error, client.open(streamtype="data", **identity)))
    for _, data in pairs:
        client.send(data, GET[:20])
        client.send(data, GET[20:], fin=True)
    client.until_ended(*(stream for pair in pairs for stream in pair))
    for error, data in pairs:
        assert client.data[data].startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"Welcome to nginx!" in client.data[data]
        assert error not in client.data


def test_a_closed_port_refuses(call: Caller, pod: str) -> None:
    client = Spdy(call, path_of("default", pod, "portforward"), "portforward.k8s.io")
    error = client.open(streamtype="error", port="81")
    data = client.open(streamtype="data", port="81")
    client.until_ended(error, data)
    assert client.data[error].startswith(b"error forwarding port 81 to pod ")
    assert b"dial tcp4 127.0.0.1:81: connect: connection refused" in client.data[error]


def test_kubectls_tunnel_is_spdy_in_a_websocket(call: Caller, pod: str) -> None:
    from k8slab.serve.spdy import Connection, DataReceived

    client = WebSocket(call, path_of("default", pod, "portforward"), "SPDY/3.1+portforward.k8s.io")
    assert client.protocol == "SPDY/3.1+portforward.k8s.io"
    spdy = Connection(client=True)
    for kind in ("error", "data"):
        stream = spdy.open({"streamtype": kind, "port": "80", "requestid": "0"})
    spdy.send(stream, GET)
    client.send(spdy.data_to_send())
    got = b""
    while b"</html>" not in got:
        assert client.step()
        while client.messages:
            got += b"".join(e.data for e in spdy.receive(client.messages.pop(0)) if isinstance(e, DataReceived))
    client.wire.close()


def test_a_websocket_forwards_ports_as_channels(call: Caller, pod: str) -> None:
    client = WebSocket(call, path_of("default", pod, "portforward", ports=["80", "81"]), V4)
    client.send(b"\0GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    client.to_end()
    assert client.channels[0].startswith(port_prefix(80) + b"HTTP/1.1 404 Not Found\r\n")
    assert client.channels[1] == port_prefix(80)
    assert client.channels[2] == port_prefix(81)
    assert b"connection refused" in client.channels[3]


def test_what_is_no_http_gets_400(call: Caller, pod: str) -> None:
    client = WebSocket(call, path_of("default", pod, "portforward", ports="80"), V4)
    client.send(b"\0\1\2\3 nonsense\r\n\r\n")
    client.to_end()
    assert client.channels[0].startswith(port_prefix(80) + b"HTTP/1.1 400 Bad Request\r\n")


# -- refusals ---------------------------------------------------------------------------------------------------------


def refusal(call: Caller, path: str, *protocols: str, spdy: bool = False) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        (Spdy if spdy else WebSocket)(call, path, *protocols)
    code, body = caught.value.args
    return code, json.loads(body)["message"] if body.startswith(b"{") else body.decode()


@pytest.mark.parametrize("spdy", [False, True])
def test_errors_before_the_upgrade_are_statuses(call: Caller, pod: str, spdy: bool) -> None:
    unknown = path_of("default", "nobody", "exec", command="ls", stdout="true")
    assert refusal(call, unknown, V4, spdy=spdy) == (404, 'pods "nobody" not found')
    other = command("ls", container="zz")
    assert refusal(call, other, V4, spdy=spdy) == (400, f"container zz is not valid for pod {pod}")
    alice = Caller(call.server, "alice")
    alice.headers = {"Authorization": "Bearer alices-token"}
    code, said = refusal(alice, command("ls"), V4, spdy=spdy)
    assert code == 403
    assert said.startswith(f'pods "{pod}" is forbidden: User "alice" cannot ')
    assert refusal(Caller(call.server, "nobody"), command("ls"), V4, spdy=spdy) == (401, "Unauthorized")


def test_the_kubelet_refuses_in_plain_words(call: Caller, pod: str) -> None:
    nothing = command("ls", stdout="false", stderr="false")
    said = "you must specify at least 1 of stdin, stdout, stderr\n"
    assert refusal(call, nothing, V4) == (400, said)
    assert refusal(call, nothing, V4, spdy=True) == (400, said)
    client = WebSocket(call, nothing, V5)
    client.to_end()
    status = json.loads(client.channels[3])
    assert status["message"] == f"Internal error occurred: unable to upgrade connection: {said.strip()}"


def test_protocols_must_agree(call: Caller, pod: str) -> None:
    assert refusal(call, command("ls"), "v9.channel.k8s.io")[0] == 400
    code, said = refusal(call, command("ls"), "v9.channel.k8s.io", spdy=True)
    assert code == 403
    assert "client supports [v9.channel.k8s.io], server accepts [v4.channel.k8s.io" in said
    assert refusal(call, path_of("default", pod, "portforward"), V4) == (400, 'query parameter "port" is required')
    path = path_of("default", pod, "portforward", ports="x")
    assert refusal(call, path, V4)[1].startswith('unable to parse "x" as a port')
    answer = call("POST", command("ls"))
    assert (answer.code, answer.message) == (400, "Upgrade request required")


# -- clients that behave badly ----------------------------------------------------------------------------------------


def test_many_sessions_at_once(call: Caller, pod: str) -> None:
    results: list[bytes] = []

    def one(number: int) -> None:
        client = WebSocket(call, command("sh", "-c", f"sleep 3; echo {number}"), V5)
        client.to_end()
        results.append(client.channels[1])

    threads = [threading.Thread(target=one, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(results) == sorted(f"{number}\n".encode() for number in range(24))


def test_a_client_that_goes_takes_its_shell_along(call: Caller, server: Server, pod: str) -> None:
    client = WebSocket(call, command("sh", stdin="true", tty="true"), V5)
    container = server.cluster.kubelets
    worker = next(found for kubelet in container.values() if (found := kubelet.find("default", pod)))
    client.step()
    assert worker.containers[0].sessions
    client.wire.close()
    deadline = time.monotonic() + 60
    while worker.containers[0].sessions:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_client_that_does_not_read_holds_nobody_up(call: Caller, server: Server, pod: str) -> None:
    loud = WebSocket(
        call,
        command(
            "sh",
            "-c",
            "x=0123456789; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do "
            "x=$x$x; echo $x; echo $x; echo $x; echo $x; done",
        ),
        V5,
    )
    quiet = WebSocket(call, command("echo", "still here"), V5)
    quiet.to_end()
    assert quiet.channels[1] == b"still here\n"
    assert call("GET", "/version").code == 200
    loud.to_end()
    assert len(loud.channels[1]) > 1_000_000


def test_nonsense_ends_only_its_own_connection(call: Caller, pod: str) -> None:
    for path, protocol in ((command("cat", stdin="true"), V4), (path_of("default", pod, "portforward"), "")):
        headers = [("Connection", "Upgrade"), ("Upgrade", "SPDY/3.1"), ("Content-Length", "0")]
        wire = Upgraded(
            call, "POST", path, [*headers, *([("X-Stream-Protocol-Version", protocol)] if protocol else [])]
        )
        wire.socket.sendall(b"\xff" * 64)
        while wire.receive():
            pass
    socket = WebSocket(call, command("cat", stdin="true"), V5)
    socket.wire.socket.sendall(b"\xff" * 64)
    socket.to_end()
    assert call("GET", "/version").code == 200


def test_sessions_are_replayed(call: Caller, server: Server, namespace: str) -> None:
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    body["spec"] = {"containers": [{"name": "c", "image": "nginx"}]}
    assert call("POST", f"/api/v1/namespaces/{namespace}/pods", body).code == 201
    path = f"/api/v1/namespaces/{namespace}/pods/p"
    deadline = time.monotonic() + 60
    while call("GET", path).body["status"].get("phase") != "Running":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    client = WebSocket(call, path_of(namespace, "p", "exec", command="sh", stdin="true", tty="true"), V5)
    client.send(b"\0kill 1\r")
    client.to_end()
    while not call("GET", path).body["status"]["containerStatuses"][0]["restartCount"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with server.cluster.gate.lock:
        journal, revision = server.cluster.dump_journal(), server.cluster.store.revision
        status = server.cluster.server.peek("pods", "p", namespace).status
    again = replay(Journal.loads(journal))
    assert again.store.revision == revision
    assert again.server.peek("pods", "p", namespace).status == status

"""exec, attach, port-forward, cp and attached runs with the real kubectl and the official Python client."""

from __future__ import annotations

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from k8slab.serve.server import Server
from tests.serve.conftest import Caller, Kubectl

WEB = """
apiVersion: v1
kind: Pod
metadata: {name: sessions}
spec:
  containers:
  - {name: web, image: nginx}
  - {name: box, image: busybox, stdin: true, tty: true}
"""


@pytest.fixture(scope="module")
def pod(kubectl: Kubectl, call: Caller) -> Iterator[str]:
    kubectl("apply -f -", stdin=WEB)
    kubectl("wait pod/sessions --for=condition=Ready --timeout=30s")
    yield "sessions"
    call("DELETE", "/api/v1/namespaces/default/pods/sessions")


@pytest.fixture
def ns(namespace: str) -> str:
    return f"-n {namespace}"


def test_exec(kubectl: Kubectl, pod: str) -> None:
    assert kubectl("exec sessions -c web -- ls /etc/nginx") == "nginx.conf\n"
    done = kubectl.run("exec", "sessions", "--", "sh", "-c", "echo a; sleep 5; echo b >&2; exit 3")
    assert (done.stdout, done.returncode) == ("a\n", 3)
    default = 'Defaulted container "web" out of: web, box\n'
    assert done.stderr == default + "b\ncommand terminated with exit code 3\n"


def test_exec_with_standard_input(kubectl: Kubectl, pod: str) -> None:
    done = kubectl.run(
        *["exec", "-i", "sessions", "-c", "web", "--", "sh"], stdin="for i in 1 2; do\necho $i\ndone\nexit 5\n"
    )
    assert (done.stdout, done.returncode) == ("1\n2\n", 5)
    text = "line\n" * 20_000
    assert kubectl("exec -i sessions -c web -- cat", stdin=text) == text


def test_exec_of_nothing(kubectl: Kubectl, pod: str) -> None:
    said = kubectl.fails("exec sessions -c web -- nothing")
    assert 'unable to start container process: exec: "nothing": executable file not found in $PATH' in said
    said = kubectl.fails("exec sessions -c zz -- ls")
    assert said == "Error from server (BadRequest): container zz is not valid for pod sessions\n"


def test_cp_there_and_back(kubectl: Kubectl, pod: str, tmp_path: Path) -> None:
    data = bytes(range(256)) * 50
    (tmp_path / "data").write_bytes(data)
    kubectl(f"cp {tmp_path}/data sessions:/tmp/data -c web")
    kubectl(f"cp sessions:/tmp/data {tmp_path}/back -c web")
    assert (tmp_path / "back").read_bytes() == data


def test_attach_and_logs_end_with_the_container(kubectl: Kubectl, ns: str) -> None:
    script = "i=0; while [ $i -lt 6 ]; do i=$((i+1)); echo $i; sleep 15; done"
    kubectl(f"run p --image=busybox --restart=Never {ns} -- sh -c", script)
    kubectl(f"wait pod/p --for=condition=Ready --timeout=30s {ns}")
    following = subprocess.Popen(
        [kubectl.program, "logs", "-f", "p", *ns.split()], env=kubectl.environment, stdout=subprocess.PIPE, text=True
    )
    try:
        attached = kubectl(f"attach p {ns}")
        assert attached.endswith("6\n")
        assert following.communicate(timeout=60)[0] == "1\n2\n3\n4\n5\n6\n"
    finally:
        following.kill()
    assert "current phase is Succeeded" in kubectl.fails(f"attach p {ns}")


def test_run_with_input(kubectl: Kubectl, ns: str) -> None:
    done = kubectl.run(
        *f"run p --rm -i --image=busybox --restart=Never {ns}".split(), stdin="hostname; echo hi\nexit 3\n"
    )
    assert done.stdout == 'p\nhi\npod "p" deleted\n'
    assert done.returncode == 3


def test_port_forward(kubectl: Kubectl, pod: str) -> None:
    command = [kubectl.program, "port-forward", "pod/sessions", ":80"]
    forwarding = subprocess.Popen(command, env=kubectl.environment, stdout=subprocess.PIPE, text=True)
    try:
        port = int(forwarding.stdout.readline().split(" -> ")[0].rsplit(":", 1)[1])
        for _ in range(3):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as answer:
                assert b"Welcome to nginx!" in answer.read()
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/nothing", timeout=60)
        assert caught.value.code == 404
    finally:
        forwarding.terminate()
        forwarding.communicate(timeout=60)


def test_port_forward_is_refused(kubectl: Kubectl, pod: str) -> None:
    command = [kubectl.program, "port-forward", "pod/sessions", ":81"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    forwarding = subprocess.Popen(command, env=kubectl.environment, text=True, **pipes)
    try:
        port = int(forwarding.stdout.readline().split(" -> ")[0].rsplit(":", 1)[1])
        with pytest.raises(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60)
        time.sleep(0.2)
    finally:
        forwarding.terminate()
    assert "dial tcp4 127.0.0.1:81: connect: connection refused" in forwarding.communicate(timeout=60)[1]


def test_a_terminal(kubectl: Kubectl, pod: str) -> None:
    pexpect = pytest.importorskip("pexpect", reason="pexpect, which plays the terminal, is not installed")
    words = ["exec", "-it", "sessions", "-c", "web", "--", "sh"]
    shell = pexpect.spawn(
        kubectl.program, words, env=kubectl.environment, encoding="utf-8", timeout=60, dimensions=(30, 90)
    )
    shell.expect_exact("/ # ")
    shell.send("cd /etc; stty size\r")
    shell.expect_exact("30 90\r\n/etc # ")
    shell.send("sleep 100000\r")
    time.sleep(0.2)
    shell.send("\x03")
    shell.expect_exact("^C\r\n/etc # ")
    shell.send("exit 9\r")
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 9


def test_attach_to_a_terminal(kubectl: Kubectl, pod: str) -> None:
    pexpect = pytest.importorskip("pexpect", reason="pexpect, which plays the terminal, is not installed")
    words = ["attach", "-it", "sessions", "-c", "box"]
    shell = pexpect.spawn(kubectl.program, words, env=kubectl.environment, encoding="utf-8", timeout=60)
    shell.expect_exact("try pressing enter.")
    shell.send("\r")
    shell.expect_exact("/ # ")
    shell.send("hostname\r")
    shell.expect_exact("sessions\r\n/ # ")
    shell.close(force=True)


# -- the Python client ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def core(server: Server):
    kubernetes = pytest.importorskip("kubernetes", reason="the Python client is not installed")
    configuration = kubernetes.client.Configuration()
    kubernetes.config.load_kube_config(str(server.kubeconfig), client_configuration=configuration)
    with kubernetes.client.ApiClient(configuration) as client:
        yield kubernetes.client.CoreV1Api(client)


def test_python_exec(core, pod: str) -> None:
    from kubernetes.stream import stream

    target = (core.connect_get_namespaced_pod_exec, pod, "default")
    flags = {"container": "web", "stderr": True, "stdout": True, "tty": False}
    assert stream(*target, command=["sh", "-c", "echo x; echo y >&2"], stdin=False, **flags) in ("x\ny\n", "y\nx\n")
    session = stream(*target, command=["sh"], stdin=True, _preload_content=False, **flags)
    session.write_stdin("echo hi; exit 4\n")
    session.run_forever(timeout=60)
    assert (session.read_stdout(), session.returncode) == ("hi\n", 4)


def test_python_portforward(core, pod: str) -> None:
    from kubernetes.stream import portforward

    forward = portforward(core.connect_get_namespaced_pod_portforward, pod, "default", ports="80,81")
    connection = forward.socket(80)
    connection.setblocking(True)
    connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = b""
    while part := connection.recv(4096):
        answer += part
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert forward.error(80) is None
    assert "connection refused" in forward.error(81)

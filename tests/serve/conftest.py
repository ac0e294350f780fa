"""A served cluster for all tests of this folder, raw requests to it, and the real kubectl."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytest.importorskip("uvicorn", reason="the extra `serve` is not installed")
pytest.importorskip("cryptography", reason="the extra `serve` is not installed")

from k8slab.api.request import UserInfo
from k8slab.cluster.cluster import Cluster
from k8slab.serve.server import Server

MANIFESTS = Path(__file__).parents[2] / ".." / "shared" / "manifests"
ALICE = UserInfo(name="alice", groups=("developers", "system:authenticated"))


class Answer(NamedTuple):
    code: int
    headers: dict[str, str]
    text: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def message(self) -> str:
        return self.body["message"]


class Caller:
    """Sends raw requests to a server."""

    def __init__(self, server: Server, user: str = "admin") -> None:
        self.server = server
        self.headers = {"Authorization": f"Bearer {server.token}"} if user == "admin" else {}
        self.context = ssl.create_default_context(cadata=server.authority.certificate.decode())

    def connect(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection("127.0.0.1", self.server.port, context=self.context, timeout=60)

    def __call__(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        sent = dict(self.headers)
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            sent["Content-Type"] = "application/json"
        connection = self.connect()
        try:
            connection.request(method, path, body, sent | (headers or {}))
            response = connection.getresponse()
            found = {key.lower(): value for key, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()


class Kubectl:
    """The real kubectl, pointed at a server."""

    def __init__(self, server: Server, home: str) -> None:
        program = shutil.which("kubectl")
        if program is None:
            pytest.skip("there is no kubectl on the PATH")
        self.program, self.home = program, home
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "KUBECONFIG": str(server.kubeconfig),
        }

    def run(self, *arguments: str, stdin: str = "", timeout: float = 60) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.program, *arguments],
            input=stdin,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def __call__(self, command: str, *more: str, stdin: str = "", timeout: float = 60) -> str:
        """Standard output of a command that must succeed; `more` are arguments with spaces."""
        done = self.run(*command.split(), *more, stdin=stdin, timeout=timeout)
        assert done.returncode == 0, f"kubectl {command}: {done.stderr}"
        return done.stdout

    def fails(self, command: str, *more: str, stdin: str = "") -> str:
        """Standard error of a command that must fail."""
        done = self.run(*command.split(), *more, stdin=stdin)
        assert done.returncode != 0, f"kubectl {command} succeeded: {done.stdout}"
        return done.stderr


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server(Cluster(workers=3), port=0, speed=30) as served:
        served.add_token("alices-token", ALICE)
        yield served


@pytest.fixture(scope="session")
def call(server: Server) -> Caller:
    return Caller(server)


@pytest.fixture(scope="session")
def nobody(server: Server) -> Caller:
    return Caller(server, "nobody")


@pytest.fixture(scope="session")
def kubectl(server: Server) -> Iterator[Kubectl]:
    with tempfile.TemporaryDirectory() as home:
        yield Kubectl(server, home)


@pytest.fixture
def namespace(call: Caller, request: pytest.FixtureRequest) -> str:
    """A namespace of the test's own."""
    words = "".join(sign if sign.isalnum() else "-" for sign in request.node.name.lower() if sign.isascii())
    name = f"{words[:48].strip('-')}-{zlib.crc32(request.node.name.encode()) % 10_000}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    assert call("POST", "/api/v1/namespaces", body).code == 201
    settle(call, name)
    return name


def settle(call: Caller, namespace: str) -> None:
    """Wait until a new namespace has its service account: no Pod is let in before."""
    for _ in range(200):
        if call("GET", f"/api/v1/namespaces/{namespace}/serviceaccounts/default").code == 200:
            return
        time.sleep(0.02)
    raise AssertionError(f"namespace {namespace} has no service account")

"""The recorder's API server behind real HTTPS: the same replay, with requests and answers as bytes on a socket.

Compared besides: Content-Type and Retry-After where they were recorded.
"""

from __future__ import annotations

import http.client
import json
import re
import ssl
import threading
import time
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode

import yaml

from k8slab.api.request import Request, Response
from k8slab.cluster.gate import Gate
from k8slab.pki.x509 import cluster_authority
from k8slab.serve.server import Server
from k8slab.sim.clock import SECOND, Clock
from k8slab.sim.journal import Journal
from tests.golden.api import ALICE, RECORDED_ADDRESS, Recorder

TOKENS = {"alice": "alices-token", "<invalid token>": "invalid"}
HASH = re.compile(r"hash=[0-9A-F]{128}")
#: Seconds between the steps that were done while a watch was open.
PAUSE = 0.05


class HttpRecorder(Recorder):
    """A recorder whose requests go through a server on a loopback port."""

    def __init__(self) -> None:
        super().__init__()
        inner, clock = self.server, self.clock
        self.gate = Gate(clock, inner, Journal(), inner.trace)
        cluster: Any = SimpleNamespace(
            gate=self.gate,
            server=inner,
            clock=clock,
            store=self.store,
            trace=inner.trace,
            kubelets={},
            authority=cluster_authority(7, clock.epoch // SECOND),
            trust=str,  # there is no controller that would publish it
        )
        self.served = Server(cluster, port=0, anonymous=True).start()
        self.served.add_token(TOKENS["alice"], ALICE)
        self.tls = ssl.create_default_context(cadata=self.served.authority.certificate.decode())
        self.clock = _Paced(self.gate, clock)  # type: ignore[assignment]
        self.server = _Locked(self.gate, inner)  # type: ignore[assignment]
        self.notes: list[str] = []

    def close(self) -> None:
        """Stop the server."""
        self.served.stop()

    def send(self, recorded: dict[str, Any]) -> tuple[Response, Request | None]:
        """Send a recorded request, and read the answer as the client would."""
        is_watch = (recorded.get("query") or {}).get("watch") == "true"
        if is_watch and self.meanwhile:
            threading.Thread(target=self._steps, args=(self.meanwhile,), daemon=True).start()
            self.meanwhile = []
        code, headers, body = self._exchange(recorded)
        # Discovery names the server's address, which is another one here.
        body = body.replace(f"127.0.0.1:{self.served.port}".encode(), RECORDED_ADDRESS.encode())
        response = Response(code, _parsed(headers, body, is_watch and code == 200), _warnings(headers))
        self.headers = headers
        self._remember(recorded, response)
        return response, None

    headers: http.client.HTTPMessage

    def _steps(self, steps: list[tuple[str, str, dict[str, str], Any, str]]) -> None:
        time.sleep(4 * PAUSE)
        for method, path, query, body, content_type in steps:
            headers = {"Content-Type": content_type} if content_type else {}
            self._exchange({"method": method, "path": path, "query": query, "body": body, "headers": headers})
            time.sleep(PAUSE)

    def _exchange(self, recorded: dict[str, Any]) -> tuple[int, http.client.HTTPMessage, bytes]:
        body, headers = recorded.get("body"), dict(recorded.get("headers") or {})
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
            body = (body if isinstance(body, str) else json.dumps(body)).encode()
        user = recorded.get("user", "admin")
        if user != "<none>":
            headers["Authorization"] = f"Bearer {TOKENS.get(user, self.served.token)}"
        query = urlencode(recorded.get("query") or {})
        path = quote(recorded["path"], safe="/:@%") + (f"?{query}" if query else "")
        connection = http.client.HTTPSConnection("127.0.0.1", self.served.port, context=self.tls, timeout=30)
        try:
            connection.request(recorded["method"], path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def _remember(self, recorded: dict[str, Any], response: Response) -> None:
        """What was made in no namespace is removed after the case."""
        parts = [part for part in recorded["path"].split("/") if part]
        if recorded["method"] != "POST" or response.code != 201 or "namespaces" in parts:
            return
        group, version = ("", parts[1]) if parts[0] == "api" else (parts[1], parts[2])
        name = response.body.get("metadata", {}).get("name")
        if name and len(parts) == (3 if parts[0] == "api" else 4):
            self.cluster_scoped.append((group, version, parts[-1], name))

    def differences(self, wanted: dict[str, str]) -> list[str]:
        """How the last answer's headers differ from the recorded ones."""
        found = []
        for name in ("Content-Type", "Retry-After", "Allow"):
            if name in wanted and self.headers.get(name) != wanted[name]:
                found.append(f"header {name}: recorded {wanted[name]!r} got {self.headers.get(name)!r}")
        return found


class _Paced:
    """The clock, moved through the gate: the live clock's thread moves it as well."""

    def __init__(self, gate: Gate, clock: Clock) -> None:
        self._gate, self._clock = gate, clock

    @property
    def now(self) -> int:
        return self._clock.now

    def run_for(self, delay: int) -> None:
        self.run_until(self._clock.now + delay)

    def run_until(self, when: int) -> None:
        with self._gate.lock:
            self._gate.advance(max(when, self._clock.now))


class _Locked:
    """The server, asked through the gate."""

    def __init__(self, gate: Gate, server: Any) -> None:
        self._gate, self._server = gate, server
        self.scheme = server.scheme

    def handle(self, request: Request) -> Response:
        return self._gate.handle(request)

    def create(self, obj: Any) -> Response:
        with self._gate.lock:
            return self._server.create(obj)


def _parsed(headers: http.client.HTTPMessage, body: bytes, is_stream: bool) -> Any:
    kind = headers.get_content_type()
    if is_stream:
        return [json.loads(line) for line in body.splitlines()]
    if kind == "application/yaml":
        return yaml.safe_load(body)
    text = HASH.sub("hash=<hash>", body.decode())
    return json.loads(text) if kind == "application/json" or text.startswith("{") else text


def _warnings(headers: http.client.HTTPMessage) -> tuple[str, ...]:
    texts = headers.get_all("Warning") or []
    return tuple(text[len('299 - "') : -1].replace('\\"', '"').replace("\\\\", "\\") for text in texts)

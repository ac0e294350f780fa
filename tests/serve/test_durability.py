"""`k8slab serve --data-dir`: killed with SIGKILL at any moment, under load, and started again.

By hand: `python -m tests.serve.test_durability 50` kills fifty times.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

CONFIGMAPS = "/api/v1/namespaces/default/configmaps"
OURS = "?labelSelector=by%3Dtest"
ENVIRONMENT = os.environ | {"PYTHONUNBUFFERED": "1"}


class Process:
    """`k8slab serve` on a data directory."""

    def __init__(self, folder: Path, port: int, *arguments: str) -> None:
        command = [sys.executable, "-m", "k8slab.cli", "serve", "--port", str(port), "--data-dir", str(folder)]
        self.process = subprocess.Popen(
            [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
        )
        while "Ctrl-C" not in (line := self.process.stdout.readline()):
            assert line, self.process.stderr.read()

    def kill(self, number: int = signal.SIGKILL) -> None:
        self.process.send_signal(number)
        self.process.wait(60)
        self.process.stdout.close()
        self.process.stderr.close()


class Client:
    """Speaks to the server as the kubeconfig says, over one connection."""

    def __init__(self, kubeconfig: Path) -> None:
        content = yaml.safe_load(kubeconfig.read_text())
        cluster, user = content["clusters"][0]["cluster"], content["users"][0]["user"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self.context = ssl.create_default_context(cadata=authority)
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"\n".join(base64.b64decode(user[f"client-{part}-data"]) for part in ("certificate", "key")))
            file.flush()
            self.context.load_cert_chain(file.name)
        self.port = int(cluster["server"].rpartition(":")[2])
        self.connection = self.connect()

    def connect(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context, timeout=60)

    def __call__(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Any:
        text = None if body is None else json.dumps(body)
        try:
            self.connection.request(method, path, text, {"Content-Type": content_type})
            response = self.connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            self.connection.close()
            raise


class Writer(threading.Thread):
    """Creates, changes and deletes until the server dies; `sure` is what was acknowledged last of each name."""

    def __init__(self, kubeconfig: Path, name: str) -> None:
        super().__init__(daemon=True)
        self.client, self.prefix, self.stopping = Client(kubeconfig), name, False
        self.sure: dict[str, str | None] = {}
        self.open: dict[str, str] = {}
        self.revision = 0

    def run(self) -> None:
        number = 0
        try:
            while not self.stopping:
                self.write(f"{self.prefix}-{number}")
                number += 1
        except (OSError, http.client.HTTPException, ValueError):
            return

    def write(self, name: str) -> None:
        body: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "labels": {"by": "test"}},
        }
        body["data"] = {"value": "1"}
        self._do("POST", CONFIGMAPS, name, "1", body)
        self._do("PATCH", f"{CONFIGMAPS}/{name}", name, "2", {"data": {"value": "2"}})
        if name.endswith("3"):
            self._do("DELETE", f"{CONFIGMAPS}/{name}", name, None)

    def _do(self, method: str, path: str, name: str, value: str | None, body: Any = None) -> None:
        self.open[name] = method
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        code, answer = self.client(method, path, body, kind)
        assert code in (200, 201), answer
        del self.open[name]
        self.sure[name] = value
        if method != "DELETE":
            self.revision = max(self.revision, int(answer["metadata"]["resourceVersion"]))


class Watch(threading.Thread):
    """Follows the ConfigMaps from a resourceVersion; what it has seen outlives the connection."""

    def __init__(self, kubeconfig: Path, revision: int, state: dict[str, str]) -> None:
        super().__init__(daemon=True)
        self.client, self.revision, self.state = Client(kubeconfig), revision, state
        self.problem = ""

    def run(self) -> None:
        path = f"{CONFIGMAPS}{OURS}&watch=true&resourceVersion={self.revision}"
        try:
            self.client.connection.request("GET", path)
            response = self.client.connection.getresponse()
            while line := response.readline():
                self.see(json.loads(line))
        except (OSError, http.client.HTTPException, ValueError):
            return

    def see(self, event: dict[str, Any]) -> None:
        if event["type"] == "ERROR":
            self.problem = event["object"]["message"]
            return
        metadata = event["object"]["metadata"]
        revision, name = int(metadata["resourceVersion"]), metadata["name"]
        known = name in self.state
        if revision <= self.revision or known == (event["type"] == "ADDED"):
            self.problem = f"{event['type']} {name} at {revision} after {self.revision}: known {known}"
        self.revision = revision
        if event["type"] == "DELETED":
            del self.state[name]
        else:
            self.state[name] = event["object"]["data"]["value"]


def until(predicate: Callable[[], bool], seconds: float = 5) -> bool:
    """Wait until something holds; returns whether it does."""
    deadline = time.monotonic() + seconds
    while not predicate() and time.monotonic() < deadline:
        time.sleep(0.02)
    return predicate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Trial:
    """A server that is killed and started again; what its clients were told is compared with what it holds then."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.port, self.chance = folder, free_port(), random.Random(seed)
        self.sure: dict[str, str | None] = {}
        self.seen: dict[str, str] = {}
        self.highest, self.watched, self.count, self.uid = 0, 0, 0, ""

    def round(self, number: int) -> None:
        """Start the server, check it, and kill it while it is written to."""
        server = Process(self.folder, self.port, *([] if number else ["--workers", "2"]), "--speed", "5")
        try:
            self.check(number)
            watch = Watch(self.folder / "kubeconfig", self.watched, self.seen)
            watch.start()
            writers = [Writer(self.folder / "kubeconfig", f"w{number}-{one}") for one in range(4)]
            for writer in writers:
                writer.start()
            assert until(lambda: all(writer.sure for writer in writers), seconds=30)
            time.sleep(self.chance.uniform(0.0, 0.6))
        finally:
            server.kill()
        self.note(watch, writers)

    def check(self, number: int) -> dict[str, str]:
        """Compare with what clients know; returns what is there."""
        client = Client(self.folder / "kubeconfig")
        code, found = client("GET", CONFIGMAPS + OURS)
        assert code == 200, found
        present = {item["metadata"]["name"]: item["data"]["value"] for item in found["items"]}
        revision = int(found["metadata"]["resourceVersion"])
        assert revision >= self.highest, f"round {number}: revision {revision} after {self.highest} was seen"
        for name, value in self.sure.items():
            assert value == "?" or present.get(name) == value, f"round {number}: {name} is {present.get(name)}"
        uid = client("GET", "/api/v1/namespaces/kube-system")[1]["metadata"]["uid"]
        assert uid == self.uid or not number
        self.uid, self.watched = uid, self.watched or revision
        self.highest = revision
        return present

    def note(self, watch: Watch, writers: list[Writer]) -> None:
        """Remember what clients were told before the server died."""
        watch.join(60)
        assert not watch.problem, watch.problem
        self.watched = watch.revision
        self.highest = max(self.highest, self.watched)
        for writer in writers:
            writer.join(60)
            self.count += len(writer.sure)
            self.highest = max(self.highest, writer.revision)
            # What was under way may have happened or not.
            self.sure |= writer.sure | dict.fromkeys(writer.open, "?")

    def finish(self, number: int) -> None:
        """All that a watch has told, over all restarts, is what there is."""
        server = Process(self.folder, self.port, "--speed", "5")
        try:
            present = self.check(number)
            watch = Watch(self.folder / "kubeconfig", self.watched, self.seen)
            watch.start()
            until(lambda: self.seen == present, seconds=30)
            assert self.seen == present, sorted(set(self.seen) ^ set(present))[:5]
            assert not watch.problem
            nodes = Client(self.folder / "kubeconfig")("GET", "/api/v1/nodes")[1]["items"]
            ready = [
                each["status"] for node in nodes for each in node["status"]["conditions"] if each["type"] == "Ready"
            ]
            assert ready == ["True"] * 3
        finally:
            server.kill(signal.SIGTERM)
        assert server.process.returncode == 0


def kill_and_restart(folder: Path, rounds: int, seed: int = 1) -> int:
    """Returns how many writes were acknowledged."""
    trial = Trial(folder, seed)
    for number in range(rounds):
        trial.round(number)
    trial.finish(rounds)
    return trial.count


def test_nothing_acknowledged_is_lost_when_killed_under_load(tmp_path: Path) -> None:
    assert kill_and_restart(tmp_path / "data", rounds=3) > 50


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        count = kill_and_restart(Path(folder) / "data", int(sys.argv[1]), seed=int(time.time()))
        print(f"{count} acknowledged writes, {sys.argv[1]} kills, {time.monotonic() - began:.0f} s")

"""A session on an API server alone: no controllers, no nodes, so that nothing changes but by the commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from k8slab.api.codec import from_dict
from k8slab.apiserver import APIServer
from k8slab.client import Client
from k8slab.etcd.store import Store
from k8slab.kubectl import Result, run
from k8slab.sim.clock import Clock
from k8slab.sim.seed import Streams
from k8slab.sim.trace import Trace


class Session:
    """What kubectl needs, on a server of its own."""

    def __init__(self) -> None:
        self.clock = Clock()
        trace = Trace(self.clock)
        self.server = APIServer(Store(), self.clock, Streams(7), trace)
        self.server.bootstrap()
        self.client = Client(self.server.handle, self.clock, trace)
        self.namespace = "default"
        account = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "default", "namespace": "default"},
        }
        self.client.create(from_dict(account))

    def run_until(self, predicate: Callable[[], object], timeout_us: int) -> bool:
        deadline = self.clock.now + timeout_us
        while not predicate():
            following = self.clock.next_time()
            if following is None or following > deadline:
                self.clock.run_until(deadline)
                return bool(predicate())
            self.clock.run_until(following)
        return True

    def read_file(self, path: str) -> str:
        return Path(path).read_text(encoding="utf-8")


@pytest.fixture
def session() -> Session:
    return Session()


@pytest.fixture
def kubectl(session: Session) -> Callable[..., Result]:
    def call(command: Any, stdin: str = "") -> Result:
        return run(command, session, stdin)

    return call

from __future__ import annotations

from typing import Any

import pytest

from k8slab.api.request import MERGE_PATCH, Options, Request, Response, WatchEvent
from k8slab.apiserver import APIServer
from k8slab.etcd.store import Store
from k8slab.sim.clock import MILLISECOND, Clock
from k8slab.sim.seed import Streams
from k8slab.sim.trace import Trace


class Lab:
    """An API server with shorthands; keyword arguments that are no part of a Request are options."""

    def __init__(self, seed: int = 7, **options: Any) -> None:
        self.clock = Clock()
        self.store = Store()
        self.trace = Trace(self.clock)
        self.server = APIServer(self.store, self.clock, Streams(seed), self.trace, **options)
        self.server.bootstrap()
        self.create("serviceaccounts", {"metadata": {"name": "default"}})

    def send(self, verb: str, resource: str, name: str | None = None, body: Any = None, **more: Any) -> Response:
        known = set(Request.__struct_fields__)
        options = Options(**{key: value for key, value in more.items() if key not in known})
        fields = {key: value for key, value in more.items() if key in known}
        fields.setdefault("namespace", "default")
        plural, _, group = resource.partition(".")
        version = fields.pop("version", "v1")
        return self.server.handle(
            Request(
                verb=verb,
                resource=plural,
                group=group,
                version=version,
                name=name,
                body=body,
                options=options,
                **fields,
            )
        )

    def ok(self, verb: str, resource: str, name: str | None = None, body: Any = None, **more: Any) -> Any:
        response = self.send(verb, resource, name, body, **more)
        assert response.is_success, response.body
        return response.body

    def create(self, resource: str, body: Any, **more: Any) -> Any:
        return self.ok("create", resource, None, body, **more)

    def get(self, resource: str, name: str, **more: Any) -> Any:
        return self.ok("get", resource, name, **more)

    def patch(self, resource: str, name: str, body: Any, **more: Any) -> Any:
        return self.ok("patch", resource, name, body, content_type=MERGE_PATCH, **more)

    def pod(self, name: str, node: str = "", **spec: Any) -> Any:
        containers = [{"name": "c", "image": "app:1"}]
        spec = {"containers": containers, **spec} | ({"nodeName": node} if node else {})
        return self.create("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})

    def watch(self, resource: str, **more: Any) -> list[WatchEvent]:
        events: list[WatchEvent] = []
        self.ok("watch", resource, sink=events.append, **more)
        return events

    def settle(self) -> None:
        self.clock.run_for(10 * MILLISECOND)


@pytest.fixture
def lab() -> Lab:
    return Lab()

"""A clock, an API server and a client, as tests of clients and controllers need them."""

from __future__ import annotations

from typing import Any

from k8slab.api.codec import from_dict
from k8slab.apiserver import APIServer
from k8slab.client import Client
from k8slab.etcd.store import Store
from k8slab.sim.clock import Clock
from k8slab.sim.seed import Streams
from k8slab.sim.trace import Trace


class World:
    """The parts below clients."""

    def __init__(self, watch_latency: int = 1_000) -> None:
        self.clock = Clock()
        self.trace = Trace(self.clock)
        self.streams = Streams(7)
        self.store = Store()
        self.server = APIServer(self.store, self.clock, self.streams, self.trace, watch_latency=watch_latency)
        self.server.bootstrap()
        self.client = Client(self.server.handle, self.clock, self.trace, user_agent="test")
        self.down = False

    def handle(self, request: Any) -> Any:
        """The server's handle, unless it is down."""
        from k8slab.api.request import Response
        from k8slab.errors import service_unavailable

        if self.down:
            error = service_unavailable("the server is currently unable to handle the request")
            return Response(error.code, error.status())
        return self.server.handle(request)


def config_map(name: str, **data: str) -> Any:
    return from_dict({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})


class Log:
    """Collects what handlers are told; picklable."""

    def __init__(self) -> None:
        self.lines: list[tuple[Any, ...]] = []

    def added(self, obj: Any) -> None:
        self.lines.append(("add", obj.metadata.name))

    def updated(self, old: Any, new: Any) -> None:
        self.lines.append(("update", old.data, new.data))

    def deleted(self, obj: Any) -> None:
        self.lines.append(("delete", obj.metadata.name))


def by_color(obj: Any) -> tuple[str, ...]:
    color = (obj.data or {}).get("color")
    return (color,) if color else ()

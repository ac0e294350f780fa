"""A control plane with fake kubelets, for tests of controllers."""

from __future__ import annotations

from typing import Any

from k8slab.api.codec import from_dict
from k8slab.client import Client
from k8slab.controllers import ControllerManager
from k8slab.sim.clock import SECOND
from tests.client.world import World
from tests.golden.controllers.kubelets import World as Kubelets


class Lab(World):
    """API server, all controllers, a binder and kubelets that run everything."""

    def __init__(self, nodes: int = 3, watch_latency: int = 1_000, **options: Any) -> None:
        super().__init__(watch_latency)
        client = Client(self.handle, self.clock, self.trace, user_agent="kube-controller-manager")
        self.manager = ControllerManager(client, self.clock, self.streams, self.trace, **options)
        self.kubelets = Kubelets(self.client, self.clock, {}, self.name_of)
        self.manager.start()
        for number in range(1, nodes + 1):
            self.kubelets.join(f"worker-{number}", f"192.168.0.{number}", {"kubernetes.io/os": "linux"}, [])
        self.run(5)

    def name_of(self, pod: Any) -> str:
        return pod.metadata.name

    def run(self, seconds: float) -> None:
        self.clock.run_for(int(seconds * SECOND))

    def apply(self, kind: str, name: str, spec: dict[str, Any], api: str = "apps/v1", **more: Any) -> Any:
        metadata = {"name": name, **more.pop("metadata", {})}
        body = {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec, **more}
        return self.client.create(from_dict(body), "default")

    def deployment(self, name: str = "web", replicas: int = 3, image: str = "app:1", **spec: Any) -> Any:
        return self.apply("Deployment", name, {"replicas": replicas, **workload(name, image), **spec})

    def pods(self, **labels: str) -> list[Any]:
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        return list(self.client.list("pods", "default", label_selector=selector).items)

    def get(self, resource: str, name: str) -> Any:
        return self.client.get(resource, name, "default")

    def events(self, reason: str) -> list[str]:
        return [e.message for e in self.client.list("events").items if e.reason == reason]


def workload(name: str, image: str = "app:1", **pod_spec: Any) -> dict[str, Any]:
    return {
        "selector": {"matchLabels": {"app": name}},
        "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "c", "image": image}], **pod_spec},
        },
    }

"""How fast the API server works in process: `python -m benchmarks.apiserver [COUNT]`.

Prints microseconds of CPU time per request, with five watchers of Pods and events delivered at the end of each step.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import process_time

from k8slab.api.core_v1 import (
    ConfigMap,
    Container,
    Pod,
    PodCondition,
    PodSpec,
    PodStatus,
    ResourceRequirements,
    ServiceAccount,
)
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.request import Options, Request, WatchEvent
from k8slab.apiserver import APIServer
from k8slab.etcd.store import Store
from k8slab.sim.clock import SECOND, Clock
from k8slab.sim.seed import Streams
from k8slab.sim.trace import Trace

WATCHERS = 5
NODES = 500


class Bench:
    """A server with watchers, and the requests of a Pod's life."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.clock = Clock()
        self.server = APIServer(Store(), self.clock, Streams(7), Trace(self.clock))
        self.server.bootstrap()
        self.server.create(ServiceAccount(metadata=ObjectMeta(name="default", namespace="default")))
        self.seen = 0
        for _ in range(WATCHERS):
            self.server.handle(Request(verb="watch", resource="pods", sink=self.see))
        for node in range(NODES):
            options = Options(field_selector=f"spec.nodeName=node-{node}")
            self.server.handle(Request(verb="watch", resource="pods", sink=self.see, options=options))
        resources = ResourceRequirements(requests={"cpu": "100m", "memory": "64Mi"})
        self.spec = PodSpec(containers=(Container(name="app", image="registry.example/app:1.0", resources=resources),))

    def see(self, event: WatchEvent) -> None:
        self.seen += 1

    def send(self, request: Request) -> object:
        response = self.server.handle(request)
        if response.code >= 400:
            raise SystemExit(response.body["message"])
        return response.body

    def measure(self, name: str, step: Callable[[int], object]) -> None:
        start = process_time()
        for index in range(self.count):
            step(index)
        self.clock.run_for(SECOND)
        spent = process_time() - start
        print(f"{name:28} {spent / self.count * 1e6:8.1f} us {self.count / spent:10.0f} /s")

    def create_config_map(self, index: int) -> object:
        obj = ConfigMap(metadata=ObjectMeta(name=f"c-{index}", namespace="default"), data={"k": "v"})
        return self.send(Request(verb="create", resource="configmaps", namespace="default", body=obj))

    def create_pod(self, index: int) -> object:
        labels = {"app": "web"}
        obj = Pod(metadata=ObjectMeta(name=f"p-{index}", namespace="default", labels=labels), spec=self.spec)
        return self.send(Request(verb="create", resource="pods", namespace="default", body=obj))

    def get_pod(self, index: int) -> object:
        return self.send(Request(verb="get", resource="pods", namespace="default", name=f"p-{index}"))

    def bind_pod(self, index: int) -> object:
        name = f"p-{index}"
        body = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}}
        body["target"] = {"kind": "Node", "name": f"node-{index % NODES}"}
        where = {"resource": "pods", "subresource": "binding", "namespace": "default", "name": name}
        return self.send(Request(verb="create", body=body, **where))

    def update_status(self, index: int) -> object:
        pod = self.get_pod(index)
        ready = PodCondition(type="Ready", status="True", lastTransitionTime=self.clock.rfc3339())
        pod = pod.replace(
            status=PodStatus(phase="Running", podIP="10.244.0.9", conditions=(ready,), qosClass="Burstable")
        )
        where = {"resource": "pods", "subresource": "status", "namespace": "default", "name": f"p-{index}"}
        return self.send(Request(verb="update", body=pod, **where))

    def patch_status(self, index: int) -> object:
        body = {"status": {"podIP": "10.244.0.10"}}
        where = {"resource": "pods", "subresource": "status", "namespace": "default", "name": f"p-{index}"}
        content_type = "application/strategic-merge-patch+json"
        return self.send(Request(verb="patch", body=body, content_type=content_type, **where))

    def delete_pod(self, index: int) -> object:
        options = Options(grace_period_seconds=0)
        return self.send(
            Request(verb="delete", resource="pods", namespace="default", name=f"p-{index}", options=options)
        )


def main(count: int = 5000) -> None:
    """Measure every step on so many objects."""
    bench = Bench(count)
    print(f"{count} objects, {WATCHERS} watchers of all Pods, {NODES} of one node each")
    steps = (
        bench.create_config_map,
        bench.create_pod,
        bench.get_pod,
        bench.bind_pod,
        bench.update_status,
        bench.patch_status,
        bench.delete_pod,
    )
    for step in steps:
        bench.measure(step.__name__.replace("_", " "), step)
    print(f"{bench.seen} events seen")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)

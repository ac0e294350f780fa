"""Nodes, Pods and clusters for the scheduler's tests."""

from __future__ import annotations

from typing import Any

from k8slab.api.codec import from_dict
from k8slab.api.request import UserInfo
from k8slab.apiserver import APIServer
from k8slab.client import Client
from k8slab.etcd.store import Store
from k8slab.scheduler import Scheduler
from k8slab.scheduler.cache import Cache
from k8slab.scheduler.nodeinfo import NodeInfo
from k8slab.sim.clock import MILLISECOND, SECOND, Clock
from k8slab.sim.seed import Streams
from k8slab.sim.trace import Trace

ADMISSION = ["NamespaceLifecycle", "Priority", "DefaultTolerationSeconds", "RuntimeClass"]


def node_dict(name: str, zone: str = "", cpu: str = "4", memory: str = "8Gi", **more: Any) -> dict[str, Any]:
    labels = {"kubernetes.io/hostname": name, **more.pop("labels", {})}
    if zone:
        labels["topology.kubernetes.io/zone"] = zone
    capacity = {"cpu": cpu, "memory": memory, "pods": str(more.pop("pods", 110)), **more.pop("capacity", {})}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {key: more[key] for key in ("taints", "unschedulable") if key in more},
        "status": {"capacity": capacity, "allocatable": capacity, "images": more.get("images", [])},
    }


def pod_dict(name: str, cpu: str = "", memory: str = "", labels: Any = None, **spec: Any) -> dict[str, Any]:
    requests = {key: value for key, value in (("cpu", cpu), ("memory", memory)) if value}
    container: dict[str, Any] = {"name": "c", "image": "app:1", "resources": {"requests": requests}}
    if "ports" in spec:
        container["ports"] = spec.pop("ports")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": spec.pop("namespace", "default"), "labels": labels or {}},
        "spec": {"containers": [container], **spec},
    }


def node(name: str, zone: str = "", **more: Any) -> Any:
    return from_dict(node_dict(name, zone, **more))


def pod(name: str, cpu: str = "", memory: str = "", **more: Any) -> Any:
    made = from_dict(pod_dict(name, cpu, memory, **more))
    return made.replace(metadata=made.metadata.replace(uid=f"uid-{name}"))


def node_info(cpu: str, memory: str, *pods: Any) -> NodeInfo:
    info = NodeInfo("n")
    info.set_node(node("n", cpu=cpu, memory=memory))
    cache = Cache()
    for one in pods:
        info.add_pod(cache.interner.info(one, "n"))
    return info


class Lab:
    """An API server and a scheduler."""

    def __init__(self, *nodes: dict[str, Any], seed: int = 7, **options: Any) -> None:
        self.clock = Clock()
        self.trace = Trace(self.clock)
        streams = Streams(seed)
        self.server = APIServer(Store(), self.clock, streams, self.trace, admission=ADMISSION)
        self.server.bootstrap()
        self.client = Client(self.server.handle, self.clock, self.trace)
        user = UserInfo(name="system:kube-scheduler")
        component = Client(self.server.handle, self.clock, self.trace, user=user, user_agent="kube-scheduler")
        for name, value in (("low", 100), ("high", 1000)):
            group = "scheduling.k8s.io/v1"
            metadata = {"name": name}
            self.client.create({"apiVersion": group, "kind": "PriorityClass", "metadata": metadata, "value": value})
        self.create(*nodes)
        self.scheduler = Scheduler(component, self.clock, streams, self.trace, **options)
        self.scheduler.start()

    def create(self, *objects: dict[str, Any]) -> None:
        for one in objects:
            self.client.create(one)

    def run(self, milliseconds: int = 50) -> None:
        self.clock.run_for(milliseconds * MILLISECOND)

    def seconds(self, seconds: float) -> None:
        self.clock.run_for(int(seconds * SECOND))

    def pod(self, name: str) -> Any:
        return self.client.get("pods", name, "default")

    def node_of(self, name: str) -> str:
        return self.pod(name).spec.nodeName or ""

    def condition(self, name: str) -> Any:
        return next((one for one in self.pod(name).status.conditions or () if one.type == "PodScheduled"), None)

    def events(self, name: str) -> list[Any]:
        found = [one for one in self.client.list("events").items if one.involvedObject.name == name]
        return sorted(found, key=lambda one: int(one.metadata.resourceVersion))

"""A small real cluster without scheduler and controllers: an API server, and kubelets as tests want them."""

import pytest

from k8slab.api import codec
from k8slab.api.request import UserInfo
from k8slab.apiserver import APIServer
from k8slab.client import Client
from k8slab.etcd.store import Store
from k8slab.kubelet import ImageRegistry, Kubelet, NodeSpec
from k8slab.network.cni import CNI
from k8slab.sim.clock import SECOND, Clock
from k8slab.sim.seed import Streams
from k8slab.sim.trace import Trace

ADMISSION = ["NamespaceLifecycle", "Priority", "DefaultTolerationSeconds"]


class Bench:
    """An API server with kubelets; `apply` binds Pods to `worker-1` unless they say otherwise."""

    def __init__(self, nodes=("worker-1",), preload=("nginx", "busybox"), admission=ADMISSION, **spec):
        self.clock = Clock(start=-20 * SECOND)
        self.streams = Streams(7)
        self.trace = Trace(self.clock)
        self.store = Store()
        self.server = APIServer(self.store, self.clock, self.streams, self.trace, admission=admission)
        self.server.bootstrap()
        self.client = Client(self.server.handle, self.clock, self.trace)
        self.images = ImageRegistry()
        self.cni = CNI(self.streams)
        self.kubelets = {}
        self.history = {}
        self.client.watch("pods", self._seen)
        for name in nodes:
            self.add_node(NodeSpec(name, images=tuple(preload), **spec))
        self.clock.run_until(0)

    def add_node(self, spec):
        user = UserInfo(name=f"system:node:{spec.name}", groups=("system:nodes", "system:authenticated"))
        client = Client(self.server.handle, self.clock, self.trace, user=user, user_agent=f"kubelet/{spec.name}")
        kubelet = Kubelet(spec, client, self.clock, self.streams, self.trace, self.images, self.cni)
        self.kubelets[spec.name] = kubelet
        kubelet.start()
        return kubelet

    @property
    def kubelet(self):
        return next(iter(self.kubelets.values()))

    def _seen(self, event):
        metadata = event.object.metadata
        self.history.setdefault(metadata.name, []).append((self.clock.now, event.type, event.object))

    def apply(self, text):
        made = []
        for obj in codec.decode_yaml(text):
            if obj.kind == "Pod" and not obj.spec.nodeName:
                obj = obj.replace(spec=obj.spec.replace(nodeName="worker-1"))
            made.append(self.client.create(obj, "default"))
        return made[0]

    def pod(self, name="web", **spec):
        """Create a Pod with one container from keyword arguments."""
        container = {"name": "main", "image": "nginx", **spec.pop("container", {})}
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "default", "labels": {"app": name}},
            "spec": {"nodeName": "worker-1", "containers": [container], **spec},
        }
        return self.client.create(codec.from_dict(body))

    def script(self, text, name="job", **spec):
        """Create a Pod that runs a shell script."""
        container = {"image": "busybox", "command": ["sh", "-c", text], "imagePullPolicy": "IfNotPresent"}
        container.update(spec.pop("container", {}))
        return self.pod(name, container=container, **spec)

    def get(self, name="web"):
        return self.client.get("pods", name, "default")

    def gone(self, name="web"):
        return not any(pod.metadata.name == name for pod in self.client.list("pods", "default").items)

    def run(self, seconds):
        self.clock.run_for(round(seconds * SECOND))

    def until(self, predicate, seconds=600):
        """Run until the predicate holds; returns the seconds since the start of the lab."""
        end = self.clock.now + seconds * SECOND
        while not predicate():
            if self.clock.now >= end or not self.clock.step():
                raise AssertionError(f"does not happen within {seconds} s")
        return self.clock.now / SECOND

    def state(self, name="web", index=0):
        """The container's state as one word."""
        statuses = self.get(name).status.containerStatuses
        if not statuses:
            return ""
        state = statuses[index].state
        if state.running:
            return "running"
        return (state.waiting or state.terminated).reason

    def condition(self, name, type_):
        return next(c for c in self.get(name).status.conditions if c.type == type_)

    def events(self, name="web", reason=None):
        found = [e for e in self.client.list("events", "default").items if e.involvedObject.name == name]
        return [e for e in found if reason is None or e.reason == reason]

    def messages(self, name="web", reason=None):
        return [e.message for e in self.events(name, reason)]

    def changes(self, name, value):
        """How a value drawn from the Pod changed: [(seconds, value), ...]."""
        found = []
        for at, kind, pod in self.history.get(name, []):
            now = "DELETED" if kind == "DELETED" else value(pod)
            if not found or found[-1][1] != now:
                found.append((at / SECOND, now))
        return found


@pytest.fixture
def bench():
    return Bench()

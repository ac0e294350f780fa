"""metrics-server: what nodes and Pods use, for `kubectl top`, autoscalers and whoever asks metrics.k8s.io.

The real one asks all kubelets every 15 seconds. This one works out what it would have seen when somebody wants to know,
so that a cluster where nobody asks pays nothing for it. Follows metrics-server `pkg/api`, `pkg/storage`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from k8slab.api.apiregistration_v1 import APIService, APIServiceSpec, ServiceReference
from k8slab.api.core_v1 import Pod
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.metrics_v1beta1 import ContainerMetrics, NodeMetrics, PodMetrics
from k8slab.api.rbac_v1 import ClusterRole, PolicyRule
from k8slab.api.request import ListBody
from k8slab.api.scheme import Resource
from k8slab.cluster.adapter import CUSTOM, EXTERNAL, Adapter
from k8slab.cluster.load import Loads
from k8slab.controllers.podautoscaler import MetricsError, NoMetrics, Sample
from k8slab.errors import not_found
from k8slab.kubelet import Kubelet
from k8slab.kubelet.usage import SYSTEM_CPU, Got, processors, system_memory
from k8slab.sim.clock import SECOND, Clock
from k8slab.sim.timestamps import rfc3339

if TYPE_CHECKING:
    from k8slab.apiserver import APIServer

RESOLUTION = 15 * SECOND
"""Time between two rounds; a usage is worked out from two of them."""
WINDOW = "15s"
GROUP, VERSION = "metrics.k8s.io", "v1beta1"
NAME = f"{VERSION}.{GROUP}"
READ = ("get", "list")
NODES = Resource(
    group=GROUP, version=VERSION, kind="NodeMetrics", plural="nodes", singular="node", namespaced=False, verbs=READ
)
PODS = Resource(
    group=GROUP, version=VERSION, kind="PodMetrics", plural="pods", singular="pod", namespaced=True, verbs=READ
)
READER = ClusterRole(
    metadata=ObjectMeta(
        name="system:aggregated-metrics-reader",
        labels={
            "k8s-app": "metrics-server",
            "rbac.authorization.k8s.io/aggregate-to-admin": "true",
            "rbac.authorization.k8s.io/aggregate-to-edit": "true",
            "rbac.authorization.k8s.io/aggregate-to-view": "true",
        },
    ),
    rules=(PolicyRule(apiGroups=(GROUP,), resources=("pods", "nodes"), verbs=("get", "list", "watch")),),
)
SERVICE = APIService(
    metadata=ObjectMeta(name=NAME, labels={"k8s-app": "metrics-server"}),
    spec=APIServiceSpec(
        group=GROUP,
        version=VERSION,
        groupPriorityMinimum=100,
        versionPriority=100,
        insecureSkipTLSVerify=True,
        service=ServiceReference(namespace="kube-system", name="metrics-server", port=443),
    ),
)


class MetricsServer(NoMetrics):
    """Usage of processors and memory; custom and external metrics are those that learners provide (`adapter`).

    Args:
        clock: the lab's.
        kubelets: by node.
        server: knows Pods, Nodes and APIServices, and passes requests for metrics.k8s.io on.
    """

    resources: tuple[Resource, ...] = (NODES, PODS)

    def __init__(self, clock: Clock, kubelets: dict[str, Kubelet], server: APIServer) -> None:
        self.clock = clock
        self.kubelets = kubelets
        self.server = server
        self.loads = Loads(kubelets)
        self.running = False
        self.adapter: Adapter | None = None
        server.aggregator.register(self)

    # -- the hosted process -----------------------------------------------------------------------------------------

    @property
    def hosted(self) -> bool:
        """It runs beside the control plane; otherwise Pods of a learner's have to."""
        return self.running

    # -- what autoscalers ask ---------------------------------------------------------------------------------------

    def resource(self, name: str, namespace: str, pods: Iterable[Pod], container: str) -> dict[str, Sample]:
        """Usage of `cpu` or `memory`, by the Pod's name; Pods that did not run for two rounds are left out."""
        if not self.server.aggregator.serves(GROUP):
            problem = "the server is currently unable to handle the request"
            if GROUP not in self.server.aggregator.groups:
                return super().resource(name, namespace, pods, container)
            raise MetricsError(f"unable to fetch metrics from resource metrics API: {problem} (get pods.{GROUP})")
        round_ = Round(self, self.round_at)
        found: dict[str, Sample] = {}
        for pod in pods:
            amounts = [
                got.millicores if name == "cpu" else memory * 1000
                for one, got, memory in round_.containers(pod)
                if not container or one == container
            ]
            if amounts:
                found[pod.metadata.name] = Sample(sum(amounts), self.round_at + self.clock.epoch, RESOLUTION)
        return found

    def of_pods(self, name: str, namespace: str, pods: Iterable[Pod], selector: str) -> dict[str, Sample]:
        """A metric that Pods have themselves, as learners say."""
        if self.adapter is None or not self.adapter.serves(CUSTOM[0]):
            return super().of_pods(name, namespace, pods, selector)
        return self.adapter.of_pods(name, namespace, pods)

    def of_object(self, name: str, namespace: str, about: Any, selector: str) -> Sample:
        """A metric of some object, as learners say."""
        if self.adapter is None or not self.adapter.serves(CUSTOM[0]):
            return super().of_object(name, namespace, about, selector)
        return self.adapter.of_object(name, namespace, about)

    def external(self, name: str, namespace: str, selector: str) -> list[int]:
        """A metric from outside of the cluster, as learners say."""
        if self.adapter is None or not self.adapter.serves(EXTERNAL[0]):
            return super().external(name, namespace, selector)
        return self.adapter.outside(name, namespace, selector)

    @property
    def round_at(self) -> int:
        """Lab time of the last round."""
        return self.clock.now - self.clock.now % RESOLUTION

    # -- metrics.k8s.io ---------------------------------------------------------------------------------------------

    def answer(self, call: Any) -> Any:
        """The body of the answer to `get` and `list`. Raises ApiError (NotFound) for what has not been measured."""
        is_pods = call.endpoint.plural == "pods"
        measure = self._pod if is_pods else self._node
        round_ = Round(self, self.round_at)
        if call.request.verb == "list":
            items = [measure(obj, round_) for obj in self._wanted(call)]
            return ListBody(
                items=tuple(each for each in items if each is not None),
                resourceVersion="",
                kind=call.endpoint.list_kind,
                apiVersion=call.endpoint.api_version,
            )
        obj = self.server.peek(call.endpoint.plural, call.name, call.namespace)
        found = measure(obj, round_) if obj is not None else None
        if found is None:
            named = f"{call.namespace}/{call.name}" if is_pods else call.name
            raise not_found(f"{call.endpoint.kind.lower()}.{GROUP}" if is_pods else f"nodemetrics.{GROUP}", named)
        return found

    def _wanted(self, call: Any) -> list[Any]:
        from k8slab.apiserver.selection import selection_for

        options = call.options
        selection = selection_for(call.endpoint.resource, options.label_selector, options.field_selector)
        found = self.server.peek_all(call.endpoint.plural, call.namespace)
        return [obj for obj in found if selection is None or selection.matches(obj)]

    def _metadata(self, obj: Any) -> ObjectMeta:
        metadata = obj.metadata
        return ObjectMeta(
            name=metadata.name,
            namespace=metadata.namespace,
            labels=metadata.labels,
            creationTimestamp=self.clock.rfc3339(),
        )

    def _pod(self, pod: Pod, round_: Round) -> PodMetrics | None:
        if pod.status is None or pod.status.phase != "Running":
            return None
        found = round_.containers(pod)
        if not found:
            return None
        containers = [ContainerMetrics(name=name, usage=_usage(got.millicores, memory)) for name, got, memory in found]
        return PodMetrics(
            metadata=self._metadata(pod), timestamp=round_.time, window=WINDOW, containers=tuple(containers)
        )

    def _node(self, node: Any, round_: Round) -> NodeMetrics | None:
        kubelet = self.kubelets.get(node.metadata.name)
        if kubelet is None or not kubelet.running or not kubelet.registered:
            return None
        cores = SYSTEM_CPU + sum(got.millicores for got in round_.processors(kubelet).values())
        memory = system_memory(kubelet.memory_capacity) + sum(used for _, used in kubelet.usage(round_.at).values())
        return NodeMetrics(
            metadata=self._metadata(node), timestamp=round_.time, window=WINDOW, usage=_usage(cores, memory)
        )


class Round:
    """One round of measurement: each node is looked at once."""

    def __init__(self, metrics: MetricsServer, at: int) -> None:
        self.metrics = metrics
        self.at = at
        self.time = rfc3339(metrics.clock.epoch + at)
        self._loads: Mapping[str, float] | None = None
        self._processors: dict[str, dict[str, Got]] = {}

    def processors(self, kubelet: Kubelet) -> dict[str, Got]:
        """What the containers of a node use of its processors, by container ID."""
        if self._loads is None:
            self._loads = self.metrics.loads.at(self.at)
        found = self._processors.get(kubelet.node.name)
        if found is None:
            found = self._processors[kubelet.node.name] = processors(kubelet, self.at, self._loads)
        return found

    def containers(self, pod: Pod) -> list[tuple[str, Got, int]]:
        """Name, processors and bytes of each container; nothing if one of them was not seen twice."""
        kubelet = self.metrics.kubelets.get(pod.spec.nodeName or "")
        worker: Any = kubelet.workers.get(pod.metadata.uid) if kubelet is not None and kubelet.running else None
        if worker is None and kubelet is not None and kubelet.running:
            worker = kubelet.find(pod.metadata.namespace, pod.metadata.name)  # a mirror Pod has another uid
        running = [c for c in worker.containers if c.state == "running"] if worker is not None else []
        if not running or any(one.started_at > self.at - RESOLUTION for one in running):
            return []
        used = self.processors(kubelet)
        return [(one.name, used[one.id], one.process.memory(self.at)) for one in running]


class MetricsProcess:
    """The metrics-server of a lab: it runs outside of the cluster, as control planes of managed clusters do."""

    def __init__(self, metrics: MetricsServer) -> None:
        self.metrics = metrics
        self.installed = False

    def start(self) -> None:
        """Start serving; the first time, the API server is told."""
        self.metrics.running = True
        server = self.metrics.server
        if not self.installed:
            self.installed = True
            with server.trace.acting("metrics-server", (), "metrics.k8s.io is served by metrics-server"):
                for obj in (READER, SERVICE):
                    server.create(obj)
        server.aggregator.reconsider()

    def stop(self) -> None:
        """Stop serving."""
        self.crash()

    def crash(self) -> None:
        """The process dies: the API is not available."""
        self.metrics.running = False
        self.metrics.server.aggregator.reconsider()


def _usage(millicores: int, memory: int) -> dict[str, Any]:
    return {"cpu": f"{millicores * 1_000_000}n" if millicores else "0", "memory": f"{memory // 1024}Ki"}

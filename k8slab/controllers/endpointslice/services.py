"""What EndpointSlice and Endpoints controllers share: which Services a Pod belongs to, its ports, what triggered.

Follows staging/src/k8s.io/endpointslice (util, trigger_time_tracker.go) and pkg/controller/util/endpoint.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from k8slab.api.core_v1 import Pod, Service, ServicePort
from k8slab.client import Request
from k8slab.controllers import pods as podlib
from k8slab.controllers.controller import Controller

HEADLESS_LABEL = "service.kubernetes.io/headless"
TRIGGER_ANNOTATION = "endpoints.kubernetes.io/last-change-trigger-time"


POD_EFFORT = 20
"""Microseconds that a sync spends on each Pod of its Service (copies, hashes, sorting): what happens while the
controller is busy with a large Service is answered together."""


class Backend(Struct, frozen=True):
    """What a Service makes of a Pod: the controller's own `value` (None for no place), and since when it is ready."""

    pod: Pod
    since: str
    value: Any


class ServiceController(Controller):
    """Queues the Services whose Pods change, and remembers what they make of each until it changes again."""

    def setup(self) -> None:
        """Watch Services and Pods."""
        self.triggers = Triggers()
        self._backends: dict[Request, tuple[Any, dict[str, Backend]]] = {}
        self.services = self.informer("services")
        self.services.add_handler(self.enqueue, self.enqueue_new, self.enqueue)
        self.pods = self.informer("pods")
        self.pods.add_index("labels", label_pairs)
        self.pods.add_handler(self._pod_changed, self._pod_updated, self._pod_changed)

    def reset(self) -> None:
        """What triggered is in memory only."""
        self.triggers.clear()
        self._backends.clear()

    def forget(self, request: Request) -> None:
        """The Service is gone."""
        self.triggers.forget(request)
        self._backends.pop(request, None)

    def value_of(self, service: Service, pod: Pod) -> Any:
        """What the controller makes of a Pod; None where it has no place. Depends on nothing else."""
        raise NotImplementedError

    def backends(self, service: Service) -> list[Backend]:
        """What the controller makes of each Pod that the Service selects; only changed Pods are looked at anew."""
        request = Request(service.metadata.namespace, service.metadata.name)
        spec, known = self._backends.get(request, (None, {}))
        if spec is not service.spec:
            known = {}
        found: dict[str, Backend] = {}
        for pod in self.selected(service):
            backend = known.get(pod.metadata.uid)
            if backend is None or backend.pod is not pod:
                backend = Backend(pod, _ready_since(pod), self.value_of(service, pod))
            found[pod.metadata.uid] = backend
        self._backends[request] = (service.spec, found)
        self.loop.effort += POD_EFFORT * len(found)
        return list(found.values())

    def _pod_changed(self, pod: Pod) -> None:
        for service in self.services.list(pod.metadata.namespace):
            if selects(service, pod):
                self.enqueue(service)

    def _pod_updated(self, old: Pod, new: Pod) -> None:
        if old.metadata.labels != new.metadata.labels:
            self._pod_changed(old)
        elif shown(old) == shown(new):
            return
        self._pod_changed(new)

    def selected(self, service: Service) -> list[Pod]:
        """The Pods that a Service selects."""
        wanted = service.spec.selector or {}
        if not wanted:
            return []
        namespace = service.metadata.namespace
        rarest = min((self.pods.by_index("labels", (namespace, key, value)) for key, value in wanted.items()), key=len)
        return [pod for pod in rarest if wanted.items() <= (pod.metadata.labels or {}).items()]


class Triggers:
    """When what changed since the last look (EndpointLastChangeTriggerTime)."""

    def __init__(self) -> None:
        self._seen: dict[Request, tuple[str, dict[str, str]]] = {}

    def next(self, service: Service, backends: list[Backend]) -> str:
        """The time of the earliest change not seen yet, or ""."""
        key = Request(service.metadata.namespace, service.metadata.name)
        known = self._seen.get(key)
        times = {backend.pod.metadata.name: backend.since for backend in backends if backend.since}
        created = service.metadata.creationTimestamp or ""
        self._seen[key] = (created, times)
        if known is None:
            return created
        changed = [stamp for name, stamp in times.items() if stamp > known[1].get(name, "")]
        if created > known[0]:
            changed.append(created)
        return min(changed, default="")

    def forget(self, request: Request) -> None:
        """The Service is gone."""
        self._seen.pop(request, None)

    def clear(self) -> None:
        """Forget everything."""
        self._seen.clear()


def label_pairs(pod: Pod) -> tuple[tuple[str, str, str], ...]:
    """Index function: namespace, key and value of each label."""
    namespace = pod.metadata.namespace
    return tuple((namespace, key, value) for key, value in (pod.metadata.labels or {}).items())


def selects(service: Service, pod: Pod) -> bool:
    """Whether the Service selects the Pod."""
    wanted = service.spec.selector
    return bool(wanted) and wanted.items() <= (pod.metadata.labels or {}).items()


def shown(pod: Pod) -> tuple[Any, ...]:
    """All of a Pod that its endpoint shows: other changes do not matter (podEndpointsChanged)."""
    status = pod.status
    return (
        pod.metadata.deletionTimestamp is not None,
        status.phase if podlib.is_terminal(pod) else "",
        podlib.is_ready(pod),
        status.podIP,
        status.podIPs,
        pod.spec.nodeName,
        pod.spec.hostname,
        pod.spec.subdomain,
    )


def _ready_since(pod: Pod) -> str:
    ready = podlib.condition(pod, "Ready")
    return (ready.lastTransitionTime or "") if ready is not None else ""


def is_headless(service: Service) -> bool:
    """clusterIP: None."""
    return service.spec.clusterIP == "None"


def belongs(pod: Pod, include_terminating: bool) -> bool:
    """Whether a Pod has a place among the endpoints at all."""
    if podlib.is_terminal(pod) or not (pod.status.podIP or pod.status.podIPs):
        return False
    return include_terminating or pod.metadata.deletionTimestamp is None


def port_number(pod: Pod, port: ServicePort) -> int | None:
    """The number behind a Service's targetPort; None if the Pod has no port of that name."""
    target = port.targetPort
    if target is None or target == 0:
        return port.port
    if isinstance(target, int):
        return target
    for container in (*pod.spec.containers, *(pod.spec.initContainers or ())):
        for candidate in container.ports or ():
            if candidate.name == target and (candidate.protocol or "TCP") == (port.protocol or "TCP"):
                return candidate.containerPort
    return None


def hostname_of(pod: Pod, service: Service) -> str | None:
    """The name under which DNS finds the Pod, if it has asked for one."""
    return pod.spec.hostname if pod.spec.hostname and pod.spec.subdomain == service.metadata.name else None


def copied_labels(service: Service, own: dict[str, str]) -> dict[str, str]:
    """The Service's labels and the controller's own."""
    labels = {key: value for key, value in (service.metadata.labels or {}).items() if key not in own}
    labels.pop(HEADLESS_LABEL, None)
    if is_headless(service):
        labels[HEADLESS_LABEL] = ""
    return {**labels, **own}

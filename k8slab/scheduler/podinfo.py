"""What the scheduler knows of a Pod, worked out once and shared between equal Pods.

Two Pods of the same *shape* ask the same of a single node (requests, ports, tolerations, node affinity, ...). Two Pods
of the same *class* moreover share namespace and labels, so that they look the same to other Pods' selectors. Most Pods
come from templates: a cluster with thousands of Pods has few shapes and classes.
"""

from __future__ import annotations

from typing import Any

import msgspec

from k8slab.scheduler import selectors
from k8slab.scheduler.requests import NO_DEFAULTS, NONZERO, Amounts, actual_requests, nonzero_requests, pod_requests

_encode = msgspec.json.Encoder().encode

HARMLESS_VOLUMES = ("projected", "configMap", "secret", "emptyDir", "downwardAPI", "hostPath")
"""Volumes which no scheduler plugin looks at."""

Port = tuple[str, str, int]
"""(host IP, protocol, port)."""


class Shape:
    """What a Pod asks of a node, whatever its name, labels and namespace are. Shared; never changed."""

    def __init__(self, ident: int, pod: Any) -> None:
        spec = pod.spec
        self.ident = ident
        self.sample = pod
        self.requests = pod_requests(pod)
        self.milli_cpu = self.requests.get("cpu", 0)
        self.memory = self.requests.get("memory", 0)
        self.ephemeral = self.requests.get("ephemeral-storage", 0)
        self.scalars: Amounts = {
            name: number
            for name, number in self.requests.items()
            if name not in ("cpu", "memory", "ephemeral-storage", "pods")
        }
        self.nonzero_cpu, self.nonzero_memory = nonzero_requests(pod, self.requests)
        self.ports = host_ports(spec)
        self.tolerations = tuple(spec.tolerations or ())
        affinity = spec.affinity
        self.node_affinity = affinity.nodeAffinity if affinity is not None else None
        required = (
            self.node_affinity.requiredDuringSchedulingIgnoredDuringExecution
            if self.node_affinity is not None
            else None
        )
        self.node_requirement = selectors.NodeRequirement(spec.nodeSelector, required)
        self.images = images_of(spec)
        self._asked: dict[tuple[bool, bool], Amounts] = {}

    def scored_requests(self, nonzero: bool, pod_level: bool) -> Amounts:
        """What a scoring plugin counts: with defaults for containers without requests, with `spec.resources` or not."""
        found = self._asked.get((nonzero, pod_level))
        if found is None:
            found = pod_requests(self.sample, NONZERO if nonzero else NO_DEFAULTS, pod_level)
            self._asked[(nonzero, pod_level)] = found
        return found


class AffinityTerm:
    """One Pod affinity or anti-affinity term, ready to be asked about other Pods."""

    __slots__ = ("namespace_selector", "namespaces", "selector", "topology_key", "weight")

    def __init__(self, term: Any, namespace: str, labels: dict[str, str], weight: int = 0) -> None:
        self.topology_key = term.topologyKey
        self.weight = weight
        self.selector = _with_label_keys(term, labels)
        if not term.namespaces and term.namespaceSelector is None:
            self.namespaces: tuple[str, ...] = (namespace,)
        else:
            self.namespaces = tuple(term.namespaces or ())
        self.namespace_selector = selectors.of_label_selector(term.namespaceSelector)

    def matches(self, other: PodClass, namespace_labels: Any) -> bool:
        """Whether the term speaks of Pods of that class; `namespace_labels(name)` gives a namespace's labels."""
        if other.namespace not in self.namespaces and not (
            self.namespace_selector is not None
            and selectors.matches(self.namespace_selector, namespace_labels(other.namespace))
        ):
            return False
        return selectors.matches(self.selector, other.labels)


class PodClass:
    """Pods of one shape, namespace and set of labels. Shared; never changed."""

    def __init__(self, ident: int, shape: Shape, namespace: str, labels: dict[str, str], terminating: bool) -> None:
        self.ident = ident
        self.shape = shape
        self.namespace = namespace
        self.labels = labels
        self.terminating = terminating
        affinity = shape.sample.spec.affinity
        near = affinity.podAffinity if affinity is not None else None
        far = affinity.podAntiAffinity if affinity is not None else None
        self.affinity = _required(near, namespace, labels)
        self.anti_affinity = _required(far, namespace, labels)
        self.preferred_affinity = _preferred(near, namespace, labels)
        self.preferred_anti_affinity = _preferred(far, namespace, labels)
        self.has_affinity = bool(
            self.affinity or self.anti_affinity or self.preferred_affinity or self.preferred_anti_affinity
        )


class PodInfo:
    """One Pod with its class. `node_name` is where it is, or is assumed to be going; "" while it is pending."""

    __slots__ = ("cls", "key", "node_name", "pod", "priority", "shape")

    def __init__(self, pod: Any, cls: PodClass, node_name: str = "") -> None:
        self.pod = pod
        self.cls = cls
        self.shape = cls.shape
        self.key: tuple[str, str] = (pod.metadata.namespace, pod.metadata.name)
        self.priority: int = pod.spec.priority or 0
        self.node_name = node_name

    @property
    def uid(self) -> str:
        """The Pod's uid."""
        return self.pod.metadata.uid

    def __repr__(self) -> str:
        return f"<PodInfo {self.key[0]}/{self.key[1]}>"


class Interner:
    """Makes PodInfos, with shapes and classes shared between equal Pods."""

    def __init__(self) -> None:
        self.classes: list[PodClass] = []
        self._shapes: dict[bytes, Shape] = {}
        self._classes: dict[tuple, PodClass] = {}

    def info(self, pod: Any, node_name: str = "") -> PodInfo:
        """The PodInfo of a Pod."""
        return PodInfo(pod, self.class_of(pod), node_name)

    def class_of(self, pod: Any) -> PodClass:
        """The class of a Pod."""
        metadata = pod.metadata
        labels = metadata.labels or {}
        shape = self.shape_of(pod)
        terminating = metadata.deletionTimestamp is not None
        key = (shape.ident, metadata.namespace, tuple(sorted(labels.items())), terminating)
        found = self._classes.get(key)
        if found is None:
            found = PodClass(len(self.classes), shape, metadata.namespace, labels, terminating)
            self._classes[key] = found
            self.classes.append(found)
        return found

    def shape_of(self, pod: Any) -> Shape:
        """The shape of a Pod."""
        key = shape_key(pod)
        found = self._shapes.get(key)
        if found is None:
            found = self._shapes[key] = Shape(len(self._shapes), pod)
        return found


def shape_key(pod: Any) -> bytes:
    """Equal for Pods of the same shape. Names, environment, probes and token volumes leave it alone."""
    spec = pod.spec
    parts = [
        [_container_key(one) for one in spec.containers or ()],
        spec.nodeSelector,
        spec.affinity,
        spec.tolerations,
        spec.topologySpreadConstraints,
    ]
    if spec.initContainers:
        parts.append(["init", *(_container_key(one) for one in spec.initContainers)])
    if spec.overhead or spec.resources is not None:
        parts.append(["pod", spec.overhead, spec.resources])
    images = [one.image.reference for one in spec.volumes or () if one.image is not None]
    if images:
        parts.append(["images", *images])
    if pod.status is not None and pod.status.containerStatuses is not None:
        actual = actual_requests(pod)
        if actual:
            parts.append(["actual", actual])
    return _encode(parts)


def _container_key(container: Any) -> Any:
    resources = container.resources
    key = [container.image, resources.requests if resources is not None else None, container.restartPolicy]
    for port in container.ports or ():
        if port.hostPort:
            key.append((port.hostIP, port.protocol, port.hostPort))
    return key


def host_ports(spec: Any) -> tuple[Port, ...]:
    """The host ports of containers, init containers that keep running included (schedutil.GetHostPorts)."""
    sidecars = [one for one in spec.initContainers or () if one.restartPolicy == "Always"]
    return tuple(
        (port.hostIP or "0.0.0.0", port.protocol or "TCP", port.hostPort)
        for container in [*sidecars, *(spec.containers or ())]
        for port in container.ports or ()
        if port.hostPort
    )


def images_of(spec: Any) -> tuple[tuple[str, ...], int]:
    """Names of all images, and the number of containers."""
    containers = [*(spec.initContainers or ()), *(spec.containers or ())]
    names = [one.image for one in containers] + [
        one.image.reference for one in spec.volumes or () if one.image is not None
    ]
    return tuple(full_image_name(name) for name in names if name), len(containers)


def full_image_name(name: str) -> str:
    """The name with `:latest` where it has no tag."""
    return name if name.rfind(":") > name.rfind("/") else name + ":latest"


def has_volumes(spec: Any) -> bool:
    """Whether the Pod has volumes that a plugin may care about."""
    return any(not _harmless(volume) for volume in spec.volumes or ())


def _harmless(volume: Any) -> bool:
    return any(getattr(volume, kind) is not None for kind in HARMLESS_VOLUMES)


def _required(terms: Any, namespace: str, labels: dict[str, str]) -> tuple[AffinityTerm, ...]:
    found = terms.requiredDuringSchedulingIgnoredDuringExecution if terms is not None else None
    return tuple(AffinityTerm(term, namespace, labels) for term in found or ())


def _preferred(terms: Any, namespace: str, labels: dict[str, str]) -> tuple[AffinityTerm, ...]:
    found = terms.preferredDuringSchedulingIgnoredDuringExecution if terms is not None else None
    return tuple(AffinityTerm(one.podAffinityTerm, namespace, labels, one.weight or 0) for one in found or ())


def _with_label_keys(term: Any, labels: dict[str, str]) -> selectors.Selector:
    """The selector with `matchLabelKeys` and `mismatchLabelKeys`; the same again where the API server merged them."""
    selector = selectors.of_label_selector(term.labelSelector)
    if selector is None or not (term.matchLabelKeys or term.mismatchLabelKeys):
        return selector
    more = [(key, "In", (labels[key],)) for key in term.matchLabelKeys or () if key in labels]
    more += [(key, "NotIn", (labels[key],)) for key in term.mismatchLabelKeys or () if key in labels]
    return selector + tuple(one for one in more if one not in selector)

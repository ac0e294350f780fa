"""EndpointSlices of Services with a selector (staging/src/k8s.io/endpointslice/reconciler.go)."""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import Node, ObjectReference, Pod, Service
from k8slab.api.discovery_v1 import (
    Endpoint,
    EndpointConditions,
    EndpointHints,
    EndpointPort,
    EndpointSlice,
    ForNode,
    ForZone,
)
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.ownership import controller_reference
from k8slab.client import Request, Result
from k8slab.controllers import pods as podlib
from k8slab.controllers.endpointslice.services import (
    TRIGGER_ANNOTATION,
    Backend,
    ServiceController,
    belongs,
    copied_labels,
    hostname_of,
    port_number,
)

MANAGED_BY_LABEL = "endpointslice.kubernetes.io/managed-by"
SERVICE_LABEL = "kubernetes.io/service-name"
MANAGER = "endpointslice-controller.k8s.io"
MAX_ENDPOINTS = 100
ZONE_LABEL = "topology.kubernetes.io/zone"

Ports = tuple[EndpointPort, ...]
Wanted = dict[Ports, dict[tuple[str, ...], Endpoint]]


class EndpointSliceController(ServiceController):
    """Keeps the slices of each Service equal to its Pods."""

    name = "endpointslice-controller"
    about = "lists the addresses behind each Service in EndpointSlices"
    source = "endpoint-slice-controller"
    first_retry = 1_000_000

    def setup(self) -> None:
        """Watch Services, Pods, Nodes and EndpointSlices."""
        super().setup()
        self.nodes = self.informer("nodes")
        self.nodes.add_handler(self._node_changed, self._node_updated, self._node_changed)
        self.slices = self.informer("endpointslices.discovery.k8s.io")
        self.slices.add_index("service", by_service)
        self.slices.add_handler(self._slice_changed, self._slice_updated, self._slice_changed)

    def _node_changed(self, node: Node) -> None:
        if _zone(node) is not None:
            self._backends.clear()

    def _node_updated(self, old: Node, new: Node) -> None:
        if _zone(old) != _zone(new):
            self._backends.clear()

    def _slice_changed(self, piece: EndpointSlice) -> None:
        labels = piece.metadata.labels or {}
        if labels.get(MANAGED_BY_LABEL) == MANAGER and SERVICE_LABEL in labels:
            self.queue.add(Request(piece.metadata.namespace, labels[SERVICE_LABEL]))

    def _slice_updated(self, old: EndpointSlice, new: EndpointSlice) -> None:
        self._slice_changed(new)

    def reconcile(self, request: Request) -> Result | None:
        """Create, update and delete slices."""
        service = self.services.get(request.namespace, request.name)
        if service is None:
            self.forget(request)
            return None
        if service.spec.type == "ExternalName" or not service.spec.selector:
            return None
        backends = self.backends(service)
        existing = [
            piece
            for piece in self.slices.by_index("service", (request.namespace, request.name))
            if piece.metadata.labels.get(MANAGED_BY_LABEL) == MANAGER and piece.metadata.deletionTimestamp is None
        ]
        trigger = self.triggers.next(service, backends)
        labels = copied_labels(service, {SERVICE_LABEL: service.metadata.name, MANAGED_BY_LABEL: MANAGER})
        family = (service.spec.ipFamilies or ("IPv4",))[0]
        Plan(service, trigger, labels, family).make(existing, _wanted(backends)).write(self)
        return None

    def value_of(self, service: Service, pod: Pod) -> tuple[Ports, tuple[str, ...], Endpoint] | None:
        """The Pod's endpoint with its ports and identity."""
        if not belongs(pod, include_terminating=True):
            return None
        endpoint = self._endpoint(service, pod)
        return _ports(service, pod), _identity(endpoint), endpoint

    def _endpoint(self, service: Service, pod: Pod) -> Endpoint:
        node = self.nodes.get("", pod.spec.nodeName) if pod.spec.nodeName else None
        serving = podlib.is_ready(pod)
        terminating = pod.metadata.deletionTimestamp is not None
        ready = bool(service.spec.publishNotReadyAddresses) or (serving and not terminating)
        return Endpoint(
            addresses=(pod.status.podIP,),
            conditions=EndpointConditions(ready=ready, serving=serving, terminating=terminating),
            hostname=hostname_of(pod, service),
            nodeName=pod.spec.nodeName,
            zone=_zone(node),
            hints=_hints(service, _zone(node), pod.spec.nodeName) if ready else None,
            targetRef=ObjectReference(
                kind="Pod", namespace=pod.metadata.namespace, name=pod.metadata.name, uid=pod.metadata.uid
            ),
        )


def _zone(node: Any) -> str | None:
    return (node.metadata.labels or {}).get(ZONE_LABEL) if node is not None else None


def _hints(service: Service, zone: str | None, node: str | None) -> EndpointHints | None:
    """For whom the endpoint is meant (trafficdist: spec.trafficDistribution); None: for everybody."""
    wish = service.spec.trafficDistribution
    zones = (ForZone(name=zone),) if zone and wish in ("PreferClose", "PreferSameZone", "PreferSameNode") else None
    nodes = (ForNode(name=node),) if node and wish == "PreferSameNode" else None
    return EndpointHints(forZones=zones, forNodes=nodes) if zones or nodes else None


def _wanted(backends: list[Backend]) -> Wanted:
    wanted: Wanted = {}
    for backend in backends:
        if backend.value is not None:
            ports, identity, endpoint = backend.value
            wanted.setdefault(ports, {})[identity] = endpoint
    return wanted


def by_service(piece: EndpointSlice) -> tuple[tuple[str, str], ...]:
    """Index function: namespace and name of the Service."""
    name = (piece.metadata.labels or {}).get(SERVICE_LABEL)
    return ((piece.metadata.namespace, name),) if name else ()


def _identity(endpoint: Endpoint) -> tuple[str, ...]:
    target = endpoint.targetRef
    return (target.uid if target is not None else "", *endpoint.addresses)


def _ports(service: Service, pod: Pod) -> Ports:
    ports = []
    for port in service.spec.ports or ():
        number = port_number(pod, port)
        if number is not None:
            ports.append(
                EndpointPort(
                    name=port.name or "", port=number, protocol=port.protocol or "TCP", appProtocol=port.appProtocol
                )
            )
    return tuple(ports)


class Plan:
    """What to create, update and delete for one Service (or for Endpoints that are mirrored).

    Args:
        service: the object that owns the slices.
        trigger: time of the change that this answers, or "".
        labels: of the slices.
        address_type: of the slices.
        annotations: of the slices of mirrored Endpoints; None leaves them as they are.
    """

    def __init__(
        self,
        service: Any,
        trigger: str,
        labels: dict[str, str],
        address_type: str = "IPv4",
        annotations: dict[str, str] | None = None,
    ) -> None:
        self.service = service
        self.annotations = annotations
        self.trigger = trigger
        self.labels = labels
        self.address_type = address_type
        self.create: list[EndpointSlice] = []
        self.update: list[EndpointSlice] = []
        self.delete: list[EndpointSlice] = []

    def make(self, existing: list[EndpointSlice], wanted: Wanted) -> Plan:
        """Change as few slices as possible."""
        by_ports: dict[Ports, list[EndpointSlice]] = {}
        for piece in existing:
            by_ports.setdefault(piece.ports or (), []).append(piece)
        for ports, endpoints in wanted.items():
            self._fit(ports, by_ports.pop(ports, []), dict(endpoints))
        for pieces in by_ports.values():
            self.delete += pieces
        self._keep_a_placeholder(existing)
        self._reuse()
        return self

    def _fit(self, ports: Ports, existing: list[EndpointSlice], wanted: dict[tuple[str, ...], Endpoint]) -> None:
        changed, unchanged = [], []
        for piece in existing:
            found = [wanted.pop(_identity(endpoint), None) for endpoint in piece.endpoints or ()]
            kept = tuple(endpoint for endpoint in found if endpoint is not None)
            same = kept == (piece.endpoints or ())
            if same and piece.metadata.labels == self.labels and self._is_annotated(piece):
                unchanged.append(piece)
            elif kept or same:
                changed.append(piece.replace(endpoints=kept))
            else:
                self.delete.append(piece)
        left = list(wanted.values())
        self.update += [self._fill(piece, left) for piece in sorted(changed, key=_size, reverse=True)]
        while left:
            roomy = [p for p in unchanged if _size(p) + len(left) <= MAX_ENDPOINTS]
            if roomy and len(left) < MAX_ENDPOINTS:
                # Rather one update than a new slice: the fullest slice with room for all of it.
                fullest = max(roomy, key=_size)
                self.update.append(self._fill(fullest, left))
            else:
                self.create.append(self._new(ports, tuple(left[:MAX_ENDPOINTS])))
                del left[:MAX_ENDPOINTS]

    def _is_annotated(self, piece: EndpointSlice) -> bool:
        return self.annotations is None or (piece.metadata.annotations or {}) == self.annotations

    def _fill(self, piece: EndpointSlice, left: list[Endpoint]) -> EndpointSlice:
        kept = piece.endpoints or ()
        room = MAX_ENDPOINTS - len(kept)
        added = tuple(left[:room])
        del left[:room]
        return piece.replace(endpoints=(*kept, *added))

    def _new(self, ports: Ports, endpoints: tuple[Endpoint, ...]) -> EndpointSlice:
        service = self.service.metadata
        return EndpointSlice(
            metadata=ObjectMeta(
                generateName=service.name + "-",
                namespace=service.namespace,
                labels=self.labels,
                ownerReferences=(controller_reference(self.service),),
            ),
            addressType=self.address_type,
            endpoints=endpoints or None,
            ports=ports or None,
        )

    def _keep_a_placeholder(self, existing: list[EndpointSlice]) -> None:
        if len(self.delete) != len(existing) or self.create:
            return
        placeholder = self._new((), ())
        if len(self.delete) == 1 and _is_placeholder(self.delete[0], placeholder):
            self.delete.clear()
        else:
            self.create.append(placeholder)

    def _reuse(self) -> None:
        """Instead of deleting one slice and creating another, change the one into the other."""
        while self.create and self.delete:
            new, old = self.create.pop(), self.delete.pop(0)
            self.update.append(old.replace(endpoints=new.endpoints, ports=new.ports))

    def write(self, controller: Any) -> None:
        """Carry it out. Raises ApiError."""
        client, name = controller.client, self.service.metadata.name
        if self.service.metadata.deletionTimestamp is None:
            for piece in self.create:
                controller.say(f"Service {name}: {_size(piece)} endpoints in a new slice")
                client.create(piece.replace(metadata=self._stamped(piece)))
        for piece in self.update:
            controller.say(f"Service {name}: {_size(piece)} endpoints in {piece.metadata.name}")
            client.update(piece.replace(metadata=self._stamped(piece), endpoints=piece.endpoints or None))
        for piece in self.delete:
            controller.say(f"Service {name}: {piece.metadata.name} is no longer needed")
            client.delete("endpointslices.discovery.k8s.io", piece.metadata.name, piece.metadata.namespace)

    def _stamped(self, piece: EndpointSlice) -> ObjectMeta:
        annotations = dict((piece.metadata.annotations if self.annotations is None else self.annotations) or {})
        annotations.pop(TRIGGER_ANNOTATION, None)
        if self.trigger:
            annotations[TRIGGER_ANNOTATION] = self.trigger
        return piece.metadata.replace(annotations=annotations or None, labels=self.labels)


def _size(piece: EndpointSlice) -> int:
    return len(piece.endpoints or ())


def _is_placeholder(piece: EndpointSlice, placeholder: EndpointSlice) -> bool:
    return not piece.endpoints and not piece.ports and piece.metadata.labels == placeholder.metadata.labels

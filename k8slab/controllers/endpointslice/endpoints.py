"""The legacy Endpoints object of each Service (pkg/controller/endpoint/endpoints_controller.go)."""

from __future__ import annotations

from hashlib import md5
from ipaddress import ip_address
from typing import Any

from msgspec import Struct

from k8slab.api.core_v1 import (
    EndpointAddress,
    EndpointPort,
    Endpoints,
    EndpointSubset,
    ObjectReference,
    Pod,
    Service,
)
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.client import Request, Result
from k8slab.controllers import pods as podlib
from k8slab.controllers.endpointslice.services import (
    TRIGGER_ANNOTATION,
    ServiceController,
    belongs,
    copied_labels,
    hostname_of,
    port_number,
)
from k8slab.errors import ApiError

MANAGED_BY = {"endpoints.kubernetes.io/managed-by": "endpoint-controller"}
CAPACITY = 1000
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"


class Place(Struct, frozen=True):
    """Where a Pod's address goes: with which ports, among the ready ones or not, and its order there."""

    ports: tuple[EndpointPort, ...]
    ready: bool
    order: Any
    address: EndpointAddress


class EndpointsController(ServiceController):
    """Keeps the Endpoints of each Service equal to its Pods."""

    name = "endpoints-controller"
    about = "lists the addresses behind each Service in the older Endpoints objects"
    source = "endpoint-controller"
    max_retries = 15

    def setup(self) -> None:
        """Watch Services, Pods and Endpoints."""
        super().setup()
        self.endpoints = self.informer("endpoints")
        self.endpoints.add_handler(on_delete=self.enqueue)

    def reconcile(self, request: Request) -> Result | None:
        """Create or update; a vanished Service takes its Endpoints along."""
        service = self.services.get(request.namespace, request.name)
        if service is None:
            self.forget(request)
            self._delete(request)
            return None
        if service.spec.type == "ExternalName" or not service.spec.selector:
            return None
        backends = self.backends(service)
        trigger = self.triggers.next(service, backends)
        subsets, truncated = _truncate(_subsets([backend.value for backend in backends]))
        self._write(service, subsets, trigger, truncated)
        return None

    def value_of(self, service: Service, pod: Pod) -> Place | None:
        """The Pod's address, and which of the lists it belongs in."""
        publish = bool(service.spec.publishNotReadyAddresses)
        if not belongs(pod, include_terminating=publish):
            return None
        ports = _ports(service, pod)
        if service.spec.ports and not ports:
            return None
        address = _address(service, pod)
        return Place(ports, publish or podlib.is_ready(pod), _order(address), address)

    def _delete(self, request: Request) -> None:
        known = self.endpoints.get(request.namespace, request.name)
        if known is None or "endpoints.kubernetes.io/managed-by" not in (known.metadata.labels or {}):
            return
        self.say(f"Service {request.name} is gone: so are its Endpoints")
        try:
            self.client.delete("endpoints", request.name, request.namespace)
        except ApiError as error:
            if error.code != 404:
                raise

    def _write(self, service: Service, subsets: tuple[EndpointSubset, ...], trigger: str, truncated: bool) -> None:
        name, namespace = service.metadata.name, service.metadata.namespace
        known = self.endpoints.get(namespace, name)
        labels = copied_labels(service, MANAGED_BY)
        metadata = known.metadata if known is not None else ObjectMeta(name=name, namespace=namespace)
        annotations = dict(metadata.annotations or {})
        same_capacity = truncated == (OVER_CAPACITY in annotations)
        if known is not None and (known.subsets or ()) == subsets and metadata.labels == labels and same_capacity:
            return
        annotations.pop(TRIGGER_ANNOTATION, None)
        annotations.pop(OVER_CAPACITY, None)
        if trigger:
            annotations[TRIGGER_ANNOTATION] = trigger
        if truncated:
            annotations[OVER_CAPACITY] = "truncated"
        metadata = metadata.replace(labels=labels, annotations=annotations or None)
        wanted = Endpoints(metadata=metadata, subsets=subsets or None)
        count = sum(len(subset.addresses or ()) for subset in subsets)
        self.say(f"Service {name}: {count} ready addresses")
        if known is None:
            self.client.create(wanted)
        else:
            self.client.update(wanted)


def _subsets(places: list[Place | None]) -> tuple[EndpointSubset, ...]:
    """Addresses with the same ports together, ready and not ready ones apart (RepackSubsets)."""
    by_ports: dict[tuple[EndpointPort, ...], tuple[list[Place], list[Place]]] = {}
    for place in places:
        if place is not None:
            ready, not_ready = by_ports.setdefault(place.ports, ([], []))
            (ready if place.ready else not_ready).append(place)
    return tuple(
        EndpointSubset(
            addresses=_sorted(ready),
            notReadyAddresses=_sorted(not_ready),
            ports=ports or None,
        )
        for ports, (ready, not_ready) in by_ports.items()
    )


def _sorted(places: list[Place]) -> tuple[EndpointAddress, ...] | None:
    return tuple(place.address for place in sorted(places, key=_position)) or None


def _position(place: Place) -> Any:
    return place.order


def _address(service: Service, pod: Pod) -> EndpointAddress:
    return EndpointAddress(
        ip=pod.status.podIP,
        nodeName=pod.spec.nodeName,
        hostname=hostname_of(pod, service),
        targetRef=ObjectReference(
            kind="Pod", namespace=pod.metadata.namespace, name=pod.metadata.name, uid=pod.metadata.uid
        ),
    )


def _ports(service: Service, pod: Pod) -> tuple[EndpointPort, ...]:
    ports = []
    for port in service.spec.ports or ():
        number = port_number(pod, port)
        if number is not None:
            ports.append(
                EndpointPort(name=port.name, port=number, protocol=port.protocol or "TCP", appProtocol=port.appProtocol)
            )
    return tuple(sorted(ports, key=_port_hash))


def _port_hash(port: EndpointPort) -> bytes:
    """The order of ports in Endpoints is that of their hashes (SortPorts in pkg/api/v1/endpoints/util.go)."""
    protocol = f"(*string){port.appProtocol}" if port.appProtocol is not None else "(*string)<nil>"
    dump = (
        f"(v1.EndpointPort){{Name:(string){port.name or ''} Port:(int32){port.port} "
        f"Protocol:(v1.Protocol){port.protocol} AppProtocol:{protocol}}}"
    )
    return md5(dump.encode(), usedforsecurity=False).digest()


def _order(address: EndpointAddress) -> Any:
    return (ip_address(address.ip).packed, address.targetRef.uid)


def _truncate(subsets: tuple[EndpointSubset, ...]) -> tuple[tuple[EndpointSubset, ...], bool]:
    """At most 1000 addresses; ready ones are kept first."""
    total = sum(len(s.addresses or ()) + len(s.notReadyAddresses or ()) for s in subsets)
    if total <= CAPACITY:
        return subsets, False
    left, result = CAPACITY, []
    for subset in subsets:
        ready = (subset.addresses or ())[:left]
        left -= len(ready)
        result.append(subset.replace(addresses=ready or None, notReadyAddresses=None))
    for index, subset in enumerate(subsets):
        waiting = (subset.notReadyAddresses or ())[:left]
        left -= len(waiting)
        result[index] = result[index].replace(notReadyAddresses=waiting or None)
    return tuple(s for s in result if s.addresses or s.notReadyAddresses), True

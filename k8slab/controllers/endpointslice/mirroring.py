"""EndpointSlices for Endpoints that people make by hand, for Services without a selector.

Follows pkg/controller/endpointslicemirroring.
"""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import EndpointAddress, Endpoints, EndpointSubset
from k8slab.api.discovery_v1 import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from k8slab.client import Request, Result
from k8slab.controllers.controller import Controller
from k8slab.controllers.endpointslice.endpointslice import MANAGED_BY_LABEL, SERVICE_LABEL, Plan, Ports, by_service

MANAGER = "endpointslicemirroring-controller.k8s.io"
SKIP_LABEL = "endpointslice.kubernetes.io/skip-mirror"
NOT_COPIED = ("endpoints.kubernetes.io/last-change-trigger-time", "kubectl.kubernetes.io/last-applied-configuration")
LEADER_ANNOTATION = "control-plane.alpha.kubernetes.io/leader"


class EndpointSliceMirroringController(Controller):
    """Mirrors hand-made Endpoints."""

    name = "endpointslice-mirroring-controller"
    about = "copies Endpoints that people made by hand into EndpointSlices"
    first_retry = 1_000_000

    def setup(self) -> None:
        """Watch Endpoints, Services and EndpointSlices."""
        self.services = self.informer("services")
        self.services.add_handler(self.enqueue, self.enqueue_new, self.enqueue)
        self.endpoints = self.informer("endpoints")
        self.endpoints.add_handler(self.enqueue, self.enqueue_new, self.enqueue)
        self.slices = self.informer("endpointslices.discovery.k8s.io")
        self.slices.add_index("service", by_service)

    def reconcile(self, request: Request) -> Result | None:
        """Make the mirror equal, or remove it."""
        endpoints = self.endpoints.get(request.namespace, request.name)
        service = self.services.get(request.namespace, request.name)
        mirrors = [
            piece
            for piece in self.slices.by_index("service", (request.namespace, request.name))
            if piece.metadata.labels.get(MANAGED_BY_LABEL) == MANAGER and piece.metadata.deletionTimestamp is None
        ]
        if endpoints is None or service is None or service.spec.selector or not _is_mirrored(endpoints):
            self._remove(mirrors, request)
            return None
        plan = Plan(endpoints, "", _labels(endpoints), annotations=_annotations(endpoints))
        plan.make(mirrors, _wanted(endpoints)).write(self)
        return None

    def _remove(self, mirrors: list[EndpointSlice], request: Request) -> None:
        for piece in mirrors:
            self.say(f"there are no Endpoints {request.name} to mirror any more")
            self.client.delete("endpointslices.discovery.k8s.io", piece.metadata.name, request.namespace)


def _is_mirrored(endpoints: Endpoints) -> bool:
    labels, annotations = endpoints.metadata.labels or {}, endpoints.metadata.annotations or {}
    return labels.get(SKIP_LABEL) != "true" and LEADER_ANNOTATION not in annotations


def _annotations(endpoints: Endpoints) -> dict[str, str]:
    """What the mirror has of them: not what is about the Endpoints themselves."""
    return {key: text for key, text in (endpoints.metadata.annotations or {}).items() if key not in NOT_COPIED}


def _labels(endpoints: Endpoints) -> dict[str, str]:
    return {
        **(endpoints.metadata.labels or {}),
        SERVICE_LABEL: endpoints.metadata.name,
        MANAGED_BY_LABEL: MANAGER,
    }


def _wanted(endpoints: Endpoints) -> dict[Ports, dict[tuple[str, ...], Endpoint]]:
    wanted: dict[Ports, dict[tuple[str, ...], Endpoint]] = {}
    for subset in endpoints.subsets or ():
        found = wanted.setdefault(_ports(subset), {})
        for addresses, ready in ((subset.addresses, True), (subset.notReadyAddresses, False)):
            for address in addresses or ():
                uid = address.targetRef.uid if address.targetRef is not None else ""
                found[(uid, address.ip)] = _endpoint(address, ready)
    return wanted


def _ports(subset: EndpointSubset) -> Ports:
    return tuple(
        EndpointPort(name=p.name or "", port=p.port, protocol=p.protocol or "TCP", appProtocol=p.appProtocol)
        for p in subset.ports or ()
    )


def _endpoint(address: EndpointAddress, ready: bool) -> Endpoint:
    fields: dict[str, Any] = {
        "nodeName": address.nodeName,
        "hostname": address.hostname or None,
        "targetRef": address.targetRef,
    }
    return Endpoint(addresses=(address.ip,), conditions=EndpointConditions(ready=ready), **fields)

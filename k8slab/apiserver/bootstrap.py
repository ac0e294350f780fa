"""What the API server creates when it starts (`pkg/controlplane`, `pkg/registry/*/rest`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api.core_v1 import (
    EndpointAddress,
    EndpointPort,
    Endpoints,
    EndpointSubset,
    Namespace,
    Service,
    ServicePort,
    ServiceSpec,
)
from k8slab.api.discovery_v1 import Endpoint, EndpointConditions, EndpointSlice
from k8slab.api.discovery_v1 import EndpointPort as SlicePort
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.networking_v1 import ServiceCIDR, ServiceCIDRSpec
from k8slab.api.scheduling_v1 import PriorityClass
from k8slab.apiserver.rbac.policy import cluster_role_bindings, cluster_roles, role_bindings, roles
from k8slab.apiserver.rbac.reconcile import must_be_replaced, reconciled
from k8slab.apiserver.registry.allocator import address_text
from k8slab.apiserver.tokens.legacy import tracking_config
from k8slab.errors import ApiError

if TYPE_CHECKING:
    from k8slab.apiserver.registry.endpoint import Endpoint as Served
    from k8slab.apiserver.server import APIServer

SYSTEM_NAMESPACES = ("kube-system", "kube-public", "kube-node-lease", "default")
ADVERTISE_ADDRESSES = ("192.168.0.10",)
SECURE_PORT = 6443
PRIORITY_CLASSES = (
    (
        "system-node-critical",
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
    (
        "system-cluster-critical",
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
)


def bootstrap(server: APIServer) -> None:
    """Create the objects that are missing."""
    for name in SYSTEM_NAMESPACES:
        _ensure(server, Namespace(metadata=ObjectMeta(name=name)))
    _ensure(server, tracking_config(server))
    for name, value, description in PRIORITY_CLASSES:
        _ensure(server, PriorityClass(metadata=ObjectMeta(name=name), value=value, description=description))
    _ensure(server, _service_cidr(server))
    for obj in _own_service(server):
        _ensure(server, obj)
    if not server.authorizer.allows_everything:
        _ensure_roles(server)
    server.local_services.start()


def _ensure(server: APIServer, obj: Any) -> None:
    resource, metadata = server.scheme.of(obj), obj.metadata
    if server.peek(resource.plural, metadata.name, metadata.namespace, resource.group, resource.version) is not None:
        return
    response = server.create(obj)
    if not response.is_success:
        raise ApiError.from_status(response.body)


def _ensure_roles(server: APIServer) -> None:
    """The default roles and bindings: they are valid as they are, and go to the store at once."""
    kinds: tuple[tuple[Any, ...], ...] = (cluster_roles(), cluster_role_bindings(), roles(), role_bindings())
    for objects in kinds:
        resource = server.scheme.of(objects[0])
        endpoint = server.endpoint(resource.plural, resource.group, resource.version)
        for obj in objects:
            _ensure_role(server, endpoint, obj)


def _ensure_role(server: APIServer, endpoint: Served, obj: Any) -> None:
    metadata = obj.metadata
    kv = server.store.get(endpoint.key(metadata.namespace, metadata.name))
    if kv is not None and must_be_replaced(kv.value, obj):
        server.storage.delete(endpoint, kv)
        kv = None
    if kv is None:
        uid = server.streams.uid(endpoint.plural)
        filled = metadata.replace(uid=uid, creationTimestamp=server.clock.rfc3339())
        server.storage.create(endpoint, obj.replace(metadata=filled))
        return
    changed = reconciled(kv.value, obj)
    if changed != kv.value:
        server.storage.update(endpoint, changed, kv, "update")


def _service_cidr(server: APIServer) -> ServiceCIDR:
    """The range of cluster addresses."""
    spec = ServiceCIDRSpec(cidrs=(str(server.allocators.cidr),))
    return ServiceCIDR(metadata=ObjectMeta(name="kubernetes"), spec=spec)


def _own_service(server: APIServer) -> tuple[Any, ...]:
    """The Service `kubernetes`, by which Pods reach the API, with its endpoints."""
    labels = {"component": "apiserver", "provider": "kubernetes"}
    address = address_text(server.allocators.ips.first)
    port = ServicePort(name="https", port=443, protocol="TCP", targetPort=SECURE_PORT)
    spec = ServiceSpec(clusterIP=address, ports=(port,), sessionAffinity="None", type="ClusterIP")
    mirror_labels = {"endpointslice.kubernetes.io/skip-mirror": "true"}
    subset = EndpointSubset(
        addresses=tuple(EndpointAddress(ip=each) for each in server.advertise_addresses),
        ports=(EndpointPort(name="https", port=SECURE_PORT, protocol="TCP"),),
    )
    ready = EndpointConditions(ready=True)
    return (
        Service(metadata=ObjectMeta(name="kubernetes", namespace="default", labels=labels), spec=spec),
        Endpoints(metadata=ObjectMeta(name="kubernetes", namespace="default", labels=mirror_labels), subsets=(subset,)),
        EndpointSlice(
            metadata=ObjectMeta(
                name="kubernetes", namespace="default", labels={"kubernetes.io/service-name": "kubernetes"}
            ),
            addressType="IPv4",
            endpoints=tuple(Endpoint(addresses=(each,), conditions=ready) for each in server.advertise_addresses),
            ports=(SlicePort(name="https", port=SECURE_PORT, protocol="TCP"),),
        ),
    )

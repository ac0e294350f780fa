"""What a Service wants of the cloud, and when that has changed (service controller: needsUpdate, needsCleanup)."""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import Service, ServicePort

FINALIZER = "service.kubernetes.io/load-balancer-cleanup"


def wants_balancer(service: Service) -> bool:
    """Of type LoadBalancer, and not of a class that somebody else serves."""
    return service.spec.type == "LoadBalancer" and service.spec.loadBalancerClass is None


def needs_cleanup(service: Service) -> bool:
    """It has, or may have, a load balancer that it no longer wants."""
    if FINALIZER not in (service.metadata.finalizers or ()):
        return False
    return service.metadata.deletionTimestamp is not None or service.spec.type != "LoadBalancer"


def needs_update(old: Service, new: Service) -> bool:
    """Whether the load balancer has to be changed, made or deleted."""
    if not wants_balancer(old) and not wants_balancer(new):
        return False
    if wants_balancer(old) != wants_balancer(new):
        return True
    return _seen(old) != _seen(new)


def balancer_name(service: Service) -> str:
    """The name of its load balancer (DefaultLoadBalancerName): an `a` and the UID, at most 32 characters."""
    return ("a" + service.metadata.uid.replace("-", ""))[:32]


def _seen(service: Service) -> tuple[Any, ...]:
    spec = service.spec
    return (
        service.metadata.uid,
        service.metadata.annotations or {},
        spec.loadBalancerSourceRanges or (),
        tuple(_port(port) for port in spec.ports or ()),
        spec.sessionAffinity,
        spec.sessionAffinityConfig,
        spec.loadBalancerIP,
        spec.externalIPs or (),
        spec.externalTrafficPolicy,
        spec.healthCheckNodePort,
        len(spec.ipFamilies or ()),
    )


def _port(port: ServicePort) -> tuple[Any, ...]:
    return (port.name, port.protocol, port.port, port.nodePort, port.targetPort, port.appProtocol)

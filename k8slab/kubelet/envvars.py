"""The variables by which containers find Services (pkg/kubelet/envvars, FromServices)."""

from __future__ import annotations

from collections.abc import Iterable

from k8slab.api import core_v1 as core


def from_services(services: Iterable[core.Service]) -> dict[str, str]:
    """Variables of all Services that have an address, a later one's before an earlier one's of the same name."""
    found: dict[str, str] = {}
    for service in services:
        if service.spec.clusterIP not in (None, "", "None") and service.spec.ports:
            found.update(_host_and_ports(service))
            found.update(_links(service))
    return found


def _host_and_ports(service: core.Service) -> dict[str, str]:
    prefix = _variable(service.metadata.name)
    found = {
        f"{prefix}_SERVICE_HOST": service.spec.clusterIP,
        f"{prefix}_SERVICE_PORT": str(service.spec.ports[0].port),
    }
    for port in service.spec.ports:
        if port.name:
            found[f"{prefix}_SERVICE_PORT_{_variable(port.name)}"] = str(port.port)
    return found


def _links(service: core.Service) -> dict[str, str]:
    """As Docker's links had them."""
    prefix, address = _variable(service.metadata.name), service.spec.clusterIP
    host = f"[{address}]" if ":" in address else address
    found: dict[str, str] = {}
    for number, port in enumerate(service.spec.ports):
        protocol = port.protocol or "TCP"
        url = f"{protocol.lower()}://{host}:{port.port}"
        if number == 0:
            found[f"{prefix}_PORT"] = url
        one = f"{prefix}_PORT_{port.port}_{protocol.upper()}"
        found |= {one: url, f"{one}_PROTO": protocol.lower(), f"{one}_PORT": str(port.port), f"{one}_ADDR": address}
    return found


def _variable(name: str) -> str:
    return name.upper().replace("-", "_")

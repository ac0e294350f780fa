"""Services: addresses, ports, and what a change of type leaves behind.

Follows `pkg/registry/core/service/strategy.go` and `storage/alloc.go`.
"""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address
from typing import TYPE_CHECKING, Any

from k8slab.apiserver.registry.allocator import address_text
from k8slab.apiserver.registry.strategy import Strategy
from k8slab.apiserver.registry.warnings import service_warnings
from k8slab.errors import FieldError, internal_error, invalid

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call
    from k8slab.apiserver.registry.allocator import ServiceAllocators

WITH_NODE_PORTS = ("NodePort", "LoadBalancer")
OUT_OF_RANGE = "provided port is not in the valid range. The range of valid ports is 30000-32767"


class ServiceStrategy(Strategy):
    """Rules of services."""

    create_on_update = True
    returns_deleted = True

    def prepare_create(self, obj: Any, call: Call) -> Any:
        """Address and addresses agree; the family is that of the cluster."""
        return obj.replace(spec=_with_families(_normalised(obj.spec, None), obj.metadata.name))

    def prepare_update(self, obj: Any, old: Any, call: Call) -> Any:
        """Keep what was allocated unless the request changes it; drop what the new type does not have."""
        spec, before = _normalised(obj.spec, old.spec), old.spec
        spec = _keep_allocated(spec, before)
        spec = _with_families(_drop_dependent(spec, before), obj.metadata.name)
        return super().prepare_update(obj.replace(spec=spec), old, call)

    def allocate(self, obj: Any, old: Any, call: Call) -> Any:
        """Take addresses and ports. Raises Invalid where a requested one is taken or out of range."""
        allocators = call.server.allocators
        spec = _allocate_address(obj, allocators, old, call)
        spec = _allocate_ports(obj.replace(spec=spec), allocators, old)
        return obj if spec is obj.spec else obj.replace(spec=spec)

    def warnings(self, obj: Any, old: Any, call: Call) -> tuple[str, ...]:
        """Fields that are on their way out."""
        return tuple(service_warnings(obj))


def needs_address(spec: Any) -> bool:
    """Whether Services of this type have a cluster address."""
    return spec.type in ("ClusterIP", *WITH_NODE_PORTS)


def needs_node_ports(spec: Any) -> bool:
    """Whether Services of this type have node ports."""
    if spec.type == "LoadBalancer":
        return spec.allocateLoadBalancerNodePorts is not False
    return spec.type == "NodePort"


def needs_health_port(spec: Any) -> bool:
    """Whether a load balancer asks the nodes for local endpoints."""
    return spec.type == "LoadBalancer" and spec.externalTrafficPolicy == "Local"


def _normalised(spec: Any, before: Any) -> Any:
    """clusterIP and clusterIPs say the same: a client may know only one of them."""
    address, all_ = spec.clusterIP, spec.clusterIPs
    if before is None:
        return spec.replace(clusterIPs=(address,)) if address and not all_ else spec
    was, all_were = before.clusterIP, before.clusterIPs
    if was != address and all_were == all_:
        return spec.replace(clusterIPs=(address,) if address else None)
    if was == address and all_were != all_ and not all_ and not was:
        return spec.replace(clusterIP=None)
    return spec


def _with_families(spec: Any, name: str) -> Any:
    """The cluster has IPv4 only; headless Services without a selector may say what they like."""
    if not needs_address(spec):
        return spec
    changes: dict[str, Any] = {}
    headless_without_selector = spec.clusterIP == "None" and not spec.selector
    if not headless_without_selector:
        _check_families(spec, name)
    if not spec.ipFamilyPolicy:
        changes["ipFamilyPolicy"] = "RequireDualStack" if headless_without_selector else "SingleStack"
    if not spec.ipFamilies:
        changes["ipFamilies"] = ("IPv4", "IPv6") if headless_without_selector else ("IPv4",)
    return spec.replace(**changes) if changes else spec


def _check_families(spec: Any, name: str) -> None:
    if spec.ipFamilyPolicy == "RequireDualStack":
        why = "this cluster is not configured for dual-stack services"
        raise invalid("Service", name, [FieldError.invalid("spec.ipFamilyPolicy", spec.ipFamilyPolicy, why)])
    errors = [
        FieldError.invalid(f"spec.ipFamilies[{index}]", family, "not configured on this cluster")
        for index, family in enumerate(spec.ipFamilies or ())
        if family == "IPv6"
    ]
    if errors:
        raise invalid("Service", name, errors)


def _keep_allocated(spec: Any, before: Any) -> Any:
    changes: dict[str, Any] = {}
    if needs_address(before) and needs_address(spec):
        if not spec.clusterIP:
            changes["clusterIP"] = before.clusterIP
        if not spec.clusterIPs and changes.get("clusterIP", spec.clusterIP) == before.clusterIP:
            changes["clusterIPs"] = before.clusterIPs
    if needs_node_ports(before) and needs_node_ports(spec):
        changes["ports"] = _keep_node_ports(spec.ports or (), before.ports or ())
    if needs_health_port(before) and needs_health_port(spec) and not spec.healthCheckNodePort:
        changes["healthCheckNodePort"] = before.healthCheckNodePort
    return spec.replace(**changes) if changes else spec


def _keep_node_ports(ports: tuple[Any, ...], before: tuple[Any, ...]) -> tuple[Any, ...]:
    used = {port.nodePort for port in before} & {port.nodePort for port in ports}
    by_name = {port.name or "": port.nodePort for port in before}
    kept = []
    for port in ports:
        was = by_name.get(port.name or "")
        if not port.nodePort and was and was not in used:
            used.add(was)
            port = port.replace(nodePort=was)
        kept.append(port)
    return tuple(kept)


def _drop_dependent(spec: Any, before: Any) -> Any:
    """What the old type had, the new one has not, and the request just carried along."""
    changes: dict[str, Any] = {}
    if needs_address(before) and not needs_address(spec):
        if (spec.clusterIP, spec.clusterIPs) == (before.clusterIP, before.clusterIPs):
            changes |= {"clusterIP": None, "clusterIPs": None}
        changes |= {
            name: None for name in ("ipFamilies", "ipFamilyPolicy") if getattr(spec, name) == getattr(before, name)
        }
    if needs_node_ports(before) and not needs_node_ports(spec) and _same_ports(spec, before):
        changes["ports"] = tuple(port.replace(nodePort=None) for port in spec.ports or ())
    if needs_health_port(before) and not needs_health_port(spec):
        changes |= _dropped(spec, before, "healthCheckNodePort")
    if before.type == "LoadBalancer" and spec.type != "LoadBalancer":
        changes |= _dropped(spec, before, "allocateLoadBalancerNodePorts", "loadBalancerClass")
    if before.type in WITH_NODE_PORTS and spec.type not in WITH_NODE_PORTS:
        changes |= _dropped(spec, before, "externalTrafficPolicy")
    if before.type != "ExternalName" and spec.type == "ExternalName":
        changes |= _dropped(spec, before, "internalTrafficPolicy")
    if before.type == "ExternalName" and spec.type != "ExternalName":
        changes |= _dropped(spec, before, "externalName")
    return spec.replace(**changes) if changes else spec


def _dropped(spec: Any, before: Any, *names: str) -> dict[str, None]:
    return {name: None for name in names if getattr(spec, name) == getattr(before, name)}


def _same_ports(spec: Any, before: Any) -> bool:
    """Whether the request names no node port that was not there before."""
    now = [port.nodePort for port in spec.ports or () if port.nodePort]
    return set(now) <= {port.nodePort for port in before.ports or ()}


def _allocate_address(obj: Any, allocators: ServiceAllocators, old: Any, call: Call) -> Any:
    spec = obj.spec
    if not needs_address(spec) or spec.clusterIP == "None":
        return spec
    if old is not None and needs_address(old.spec) and spec.clusterIP and spec.clusterIP == old.spec.clusterIP:
        return spec
    if not spec.clusterIP:
        number = allocators.ips.next(set())
        if number is None:
            raise internal_error("failed to allocate a serviceIP: range is full")
        text = address_text(number)
        return spec.replace(clusterIP=text, clusterIPs=(text,))
    _check_address(obj, spec.clusterIP, allocators)
    return spec


def _check_address(obj: Any, address: str, allocators: ServiceAllocators) -> None:
    try:
        number = int(IPv4Address(address))
    except AddressValueError:
        return
    why = ""
    if not allocators.ips.has(number):
        why = f"the provided IP ({address}) is not in the valid range. The range of valid IPs is {allocators.cidr}"
    elif number in allocators.ips.owners:
        why = "provided IP is already allocated"
    if why:
        text = f"failed to allocate IP {address}: {why}"
        raise invalid("Service", obj.metadata.name, [FieldError.invalid("spec.clusterIPs", [address], text)])


def _allocate_ports(obj: Any, allocators: ServiceAllocators, old: Any) -> Any:
    spec = obj.spec
    ports = spec.ports or ()
    own = {port.nodePort for port in (old.spec.ports or ()) if port.nodePort} if old is not None else set()
    taken: set[int] = set()
    if spec.type in WITH_NODE_PORTS and (needs_node_ports(spec) or any(port.nodePort for port in ports)):
        spec = _allocate_node_ports(obj, allocators, own, taken)
    if needs_health_port(spec):
        spec = _allocate_health_port(obj.metadata.name, spec, allocators, old, taken)
    return spec


def _allocate_node_ports(obj: Any, allocators: ServiceAllocators, own: set[int], taken: set[int]) -> Any:
    spec = obj.spec
    by_protocol: dict[int, set[str]] = {}
    for index, port in enumerate(spec.ports or ()):
        if port.nodePort:
            protocols = by_protocol.setdefault(port.nodePort, set())
            if not protocols:
                _check_port(obj.metadata.name, f"spec.ports[{index}].nodePort", port.nodePort, allocators, own)
            elif port.protocol in protocols:
                _refuse_port(obj.metadata.name, f"spec.ports[{index}].nodePort", port.nodePort)
            protocols.add(port.protocol)
            taken.add(port.nodePort)
    if not needs_node_ports(spec):
        return spec
    given: dict[int, int] = {}
    ports = []
    for port in spec.ports or ():
        if not port.nodePort:
            # One port in two protocols gets one node port, as KEP-1435 has it for Services like DNS.
            shared = given.get(port.port) if _other_protocol(spec.ports, port) else None
            number = shared or allocators.ports.next(taken)
            if number is None:
                raise internal_error("failed to allocate a nodePort: range is full")
            taken.add(number)
            given[port.port] = number
            port = port.replace(nodePort=number)
        ports.append(port)
    return spec.replace(ports=tuple(ports))


def _other_protocol(ports: tuple[Any, ...], port: Any) -> bool:
    return any(each.port == port.port and each.protocol != port.protocol for each in ports)


def _allocate_health_port(name: str, spec: Any, allocators: ServiceAllocators, old: Any, taken: set[int]) -> Any:
    number = spec.healthCheckNodePort
    if not number:
        return spec.replace(healthCheckNodePort=allocators.ports.next(taken))
    is_new = old is None or old.spec.healthCheckNodePort != number
    if is_new and number in allocators.ports.owners:
        why = f"failed to allocate requested HealthCheck NodePort {number}: provided port is already allocated"
        raise internal_error(why)
    return spec


def _check_port(name: str, field: str, number: int, allocators: ServiceAllocators, own: set[int]) -> None:
    if number in own:
        return
    if not allocators.ports.has(number):
        raise invalid("Service", name, [FieldError.invalid(field, number, OUT_OF_RANGE)])
    if number in allocators.ports.owners:
        _refuse_port(name, field, number)


def _refuse_port(name: str, field: str, number: int) -> None:
    raise invalid("Service", name, [FieldError.invalid(field, number, "provided port is already allocated")])

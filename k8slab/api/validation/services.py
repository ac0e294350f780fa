"""Services, Endpoints and EndpointSlices (`pkg/apis/core/validation`, `pkg/apis/discovery/validation`)."""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import Endpoints, EndpointSubset, Service, ServicePort, ServiceSpec
from k8slab.api.discovery_v1 import Endpoint, EndpointSlice
from k8slab.api.validation import names
from k8slab.api.validation.metadata import Errors, immutable, labels, object_meta, object_meta_update
from k8slab.api.validation.probes import port_number_or_name
from k8slab.errors import FieldError, Verbatim

PROTOCOLS = ("SCTP", "TCP", "UDP")
TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
FAMILIES = ("IPv4", "IPv6")
FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
DISTRIBUTIONS = ("PreferClose", "PreferSameNode", "PreferSameZone")
MAX_AFFINITY_SECONDS = 86400
ONCE = "may not change once set"
NO_SPEC = ServiceSpec()


def create(obj: Service, errors: Errors) -> None:
    """A new Service, before or after addresses and node ports were allocated."""
    object_meta(obj.metadata, True, names.label_name, errors)
    spec = obj.spec or NO_SPEC
    ips = cluster_ips(spec)
    headless = ips[:1] == ("None",)
    if not spec.ports and not headless and spec.type != "ExternalName":
        errors.append(FieldError.required("spec.ports"))
    _by_type(spec, ips, headless, errors)
    _ports(spec.ports or (), errors)
    labels(spec.selector, "spec.selector", errors)
    _affinity(spec, errors)
    _addresses(spec, ips, errors)
    for index, address in enumerate(spec.externalIPs or ()):
        for message in names.ip_address(address):
            errors.append(FieldError.invalid(f"spec.externalIPs[{index}]", address, message))
    if not spec.type:
        errors.append(FieldError.required("spec.type"))
    elif spec.type not in TYPES:
        errors.append(FieldError.not_supported("spec.type", spec.type, TYPES))
    _unique_ports(spec, errors)
    _load_balancer(spec, errors)
    _traffic(spec, errors)


def cluster_ips(spec: ServiceSpec) -> tuple[str, ...]:
    """The list of addresses; the old field `clusterIP` stands for it where only that is set."""
    return spec.clusterIPs or ((spec.clusterIP,) if spec.clusterIP else ())


def _by_type(spec: ServiceSpec, ips: tuple[str, ...], headless: bool, errors: Errors) -> None:
    if spec.type in ("LoadBalancer", "NodePort") and headless:
        text = f"may not be set to 'None' for {spec.type} services"
        errors.append(FieldError.invalid("spec.clusterIPs[0]", "None", text))
    if spec.type != "ExternalName":
        return
    for name, value in (
        ("clusterIPs", ips),
        ("ipFamilies", spec.ipFamilies),
        ("ipFamilyPolicy", spec.ipFamilyPolicy),
    ):
        if value:
            errors.append(FieldError.forbidden(f"spec.{name}", "may not be set for ExternalName services"))
    target = (spec.externalName or "").removesuffix(".")
    if not target:
        errors.append(FieldError.required("spec.externalName"))
    else:
        for message in names.dns_subdomain(target):
            errors.append(FieldError.invalid("spec.externalName", target, message))


def _ports(ports: tuple[ServicePort, ...], errors: Errors) -> None:
    seen: set[str] = set()
    for index, port in enumerate(ports):
        place = f"spec.ports[{index}]"
        if port.name:
            for message in names.dns_label(port.name):
                errors.append(FieldError.invalid(f"{place}.name", port.name, message))
            if port.name in seen:
                errors.append(FieldError.duplicate(f"{place}.name", port.name))
            seen.add(port.name)
        elif len(ports) > 1:
            errors.append(FieldError.required(f"{place}.name"))
        for message in names.port_number(port.port or 0):
            errors.append(FieldError.invalid(f"{place}.port", port.port or 0, message))
        protocol(port.protocol, f"{place}.protocol", errors)
        port_number_or_name(port.targetPort, f"{place}.targetPort", errors)
        if port.appProtocol is not None:
            for message in names.qualified_name(port.appProtocol):
                errors.append(FieldError.invalid(f"{place}.appProtocol", port.appProtocol, message))


def protocol(value: str | None, path: str, errors: Errors) -> None:
    """TCP, UDP or SCTP."""
    if not value:
        errors.append(FieldError.required(path))
    elif value not in PROTOCOLS:
        errors.append(FieldError.not_supported(path, value, PROTOCOLS))


def _affinity(spec: ServiceSpec, errors: Errors) -> None:
    if not spec.sessionAffinity:
        errors.append(FieldError.required("spec.sessionAffinity"))
    elif spec.sessionAffinity not in ("ClientIP", "None"):
        errors.append(FieldError.not_supported("spec.sessionAffinity", spec.sessionAffinity, ("ClientIP", "None")))
    if spec.sessionAffinity == "ClientIP":
        config = spec.sessionAffinityConfig
        seconds = config.clientIP.timeoutSeconds if config and config.clientIP else None
        path = "spec.sessionAffinityConfig.clientIP.timeoutSeconds"
        if seconds is None:
            errors.append(FieldError.required(path, "when session affinity type is ClientIP"))
        elif not 0 < seconds <= MAX_AFFINITY_SECONDS:
            text = f"must be greater than 0 and less than {MAX_AFFINITY_SECONDS}"
            errors.append(FieldError.invalid(path, seconds, text))


def _addresses(spec: ServiceSpec, ips: tuple[str, ...], errors: Errors) -> None:
    if spec.type == "ExternalName":
        return
    if spec.clusterIP and spec.clusterIPs and spec.clusterIP != spec.clusterIPs[0]:
        text = "first value must match `clusterIP`"
        errors.append(FieldError.invalid("spec.clusterIPs", spec.clusterIPs, text))
    if spec.ipFamilyPolicy is not None and spec.ipFamilyPolicy not in FAMILY_POLICIES:
        errors.append(FieldError.not_supported("spec.ipFamilyPolicy", spec.ipFamilyPolicy, FAMILY_POLICIES))
    for index, family in enumerate(spec.ipFamilies or ()):
        if family not in FAMILIES:
            errors.append(FieldError.not_supported(f"spec.ipFamilies[{index}]", family, FAMILIES))
        elif family in (spec.ipFamilies or ())[:index]:
            errors.append(FieldError.duplicate(f"spec.ipFamilies[{index}]", family))
    for index, address in enumerate(ips):
        if address == "None":
            if index or len(ips) > 1:
                text = (
                    "must be omitted when the primary cluster IP is set to 'None'" if not index else "may not be None"
                )
                errors.append(FieldError.invalid(f"spec.clusterIPs[{index}]", address, text))
            continue
        for message in names.ip_address(address):
            errors.append(FieldError.invalid(f"spec.clusterIPs[{index}]", address, message))
    if len(ips) > 2:
        text = "may only hold up to 2 values"
        errors.append(FieldError.invalid("spec.clusterIPs", ips, text))


def _unique_ports(spec: ServiceSpec, errors: Errors) -> None:
    ports = spec.ports or ()
    if spec.type == "ClusterIP":
        for index, port in enumerate(ports):
            if port.nodePort:
                text = "may not be used when `type` is 'ClusterIP'"
                errors.append(FieldError.forbidden(f"spec.ports[{index}].nodePort", text))
    seen: set[Any] = set()
    for index, port in enumerate(ports):
        if port.nodePort and (port.protocol, port.nodePort) in seen:
            errors.append(FieldError.duplicate(f"spec.ports[{index}].nodePort", port.nodePort))
        seen.add((port.protocol, port.nodePort))
    seen = set()
    for index, port in enumerate(ports):
        key = (port.protocol, port.port)
        if key in seen:
            shown = (
                f'{{"Name":"","Protocol":"{port.protocol}","AppProtocol":null,"Port":{port.port},'
                '"TargetPort":0,"NodePort":0}'
            )
            errors.append(FieldError.duplicate(f"spec.ports[{index}]", Verbatim(shown)))
        seen.add(key)


def _load_balancer(spec: ServiceSpec, errors: Errors) -> None:
    only = "may only be used when `type` is 'LoadBalancer'"
    if spec.loadBalancerSourceRanges:
        path = "spec.LoadBalancerSourceRanges"
        if spec.type != "LoadBalancer":
            errors.append(FieldError.forbidden(path, only))
        for index, text in enumerate(spec.loadBalancerSourceRanges):
            for message in names.cidr(text.strip()):
                errors.append(FieldError.invalid(f"{path}[{index}]", text.strip(), message))
    if spec.allocateLoadBalancerNodePorts is not None and spec.type != "LoadBalancer":
        errors.append(FieldError.forbidden("spec.allocateLoadBalancerNodePorts", only))
    if spec.loadBalancerClass is not None:
        if spec.type != "LoadBalancer":
            errors.append(
                FieldError.forbidden("spec.loadBalancerClass", "may only be used when type is 'LoadBalancer'")
            )
        for message in names.qualified_name(spec.loadBalancerClass):
            errors.append(FieldError.invalid("spec.loadBalancerClass", spec.loadBalancerClass, message))


def _traffic(spec: ServiceSpec, errors: Errors) -> None:
    outside = spec.type in ("LoadBalancer", "NodePort") or (spec.type == "ClusterIP" and bool(spec.externalIPs))
    policy = spec.externalTrafficPolicy
    path = "spec.externalTrafficPolicy"
    if not outside:
        if policy:
            text = "may only be set for externally-accessible services"
            errors.append(FieldError.invalid(path, policy, text))
    elif not policy:
        errors.append(FieldError.required(path))
    elif policy not in ("Cluster", "Local"):
        errors.append(FieldError.not_supported(path, policy, ("Cluster", "Local")))
    if spec.healthCheckNodePort and not (spec.type == "LoadBalancer" and policy == "Local"):
        text = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        errors.append(FieldError.invalid("spec.healthCheckNodePort", spec.healthCheckNodePort, text))
    inside = spec.internalTrafficPolicy
    if inside is None and spec.type != "ExternalName":
        errors.append(FieldError.required("spec.internalTrafficPolicy"))
    elif inside is not None and inside not in ("Cluster", "Local"):
        errors.append(FieldError.not_supported("spec.internalTrafficPolicy", inside, ("Cluster", "Local")))
    if spec.trafficDistribution is not None and spec.trafficDistribution not in DISTRIBUTIONS:
        errors.append(FieldError.not_supported("spec.trafficDistribution", spec.trafficDistribution, DISTRIBUTIONS))


def update(new: Service, old: Service, errors: Errors) -> None:
    """A changed Service: its first address and family stay as long as it is of a type that has them."""
    object_meta_update(new.metadata, old.metadata, errors)
    spec, before = new.spec or NO_SPEC, old.spec or NO_SPEC
    if "ExternalName" not in (spec.type, before.type):
        _same_addresses(cluster_ips(spec), cluster_ips(before), errors)
        _same_families(spec.ipFamilies or (), before.ipFamilies or (), errors)
    kept = spec.type == before.type == "LoadBalancer"
    if kept and spec.loadBalancerClass != before.loadBalancerClass:
        errors.append(FieldError.invalid("spec.loadBalancerClass", spec.loadBalancerClass, ONCE))
    checks = [item.type == "LoadBalancer" and item.externalTrafficPolicy == "Local" for item in (spec, before)]
    if all(checks) and spec.healthCheckNodePort != before.healthCheckNodePort:
        errors.append(FieldError.forbidden("spec.healthCheckNodePort", "field is immutable"))
    create(new, errors)


def _same_addresses(new: tuple[str, ...], old: tuple[str, ...], errors: Errors) -> None:
    if old and old[0] and (not new or new[0] != old[0]):
        errors.append(FieldError.invalid("spec.clusterIPs[0]", new, ONCE))
    if len(old) > 1 and len(new) > 1 and new[1] != old[1]:
        errors.append(FieldError.invalid("spec.clusterIPs[1]", new, ONCE))


def _same_families(new: tuple[str, ...], old: tuple[str, ...], errors: Errors) -> None:
    if old and new and new[0] != old[0]:
        errors.append(FieldError.invalid("spec.ipFamilies[0]", new, ONCE))


def create_endpoints(obj: Endpoints, errors: Errors) -> None:
    """New Endpoints."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    for index, subset in enumerate(obj.subsets or ()):
        _subset(subset, f"subsets[{index}]", errors)


def update_endpoints(new: Endpoints, old: Endpoints, errors: Errors) -> None:
    """Changed Endpoints."""
    object_meta_update(new.metadata, old.metadata, errors)
    if new.subsets != old.subsets:
        create_endpoints(new, errors)


def _subset(item: EndpointSubset, path: str, errors: Errors) -> None:
    if not item.addresses and not item.notReadyAddresses:
        errors.append(FieldError.required(path, "must specify `addresses` or `notReadyAddresses`"))
    for name in ("addresses", "notReadyAddresses"):
        for index, address in enumerate(getattr(item, name) or ()):
            place = f"{path}.{name}[{index}]"
            for message in names.ip_address(address.ip or ""):
                errors.append(FieldError.invalid(f"{place}.ip", address.ip or "", message))
            if address.hostname:
                for message in names.dns_label(address.hostname):
                    errors.append(FieldError.invalid(f"{place}.hostname", address.hostname, message))
    for index, port in enumerate(item.ports or ()):
        place = f"{path}.ports[{index}]"
        if not port.name and len(item.ports) > 1:
            errors.append(FieldError.required(f"{place}.name"))
        elif port.name:
            for message in names.dns_label(port.name):
                errors.append(FieldError.invalid(f"{place}.name", port.name, message))
        for message in names.port_number(port.port or 0):
            errors.append(FieldError.invalid(f"{place}.port", port.port or 0, message))
        protocol(port.protocol, f"{place}.protocol", errors)


def create_slice(obj: EndpointSlice, errors: Errors) -> None:
    """A new EndpointSlice."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    if not obj.addressType:
        errors.append(FieldError.required("addressType"))
    elif obj.addressType not in ADDRESS_TYPES:
        errors.append(FieldError.not_supported("addressType", obj.addressType, ADDRESS_TYPES))
    if len(obj.endpoints or ()) > 1000:
        errors.append(FieldError.too_many("endpoints", len(obj.endpoints), 1000))
        return
    for index, item in enumerate(obj.endpoints or ()):
        _endpoint(item, obj.addressType, f"endpoints[{index}]", errors)
    _slice_ports(obj, errors)


def update_slice(new: EndpointSlice, old: EndpointSlice, errors: Errors) -> None:
    """A changed EndpointSlice: it keeps its kind of addresses."""
    object_meta_update(new.metadata, old.metadata, errors)
    create_slice(new, errors)
    immutable(new.addressType, old.addressType, "addressType", errors)


def _endpoint(item: Endpoint, kind: str | None, path: str, errors: Errors) -> None:
    addresses = item.addresses or ()
    if not addresses:
        errors.append(FieldError.required(f"{path}.addresses", "must contain at least 1 address"))
    elif len(addresses) > 100:
        errors.append(FieldError.too_many(f"{path}.addresses", len(addresses), 100))
    for index, address in enumerate(addresses):
        place = f"{path}.addresses[{index}]"
        for message in names.dns_subdomain(address) if kind == "FQDN" else names.ip_address(address):
            errors.append(FieldError.invalid(place, address, message))
        if kind in ("IPv4", "IPv6") and not names.ip_address(address) and (":" in address) != (kind == "IPv6"):
            errors.append(FieldError.invalid(place, address, f"must be an {kind} address"))
    if item.nodeName is not None:
        for message in names.subdomain_name(item.nodeName):
            errors.append(FieldError.invalid(f"{path}.nodeName", item.nodeName, message))
    if item.hostname is not None:
        for message in names.dns_label(item.hostname):
            errors.append(FieldError.invalid(f"{path}.hostname", item.hostname, message))


def _slice_ports(obj: EndpointSlice, errors: Errors) -> None:
    seen: set[str] = set()
    for index, port in enumerate(obj.ports or ()):
        place, name = f"ports[{index}]", port.name or ""
        if name:
            for message in names.dns_label(name):
                errors.append(FieldError.invalid(f"{place}.name", name, message))
        if name in seen:
            errors.append(FieldError.duplicate(f"{place}.name", name))
        seen.add(name)
        protocol(port.protocol, f"{place}.protocol", errors)
        if port.appProtocol is not None:
            for message in names.qualified_name(port.appProtocol):
                errors.append(FieldError.invalid(f"{place}.appProtocol", port.appProtocol, message))

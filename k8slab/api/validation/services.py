"""Services (`pkg/apis/core/validation`, `ValidateService`)."""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import LoadBalancerIngress, Service, ServicePort, ServiceSpec
from k8slab.api.validation import names
from k8slab.api.validation.metadata import Errors, labels, object_meta, object_meta_update
from k8slab.api.validation.probes import port_number_or_name
from k8slab.errors import FieldError, Verbatim

PROTOCOLS = ("SCTP", "TCP", "UDP")
TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
FAMILIES = ("IPv4", "IPv6")
IP_MODES = ("Proxy", "VIP")
FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
DISTRIBUTIONS = ("PreferClose", "PreferSameNode", "PreferSameZone")
MAX_AFFINITY_SECONDS = 86400
KUBELET_PORT = 10250
TOPOLOGY_HINTS = "service.kubernetes.io/topology-aware-hints"
TOPOLOGY_MODE = "service.kubernetes.io/topology-mode"
SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
ONCE = "may not change once set"
NO_SPEC = ServiceSpec()


def create(obj: Service, errors: Errors) -> None:
    """A new Service, before or after addresses and node ports were allocated."""
    object_meta(obj.metadata, True, names.label_name, errors)
    spec = obj.spec or NO_SPEC
    ips = cluster_ips(spec)
    headless = ips[:1] == ("None",)
    _topology(obj.metadata.annotations or {}, errors)
    if not spec.ports and not headless and spec.type != "ExternalName":
        errors.append(FieldError.required("spec.ports"))
    _by_type(spec, ips, headless, errors)
    _ports(spec.ports or (), errors)
    labels(spec.selector, "spec.selector", errors)
    _affinity(spec, errors)
    _addresses(spec, ips, errors)
    for index, address in enumerate(spec.externalIPs or ()):
        for message in names.ip_address(address) or names.special_ip(address):
            errors.append(FieldError.invalid(f"spec.externalIPs[{index}]", address, message))
    if not spec.type:
        errors.append(FieldError.required("spec.type"))
    elif spec.type not in TYPES:
        errors.append(FieldError.not_supported("spec.type", spec.type, TYPES))
    _unique_ports(spec, errors)
    _load_balancer(obj, spec, errors)
    _traffic(spec, errors)


def _topology(annotations: dict[str, str], errors: Errors) -> None:
    hints, mode = annotations.get(TOPOLOGY_HINTS), annotations.get(TOPOLOGY_MODE)
    if hints is not None and mode is not None and mode != hints:
        text = f"must match annotations[{TOPOLOGY_HINTS}] when both are specified"
        errors.append(FieldError.invalid(f"metadata.annotations[{TOPOLOGY_MODE}]", mode, text))


def cluster_ips(spec: ServiceSpec) -> tuple[str, ...]:
    """The list of addresses; the old field `clusterIP` stands for it where only that is set."""
    return spec.clusterIPs or ((spec.clusterIP,) if spec.clusterIP else ())


def _by_type(spec: ServiceSpec, ips: tuple[str, ...], headless: bool, errors: Errors) -> None:
    for index, port in enumerate((spec.ports or ()) if spec.type == "LoadBalancer" else ()):
        if port.port == KUBELET_PORT:
            text = f"may not expose port {KUBELET_PORT} externally since it is used by kubelet"
            errors.append(FieldError.invalid(f"spec.ports[{index}]", port.port, text))
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
    elif spec.sessionAffinity == "None" and spec.sessionAffinityConfig is not None:
        text = "must not be set when session affinity is None"
        errors.append(FieldError.forbidden("spec.sessionAffinityConfig", text))


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
    if not spec.clusterIP and spec.clusterIPs:
        text = "must be empty when `clusterIP` is not specified"
        errors.append(FieldError.invalid("spec.clusterIPs", spec.clusterIPs, text))
    for index, address in enumerate(ips):
        if address == "None" and not index:
            if len(ips) > 1:
                text = "'None' must be the first and only value"
                errors.append(FieldError.invalid("spec.clusterIPs", ips, text))
            continue
        for message in names.ip_address(address):
            errors.append(FieldError.invalid(f"spec.clusterIPs[{index}]", address, message))
    if len(ips) > 2:
        text = "may only hold up to 2 values"
        errors.append(FieldError.invalid("spec.clusterIPs", ips, text))
    if "None" not in ips and not any(names.ip_address(address) for address in ips):
        _one_of_each_family(ips, spec.ipFamilies or (), errors)


def _one_of_each_family(ips: tuple[str, ...], families: tuple[str, ...], errors: Errors) -> None:
    if len(ips) > 1 and sorted(":" in address for address in ips) != [False, True]:
        text = "may specify no more than one IP for each IP family"
        errors.append(FieldError.invalid("spec.clusterIPs", ips, text))
    for index, (address, family) in enumerate(zip(ips, families, strict=False)):
        if family in FAMILIES and (":" in address) != (family == "IPv6"):
            text = f"expected an {family} value as indicated by `ipFamilies[{index}]`"
            errors.append(FieldError.invalid(f"spec.clusterIPs[{index}]", address, text))


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


def _load_balancer(obj: Service, spec: ServiceSpec, errors: Errors) -> None:
    only = "may only be used when `type` is 'LoadBalancer'"
    if spec.loadBalancerSourceRanges:
        path = "spec.LoadBalancerSourceRanges"
        if spec.type != "LoadBalancer":
            errors.append(FieldError.forbidden(path, only))
        for index, text in enumerate(spec.loadBalancerSourceRanges):
            for message in names.cidr(text.strip()):
                errors.append(FieldError.invalid(f"{path}[{index}]", text.strip(), message))
    elif SOURCE_RANGES in (obj.metadata.annotations or {}):
        _annotated_ranges(obj.metadata.annotations[SOURCE_RANGES].strip(), spec, only, errors)
    if spec.allocateLoadBalancerNodePorts is not None and spec.type != "LoadBalancer":
        errors.append(FieldError.forbidden("spec.allocateLoadBalancerNodePorts", only))
    if spec.loadBalancerClass is not None:
        if spec.type != "LoadBalancer":
            errors.append(
                FieldError.forbidden("spec.loadBalancerClass", "may only be used when type is 'LoadBalancer'")
            )
        for message in names.qualified_name(spec.loadBalancerClass):
            errors.append(FieldError.invalid("spec.loadBalancerClass", spec.loadBalancerClass, message))


def _annotated_ranges(ranges: str, spec: ServiceSpec, only: str, errors: Errors) -> None:
    path = f"metadata.annotations[{SOURCE_RANGES}]"
    if spec.type != "LoadBalancer":
        errors.append(FieldError.forbidden(path, only))
    for text in ranges.split(",") if ranges else ():
        for message in names.cidr(text.strip()):
            errors.append(FieldError.invalid(path, text.strip(), message))


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
    if spec.type == "LoadBalancer" and policy == "Local":
        for message in names.port_number(spec.healthCheckNodePort) if spec.healthCheckNodePort else ():
            errors.append(FieldError.invalid("spec.healthCheckNodePort", spec.healthCheckNodePort, message))
    elif spec.healthCheckNodePort:
        text = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        errors.append(FieldError.invalid("spec.healthCheckNodePort", spec.healthCheckNodePort, text))
    inside = spec.internalTrafficPolicy
    if inside is None and spec.type in ("ClusterIP", "LoadBalancer", "NodePort"):
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
        _same_addresses(spec, before, errors)
        _same_families(spec, before, errors)
    kept = spec.type == before.type == "LoadBalancer"
    if kept and spec.loadBalancerClass != before.loadBalancerClass:
        errors.append(FieldError.invalid("spec.loadBalancerClass", spec.loadBalancerClass, ONCE))
    checks = [item.type == "LoadBalancer" and item.externalTrafficPolicy == "Local" for item in (spec, before)]
    if all(checks) and spec.healthCheckNodePort != before.healthCheckNodePort:
        errors.append(FieldError.forbidden("spec.healthCheckNodePort", "field is immutable"))
    create(new, errors)


def _same_addresses(spec: ServiceSpec, before: ServiceSpec, errors: Errors) -> None:
    """A second address may come and, with policy SingleStack, go; the first stays."""
    new, old = cluster_ips(spec), cluster_ips(before)
    if new == old == ("None",):
        return
    path = "spec.clusterIPs"
    if len(new) == len(old):
        for index, address in enumerate(old):
            if address != new[index]:
                errors.append(FieldError.invalid(f"{path}[{index}]", new, ONCE))
        return
    if not new:
        errors.append(FieldError.invalid(f"{path}[0]", new, "primary clusterIP can not be unset"))
    elif old and new[0] != old[0]:
        errors.append(FieldError.invalid(f"{path}[0]", new, ONCE))
    if len(old) > len(new) == 1 and spec.ipFamilyPolicy != "SingleStack":
        text = "must be set to 'SingleStack' when releasing the secondary clusterIP"
        errors.append(FieldError.invalid("spec.ipFamilyPolicy", spec.ipFamilyPolicy, text))


def _same_families(spec: ServiceSpec, before: ServiceSpec, errors: Errors) -> None:
    headless = [cluster_ips(one) == ("None",) for one in (spec, before)]
    new, old = spec.ipFamilies or (), before.ipFamilies or ()
    if any(headless):
        return
    path = "spec.ipFamilies[0]"
    if len(new) == len(old):
        for index, family in enumerate(old):
            if family != new[index]:
                errors.append(FieldError.invalid(path, new, ONCE))
        return
    if len(old) > len(new) and not cluster_ips(spec):
        errors.append(FieldError.invalid(path, new, "primary ipFamily can not be unset"))
    if new and old and new[0] != old[0]:
        errors.append(FieldError.invalid(path, cluster_ips(spec), ONCE))
    if len(old) > len(new) == 1 and spec.ipFamilyPolicy != "SingleStack":
        text = "must be set to 'SingleStack' when releasing the secondary ipFamily"
        errors.append(FieldError.invalid("spec.ipFamilyPolicy", spec.ipFamilyPolicy, text))


def status(new: Service, old: Service, errors: Errors) -> None:
    """A changed status of a Service: addresses of a load balancer, on Services that have one."""
    object_meta_update(new.metadata, old.metadata, errors)
    balancer = new.status.loadBalancer if new.status else None
    path = "status.loadBalancer.ingress"
    found = (balancer.ingress if balancer else None) or ()
    before = old.status.loadBalancer if old.status else None
    if found and (new.spec or NO_SPEC).type != "LoadBalancer" and found != ((before.ingress if before else None) or ()):
        errors.append(FieldError.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'"))
        return
    for index, ingress in enumerate(found):
        _ingress(ingress, f"{path}[{index}]", errors)


def _ingress(item: LoadBalancerIngress, path: str, errors: Errors) -> None:
    if item.ip:
        for message in names.ip_address(item.ip):
            errors.append(FieldError.invalid(f"{path}.ip", item.ip, message))
        if item.ipMode is not None and item.ipMode not in IP_MODES:
            errors.append(FieldError.not_supported(f"{path}.ipMode", item.ipMode, IP_MODES))
        elif item.ipMode is None:
            errors.append(FieldError.required(f"{path}.ipMode", "must be specified when `ip` is set"))
    elif item.ipMode is not None:
        errors.append(FieldError.forbidden(f"{path}.ipMode", "may not be specified when `ip` is not set"))
    if item.hostname:
        for message in names.dns_subdomain(item.hostname):
            errors.append(FieldError.invalid(f"{path}.hostname", item.hostname, message))
        if not names.ip_address(item.hostname):
            text = "must be a DNS name, not an IP address"
            errors.append(FieldError.invalid(f"{path}.hostname", item.hostname, text))

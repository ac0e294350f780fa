"""Network policies and Ingresses (`pkg/apis/networking/validation`)."""

from __future__ import annotations

import ipaddress
from typing import Any

from k8slab.api import networking_v1
from k8slab.api.core_v1 import TypedLocalObjectReference
from k8slab.api.validation import names
from k8slab.api.validation.metadata import (
    Errors,
    domain_prefixed_path,
    immutable,
    object_meta,
    object_meta_update,
)
from k8slab.api.validation.probes import port_number_or_name
from k8slab.api.validation.selectors import label_selector
from k8slab.errors import FieldError

SCOPES = ("Cluster", "Namespace")
CLASS_ANNOTATION = "kubernetes.io/ingress.class"
PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")


def network_policy(obj: networking_v1.NetworkPolicy, errors: Errors) -> None:
    """A new NetworkPolicy."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    spec = obj.spec or networking_v1.NetworkPolicySpec()
    label_selector(spec.podSelector, "spec.podSelector", errors)
    for direction, side in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(getattr(spec, direction) or ()):
            place = f"spec.{direction}[{index}]"
            for number, port in enumerate(rule.ports or ()):
                _policy_port(port, f"{place}.ports[{number}]", errors)
            peers = rule.from_ if side == "from" else rule.to
            for number, peer in enumerate(peers or ()):
                _peer(peer, f"{place}.{side}[{number}]", errors)
    types = spec.policyTypes or ()
    if len(types) > 2:
        errors.append(FieldError.invalid("spec.policyTypes", types, "may not specify more than two policyTypes"))
    for index, kind in enumerate(types):
        if kind not in ("Ingress", "Egress"):
            errors.append(FieldError.not_supported(f"spec.policyTypes[{index}]", kind, ("Egress", "Ingress")))


def _policy_port(port: networking_v1.NetworkPolicyPort, path: str, errors: Errors) -> None:
    if port.protocol is not None and port.protocol not in ("TCP", "UDP", "SCTP"):
        errors.append(FieldError.not_supported(f"{path}.protocol", port.protocol, ("SCTP", "TCP", "UDP")))
    if port.port is not None:
        port_number_or_name(port.port, f"{path}.port", errors)
    if port.endPort is None:
        return
    if not isinstance(port.port, int):
        text = "must be specified when `endPort` is specified" if port.port is None else ""
        if text:
            errors.append(FieldError.required(f"{path}.port", text))
        else:
            errors.append(
                FieldError.invalid(f"{path}.endPort", port.endPort, "may not be specified when `port` is non-numeric")
            )
    elif port.endPort < port.port:
        text = "must be greater than or equal to `port`"
        errors.append(FieldError.invalid(f"{path}.endPort", port.endPort, text))


def _peer(peer: networking_v1.NetworkPolicyPeer, path: str, errors: Errors) -> None:
    label_selector(peer.podSelector, f"{path}.podSelector", errors)
    label_selector(peer.namespaceSelector, f"{path}.namespaceSelector", errors)
    selecting = peer.podSelector is not None or peer.namespaceSelector is not None
    if peer.ipBlock is not None:
        _ip_block(peer.ipBlock, f"{path}.ipBlock", errors)
        if selecting:
            errors.append(FieldError.forbidden(path, "may not specify both ipBlock and another peer"))
    elif not selecting:
        errors.append(FieldError.required(path, "must specify a peer"))


def _ip_block(block: networking_v1.IPBlock, path: str, errors: Errors) -> None:
    if not block.cidr:
        errors.append(FieldError.required(f"{path}.cidr"))
        return
    problems = names.cidr(block.cidr)
    for message in problems:
        errors.append(FieldError.invalid(f"{path}.cidr", block.cidr, message))
    for index, text in enumerate(block.except_ or ()):
        place = f"{path}.except[{index}]"
        wrong = names.cidr(text)
        for message in wrong:
            errors.append(FieldError.invalid(place, text, message))
        if not problems and not wrong and not _strictly_within(text, block.cidr):
            errors.append(FieldError.invalid(place, text, "must be a strict subset of `cidr`"))


def _strictly_within(inner: str, outer: str) -> bool:
    small, large = (ipaddress.ip_network(text, strict=False) for text in (inner, outer))
    return small.version == large.version and small != large and small.subnet_of(large)  # type: ignore[arg-type]


def update_network_policy(new: networking_v1.NetworkPolicy, old: networking_v1.NetworkPolicy, errors: Errors) -> None:
    """A changed NetworkPolicy."""
    object_meta_update(new.metadata, old.metadata, errors)
    network_policy(new, errors)


def ingress(obj: networking_v1.Ingress, errors: Errors) -> None:
    """A new Ingress."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    spec = obj.spec or networking_v1.IngressSpec()
    named = (obj.metadata.annotations or {}).get(CLASS_ANNOTATION)
    if named is not None and spec.ingressClassName is not None and named != spec.ingressClassName:
        text = "can not be set when the class field is also set"
        errors.append(FieldError.invalid(f"annotations.{CLASS_ANNOTATION}", named, text))
    if not spec.rules and spec.defaultBackend is None:
        text = "either `defaultBackend` or `rules` must be specified"
        errors.append(FieldError.invalid("spec", None, text))
    if spec.defaultBackend is not None:
        _backend(spec.defaultBackend, "spec.defaultBackend", errors)
    for index, rule in enumerate(spec.rules or ()):
        place = f"spec.rules[{index}]"
        if rule.host:
            _host(rule.host, f"{place}.host", errors)
        if rule.http is not None:
            _paths(rule.http, f"{place}.http", errors)
    for index, item in enumerate(spec.tls or ()):
        for number, host in enumerate(item.hosts or ()):
            _host(host, f"spec.tls[{index}].hosts[{number}]", errors)
    if spec.ingressClassName is not None:
        for message in names.subdomain_name(spec.ingressClassName):
            errors.append(FieldError.invalid("spec.ingressClassName", spec.ingressClassName, message))


def _host(host: str, path: str, errors: Errors) -> None:
    if not names.ip_address(host):
        errors.append(FieldError.invalid(path, host, "must be a DNS name, not an IP address"))
        return
    for message in names.wildcard_subdomain(host) if "*" in host else names.dns_subdomain(host):
        errors.append(FieldError.invalid(path, host, message))


def _paths(http: networking_v1.HTTPIngressRuleValue, path: str, errors: Errors) -> None:
    if not http.paths:
        errors.append(FieldError.required(f"{path}.paths"))
    for index, item in enumerate(http.paths or ()):
        place = f"{path}.paths[{index}]"
        if item.pathType is None:
            errors.append(FieldError.required(f"{place}.pathType", "pathType must be specified"))
            continue
        if item.pathType not in PATH_TYPES:
            errors.append(FieldError.not_supported(f"{place}.pathType", item.pathType, PATH_TYPES))
        elif not (item.path or "").startswith("/") and (item.path or item.pathType != "ImplementationSpecific"):
            errors.append(FieldError.invalid(f"{place}.path", item.path or "", "must be an absolute path"))
        if item.pathType in ("Exact", "Prefix"):
            _plain_path(item.path or "", f"{place}.path", errors)
        _backend(item.backend or networking_v1.IngressBackend(), f"{place}.backend", errors)


def _plain_path(text: str, path: str, errors: Errors) -> None:
    for wrong in ("//", "/./", "/../", "%2f", "%2F"):
        if wrong in text:
            errors.append(FieldError.invalid(path, text, f"must not contain '{wrong}'"))
    for wrong in ("/..", "/."):
        if text.endswith(wrong):
            errors.append(FieldError.invalid(path, text, f"cannot end with '{wrong}'"))


def _backend(backend: networking_v1.IngressBackend, path: str, errors: Errors) -> None:
    if backend.service is not None and backend.resource is not None:
        errors.append(FieldError.invalid(path, "", "cannot set both resource and service backends"))
    elif backend.service is not None:
        _service_backend(backend.service, path, errors)
    elif backend.resource is None:
        errors.append(FieldError.required(path, "resource or service backend is required"))
    else:
        _resource_backend(backend.resource, f"{path}.resource", errors)


def _resource_backend(item: TypedLocalObjectReference, path: str, errors: Errors) -> None:
    _kind_and_name(item, path, errors)
    for message in names.dns_subdomain(item.apiGroup) if item.apiGroup is not None else ():
        errors.append(FieldError.invalid(f"{path}.apiGroup", item.apiGroup, message))


def _kind_and_name(item: Any, path: str, errors: Errors) -> None:
    for name in ("kind", "name"):
        value = getattr(item, name)
        if not value:
            errors.append(FieldError.required(f"{path}.{name}"))
        for message in names.path_segment(value) if value else ():
            errors.append(FieldError.invalid(f"{path}.{name}", value, message))


def _service_backend(service: networking_v1.IngressServiceBackend, path: str, errors: Errors) -> None:
    if not service.name:
        errors.append(FieldError.required(f"{path}.service.name"))
    else:
        for message in names.label_name(service.name):
            errors.append(FieldError.invalid(f"{path}.service.name", service.name, message))
    port = service.port or networking_v1.ServiceBackendPort()
    if port.name and port.number:
        errors.append(FieldError.invalid(path, "", "cannot set both port name & port number"))
    elif port.name:
        for message in names.port_name(port.name):
            errors.append(FieldError.invalid(f"{path}.service.port.name", port.name, message))
    elif port.number:
        for message in names.port_number(port.number):
            errors.append(FieldError.invalid(f"{path}.service.port.number", port.number, message))
    else:
        errors.append(FieldError.required(path, "port name or number is required"))


def update_ingress(new: networking_v1.Ingress, old: networking_v1.Ingress, errors: Errors) -> None:
    """A changed Ingress."""
    object_meta_update(new.metadata, old.metadata, errors)
    ingress(new, errors)


def ingress_class(obj: networking_v1.IngressClass, errors: Errors) -> None:
    """A new IngressClass."""
    object_meta(obj.metadata, False, names.subdomain_name, errors)
    spec = obj.spec or networking_v1.IngressClassSpec()
    if len(spec.controller or "") > 250:
        errors.append(FieldError.too_long("spec.controller", 250))
    domain_prefixed_path(spec.controller or "", "spec.controller", errors)
    if spec.parameters is not None:
        _class_parameters(spec.parameters, "spec.parameters", errors)


def _class_parameters(item: networking_v1.IngressClassParametersReference, path: str, errors: Errors) -> None:
    for message in names.dns_subdomain(item.apiGroup) if item.apiGroup is not None else ():
        errors.append(FieldError.invalid(f"{path}.apiGroup", item.apiGroup, message))
    _kind_and_name(item, path, errors)
    if item.scope is None:
        errors.append(FieldError.required(f"{path}.scope"))
    elif item.scope not in SCOPES:
        errors.append(FieldError.not_supported(f"{path}.scope", item.scope, SCOPES))
    _parameters_namespace(item, path, errors)


def _parameters_namespace(item: networking_v1.IngressClassParametersReference, path: str, errors: Errors) -> None:
    place = f"{path}.namespace"
    if item.scope == "Namespace" and not item.namespace:
        text = "`parameters.scope` is set to 'Namespace'"
        errors.append(FieldError.required(place, text))
    elif item.scope == "Namespace":
        errors.extend(FieldError.invalid(place, item.namespace, text) for text in names.label_name(item.namespace))
    elif item.scope == "Cluster" and item.namespace is not None:
        errors.append(FieldError.forbidden(place, "`parameters.scope` is set to 'Cluster'"))


def update_ingress_class(new: networking_v1.IngressClass, old: networking_v1.IngressClass, errors: Errors) -> None:
    """A changed IngressClass: its controller stays."""
    object_meta_update(new.metadata, old.metadata, errors)
    ingress_class(new, errors)
    mine, theirs = (obj.spec.controller if obj.spec else None for obj in (new, old))
    immutable(mine, theirs, "spec.controller", errors)

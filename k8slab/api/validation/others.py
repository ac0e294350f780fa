"""Rules of the smaller groups: RBAC, policy, autoscaling, quotas, networking, scheduling, runtime classes."""

from __future__ import annotations

import ipaddress
from typing import Any

from k8slab.api import autoscaling_v2, networking_v1, policy_v1, rbac_v1
from k8slab.api.core_v1 import LimitRange, LimitRangeItem, ResourceQuota
from k8slab.api.node_v1 import RuntimeClass
from k8slab.api.quantity import canonical, compare, milli
from k8slab.api.scheduling_v1 import PriorityClass
from k8slab.api.validation import names
from k8slab.api.validation.gostruct import quoted
from k8slab.api.validation.metadata import Errors, immutable, object_meta, object_meta_update
from k8slab.api.validation.numbers import at_most_all, int_or_percent
from k8slab.api.validation.probes import port_number_or_name
from k8slab.api.validation.resources import STANDARD_RESOURCES, is_huge_page, quantity_value
from k8slab.api.validation.selectors import label_selector
from k8slab.errors import FieldError

RBAC = "rbac.authorization.k8s.io"
MAX_USER_PRIORITY = 1_000_000_000
SYSTEM_CLASSES = {"system-node-critical": 2_000_001_000, "system-cluster-critical": 2_000_000_000}
SCOPES = ("BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating")
PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")


def role(obj: rbac_v1.Role | rbac_v1.ClusterRole, errors: Errors) -> None:
    """A new Role or ClusterRole."""
    namespaced = isinstance(obj, rbac_v1.Role)
    object_meta(obj.metadata, namespaced, names.segment_name, errors)
    for index, rule in enumerate(obj.rules or ()):
        _rule(rule, namespaced, f"rules[{index}]", errors)
    aggregation = getattr(obj, "aggregationRule", None)
    for index, selector in enumerate((aggregation.clusterRoleSelectors or ()) if aggregation else ()):
        label_selector(selector, f"aggregationRule.clusterRoleSelectors[{index}]", errors)


def _rule(rule: rbac_v1.PolicyRule, namespaced: bool, path: str, errors: Errors) -> None:
    if not rule.verbs:
        errors.append(FieldError.required(f"{path}.verbs", "verbs must contain at least one value"))
    urls = rule.nonResourceURLs
    if urls:
        if namespaced:
            text = "namespaced rules cannot apply to non-resource URLs"
            errors.append(FieldError.invalid(f"{path}.nonResourceURLs", urls, text))
        if rule.apiGroups or rule.resources or rule.resourceNames:
            text = "rules cannot apply to both regular resources and non-resource URLs"
            errors.append(FieldError.invalid(f"{path}.nonResourceURLs", urls, text))
        return
    if not rule.apiGroups:
        errors.append(FieldError.required(f"{path}.apiGroups", "resource rules must supply at least one api group"))
    if not rule.resources:
        errors.append(FieldError.required(f"{path}.resources", "resource rules must supply at least one resource"))


def update_role(new: Any, old: Any, errors: Errors) -> None:
    """A changed Role or ClusterRole."""
    role(new, errors)
    object_meta_update(new.metadata, old.metadata, errors)


def binding(obj: rbac_v1.RoleBinding | rbac_v1.ClusterRoleBinding, errors: Errors) -> None:
    """A new RoleBinding or ClusterRoleBinding."""
    namespaced = isinstance(obj, rbac_v1.RoleBinding)
    object_meta(obj.metadata, namespaced, names.segment_name, errors)
    ref = obj.roleRef or rbac_v1.RoleRef()
    if ref.apiGroup != RBAC:
        errors.append(FieldError.not_supported("roleRef.apiGroup", ref.apiGroup or "", (RBAC,)))
    kinds = ("Role", "ClusterRole") if namespaced else ("ClusterRole",)
    if ref.kind not in kinds:
        errors.append(FieldError.not_supported("roleRef.kind", ref.kind or "", kinds))
    if not ref.name:
        errors.append(FieldError.required("roleRef.name"))
    for message in names.path_segment(ref.name or ""):
        errors.append(FieldError.invalid("roleRef.name", ref.name, message))
    for index, subject in enumerate(obj.subjects or ()):
        _subject(subject, namespaced, f"subjects[{index}]", errors)


def _subject(item: rbac_v1.Subject, namespaced: bool, path: str, errors: Errors) -> None:
    if not item.name:
        errors.append(FieldError.required(f"{path}.name"))
    if item.kind == "ServiceAccount":
        for message in names.subdomain_name(item.name) if item.name else ():
            errors.append(FieldError.invalid(f"{path}.name", item.name, message))
        if item.apiGroup:
            errors.append(FieldError.not_supported(f"{path}.apiGroup", item.apiGroup, ("",)))
        if not item.namespace and not namespaced:
            errors.append(FieldError.required(f"{path}.namespace"))
    elif item.kind in ("User", "Group"):
        if item.apiGroup != RBAC:
            errors.append(FieldError.not_supported(f"{path}.apiGroup", item.apiGroup or "", (RBAC,)))
    else:
        kinds = ("ServiceAccount", "User", "Group")
        errors.append(FieldError.not_supported(f"{path}.kind", item.kind or "", kinds))


def update_binding(new: Any, old: Any, errors: Errors) -> None:
    """A changed binding: its role stays."""
    binding(new, errors)
    object_meta_update(new.metadata, old.metadata, errors)
    if new.roleRef != old.roleRef:
        errors.append(FieldError.invalid("roleRef", quoted(new.roleRef), "cannot change roleRef"))


def disruption_budget(obj: policy_v1.PodDisruptionBudget, errors: Errors) -> None:
    """A new PodDisruptionBudget."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    _budget_spec(obj.spec or policy_v1.PodDisruptionBudgetSpec(), errors)


def update_disruption_budget(
    new: policy_v1.PodDisruptionBudget, old: policy_v1.PodDisruptionBudget, errors: Errors
) -> None:
    """A changed PodDisruptionBudget."""
    object_meta_update(new.metadata, old.metadata, errors)
    _budget_spec(new.spec or policy_v1.PodDisruptionBudgetSpec(), errors)


def _budget_spec(spec: policy_v1.PodDisruptionBudgetSpec, errors: Errors) -> None:
    if spec.minAvailable is not None and spec.maxUnavailable is not None:
        text = "minAvailable and maxUnavailable cannot be both set"
        errors.append(FieldError.invalid("spec", quoted(spec), text))
    for name in ("minAvailable", "maxUnavailable"):
        int_or_percent(getattr(spec, name), f"spec.{name}", errors)
        at_most_all(getattr(spec, name), f"spec.{name}", errors)
    label_selector(spec.selector, "spec.selector", errors)
    policies = ("AlwaysAllow", "IfHealthyBudget")
    if spec.unhealthyPodEvictionPolicy is not None and spec.unhealthyPodEvictionPolicy not in policies:
        value = spec.unhealthyPodEvictionPolicy
        errors.append(FieldError.not_supported("spec.unhealthyPodEvictionPolicy", value, policies))


def scaler(obj: Any, errors: Errors) -> None:
    """A new HorizontalPodAutoscaler."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    spec = obj.spec
    low, high = spec.minReplicas, spec.maxReplicas or 0
    if low is not None and low < 1:
        text = "must be greater than or equal to 1"
        errors.append(FieldError.invalid("spec.minReplicas", low, text))
    if high == 0:
        errors.append(FieldError.required("spec.maxReplicas", "must be set and greater than 0"))
    elif high < 0:
        errors.append(FieldError.invalid("spec.maxReplicas", high, "must be greater than 0"))
    if low is not None and high < low:
        text = "must be greater than or equal to `minReplicas`"
        errors.append(FieldError.invalid("spec.maxReplicas", high, text))
    _scale_target(spec.scaleTargetRef, errors)
    if isinstance(obj, autoscaling_v2.HorizontalPodAutoscaler):
        _metrics(spec, errors)


def _scale_target(ref: Any, errors: Errors) -> None:
    for name in ("kind", "name"):
        value = getattr(ref, name, None)
        if not value:
            errors.append(FieldError.required(f"spec.scaleTargetRef.{name}"))
        for message in names.path_segment(value or ""):
            errors.append(FieldError.invalid(f"spec.scaleTargetRef.{name}", value, message))
    version = getattr(ref, "apiVersion", None) or ""
    core_controller = version == "v1" and ref.kind == "ReplicationController"
    if "/" not in version and not core_controller:
        text = "apiVersion must specify API group"
        errors.append(FieldError.invalid("spec.scaleTargetRef.apiVersion", version, text))


def _metrics(spec: autoscaling_v2.HorizontalPodAutoscalerSpec, errors: Errors) -> None:
    kinds = ("ContainerResource", "External", "Object", "Pods", "Resource")
    to_zero = False
    for index, metric in enumerate(spec.metrics or ()):
        if metric.type not in kinds:
            errors.append(FieldError.not_supported(f"spec.metrics[{index}].type", metric.type or "", kinds))
        to_zero = to_zero or metric.type in ("External", "Object")
    if spec.minReplicas == 0 and not to_zero:
        text = "must specify at least one Object or External metric to support scaling to zero replicas"
        errors.append(FieldError.forbidden("spec.metrics", text))


def update_scaler(new: Any, old: Any, errors: Errors) -> None:
    """A changed HorizontalPodAutoscaler."""
    object_meta_update(new.metadata, old.metadata, errors)
    scaler(new, errors)


def resource_quota(obj: ResourceQuota, errors: Errors) -> None:
    """A new ResourceQuota."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    spec = obj.spec
    for name, amount in (spec.hard or {}).items() if spec else ():
        path = f"spec.hard[{name}]"
        _quota_name(name, path, errors)
        quantity_value(name, amount, path, errors)
    for scope in (spec.scopes or ()) if spec else ():
        if scope not in SCOPES:
            errors.append(FieldError.invalid("spec.scopes", spec.scopes, "unsupported scope"))


def _quota_name(name: str, path: str, errors: Errors) -> None:
    for message in names.qualified_name(name):
        errors.append(FieldError.invalid(path, name, message))
    if "/" in name or name in STANDARD_RESOURCES or is_huge_page(name.removeprefix("requests.")):
        return
    errors.append(FieldError.invalid(path, name, "must be a standard resource type or fully qualified"))
    errors.append(FieldError.invalid(path, name, "must be a standard resource for quota"))


def update_resource_quota(new: ResourceQuota, old: ResourceQuota, errors: Errors) -> None:
    """A changed ResourceQuota: what it counts stays."""
    object_meta_update(new.metadata, old.metadata, errors)
    resource_quota(new, errors)
    scopes, before = ((obj.spec.scopes if obj.spec else None) or () for obj in (new, old))
    if sorted(scopes) != sorted(before):
        errors.append(FieldError.invalid("spec.scopes", scopes, "field is immutable"))


def limit_range(obj: LimitRange, errors: Errors) -> None:
    """A new LimitRange."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    seen: set[str] = set()
    for index, item in enumerate((obj.spec.limits or ()) if obj.spec else ()):
        path = f"spec.limits[{index}]"
        for message in names.qualified_name(item.type or ""):
            errors.append(FieldError.invalid(f"{path}.type", item.type or "", message))
        if item.type in seen:
            errors.append(FieldError.duplicate(f"{path}.type", item.type))
        seen.add(item.type)
        for name in ("default", "defaultRequest") if item.type == "Pod" else ():
            if getattr(item, name):
                errors.append(FieldError.forbidden(f"{path}.{name}", "may not be specified when `type` is 'Pod'"))
        _limits(item, path, errors)


def _limits(item: LimitRangeItem, path: str, errors: Errors) -> None:
    columns = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")
    resources = dict.fromkeys(name for column in columns for name in getattr(item, column) or {})
    for name in resources:
        _bounds(item, name, path, errors)


def _bounds(item: LimitRangeItem, name: str, path: str, errors: Errors) -> None:
    low, high = (item.min or {}).get(name), (item.max or {}).get(name)
    limit = (item.default or {}).get(name) if item.type != "Pod" else None
    request = (item.defaultRequest or {}).get(name) if item.type != "Pod" else None
    for small, large, field, value, text in (
        (low, high, "min", low, "min value {} is greater than max value {}"),
        (low, request, "defaultRequest", request, "min value {} is greater than default request value {}"),
        (request, high, "defaultRequest", request, "default request value {} is greater than max value {}"),
        (request, limit, "defaultRequest", request, "default request value {} is greater than default limit value {}"),
        (low, limit, "default", low, "min value {} is greater than default value {}"),
        (limit, high, "default", high, "default value {} is greater than max value {}"),
    ):
        if small is not None and large is not None and compare(small, large) > 0:
            message = text.format(canonical(small), canonical(large))
            errors.append(FieldError.invalid(f"{path}.{field}[{name}]", canonical(value), message))
    ratio = (item.maxLimitRequestRatio or {}).get(name)
    if ratio is not None and milli(ratio) < 1000:
        text = f"ratio {canonical(ratio)} is less than 1"
        errors.append(FieldError.invalid(f"{path}.maxLimitRequestRatio[{name}]", canonical(ratio), text))


def update_limit_range(new: LimitRange, old: LimitRange, errors: Errors) -> None:
    """A changed LimitRange."""
    limit_range(new, errors)
    object_meta_update(new.metadata, old.metadata, errors)


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
        _backend(item.backend or networking_v1.IngressBackend(), f"{place}.backend", errors)


def _backend(backend: networking_v1.IngressBackend, path: str, errors: Errors) -> None:
    if backend.service is not None and backend.resource is not None:
        errors.append(FieldError.invalid(path, "", "cannot set both resource and service backends"))
    elif backend.service is not None:
        _service_backend(backend.service, path, errors)
    elif backend.resource is None:
        errors.append(FieldError.required(path, "resource or service backend is required"))


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
    controller = (obj.spec.controller if obj.spec else None) or ""
    if not controller:
        errors.append(FieldError.required("spec.controller"))
        return
    if len(controller) > 250:
        errors.append(FieldError.too_long("spec.controller", 250))
    domain, slash, rest = controller.partition("/")
    if not slash or not rest:
        text = 'must be a domain-prefixed path (such as "acme.io/foo")'
        errors.append(FieldError.invalid("spec.controller", controller, text))
    for message in names.dns_subdomain(domain) if slash else ():
        errors.append(FieldError.invalid("spec.controller", domain, message))


def update_ingress_class(new: networking_v1.IngressClass, old: networking_v1.IngressClass, errors: Errors) -> None:
    """A changed IngressClass: its controller stays."""
    object_meta_update(new.metadata, old.metadata, errors)
    ingress_class(new, errors)
    mine, theirs = (obj.spec.controller if obj.spec else None for obj in (new, old))
    immutable(mine, theirs, "spec.controller", errors)


def priority_class(obj: PriorityClass, errors: Errors) -> None:
    """A new PriorityClass: the highest values and the prefix `system-` are Kubernetes' own."""
    object_meta(obj.metadata, False, names.subdomain_name, errors)
    name, value = obj.metadata.name or "", obj.value or 0
    if name.startswith("system-"):
        if SYSTEM_CLASSES.get(name) != value:
            reserved = "priority class names with 'system-' prefix are reserved for system use only"
            known = name in SYSTEM_CLASSES
            why = (
                f"value of {name} PriorityClass must be {SYSTEM_CLASSES.get(name)}"
                if known
                else (f"{name} is not a known system priority class")
            )
            errors.append(FieldError.forbidden("metadata.name", f"{reserved}. error: {why}"))
    elif value > MAX_USER_PRIORITY:
        text = f"maximum allowed value of a user defined priority is {MAX_USER_PRIORITY}"
        errors.append(FieldError.forbidden("value", text))
    policies = ("PreemptLowerPriority", "Never")
    if obj.preemptionPolicy is not None and obj.preemptionPolicy not in policies:
        errors.append(FieldError.not_supported("preemptionPolicy", obj.preemptionPolicy, policies))


def update_priority_class(new: PriorityClass, old: PriorityClass, errors: Errors) -> None:
    """A changed PriorityClass: its value stays."""
    object_meta_update(new.metadata, old.metadata, errors)
    if (new.value or 0) != (old.value or 0):
        errors.append(FieldError.forbidden("value", "may not be changed in an update."))
    immutable(new.preemptionPolicy, old.preemptionPolicy, "preemptionPolicy", errors)


def runtime_class(obj: RuntimeClass, errors: Errors) -> None:
    """A new RuntimeClass."""
    object_meta(obj.metadata, False, names.subdomain_name, errors)
    for message in names.dns_label(obj.handler or ""):
        errors.append(FieldError.invalid("handler", obj.handler or "", message))


def update_runtime_class(new: RuntimeClass, old: RuntimeClass, errors: Errors) -> None:
    """A changed RuntimeClass: its handler stays."""
    object_meta_update(new.metadata, old.metadata, errors)
    immutable(new.handler, old.handler, "handler", errors)

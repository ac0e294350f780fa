"""The spec of Pods and Pod templates (`pkg/apis/core/validation`, `ValidatePodSpec`)."""

from __future__ import annotations

from k8slab.api.core_v1 import PodDNSConfig, PodSpec, PodTemplateSpec
from k8slab.api.quantity import add, canonical, compare
from k8slab.api.validation import affinity, containers, names, operatingsystem, resources, volumes
from k8slab.api.validation.gostruct import quoted
from k8slab.api.validation.metadata import NO_METADATA, Errors, annotation_map, labels
from k8slab.api.validation.security import pod_security_context
from k8slab.errors import FieldError

NO_SPEC = PodSpec()
RESTART = ("Always", "OnFailure", "Never")
DNS = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
PREEMPTION = ("PreemptLowerPriority", "Never")


def pod_spec(spec: PodSpec, path: str, errors: Errors, is_pod: bool = False) -> None:
    """Everything that Pods and templates have in common; `is_pod` makes the rules of Pods' host ports apply."""
    if spec.terminationGracePeriodSeconds is None:
        errors.append(FieldError.required(f"{path}.terminationGracePeriodSeconds"))
    known = volumes.volumes(spec.volumes, f"{path}.volumes", errors)
    if spec.resourceClaims:
        _resource_claims(spec, f"{path}.resourceClaims", errors)
    containers.containers(spec, known, f"{path}.containers", errors)
    if spec.initContainers:
        containers.init_containers(spec, known, f"{path}.initContainers", errors)
    if spec.ephemeralContainers:
        containers.ephemeral_containers(spec, known, f"{path}.ephemeralContainers", errors)
    if spec.resources is not None:
        _pod_resources(spec, f"{path}.resources", errors)
    if spec.hostNetwork:
        _host_network(spec, path, errors, is_pod)
    _required_choice(spec.restartPolicy, RESTART, f"{path}.restartPolicy", errors)
    _required_choice(spec.dnsPolicy, DNS, f"{path}.dnsPolicy", errors)
    if spec.nodeSelector:
        labels(spec.nodeSelector, f"{path}.nodeSelector", errors)
    if spec.securityContext is not None:
        pod_security_context(spec.securityContext, spec, f"{path}.securityContext", errors)
    if spec.affinity is not None:
        affinity.affinity(spec.affinity, f"{path}.affinity", errors)
    _dns_config(spec.dnsConfig, spec.dnsPolicy, f"{path}.dnsConfig", errors)
    _gates(spec, path, errors)
    if spec.topologySpreadConstraints:
        place = f"{path}.topologySpreadConstraints"
        affinity.topology_spread(spec.topologySpreadConstraints, place, errors)
    if spec.hostUsers is False:
        _no_host_namespaces(spec, path, errors)
    _names(spec, path, errors)
    _scheduling(spec, path, errors)


def _resource_claims(spec: PodSpec, path: str, errors: Errors) -> None:
    seen: set[str] = set()
    for index, claim in enumerate(spec.resourceClaims or ()):
        place = f"{path}[{index}]"
        if not claim.name:
            errors.append(FieldError.required(f"{place}.name"))
        elif claim.name in seen:
            errors.append(FieldError.duplicate(f"{place}.name", claim.name))
        else:
            errors.extend(FieldError.invalid(f"{place}.name", claim.name, text) for text in names.dns_label(claim.name))
            seen.add(claim.name)
        sources = ("resourceClaimName", "resourceClaimTemplateName")
        given = [name for name in sources if getattr(claim, name) is not None]
        if len(given) != 1:
            more, none = "at most one of `{}` or `{}` may be specified", "must specify one of: `{}`, `{}`"
            text = (more if given else none).format(*sources)
            errors.append(FieldError.invalid(place, quoted(claim), text))
        for name in given:
            for message in names.subdomain_name(getattr(claim, name)):
                errors.append(FieldError.invalid(f"{place}.{name}", getattr(claim, name), message))


def _required_choice(value: str | None, values: tuple[str, ...], path: str, errors: Errors) -> None:
    if not value:
        errors.append(FieldError.required(path))
    elif value not in values:
        errors.append(FieldError.not_supported(path, value, values))


def _host_network(spec: PodSpec, path: str, errors: Errors, is_pod: bool) -> None:
    for index, item in enumerate(spec.containers or ()):
        for place, port in enumerate(item.ports or ()):
            if (is_pod or port.hostPort) and port.hostPort != port.containerPort:
                text = "must match `containerPort` when `hostNetwork` is true"
                field = f"{path}.containers[{index}].ports[{place}].hostPort"
                errors.append(FieldError.invalid(field, port.hostPort or 0, text))


def _no_host_namespaces(spec: PodSpec, path: str, errors: Errors) -> None:
    for attribute, name in (("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")):
        if getattr(spec, attribute):
            errors.append(FieldError.forbidden(f"{path}.{name}", "when `pod.Spec.HostUsers` is false"))


def _pod_resources(spec: PodSpec, path: str, errors: Errors) -> None:
    """Requests of the Pod cover those of its containers, and no container's limit exceeds the Pod's."""
    own = spec.resources
    if own.claims:
        errors.append(FieldError.forbidden(f"{path}.claims", "claims cannot be set for Resources at pod-level"))
    resources.requirements(own, path, errors, pod_level=True)
    wanted: dict[str, str] = {}
    for item in spec.containers or ():
        for name, amount in (item.resources.requests or {} if item.resources else {}).items():
            wanted[name] = add(wanted.get(name, "0"), amount)
    for name, sum_ in wanted.items():
        given = (own.requests or {}).get(name, "0")
        if compare(sum_, given) > 0:
            text = f"must be greater than or equal to aggregate container requests of {sum_}"
            errors.append(FieldError.invalid(f"{path}.requests[{name}]", canonical(given), text))
    for index, item in enumerate(spec.containers or ()):
        for name, amount in (item.resources.limits or {} if item.resources else {}).items():
            limit = (own.limits or {}).get(name)
            if limit is not None and compare(amount, limit) > 0:
                text = f"must be less than or equal to pod limits of {canonical(limit)}"
                field = f"{path}.containers[{index}][{name}].limits"
                errors.append(FieldError.invalid(field, canonical(amount), text))


def _dns_config(config: PodDNSConfig | None, policy: str | None, path: str, errors: Errors) -> None:
    if policy == "None":
        if config is None:
            errors.append(FieldError.required(path, "must provide `dnsConfig` when `dnsPolicy` is None"))
            return
        if not config.nameservers:
            text = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            errors.append(FieldError.required(f"{path}.nameservers", text))
            return
    if config is None:
        return
    servers, searches = config.nameservers or (), config.searches or ()
    if len(servers) > 3:
        errors.append(FieldError.invalid(f"{path}.nameservers", servers, "must not have more than 3 nameservers"))
    for index, server in enumerate(servers):
        for message in names.ip_address(server):
            errors.append(FieldError.invalid(f"{path}.nameservers[{index}]", server, message))
    _searches(searches, f"{path}.searches", errors)
    for index, option in enumerate(config.options or ()):
        if not option.name:
            errors.append(FieldError.required(f"{path}.options[{index}]", "must not be empty"))


def _searches(searches: tuple[str, ...], path: str, errors: Errors) -> None:
    if len(searches) > 32:
        errors.append(FieldError.invalid(path, searches, "must not have more than 32 search paths"))
    if len(" ".join(searches)) > 2048:
        text = "must not have more than 2048 characters (including spaces) in the search list"
        errors.append(FieldError.invalid(path, searches, text))
    for index, search in enumerate(searches):
        if search != ".":
            for message in names.underscored_subdomain(search.removesuffix(".")):
                errors.append(FieldError.invalid(f"{path}[{index}]", search.removesuffix("."), message))


def _gates(spec: PodSpec, path: str, errors: Errors) -> None:
    for index, gate in enumerate(spec.readinessGates or ()):
        for message in names.qualified_name(gate.conditionType or ""):
            field = f"{path}.readinessGates[{index}].conditionType"
            errors.append(FieldError.invalid(field, gate.conditionType or "", message))
    seen: set[str] = set()
    for index, wait in enumerate(spec.schedulingGates or ()):
        field = f"{path}.schedulingGates[{index}]"
        for message in names.qualified_name(wait.name or ""):
            errors.append(FieldError.invalid(field, wait.name or "", message))
        if wait.name in seen:
            errors.append(FieldError.duplicate(field, wait.name))
        seen.add(wait.name)


def _names(spec: PodSpec, path: str, errors: Errors) -> None:
    for name in ("serviceAccountName", "nodeName"):
        value = getattr(spec, name)
        if value:
            for message in names.subdomain_name(value):
                errors.append(FieldError.invalid(f"{path}.{name}", value, message))
    deadline = spec.activeDeadlineSeconds
    if deadline is not None and not 1 <= deadline <= names.MAX_UINT31:
        text = names.between(1, names.MAX_UINT31)
        errors.append(FieldError.invalid(f"{path}.activeDeadlineSeconds", deadline, text))
    for name in ("hostname", "subdomain"):
        value = getattr(spec, name)
        if value:
            for message in names.dns_label(value):
                errors.append(FieldError.invalid(f"{path}.{name}", value, message))


def _scheduling(spec: PodSpec, path: str, errors: Errors) -> None:
    if spec.tolerations:
        affinity.tolerations(spec.tolerations, f"{path}.tolerations", errors)
    if spec.hostAliases:
        _host_aliases(spec, f"{path}.hostAliases", errors)
    for name in ("priorityClassName", "runtimeClassName"):
        value = getattr(spec, name)
        if value:
            for message in names.subdomain_name(value):
                errors.append(FieldError.invalid(f"{path}.{name}", value, message))
    if spec.preemptionPolicy is not None:
        _required_choice(spec.preemptionPolicy, PREEMPTION, f"{path}.preemptionPolicy", errors)
    for name, amount in (spec.overhead or {}).items():
        resources.quantity_value(name, amount, f"{path}.overhead[{name}]", errors)
    if spec.os is not None:
        operatingsystem.operating_system(spec, path, errors)


def _host_aliases(spec: PodSpec, path: str, errors: Errors) -> None:
    for index, alias in enumerate(spec.hostAliases):
        for message in names.ip_address(alias.ip or ""):
            errors.append(FieldError.invalid(f"{path}[{index}].ip", alias.ip or "", message))
        for place, name in enumerate(alias.hostnames or ()):
            for message in names.dns_subdomain(name):
                errors.append(FieldError.invalid(f"{path}[{index}].hostnames[{place}]", name, message))


def template_spec(template: PodTemplateSpec | None, path: str, errors: Errors) -> None:
    """The template of a workload (`ValidatePodTemplateSpec`)."""
    template = template or PodTemplateSpec()
    meta = template.metadata or NO_METADATA
    labels(meta.labels, f"{path}.labels", errors)
    annotation_map(meta.annotations, f"{path}.annotations", errors)
    spec = template.spec or NO_SPEC
    pod_spec(spec, f"{path}.spec", errors)
    if spec.ephemeralContainers:
        text = "ephemeral containers not allowed in pod template"
        errors.append(FieldError.forbidden(f"{path}.spec.ephemeralContainers", text))

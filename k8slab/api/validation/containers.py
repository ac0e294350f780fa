"""Containers of all three kinds (`pkg/apis/core/validation`, `validateContainerCommon` and its callers)."""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import Container, ContainerPort, EphemeralContainer, PodSpec, ResourceClaim, Volume
from k8slab.api.validation import environment, mounts, names, probes, resources
from k8slab.api.validation.metadata import Errors
from k8slab.api.validation.security import security_context
from k8slab.errors import FieldError

PROTOCOLS = ("SCTP", "TCP", "UDP")
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
RESTART_POLICIES = ("Always", "Never", "OnFailure")
INIT_ONLY = "may not be set for init containers without restartPolicy=Always"
EPHEMERAL_FORBIDDEN = (
    "ports",
    "resources",
    "resizePolicy",
    "restartPolicy",
    "restartPolicyRules",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
)


def containers(spec: PodSpec, known: dict[str, Volume], path: str, errors: Errors) -> None:
    """The main containers."""
    if not spec.containers:
        errors.append(FieldError.required(path))
        return
    seen: set[str] = set()
    for index, item in enumerate(spec.containers):
        place = f"{path}[{index}]"
        _common(item, spec, known, place, errors)
        if item.name in seen:
            errors.append(FieldError.duplicate(f"{place}.name", item.name))
        seen.add(item.name)
        _hooks(item, spec.terminationGracePeriodSeconds, place, errors)
        if item.restartPolicy is not None:
            _restart_policy(item, place, errors)
    host_ports(spec.containers, path, errors)


def _hooks(item: Container, grace: int | None, place: str, errors: Errors) -> None:
    if item.lifecycle is not None:
        probes.lifecycle(item.lifecycle, grace, f"{place}.lifecycle", errors)
    if item.livenessProbe is not None:
        probes.liveness(item.livenessProbe, grace, f"{place}.livenessProbe", errors)
    if item.readinessProbe is not None:
        probes.readiness(item.readinessProbe, grace, f"{place}.readinessProbe", errors)
    if item.startupProbe is not None:
        probes.startup(item.startupProbe, grace, f"{place}.startupProbe", errors)


def init_containers(spec: PodSpec, known: dict[str, Volume], path: str, errors: Errors) -> None:
    """Containers that run before the main ones, or beside them if they restart always."""
    seen = {item.name for item in spec.containers or ()}
    for index, item in enumerate(spec.initContainers or ()):
        place = f"{path}[{index}]"
        _common(item, spec, known, place, errors)
        if item.restartPolicy is not None:
            _restart_policy(item, place, errors)
        if item.name in seen:
            errors.append(FieldError.duplicate(f"{place}.name", item.name))
        elif item.name:
            seen.add(item.name)
        host_ports((item,), path, errors)
        if item.restartPolicy == "Always":
            _hooks(item, spec.terminationGracePeriodSeconds, place, errors)
            continue
        for name in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
            if getattr(item, name) is not None:
                errors.append(FieldError.forbidden(f"{place}.{name}", INIT_ONLY))


def ephemeral_containers(spec: PodSpec, known: dict[str, Volume], path: str, errors: Errors) -> None:
    """Containers for debugging, which join a running Pod."""
    others = {item.name for item in (spec.containers or ()) + (spec.initContainers or ())}
    seen = set(others)
    for index, item in enumerate(spec.ephemeralContainers or ()):
        place = f"{path}[{index}]"
        _common(item, spec, known, place, errors)
        image_spaces(item, place, errors)
        if item.name in seen:
            errors.append(FieldError.duplicate(f"{place}.name", item.name))
        seen.add(item.name)
        if item.targetContainerName and item.targetContainerName not in others:
            errors.append(FieldError.not_found(f"{place}.targetContainerName", item.targetContainerName))
        _only_allowed(item, place, errors)


def _only_allowed(item: EphemeralContainer, place: str, errors: Errors) -> None:
    for name in EPHEMERAL_FORBIDDEN:
        value = getattr(item, name)
        if value and not (name == "resources" and not (value.limits or value.requests or value.claims)):
            errors.append(FieldError.forbidden(f"{place}.{name}", "cannot be set for an Ephemeral Container"))
    for index, mount in enumerate(item.volumeMounts or ()):
        for name in ("subPath", "subPathExpr"):
            if getattr(mount, name):
                text = "cannot be set for an Ephemeral Container"
                errors.append(FieldError.forbidden(f"{place}.volumeMounts[{index}].{name}", text))


def _restart_policy(item: Container, place: str, errors: Errors) -> None:
    if item.restartPolicy not in RESTART_POLICIES:
        errors.append(FieldError.not_supported(f"{place}.restartPolicy", item.restartPolicy, RESTART_POLICIES))


def _common(item: Any, spec: PodSpec, known: dict[str, Volume], path: str, errors: Errors) -> None:
    _name_and_image(item, path, errors)
    policy = item.terminationMessagePolicy
    if policy not in ("File", "FallbackToLogsOnError"):
        _choice(policy, ("File", "FallbackToLogsOnError"), f"{path}.terminationMessagePolicy", errors)
    if item.ports:
        ports(item.ports, f"{path}.ports", errors)
    if item.env:
        environment.variables(item.env, f"{path}.env", errors)
    if item.envFrom:
        environment.env_from(item.envFrom, f"{path}.envFrom", errors)
    if item.volumeMounts:
        mounts.mounts(item, known, f"{path}.volumeMounts", errors)
    if item.volumeDevices:
        mounts.devices(item, known, f"{path}.volumeDevices", errors)
    if item.imagePullPolicy not in PULL_POLICIES:
        _choice(item.imagePullPolicy, PULL_POLICIES, f"{path}.imagePullPolicy", errors)
    resources.requirements(item.resources, f"{path}.resources", errors)
    if item.resources is not None and item.resources.claims:
        _claims(item.resources.claims, spec, f"{path}.resources.claims", errors)
    if item.resizePolicy:
        _resize_policy(item, spec, f"{path}.resizePolicy", errors)
    if item.securityContext is not None:
        security_context(item.securityContext, spec.hostUsers is not False, f"{path}.securityContext", errors)


def _claims(items: tuple[ResourceClaim, ...], spec: PodSpec, path: str, errors: Errors) -> None:
    known = {claim.name for claim in spec.resourceClaims or () if claim.name}
    seen: set[str] = set()
    for index, item in enumerate(items):
        place = f"{path}[{index}]"
        if not item.name:
            errors.append(FieldError.required(place))
            continue
        if item.name in seen:
            errors.append(FieldError.duplicate(place, item.name))
        seen.add(item.name)
        if item.name not in known:
            listed = f": {', '.join(sorted(known))}" if known else " which is empty"
            text = f"must be one of the names in pod.spec.resourceClaims{listed}"
            errors.append(FieldError("Not found", place, item.name, text))


def _name_and_image(item: Any, path: str, errors: Errors) -> None:
    if not item.name:
        errors.append(FieldError.required(f"{path}.name"))
    else:
        for message in names.dns_label(item.name):
            errors.append(FieldError.invalid(f"{path}.name", item.name, message))
    if not item.image:
        errors.append(FieldError.required(f"{path}.image"))


def _choice(value: str | None, values: tuple[str, ...], path: str, errors: Errors) -> None:
    if not value:
        errors.append(FieldError.required(path))
    else:
        errors.append(FieldError.not_supported(path, value, values))


def image_spaces(item: Any, path: str, errors: Errors) -> None:
    """In Pods, unlike in templates, images may not be padded."""
    if item.image and item.image != item.image.strip():
        text = "must not have leading or trailing whitespace"
        errors.append(FieldError.invalid(f"{path}.image", item.image, text))


def ports(items: tuple[ContainerPort, ...], path: str, errors: Errors) -> None:
    """Ports of a container."""
    seen: set[str] = set()
    for index, port in enumerate(items):
        place = f"{path}[{index}]"
        if port.name:
            problems = names.port_name(port.name)
            for message in problems:
                errors.append(FieldError.invalid(f"{place}.name", port.name, message))
            if not problems and port.name in seen:
                errors.append(FieldError.duplicate(f"{place}.name", port.name))
            seen.add(port.name)
        _port_numbers(port, place, errors)
        if port.protocol not in PROTOCOLS:
            _choice(port.protocol, PROTOCOLS, f"{place}.protocol", errors)


def _port_numbers(port: ContainerPort, place: str, errors: Errors) -> None:
    if not port.containerPort:
        errors.append(FieldError.required(f"{place}.containerPort"))
    else:
        for message in names.port_number(port.containerPort):
            errors.append(FieldError.invalid(f"{place}.containerPort", port.containerPort, message))
    if port.hostPort:
        for message in names.port_number(port.hostPort):
            errors.append(FieldError.invalid(f"{place}.hostPort", port.hostPort, message))


def host_ports(items: tuple[Container, ...], path: str, errors: Errors) -> None:
    """A port of the node can be taken once."""
    seen: set[str] = set()
    for index, item in enumerate(items):
        for place, port in enumerate(item.ports or ()):
            if not port.hostPort:
                continue
            key = f"{port.protocol}/{port.hostIP or ''}/{port.hostPort}"
            if key in seen:
                errors.append(FieldError.duplicate(f"{path}[{index}].ports[{place}].hostPort", key))
            seen.add(key)


def _resize_policy(item: Container, spec: PodSpec, path: str, errors: Errors) -> None:
    seen: set[str] = set()
    for index, policy in enumerate(item.resizePolicy or ()):
        if policy.resourceName in seen:
            errors.append(FieldError.duplicate(f"{path}[{index}]", policy.resourceName))
        seen.add(policy.resourceName)
        if policy.resourceName not in ("cpu", "memory"):
            _choice(policy.resourceName, ("cpu", "memory"), path, errors)
        if policy.restartPolicy not in ("NotRequired", "RestartContainer"):
            _choice(policy.restartPolicy, ("NotRequired", "RestartContainer"), path, errors)
        if spec.restartPolicy == "Never" and policy.restartPolicy != "NotRequired":
            text = "must be 'NotRequired' when `restartPolicy` is 'Never'"
            errors.append(FieldError.invalid(path, policy.restartPolicy or "", text))

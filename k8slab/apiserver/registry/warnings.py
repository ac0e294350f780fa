"""What a client should know about an object that is accepted all the same.

Follows `pkg/api/pod/warnings.go`, `pkg/api/service/warnings.go` and `pkg/api/node/util.go`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from k8slab.api.quantity import QuantityError, nano
from k8slab.errors import quote

NANO = 1_000_000_000
NODE_LABELS = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": ('deprecated since v1.17; use "topology.kubernetes.io/region" instead'),
    "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}
SECCOMP = "seccomp.security.alpha.kubernetes.io/pod"
NO_DOTS = "which can result in surprising behavior; a DNS label is recommended: [must not contain dots]"
OLD_VOLUMES = {
    "gitRepo": "deprecated in v1.11, and disabled by default in v1.33+",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
}


def pod_warnings(pod: Any) -> Iterator[str]:
    """About a Pod."""
    if "." in (pod.metadata.name or ""):
        yield f"metadata.name: this is used in the Pod's hostname, {NO_DOTS}"
    yield from template_warnings(pod.spec, pod.metadata, "")


def workload_warnings(obj: Any, template: Any, path: str) -> Iterator[str]:
    """About an object that makes Pods from a template; `path` is that of the template."""
    if "." in (obj.metadata.name or ""):
        yield f"metadata.name: this is used in Pod names and hostnames, {NO_DOTS}"
    if template is not None and template.spec is not None:
        yield from template_warnings(template.spec, template.metadata, f"{path}.")


def template_warnings(spec: Any, metadata: Any, prefix: str) -> Iterator[str]:
    """About what a Pod or a template says; `prefix` goes before each path."""
    place = f"{prefix}spec"
    for key in spec.nodeSelector or ():
        if key in NODE_LABELS:
            yield f"{place}.nodeSelector[{key}]: {NODE_LABELS[key]}"
    yield from _spread_warnings(spec, place)
    annotations = (metadata.annotations if metadata is not None else None) or ()
    if SECCOMP in annotations:
        yield (
            f'{prefix}metadata.annotations[{SECCOMP}]: non-functional in v1.27+; use the "seccompProfile" field instead'
        )
    for index, volume in enumerate(spec.volumes or ()):
        for name, text in OLD_VOLUMES.items():
            if getattr(volume, name) is not None:
                yield f"{place}.volumes[{index}].{name}: {text}"
    for field in ("initContainers", "containers"):
        for index, container in enumerate(getattr(spec, field) or ()):
            yield from _container_warnings(container, f"{place}.{field}[{index}]")
    if (spec.terminationGracePeriodSeconds or 0) < 0:
        text = "must be >= 0; negative values are invalid and will be treated as 1"
        yield f"{place}.terminationGracePeriodSeconds: {text}"


def _spread_warnings(spec: Any, place: str) -> Iterator[str]:
    for index, constraint in enumerate(spec.topologySpreadConstraints or ()):
        here = f"{place}.topologySpreadConstraints[{index}]"
        key = constraint.topologyKey
        if key in NODE_LABELS:
            yield f"{here}.topologyKey: {key} is {NODE_LABELS[key]}"
        if constraint.labelSelector is None:
            yield f"{here}.labelSelector: a null labelSelector results in matching no pod"


def _container_warnings(container: Any, place: str) -> Iterator[str]:
    resources = container.resources
    if resources is not None:
        for kind, amounts in (("limits", resources.limits), ("requests", resources.requests)):
            yield from _amount_warnings(amounts or {}, f"{place}.resources.{kind}")
    names: set[str] = set()
    for index, variable in enumerate(container.env or ()):
        if variable.name in names:
            text = f"hides previous definition of {quote(variable.name)}, which may be dropped when using apply"
            yield f"{place}.env[{index}]: {text}"
        names.add(variable.name)
    yield from _port_warnings(container.ports or (), place)


def _amount_warnings(amounts: dict[str, Any], place: str) -> Iterator[str]:
    for name in ("memory", "ephemeral-storage"):
        amount = amounts.get(name)
        # Whole numbers, with or without a unit above one, are the normal case.
        if amount is None or isinstance(amount, int) or str(amount)[-1:] not in "munk":
            continue
        try:
            is_fractional = bool(nano(amount) % NANO)
        except QuantityError:
            continue
        if is_fractional:
            yield f"{place}[{name}]: fractional byte value {quote(str(amount))} is invalid, must be an integer"


def _port_warnings(ports: tuple[Any, ...], place: str) -> Iterator[str]:
    seen: dict[tuple[Any, ...], int] = {}
    for index, port in enumerate(ports):
        key = (port.containerPort, port.protocol, port.hostPort, port.hostIP)
        if key in seen:
            yield f"{place}.ports[{index}]: duplicate port definition with {place}.ports[{seen[key]}]"
        seen.setdefault(key, index)


def service_warnings(service: Any) -> Iterator[str]:
    """About a Service."""
    spec = service.spec
    if spec.clusterIP == "None":
        if spec.loadBalancerIP:
            yield "spec.loadBalancerIP is ignored for headless services"
        if spec.externalIPs:
            yield "spec.externalIPs is ignored for headless services"
        if spec.sessionAffinity == "ClientIP":
            yield "spec.SessionAffinity is ignored for headless services"
    if spec.externalIPs:
        yield "spec.externalIPs is deprecated and may no longer be implemented in some clusters"
    if spec.trafficDistribution == "PreferClose":
        yield 'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'

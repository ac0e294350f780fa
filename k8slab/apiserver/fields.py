"""Which fields can be selected on, per resource, and how they are read.

Follows the field label conversion functions (`pkg/apis/core/v1/conversion.go` and its siblings) and the resources'
`GetAttrs`; everything has metadata.name and metadata.namespace.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8slab.api.scheme import Resource

Reader = Callable[[Any], str]


def name_of(obj: Any) -> str:
    """metadata.name."""
    return obj.metadata.name or ""


def namespace_of(obj: Any) -> str:
    """metadata.namespace."""
    return obj.metadata.namespace or ""


def node_name(pod: Any) -> str:
    """spec.nodeName of a Pod."""
    return (pod.spec.nodeName or "") if pod.spec is not None else ""


class FieldPath:
    """Reads a field by its path; absent is empty, booleans are `true` and `false`."""

    __slots__ = ("default", "names")

    def __init__(self, path: str, default: str = "") -> None:
        self.names = tuple(path.split("."))
        self.default = default

    def __call__(self, obj: Any) -> str:
        """The field of an object."""
        for name in self.names:
            if obj is None:
                return self.default
            obj = getattr(obj, name)
        if obj is None or obj == "":
            return self.default
        return str(obj).lower() if isinstance(obj, bool) else str(obj)


def pod_ips(pod: Any) -> str:
    """The Pod's addresses, separated by commas."""
    ips = pod.status.podIPs if pod.status is not None else None
    return ",".join(ip.ip or "" for ip in ips or ())


def event_source(event: Any) -> str:
    """The component that reported an Event."""
    component = event.source.component if event.source is not None else None
    return component or event.reportingComponent or ""


def _paths(*paths: str) -> dict[str, Reader]:
    return {path: FieldPath(path) for path in paths}


_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")

FIELDS: dict[tuple[str, str], dict[str, Reader]] = {
    ("", "pods"): {
        "spec.nodeName": node_name,
        **_paths("spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.podIP"),
        **_paths("status.phase", "status.nominatedNodeName"),
        "spec.hostNetwork": FieldPath("spec.hostNetwork", "false"),
        "status.podIPs": pod_ips,
    },
    ("", "nodes"): {"spec.unschedulable": FieldPath("spec.unschedulable", "false")},
    ("", "namespaces"): _paths("status.phase"),
    ("", "secrets"): _paths("type"),
    ("", "services"): _paths("spec.clusterIP", "spec.type"),
    ("", "replicationcontrollers"): {"status.replicas": FieldPath("status.replicas", "0")},
    ("", "events"): {
        **_paths(*(f"involvedObject.{name}" for name in _INVOLVED)),
        **_paths("reason", "type"),
        "reportingComponent": event_source,
        "source": event_source,
    },
    ("batch", "jobs"): {"status.successful": FieldPath("status.succeeded", "0")},
    ("certificates.k8s.io", "certificatesigningrequests"): _paths("spec.signerName"),
    ("resource.k8s.io", "resourceslices"): _paths("spec.nodeName", "spec.driver"),
}
FIELDS["events.k8s.io", "events"] = FIELDS["", "events"]

UNSPECIFIC_REFUSAL = {
    ("", "pods"): "field label not supported: {}",
    ("", "nodes"): "field label not supported: {}",
    ("", "namespaces"): "field label not supported: {}",
    ("", "secrets"): "field label not supported: {}",
    ("", "services"): "field label not supported: {}",
    ("", "replicationcontrollers"): "field label not supported: {}",
    ("", "events"): "field label not supported: {}",
    ("batch", "jobs"): 'field label "{}" not supported for Job',
    ("certificates.k8s.io", "certificatesigningrequests"): "field label not supported: {}",
    ("resource.k8s.io", "resourceslices"): ("field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: {}"),
}
DEFAULT_REFUSAL = '"{}" is not a known field selector: only "metadata.name", "metadata.namespace"'


class ContentPath:
    """Reads a field of a custom object by its path."""

    __slots__ = ("names",)

    def __init__(self, path: str) -> None:
        self.names = tuple(path.split("."))

    def __call__(self, obj: Any) -> str:
        """The field of an object; absent is empty."""
        value: Any = obj.content
        for name in self.names:
            value = value.get(name) if isinstance(value, dict) else None
        if value is None:
            return ""
        return str(value).lower() if isinstance(value, bool) else str(value)


def reader_of(resource: Resource, path: str) -> Reader | None:
    """What reads a field of a resource's objects that can be selected on; None for all others."""
    if resource.custom and path not in ("metadata.name", "metadata.namespace"):
        return ContentPath(path) if path in resource.selectable else None
    return reader(resource.group, resource.plural, path)


def refusal_of(resource: Resource, path: str) -> str:
    """What the server says about a field of a resource that cannot be selected on."""
    return f"field label not supported: {path}" if resource.custom else refusal(resource.group, resource.plural, path)


def reader(group: str, plural: str, path: str) -> Reader | None:
    """What reads a field that can be selected on; None for all others."""
    if path == "metadata.name":
        return name_of
    if path == "metadata.namespace":
        return namespace_of
    return FIELDS.get((group, plural), {}).get(path)


def refusal(group: str, plural: str, path: str) -> str:
    """What the server says about a field that cannot be selected on."""
    return UNSPECIFIC_REFUSAL.get((group, plural), DEFAULT_REFUSAL).format(path)

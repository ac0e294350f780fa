"""Events of an object or a namespace, in the order and words of kubectl."""

from __future__ import annotations

from typing import Any

from k8slab.errors import ApiError
from k8slab.sim.timestamps import parse_rfc3339

Event = dict[str, Any]
_FIELDS = (
    *("kind", "apiVersion", "metadata", "involvedObject", "reason", "message", "source", "firstTimestamp"),
    *("lastTimestamp", "count", "type", "eventTime", "series", "action", "related", "reportingComponent"),
    "reportingInstance",
)
_REFERENCE = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_MIRROR = "kubernetes.io/config.mirror"


def of_object(inv: Any, obj: dict[str, Any]) -> list[Event]:
    """The events about this object, in the order in which they were stored."""
    metadata = obj["metadata"]
    selector = {
        "involvedObject.name": metadata["name"],
        "involvedObject.namespace": metadata.get("namespace", ""),
        "involvedObject.kind": obj.get("kind", ""),
        "involvedObject.uid": _uid(metadata),
    }
    fields = ",".join(f"{name}={value}" for name, value in selector.items() if value)
    namespace = metadata.get("namespace") or None
    try:
        return inv.access.list(inv.access.scheme.resource("events"), namespace, fields=fields)
    except ApiError:
        # Who may not read events gets a description without.
        return []


def in_order(event: Event) -> Event:
    """The event with its fields as Go's type has them."""
    ordered = {name: event[name] for name in _FIELDS if name in event}
    involved = event.get("involvedObject") or {}
    if involved:
        ordered["involvedObject"] = {name: involved[name] for name in _REFERENCE if name in involved}
    return ordered


def _uid(metadata: dict[str, Any]) -> str:
    """Under which uid the kubelet reports: a static Pod's is the hash of its manifest."""
    mirrored = (metadata.get("annotations") or {}).get(_MIRROR)
    return mirrored or metadata.get("uid", "")


def moment(event: Event) -> int:
    """When the event last happened, microseconds since 1970."""
    series = event.get("series") or {}
    given = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return parse_rfc3339(given or event["metadata"]["creationTimestamp"])


def age(inv: Any, event: Event) -> str:
    """`12s`, or `5s (x3 over 2m)` for one that happened more than once."""
    first = event.get("firstTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp")
    began = inv.age(first)
    series = event.get("series")
    if series:
        return f"{inv.age(series.get('lastObservedTime'))} (x{series.get('count', 1)} over {began})"
    count = event.get("count") or 1
    if count > 1:
        return f"{inv.age(event.get('lastTimestamp'))} (x{count} over {began})"
    return began


def source(event: Event) -> str:
    """Who reported it: `kubelet, worker-1`."""
    own = event.get("source") or {}
    component = own.get("component") or event.get("reportingComponent") or ""
    host = own.get("host") or ""
    return f"{component}, {host}" if host else component


def target(event: Event) -> str:
    """`Pod/web-0`."""
    involved = event.get("involvedObject") or {}
    return f"{involved.get('kind', '')}/{involved.get('name', '')}"

"""Events of an object or a namespace, in the order and words of kubectl."""

from __future__ import annotations

from typing import Any

from k8slab.sim.timestamps import parse_rfc3339

Event = dict[str, Any]


def of_object(inv: Any, obj: dict[str, Any], uid: bool = True) -> list[Event]:
    """The events about this object, in the order in which they were stored."""
    metadata = obj["metadata"]
    selector = {
        "involvedObject.name": metadata["name"],
        "involvedObject.namespace": metadata.get("namespace", ""),
        "involvedObject.kind": obj.get("kind", ""),
        "involvedObject.uid": metadata.get("uid", "") if uid else "",
    }
    fields = ",".join(f"{name}={value}" for name, value in selector.items() if value)
    namespace = metadata.get("namespace") or None
    return inv.access.list(inv.access.scheme.resource("events"), namespace, fields=fields)


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

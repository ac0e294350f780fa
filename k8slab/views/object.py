"""One object for people: what matters of it in a few labelled lines, with conditions and events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8slab.views.frame import columns, details, frame, table
from k8slab.views.state import STATES, node_state, node_status, pod_state, ready_count, restarts, roles

#: How many of an object's events are shown, the newest.
MAX_EVENTS = 8

Card = dict[str, Any]
"""``{"title", "kind", "state", "rows": [[label, text]], "conditions": [[...]], "events": [[...]]}``, plain data."""

_RESOURCES = {"pod": ("pods", True), "node": ("nodes", False)}


def find_object(snapshot: Any, target: str) -> Any:
    """The object that ``pod/<namespace>/<name>`` or ``node/<name>`` names in a snapshot; None where there is none."""
    kind, _, rest = target.partition("/")
    if kind not in _RESOURCES:
        return None
    resource, namespaced = _RESOURCES[kind]
    namespace, _, name = rest.rpartition("/")
    return snapshot.get(resource, namespace if namespaced else None, name)


def object_card(obj: Any, snapshot: Any = None) -> Card:
    """What to show of an object; its events come from the snapshot."""
    kind = getattr(obj, "kind", "") or type(obj).__name__
    rows = _ROWS.get(kind, _plain_rows)(obj)
    status = getattr(obj, "status", None)
    return {
        "title": obj.metadata.name,
        "kind": kind,
        "namespace": obj.metadata.namespace or "",
        "state": pod_state(obj)[0] if kind == "Pod" else 0,
        "rows": [[label, str(text)] for label, text in rows if text not in ("", None)],
        "conditions": [_condition(c) for c in getattr(status, "conditions", None) or ()],
        "events": _events(obj, kind, snapshot) if snapshot is not None else [],
    }


def object_text(card: Card) -> str:
    """The card as text, in the manner of ``kubectl describe``."""
    parts = [columns([[f"{label}:", text] for label, text in [["Name", card["title"]], *card["rows"]]])]
    if card["conditions"]:
        parts.append("Conditions:\n" + _indent(columns([_CONDITION_HEAD, *card["conditions"]])))
    if card["events"]:
        parts.append("Events:\n" + _indent(columns([_EVENT_HEAD, *card["events"]])))
    return "\n".join(parts)


def object_html(card: Card) -> str:
    """The card as HTML."""
    title = f"{card['kind']} {card['title']}"
    parts = [table(("", title), card["rows"], wide=(1,))]
    if card["conditions"]:
        parts.append(details("Conditions", table(_CONDITION_HEAD, card["conditions"], wide=(3,))))
    if card["events"]:
        parts.append(details("Events", table(_EVENT_HEAD, card["events"], wide=(3,)), opened=True))
    return frame(*parts)


_CONDITION_HEAD = ("TYPE", "STATUS", "REASON", "MESSAGE")
_EVENT_HEAD = ("TYPE", "REASON", "COUNT", "MESSAGE")


def _pod_rows(pod: Any) -> Iterable[tuple[str, object]]:
    state, reason = pod_state(pod)
    ready, containers = ready_count(pod)
    name = STATES[state].name
    yield "Status", reason if reason == name else f"{reason} ({name})"
    yield "Ready", f"{ready}/{containers}"
    yield "Node", (pod.spec.nodeName if pod.spec else None) or "<none>"
    yield "IP", (pod.status.podIP if pod.status else None) or "<none>"
    yield "Restarts", restarts(pod) or ""
    yield "Controlled by", _owner(pod)
    for container in (pod.spec.containers or ()) if pod.spec else ():
        yield f"Container {container.name}", _container(container)
    yield "QoS class", (pod.status.qosClass if pod.status else None) or ""
    yield "Labels", _labels(pod.metadata.labels)
    yield "Message", (pod.status.message if pod.status else None) or ""


def _container(container: Any) -> str:
    requests = (container.resources.requests or {}) if container.resources else {}
    wants = ", ".join(f"{name} {amount}" for name, amount in requests.items())
    return f"{container.image} ({wants})" if wants else container.image or ""


def _node_rows(node: Any) -> Iterable[tuple[str, object]]:
    yield "Status", node_status(*node_state(node))
    yield "Roles", ", ".join(roles(node)) or "<none>"
    for taint in (node.spec.taints or ()) if node.spec else ():
        yield "Taint", f"{taint.key}{'=' + taint.value if taint.value else ''}:{taint.effect}"
    size = (node.status.allocatable or {}) if node.status else {}
    yield "Allocatable", ", ".join(f"{name} {size[name]}" for name in ("cpu", "memory", "pods") if name in size)
    for address in (node.status.addresses or ()) if node.status else ():
        yield address.type, address.address
    yield "Pod CIDR", (node.spec.podCIDR if node.spec else None) or ""
    info = node.status.nodeInfo if node.status else None
    yield "Kubelet", (info.kubeletVersion if info else None) or ""


def _plain_rows(obj: Any) -> Iterable[tuple[str, object]]:
    yield "Namespace", obj.metadata.namespace or ""
    yield "Created", obj.metadata.creationTimestamp or ""
    yield "Controlled by", _owner(obj)
    spec, status = getattr(obj, "spec", None), getattr(obj, "status", None)
    if getattr(spec, "replicas", None) is not None:
        yield "Replicas", f"{getattr(status, 'readyReplicas', None) or 0} of {spec.replicas} ready"
    yield "Labels", _labels(obj.metadata.labels)


_ROWS = {"Pod": _pod_rows, "Node": _node_rows}


def _owner(obj: Any) -> str:
    owner = next((ref for ref in obj.metadata.ownerReferences or () if ref.controller), None)
    return f"{owner.kind}/{owner.name}" if owner else ""


def _labels(labels: dict[str, str] | None) -> str:
    return ", ".join(f"{key}={value}" for key, value in (labels or {}).items())


def _condition(condition: Any) -> list[str]:
    fields = ("type", "status", "reason", "message")
    return [getattr(condition, field, None) or "" for field in fields]


def _events(obj: Any, kind: str, snapshot: Any) -> list[list[str]]:
    mine = [event for event in snapshot.list("events") if _is_about(event, obj, kind)]
    mine.sort(key=lambda event: (event.lastTimestamp or event.eventTime or "", event.metadata.name))
    return [
        [event.type or "", event.reason or "", str(event.count or 1), event.message or ""]
        for event in mine[-MAX_EVENTS:]
    ]


def _is_about(event: Any, obj: Any, kind: str) -> bool:
    about = event.involvedObject
    return about is not None and about.kind == kind and about.name == obj.metadata.name and _uid_fits(about, obj)


def _uid_fits(about: Any, obj: Any) -> bool:
    # The node controller and the kubelet name a Node by its name where a UID belongs, as in Kubernetes.
    return about.uid in (None, "", obj.metadata.uid, obj.metadata.name)


def _indent(text: str) -> str:
    return "\n".join("  " + line for line in text.splitlines())

"""NetworkPolicies and IngressClasses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from k8slab.kubectl.describe.writer import Object, Writer, events, labels, notes, selector_text
from k8slab.sim.timestamps import parse_rfc3339

_INDENT = "    "


def describe_ingress_class(inv: Any, obj: Object) -> str:
    """An IngressClass."""
    writer, spec = Writer(), obj.get("spec") or {}
    writer.field("Name", obj["metadata"]["name"])
    labels(writer, obj["metadata"].get("labels"))
    notes(writer, obj["metadata"].get("annotations"))
    writer.field("Controller", spec.get("controller", ""))
    parameters = spec.get("parameters")
    if parameters:
        writer.line(0, "Parameters:")
        if parameters.get("apiGroup") is not None:
            writer.field("APIGroup", parameters["apiGroup"], 1)
        writer.field("Kind", parameters.get("kind", ""), 1)
        writer.field("Name", parameters.get("name", ""), 1)
    events(writer, inv, obj)
    return writer.text()


def describe_policy(inv: Any, obj: Object) -> str:
    """A NetworkPolicy: which traffic it lets through."""
    writer, spec = Writer(), obj.get("spec") or {}
    writer.field("Name", obj["metadata"]["name"])
    writer.field("Namespace", obj["metadata"].get("namespace", ""))
    writer.field("Created on", _go_time(obj["metadata"].get("creationTimestamp")))
    labels(writer, obj["metadata"].get("labels"))
    notes(writer, obj["metadata"].get("annotations"))
    writer.line(0, "Spec:")
    selected = selector_text(spec.get("podSelector"))
    if selected == "<none>":
        selected = "<none> (Allowing the specific traffic to all pods in this namespace)"
    writer.line(1, f"PodSelector: {_INDENT}{selected}")
    types = spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    _direction(writer, "ingress", "Ingress" in types, spec.get("ingress") or [], ("From", "from", "source"))
    _direction(writer, "egress", "Egress" in types, spec.get("egress") or [], ("To", "to", "destination"))
    writer.line(1, f"Policy Types: {', '.join(spec.get('policyTypes') or ()) or '<none>'}")
    return writer.text()


def _go_time(timestamp: str | None) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=parse_rfc3339(timestamp) if timestamp else 0)
    return moment.strftime("%Y-%m-%d %H:%M:%S +0000 UTC")


def _direction(writer: Writer, name: str, is_affected: bool, rules: list[Object], words: tuple[str, str, str]) -> None:
    if not is_affected:
        writer.line(1, f"Not affecting {name} traffic")
        return
    writer.line(1, f"Allowing {name} traffic:")
    if not rules:
        writer.line(0, f"{_INDENT}<none> (Selected pods are isolated for {name} connectivity)")
    for index, rule in enumerate(rules):
        if index:
            writer.line(0, f"{_INDENT}----------")
        _rule(writer, rule, words)


def _rule(writer: Writer, rule: Object, words: tuple[str, str, str]) -> None:
    title, key, end = words
    for port in rule.get("ports") or ():
        writer.line(0, f"{_INDENT}To Port: {port.get('port', '<nil>')}/{port.get('protocol', 'TCP')}")
    if not rule.get("ports"):
        writer.line(0, f"{_INDENT}To Port: <any> (traffic allowed to all ports)")
    for peer in rule.get(key) or ():
        writer.line(0, f"{_INDENT}{title}:")
        _peer(writer, peer)
    if not rule.get(key):
        writer.line(0, f"{_INDENT}{title}: <any> (traffic not restricted by {end})")


def _peer(writer: Writer, peer: Object) -> None:
    for title, key in (("NamespaceSelector", "namespaceSelector"), ("PodSelector", "podSelector")):
        if peer.get(key) is not None:
            writer.line(1, f"{_INDENT}{title}: {selector_text(peer[key])}")
    block = peer.get("ipBlock")
    if block:
        writer.line(1, f"{_INDENT}IPBlock:")
        writer.line(2, f"{_INDENT}CIDR: {block.get('cidr', '')}")
        writer.line(2, f"{_INDENT}Except: {', '.join(block.get('except') or ())}")

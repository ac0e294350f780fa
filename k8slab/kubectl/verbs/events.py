"""kubectl events."""

from __future__ import annotations

from typing import Any

from k8slab.kubectl import eventlist, tabular
from k8slab.kubectl.access import plain, with_kind, without_managed_fields
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.flags import ALL_NAMESPACES, PRINT, boolean, integer, several, text
from k8slab.kubectl.gosort import sorted_as_go
from k8slab.kubectl.printers import Printer
from k8slab.kubectl.watching import Collector, follow

_TYPES = ("normal", "warning")


def run(inv: Any) -> None:
    """Print events, oldest first."""
    for kind in inv.flags["types"]:
        if kind.lower() not in _TYPES:
            raise CommandError("valid --types are Normal or Warning")
    resource = inv.access.scheme.resource("events")
    where = None if inv.all_namespaces else inv.namespace
    fields = _fields(inv)
    printer = Printer(inv) if inv.flags["output"] else None
    collector = Collector()
    watch = inv.access.watch(resource, collector.receive, where, fields=fields) if inv.flags["watch"] else None
    found = [event for event in inv.access.list(resource, where, fields=fields) if _wanted(inv, event)]
    found = sorted_as_go(found, lambda one, other: eventlist.moment(one) < eventlist.moment(other))
    if watch is not None:
        known = {event["metadata"]["resourceVersion"] for event in found}
        follow(inv, lambda: len(collector.events))
        watch.stop()
        fresh = [with_kind(plain(each.object), resource) for each in collector.events if each.type != "DELETED"]
        found += [event for event in fresh if event["metadata"]["resourceVersion"] not in known and _wanted(inv, event)]
    if not found:
        inv.complain("No events found" + ("." if inv.all_namespaces else f" in {inv.namespace} namespace."))
    elif printer is not None:
        _show(printer, found)
    else:
        inv.write(_table(inv, found))


def _show(printer: Printer, events: list[dict[str, Any]]) -> None:
    if printer.form == "name":
        # A list has no name.
        return
    if not printer.inv.flags.get("show-managed-fields"):
        events = [without_managed_fields(event) for event in events]
    items = [eventlist.in_order(event) for event in events]
    printer.show({"kind": "EventList", "apiVersion": "v1", "metadata": {}, "items": items}, typed=True)


def _fields(inv: Any) -> str:
    given = inv.flags["for"]
    if not given:
        return ""
    kind, slash, name = given.partition("/")
    if not slash or not kind or not name:
        raise CommandError("--for must be in resource/name form")
    resource = inv.access.scheme.resource(kind)
    return f"involvedObject.kind={resource.kind},involvedObject.name={name}"


def _wanted(inv: Any, event: dict[str, Any]) -> bool:
    types = [kind.lower() for kind in inv.flags["types"]]
    return not types or event.get("type", "").lower() in types


def _table(inv: Any, events: list[dict[str, Any]]) -> str:
    front = ["NAMESPACE"] if inv.all_namespaces else []
    rows = [] if inv.flags["no-headers"] else [[*front, "LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]]
    for event in events:
        namespace = [event["metadata"].get("namespace", "")] if inv.all_namespaces else []
        cells = [eventlist.age(inv, event), event.get("type", ""), event.get("reason", ""), eventlist.target(event)]
        rows.append([*namespace, *cells, event.get("message", "").strip()])
    return tabular.table(rows)


COMMAND = Command(
    "events",
    "List events",
    "kubectl events [(-o|--output=)json|yaml|name|go-template|jsonpath] [--for TYPE/NAME] [--watch] "
    "[--types=Normal,Warning] [options]",
    run,
    (
        *PRINT,
        *ALL_NAMESPACES,
        integer("chunk-size", default=500),
        text("for"),
        boolean("no-headers"),
        several("types"),
        boolean("watch", "w"),
    ),
    examples="kubectl events --for deployment/web\nkubectl events -A --types=Warning",
)

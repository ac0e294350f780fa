"""Building a description: lines at levels, aligned at the end; labels, annotations, dates, events in kubectl's form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from k8slab.kubectl import eventlist, tabular
from k8slab.kubectl.gosort import sorted_as_go
from k8slab.sim.timestamps import parse_rfc3339

Object = dict[str, Any]
_LONGEST_ANNOTATION = 140
_SKIPPED = ("kubectl.kubernetes.io/last-applied-configuration",)


class Writer:
    """Collects lines; a tab ends a cell of a column."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def line(self, level: int, text: str = "") -> None:
        """One line, indented by two blanks per level."""
        self._parts.append("  " * level + text + "\n")

    def field(self, name: str, value: Any, level: int = 0) -> None:
        """`Name:<tab>value`."""
        self.line(level, f"{name}:\t{value}")

    def lines(self, name: str, values: Iterable[str], level: int = 0, indent: str = "") -> None:
        """A field with a value per line, `<none>` without any."""
        values = list(values) or ["<none>"]
        self.line(level, f"{indent}{name}:\t{values[0]}")
        for value in values[1:]:
            self.line(0, f"\t{value}")

    def rows(self, level: int, headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """A small table with a ruler under its headers."""
        self.line(level, "\t".join(headers))
        self.line(level, "\t".join("-" * len(header) for header in headers))
        for row in rows:
            self.line(level, "\t".join(str(cell) for cell in row))

    def raw(self) -> str:
        """Everything, with its tabs."""
        return "".join(self._parts)

    def text(self) -> str:
        """Everything, aligned."""
        return tabular.align("".join(self._parts))


def pairs(values: dict[str, str] | None) -> list[str]:
    """`a=b` for each label, sorted."""
    return [f"{key}={values[key]}" for key in sorted(values)] if values else []


def labels(
    writer: Writer, values: dict[str, str] | None, name: str = "Labels", level: int = 0, indent: str = ""
) -> None:
    """Labels, one per line."""
    writer.lines(name, pairs(values), level, indent)


def notes(writer: Writer, values: dict[str, str] | None, name: str = "Annotations", level: int = 0) -> None:
    """Annotations, one per line; long ones and those with several lines under their key."""
    lines: list[str] = []
    for key in sorted(values or {}):
        if key in _SKIPPED:
            continue
        value = str(values[key]).removesuffix("\n")
        if len(value) + len(key) + 2 > _LONGEST_ANNOTATION or "\n" in value:
            lines.append(f"{key}:")
            lines += [f"  {_shorten(part)}" for part in value.split("\n")]
        else:
            lines.append(f"{key}: {value}")
    writer.lines(name, lines, level)


def _shorten(text: str) -> str:
    limit = _LONGEST_ANNOTATION - 2
    return text if len(text) <= limit else text[:limit] + "..."


def header(writer: Writer, obj: Object, namespaced: bool = True) -> None:
    """Name and namespace."""
    metadata = obj["metadata"]
    writer.field("Name", metadata["name"])
    if namespaced:
        writer.field("Namespace", metadata.get("namespace", ""))


def head(writer: Writer, obj: Object, namespaced: bool = True) -> None:
    """Name, namespace, labels and annotations: how most descriptions begin."""
    header(writer, obj, namespaced)
    labels(writer, obj["metadata"].get("labels"))
    notes(writer, obj["metadata"].get("annotations"))


def date(timestamp: str | None) -> str:
    """A time as `Thu, 01 Jan 2026 00:00:00 +0000`."""
    if not timestamp:
        return "<unset>"
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=parse_rfc3339(timestamp))
    return moment.strftime("%a, %d %b %Y %H:%M:%S +0000")


def controlled_by(obj: Object) -> str:
    """`ReplicaSet/web-1` for the controlling owner, empty without one."""
    for owner in obj["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            return f"{owner['kind']}/{owner['name']}"
    return ""


def events(writer: Writer, inv: Any, obj: Object, *more: Object) -> None:
    """The events of the object, by their last occurrence; those without that time (the scheduler's) come first.

    `more`: under which other identities events are looked for.
    """
    if not inv.flags.get("show-events", True):
        return
    found = [event for each in (obj, *more) for event in eventlist.of_object(inv, each)]
    found = sorted_as_go(found, lambda one, other: _last_seen(one) < _last_seen(other))
    if not found:
        writer.field("Events", "<none>")
        return
    writer.line(0, "Events:")
    rows = [
        (
            event.get("type", ""),
            event.get("reason", ""),
            eventlist.age(inv, event),
            (event.get("source") or {}).get("component") or event.get("reportingComponent") or "",
            event.get("message", "").strip(),
        )
        for event in found
    ]
    writer.line(1, "Type\tReason\tAge\tFrom\tMessage\n  ----\t------\t----\t----\t-------")
    for row in rows:
        writer.line(1, "\t".join(row))


def _last_seen(event: Object) -> int:
    given = event.get("lastTimestamp")
    return parse_rfc3339(given) if given else 0


def selector_text(selector: Object | None) -> str:
    """A label selector as one text: `app=web,tier in (a,b)`, `<none>` for an empty one."""
    if not selector:
        return "<none>"
    if "matchLabels" not in selector and "matchExpressions" not in selector:
        return ",".join(pairs(selector)) or "<none>"
    parts = [(key, f"{key}={value}") for key, value in (selector.get("matchLabels") or {}).items()]
    parts += [(each["key"], _expression(each)) for each in selector.get("matchExpressions") or ()]
    return ",".join(text for _, text in sorted(parts)) or "<none>"


def _expression(requirement: Object) -> str:
    key, operator = requirement["key"], requirement["operator"]
    if operator == "Exists":
        return key
    if operator == "DoesNotExist":
        return f"!{key}"
    word = "in" if operator == "In" else "notin"
    return f"{key} {word} ({','.join(sorted(requirement.get('values') or ()))})"


def truth(value: Any) -> str:
    """True or False, as Go programs print it in descriptions."""
    return "True" if value else "False"


def go_bool(value: Any) -> str:
    """true or false; `<nil>` for an absent pointer is up to the caller."""
    return "true" if value else "false"

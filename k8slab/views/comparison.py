"""Two schedulers' work side by side: where each put the same Pods, how full the nodes are, what found no place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import pstdev
from typing import Any

from msgspec import Struct, field

from k8slab.scheduler.cache import zone_of
from k8slab.scheduler.requests import amounts, pod_requests
from k8slab.views.frame import Svg, columns, details, esc, fit, frame, table, text_width
from k8slab.views.theme import Theme

RESOURCES = ("cpu", "memory")
MAX_NODES = 40
_MARGIN, _ROW, _NAME, _GAP = 16, 46, 118, 28
_ENDED = ("Succeeded", "Failed")


class NodeUse(Struct):
    """A node's load: its Pods of the workload, and what all its Pods request of it, as whole percents by resource."""

    name: str
    zone: str
    pods: tuple[str, ...]
    percent: dict[str, int]


class Side(Struct):
    """What one configuration made of the workload.

    `placements` has each Pod (`namespace/name`) with its node, "" if it has none; `failures` says why, in the
    scheduler's words; `preempted` are Pods that had to make room; `summary` has numbers by name.
    """

    name: str
    placements: dict[str, str]
    nodes: list[NodeUse]
    failures: dict[str, str]
    preempted: tuple[str, ...]
    summary: dict[str, int | float] = field(default_factory=dict)


class Comparison(Struct):
    """Two sides, and the Pods of the workload which they treated differently: (pod, node in a, node in b)."""

    a: Side
    b: Side
    differences: list[tuple[str, str, str]]


def side(name: str, snapshot: Any, before: Iterable[str] = ()) -> Side:
    """What a cluster's snapshot says of a workload; `before` are Pods (`namespace/name`) that do not belong to it."""
    others = frozenset(before)
    pods = [pod for pod in snapshot.list("pods") if pod.status is None or pod.status.phase not in _ENDED]
    nodes = {node.metadata.name: node for node in snapshot.list("nodes")}
    mine = [pod for pod in pods if _key(pod) not in others]
    placements = {_key(pod): pod.spec.nodeName or "" for pod in mine}
    failures = {_key(pod): _why(pod) for pod in mine if not pod.spec.nodeName}
    uses = [_use(node, [pod for pod in pods if pod.spec.nodeName == name], others) for name, node in nodes.items()]
    found = Side(name, placements, uses, failures, _preempted(snapshot))
    found.summary = _summary(found, {name for name, node in nodes.items() if not _tainted(node)})
    return found


def compare(a: Side, b: Side) -> Comparison:
    """The two sides, and what differs."""
    names = list(dict.fromkeys((*a.placements, *b.placements)))
    pairs = [(name, a.placements.get(name, "not there"), b.placements.get(name, "not there")) for name in names]
    return Comparison(
        a, b, [(name, one or "no node", other or "no node") for name, one, other in pairs if one != other]
    )


def _key(pod: Any) -> str:
    return f"{pod.metadata.namespace}/{pod.metadata.name}"


def _why(pod: Any) -> str:
    conditions = (pod.status.conditions if pod.status is not None else None) or ()
    found = [one.message for one in conditions if one.type == "PodScheduled" and one.status == "False"]
    return (found[0] if found else None) or "no scheduler has tried"


def _use(node: Any, pods: Sequence[Any], others: frozenset[str]) -> NodeUse:
    total = amounts(node.status.allocatable if node.status is not None else None)
    used: dict[str, int] = dict.fromkeys(RESOURCES, 0)
    for pod in pods:
        requests = pod_requests(pod)
        for name in RESOURCES:
            used[name] += requests.get(name, 0)
    percent = {name: round(100 * used[name] / total[name]) if total.get(name) else 0 for name in RESOURCES}
    mine = tuple(key for key in map(_key, pods) if key not in others)
    return NodeUse(node.metadata.name, zone_of(node).split("\x00:")[-1], mine, percent)


def _tainted(node: Any) -> bool:
    return any(taint.effect in ("NoSchedule", "NoExecute") for taint in node.spec.taints or ())


def _preempted(snapshot: Any) -> tuple[str, ...]:
    found = {
        f"{event.involvedObject.namespace}/{event.involvedObject.name}": None
        for event in snapshot.list("events")
        if event.reason == "Preempted"
    }
    return tuple(sorted(found))


def _summary(found: Side, usable: set[str]) -> dict[str, int | float]:
    """Numbers; those of spread count nodes that take ordinary Pods (without taints against them)."""
    uses = [use for use in found.nodes if use.name in usable or use.pods]
    counts = [len(use.pods) for use in uses]
    zones: dict[str, int] = {}
    for use in uses:
        zones[use.zone] = zones.get(use.zone, 0) + len(use.pods)
    numbers: dict[str, int | float] = {
        "Pods placed": sum(1 for node in found.placements.values() if node),
        "Pods without a node": len(found.failures),
        "Pods preempted": len(found.preempted),
        "nodes used": sum(1 for count in counts if count),
        "fewest Pods on a node": min(counts, default=0),
        "most Pods on a node": max(counts, default=0),
    }
    if len(zones) > 1:
        numbers["fewest Pods in a zone"] = min(zones.values())
        numbers["most Pods in a zone"] = max(zones.values())
    for name in RESOURCES:
        loads = [use.percent[name] for use in uses]
        numbers[f"{name}: fullest node, %"] = max(loads, default=0)
        numbers[f"{name}: deviation between nodes, %"] = round(pstdev(loads), 1) if loads else 0.0
    return numbers


# -- text and tables


def comparison_text(found: Comparison) -> str:
    """The comparison as text: numbers, nodes, Pods that differ, failures."""
    a, b = found.a, found.b
    parts = [
        columns([("", a.name, b.name), *_summary_rows(found)]),
        columns(
            [("NODE", "ZONE", f"PODS: {a.name}", b.name, f"CPU: {a.name}", b.name, "MEMORY", ""), *_node_rows(found)]
        ),
    ]
    if found.differences:
        parts.append(columns([("POD", a.name, b.name), *found.differences]))
    else:
        parts.append("Every Pod is on the same node.")
    failures = _failure_rows(found)
    if failures:
        parts.append(columns([("UNDER", "PODS", "", "WHY THEY HAVE NO NODE"), *failures]))
    return "\n\n".join(parts)


def comparison_html(found: Comparison, theme: Theme = "auto", width: float = 960) -> str:
    """The picture, and everything as tables."""
    a, b = found.a, found.b
    picture = _draw(found, theme, width).render(_title(found), framed=True)
    tables = [table(("", a.name, b.name), _summary_rows(found), "Numbers", (1, 2))]
    head = ("Node", "Zone", f"Pods: {a.name}", f"Pods: {b.name}", f"CPU: {a.name}", b.name, f"Memory: {a.name}", b.name)
    tables.append(table(head, _node_rows(found), "Nodes", range(2, 8)))
    same = f'<p class="note">{esc("Every Pod is on the same node.")}</p>'
    tables.append(table(("Pod", a.name, b.name), found.differences, "Pods that differ") if found.differences else same)
    failures = _failure_rows(found)
    if failures:
        tables.append(
            table(("Under", "Pods", "", "Why they have no node"), failures, "Without a node", (1,), wide=(3,))
        )
    return frame(picture, tables[0], details("Nodes and Pods as tables", *tables[1:], opened=bool(failures)))


def comparison_svg(found: Comparison, theme: Theme = "auto", width: float = 960) -> str:
    """Both sides as a picture: a row for each node with its Pods, and how much of its CPU and memory is requested."""
    return _draw(found, theme, width).render(_title(found))


def _title(found: Comparison) -> str:
    return f"{found.a.name} and {found.b.name}: {len(found.differences)} Pods differ"


def _summary_rows(found: Comparison) -> list[tuple[object, ...]]:
    names = dict.fromkeys((*found.a.summary, *found.b.summary))
    return [(name, found.a.summary.get(name, ""), found.b.summary.get(name, "")) for name in names]


def _node_rows(found: Comparison) -> list[tuple[object, ...]]:
    others = {use.name: use for use in found.b.nodes}
    rows = []
    for use in found.a.nodes:
        other = others.get(use.name, NodeUse(use.name, "", (), dict.fromkeys(RESOURCES, 0)))
        loads = [f"{one.percent[name]}%" for name in RESOURCES for one in (use, other)]
        rows.append((use.name, use.zone, len(use.pods), len(other.pods), *loads))
    return rows


def _failure_rows(found: Comparison) -> list[tuple[object, ...]]:
    """One row for each reason of each side, with the Pods that it keeps waiting."""
    rows: dict[tuple[str, str], list[str]] = {}
    for one in (found.a, found.b):
        for pod, why in one.failures.items():
            rows.setdefault((one.name, why), []).append(pod)
    return [
        (name, len(pods), f"{pods[0]}{', ...' if len(pods) > 1 else ''}", why) for (name, why), pods in rows.items()
    ]


# -- picture


def _draw(found: Comparison, theme: Theme, width: float) -> Svg:
    svg = Svg(width, 0, theme)
    body = Svg(width, 0, theme)
    each = (width - 2 * _MARGIN - _GAP) / 2
    moved = {pod for pod, _, _ in found.differences}
    bottom = 0.0
    for index, one in enumerate((found.a, found.b)):
        bottom = max(bottom, _draw_side(body, one, _MARGIN + index * (each + _GAP), each, moved))
    svg.height = _draw_key(body, bottom + 8) + 12
    svg.rect(0, 0, width, svg.height, "panel", radius=10)
    svg.include(body)
    return svg


def _draw_side(svg: Svg, one: Side, x: float, width: float, moved: set[str]) -> float:
    svg.text(x, 28, fit(one.name, width / 1.1, 15), 15, "ink", 600)
    placed, lost = one.summary["Pods placed"], len(one.failures)
    text = f"{placed} Pods on {one.summary['nodes used']} nodes"
    parts = [(text, 12.0, "muted", 400)]
    if lost:
        parts.append((f"{lost} without a node", 12.0, "vermillion-line", 600))
    svg.flow(x, 48, parts, 10)
    y, zone = 62.0, None
    for use in one.nodes[:MAX_NODES]:
        if use.zone != zone:
            zone = use.zone
            if any(node.zone for node in one.nodes):
                svg.text(x, y + 13, f"zone {zone}" if zone else "no zone", 11, "muted", 600)
                y += 20
        _draw_node(svg, use, x, y, width, moved)
        y += _ROW
    if len(one.nodes) > MAX_NODES:
        svg.text(x, y + 14, f"and {len(one.nodes) - MAX_NODES} more nodes: see the tables", 12, "muted")
        y += 22
    if lost:
        y = _draw_lost(svg, one, x, y, width)
    return y


def _draw_node(svg: Svg, use: NodeUse, x: float, y: float, width: float, moved: set[str]) -> None:
    svg.rect(x, y, width, _ROW - 6, "card", "line", 6)
    svg.text(x + 10, y + 17, fit(use.name, _NAME - 14, 12), 12, "ink")
    svg.text(x + 10, y + 32, f"{len(use.pods)} Pods", 11, "muted")
    bars = width - 124
    _draw_pods(svg, use.pods, x + _NAME, y, bars - _NAME - 12, moved)
    for index, name in enumerate(RESOURCES):
        top = y + 7 + index * 15
        svg.open(f"{name}: {use.percent[name]}% requested")
        svg.text(x + bars, top + 9, "cpu" if name == "cpu" else "mem", 10, "muted")
        svg.rect(x + bars + 28, top, 56, 11, "track", radius=3)
        svg.rect(x + bars + 28, top, 56 * min(use.percent[name], 100) / 100, 11, ("blue", "orange")[index], radius=3)
        svg.text(x + width - 8, top + 9, f"{use.percent[name]}%", 10, "muted", anchor="end")
        svg.close()


def _draw_pods(svg: Svg, pods: Sequence[str], x: float, y: float, room: float, moved: set[str]) -> None:
    """A mark for each Pod, in two rows; a dark edge where the other side has it elsewhere."""
    each = 13
    shown = max(1, int(room // each)) * 2
    hidden = len(pods) - shown
    if hidden > 0:
        shown -= 4
        hidden = len(pods) - shown
    half = max(1, int(room // each))
    for index, pod in enumerate(pods[:shown]):
        left, top = x + (index % half) * each, y + 8 + (index // half) * each
        svg.open(pod)
        svg.rect(left, top, 10, 10, "green", "ink" if pod in moved else "green-line", 2, line=1.6)
        svg.close()
    if hidden > 0:
        index = shown
        svg.text(x + (index % half) * each, y + 17 + (index // half) * each, f"+{hidden}", 10, "muted")


def _draw_lost(svg: Svg, one: Side, x: float, y: float, width: float) -> float:
    svg.rect(x, y, width, _ROW - 6, "none", "vermillion-line", 6, dash="4 3")
    svg.text(x + 10, y + 17, "no node", 12, "vermillion-line", 600)
    svg.text(x + 10, y + 32, f"{len(one.failures)} Pods", 11, "muted")
    reasons = list(dict.fromkeys(one.failures.values()))
    text = reasons[0] + (f" (and {len(reasons) - 1} other reasons)" if len(reasons) > 1 else "")
    svg.open(text)
    room = width - _NAME - 12
    first, rest = _first_line(text, room, 11)
    svg.text(x + _NAME, y + 17, first, 11, "ink")
    svg.text(x + _NAME, y + 32, fit(rest, room, 11), 11, "ink")
    svg.close()
    return y + _ROW


def _first_line(text: str, room: float, size: float) -> tuple[str, str]:
    """As many words as the room takes, and the rest."""
    words = text.split()
    count = 1
    while count < len(words) and text_width(" ".join(words[: count + 1]), size) <= room / 1.05:
        count += 1
    return fit(" ".join(words[:count]), room, size), " ".join(words[count:])


def _draw_key(svg: Svg, y: float) -> float:
    x = float(_MARGIN)
    entries = (
        ("green", "ink", "a Pod that is elsewhere on the other side"),
        ("green", "green-line", "a Pod on the same node"),
    )
    for fill, line, text in entries:
        svg.rect(x, y + 1, 10, 10, fill, line, 2, line=1.6)
        svg.text(x + 16, y + 10.5, text, 11.5, "muted")
        x += 16 + text_width(text, 11.5) + 24
    return y + 16

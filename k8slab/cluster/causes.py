"""Why an object is as it is: the graph of writes that led to it.

Nodes are revisions; an edge leads from a cause to what it brought about. Follows ``sim/trace``: each write names its
actor and the revisions which made that actor work.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from k8slab.cluster.history import Change, History
from k8slab.sim.journal import Entry

if TYPE_CHECKING:
    import networkx

SILENCING = {
    "fail_node": "power cut",
    "crash": "kubelet crashed",
    "stop": "kubelet stopped",
    "shutdown_node": "shut down",
    "stop_machine": "machine stopped",
    "delete_machine": "machine deleted",
}
"""Faults after which a node says nothing any more, in words."""
CONFESSIONS = ("node is shutting down", "container runtime is down")
"""What a kubelet says itself of why its node is not ready."""

#: A chain longer than this is a history lesson, not an explanation.
MAX_WRITES = 400


def cause_graph(
    history: History, key: str, revision: int | None = None, inputs: Iterable[Entry] = ()
) -> networkx.DiGraph:
    """The writes that led to the object under ``key`` as it was at ``revision`` (default: now).

    A ``networkx.DiGraph`` of revisions with the attributes time (lab time, microseconds), actor, verb, key, kind, name,
    note, summary. Edges go from cause to effect. The object's own writes are the starting points; their causes are
    followed back to what came from outside. ``inputs`` is the cluster's journal: a node that fell silent is led back to
    the fault in it, whose number in the graph is negative, as it made no revision.
    """
    import networkx

    changes = {change.write.revision: change for change in history.changes(until=revision)}
    own = [number for number, change in changes.items() if change.write.key == key]
    graph = networkx.DiGraph()
    frontier = list(own)
    while frontier and len(graph) < MAX_WRITES:
        number = frontier.pop(0)
        if number in graph and "actor" in graph.nodes[number]:
            continue
        change = changes[number]
        graph.add_node(number, **_attributes(change), own=change.write.key == key)
        for cause in change.write.causes:
            if cause in changes and cause != number:
                graph.add_edge(cause, number)
                frontier.append(cause)
    # Where the limit cut the search, edges may lead to writes nobody described.
    graph.remove_nodes_from([number for number, data in graph.nodes(data=True) if "actor" not in data])
    faults = [(-place, entry) for place, entry in enumerate(inputs, 1) if entry.kind == "fault"]
    for number in [number for number in graph if _fell_silent(changes[number])]:
        _blame(graph, number, changes[number].object.metadata.name, faults)
    return graph


def _fell_silent(change: Change) -> bool:
    """A node was given up, or says itself that it is going down."""
    before, after = change.before, change.after
    return (
        after is not None
        and before is not None
        and after.kind == "Node"
        and _ready(after) != "True"
        and _ready(after) != _ready(before)
        and (_ready(after) == "Unknown" or _says(after, CONFESSIONS))
    )


def _ready(node: Any) -> str:
    return next((one.status for one in _at(node, ("status", "conditions")) or () if one.type == "Ready"), "")


def _says(node: Any, words: tuple[str, ...]) -> bool:
    messages = [one.message or "" for one in _at(node, ("status", "conditions")) or () if one.type == "Ready"]
    return any(word in message for word in words for message in messages)


def _blame(graph: networkx.DiGraph, number: int, node: str, faults: list[tuple[int, Entry]]) -> None:
    """Lead a node's silence back to the last fault of its machine before it."""
    time = graph.nodes[number]["time"]
    of_node = {node, f"kubelet/{node}", f"containerd/{node}"}
    known = [(place, one) for place, one in faults if one.time <= time and of_node & set(one.data["targets"])]
    if not known or known[-1][1].data["verb"] not in SILENCING:
        return
    place, fault = known[-1]
    verb, target = fault.data["verb"], fault.data["targets"][0]
    graph.add_node(
        place,
        time=fault.time,
        actor="fault",
        verb=verb,
        key="",
        kind="Node",
        name=node,
        note=f"lab.faults.{verb}({target!r})",
        summary=SILENCING[verb].replace("kubelet", target.partition("/")[0]),
        own=False,
    )
    graph.add_edge(place, number)


def _attributes(change: Change) -> dict[str, Any]:
    write, obj = change.write, change.object
    kind = obj.kind if obj is not None else ""
    return {
        "time": write.time,
        "actor": write.actor,
        "verb": write.verb,
        "key": write.key,
        "kind": kind,
        "name": obj.metadata.name if obj is not None else write.key,
        "note": write.note,
        "summary": summarise(change),
    }


def summarise(change: Change) -> str:
    """What a change did, in a few words: ``created``, ``spec.nodeName = worker-1``, ``phase Pending -> Running``."""
    if change.before is None:
        return "created"
    if change.type == "DELETE":
        return "removed"
    before, after = change.before, change.after
    if before.metadata.deletionTimestamp is None and after.metadata.deletionTimestamp is not None:
        return "marked for deletion"
    parts = [text for text in (_part(before, after, path) for path in _TELLING) if text]
    return ", ".join(parts or _conditions(before, after)) or "changed"


#: The fields whose change says most, by path.
_TELLING = (
    ("spec", "nodeName"),
    ("spec", "replicas"),
    ("spec", "unschedulable"),
    ("spec", "taints"),
    ("status", "phase"),
    ("status", "replicas"),
    ("status", "readyReplicas"),
    ("status", "nominatedNodeName"),
    ("endpoints",),
    ("metadata", "finalizers"),
)


def _conditions(before: Any, after: Any) -> list[str]:
    """Conditions whose status changed: ``Ready False -> True``; new ones with their reason."""
    old = {one.type: one.status for one in _at(before, ("status", "conditions")) or ()}
    texts = []
    # Ready says most: it comes first.
    for one in sorted(_at(after, ("status", "conditions")) or (), key=_is_detail):
        if one.type not in old:
            texts.append(f"{one.type}={one.status}" + (f" ({one.reason})" if one.reason else ""))
        elif old[one.type] != one.status:
            texts.append(f"{one.type} {old[one.type]} -> {one.status}")
    return texts if len(texts) <= 3 else [*texts[:2], f"and {len(texts) - 2} conditions more"]


def _is_detail(condition: Any) -> bool:
    return condition.type != "Ready"


def _part(before: Any, after: Any, path: tuple[str, ...]) -> str:
    old, new = _at(before, path), _at(after, path)
    if old == new:
        return ""
    name = path[-1]
    if isinstance(old or new, tuple):
        return (
            f"{name}: {len(old or ())} -> {len(new or ())}" if len(old or ()) != len(new or ()) else f"{name} changed"
        )
    return f"{name} = {new}" if old is None else f"{name} {old} -> {new}"


def _at(obj: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        obj = getattr(obj, name, None)
        if obj is None:
            return None
    return obj

"""Why an object is as it is: the graph of writes that led to it.

Nodes are revisions; an edge leads from a cause to what it brought about. Follows ``sim/trace``: each write names its
actor and the revisions which made that actor work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.cluster.history import Change, History

if TYPE_CHECKING:
    import networkx

#: A chain longer than this is a history lesson, not an explanation.
MAX_WRITES = 400


def cause_graph(history: History, key: str, revision: int | None = None) -> networkx.DiGraph:
    """The writes that led to the object under ``key`` as it was at ``revision`` (default: now).

    A ``networkx.DiGraph`` of revisions with the attributes time (lab time, microseconds), actor, verb, key, kind, name,
    note, summary. Edges go from cause to effect. The object's own writes are the starting points; their causes are
    followed back to what came from outside.
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
    return graph


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
    for one in _at(after, ("status", "conditions")) or ():
        if one.type not in old:
            texts.append(f"{one.type}={one.status}" + (f" ({one.reason})" if one.reason else ""))
        elif old[one.type] != one.status:
            texts.append(f"{one.type} {old[one.type]} -> {one.status}")
    return texts if len(texts) <= 3 else [*texts[:2], f"and {len(texts) - 2} conditions more"]


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

"""Why an object is as it is: the graph of writes that led to it, as text, picture and table.

The graph is a ``networkx.DiGraph`` of revisions, edges from cause to effect, each node with time (microseconds), actor,
verb, key, kind, name, note, summary and own (whether it is a write of the object itself). Negative numbers are faults.
"""

from __future__ import annotations

from typing import Any

from k8slab.sim.duration import format_duration
from k8slab.views.frame import columns, details, frame, table
from k8slab.views.lanes import Step, lanes_svg
from k8slab.views.theme import Theme

#: More steps than this are no picture any more: the oldest are left out.
MAX_STEPS = 36
_HEAD = ("TIME", "REVISION", "WHO", "OBJECT", "WHAT", "WHY", "BECAUSE OF")


def causes_text(graph: Any) -> str:
    """The chain as a table, oldest first; ``BECAUSE OF`` names the revisions which led to a write."""
    return columns([_HEAD, *_rows(graph)])


def causes_svg(graph: Any, theme: Theme = "auto", width: float = 960) -> str:
    """The chain as lanes: one column per kind of actor, time downwards, arrows from causes to effects."""
    return _picture(graph, theme, width, framed=False)


def causes_html(graph: Any, theme: Theme = "auto", width: float = 960) -> str:
    """The picture with the table below it."""
    rows = list(_rows(graph))
    listed = table(_HEAD, rows, wide=(4, 5))
    return frame(_picture(graph, theme, width, framed=True), details(f"All {len(rows)} writes as a table", listed))


def _picture(graph: Any, theme: Theme, width: float, framed: bool) -> str:
    steps = cause_steps(graph)
    left_out = max(0, len(steps) - MAX_STEPS)
    note = f"{left_out} earlier steps are in the table only" if left_out else ""
    shown = steps[left_out:]
    own = [step for step in steps if step.own]
    title = f"Why {own[-1].title} is as it is" if own else "Causes"
    return lanes_svg(shown, title, theme, width, note, framed)


def cause_steps(graph: Any) -> list[Step]:
    """The writes as steps in order of revision; writes alike of one actor at one time are put together."""
    steps: list[Step] = []
    merged: dict[int, int] = {}  # revision -> the revision of the step it went into
    groups: dict[tuple[Any, ...], int] = {}
    for revision in _in_order(graph):
        data = graph.nodes[revision]
        causes = tuple(dict.fromkeys(merged.get(cause, cause) for cause in sorted(graph.predecessors(revision))))
        step = _step(revision, data, causes)
        group = (step.time, step.actor, data["kind"], step.detail, step.why, causes)
        if not step.own and group in groups:
            index = groups[group]
            steps[index] = steps[index]._replace(times=steps[index].times + 1, title=f"{data['kind']}s")
            merged[revision] = steps[index].revision
            continue
        groups[group] = len(steps)
        steps.append(step)
    return steps


def _step(revision: int, data: dict[str, Any], causes: tuple[int, ...]) -> Step:
    title = f"{data['kind']} {data['name']}".strip()
    what, own = data.get("summary") or data["verb"], bool(data.get("own"))
    return Step(revision, data["time"], data["actor"], title, what, _why(data, what), causes, own)


def _why(data: dict[str, Any], what: str) -> str:
    note = data.get("note") or ""
    # A tool's name, which comes with what a person asked for, explains nothing.
    return note if " " in note and note != what else ""


def _rows(graph: Any) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for revision in _in_order(graph):
        data = graph.nodes[revision]
        because = ", ".join(map(_number, sorted(graph.predecessors(revision))))
        what = data.get("summary") or data["verb"]
        name = f"{data['kind']}/{data['name']}"
        time, note = format_duration(data["time"]), data.get("note", "")
        rows.append((time, _number(revision), data["actor"], name, what, note, because))
    return rows


def _in_order(graph: Any) -> list[int]:
    return sorted(graph.nodes, key=lambda number: (graph.nodes[number]["time"], number))


def _number(revision: int) -> str:
    return str(revision) if revision > 0 else "fault"

"""Lanes: who did what when. One column for each kind of actor, time downwards, arrows from causes to effects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from k8slab.sim.duration import format_duration
from k8slab.views.frame import Svg, fit, fit_name
from k8slab.views.theme import Theme


class Step(NamedTuple):
    """One thing that happened, or several alike (``times``) drawn as one.

    ``revision`` names it, ``causes`` are the revisions which led to it, ``why`` says so in words, ``time`` is lab time
    in microseconds, ``own`` marks the steps of the object in question.
    """

    revision: int
    time: int
    actor: str
    title: str
    detail: str
    why: str = ""
    causes: tuple[int, ...] = ()
    own: bool = False
    times: int = 1


LANES = ("You", "Faults", "API server", "Scheduler", "Controllers", "Kubelets")
_COLOURS = ("blue", "vermillion", "grey", "purple", "orange", "green")

_MARGIN, _GUTTER, _HEAD, _GAP = 16, 70, 62, 12
_BOX, _LINE, _SPACE = 40, 15, 12


class _Plan(NamedTuple):
    """Where the lanes' centres and the steps' boxes are."""

    centres: dict[str, float]
    tops: list[float]
    heights: list[float]
    box: float
    rows: dict[int, int]


def lane_of(actor: str) -> str:
    """The lane of an actor, by the names that components give themselves."""
    name = actor.removeprefix("system:")
    if name == "fault":
        return "Faults"
    if name == "kube-apiserver":
        return "API server"
    if name.startswith(("kubelet", "node:")):
        return "Kubelets"
    if "scheduler" in name:
        return "Scheduler"
    if name.startswith(("kubernetes-admin", "kubectl", "user")) or not name:
        return "You"
    return "Controllers"


def lanes_svg(
    steps: Sequence[Step], title: str, theme: Theme = "auto", width: float = 960, note: str = "", framed: bool = False
) -> str:
    """Steps as a picture; ``note`` is a line below it, for example on what was left out."""
    plan = _plan(steps, width)
    bottom = plan.tops[-1] + plan.heights[-1] if steps else _HEAD
    height = bottom + (36 if note else 16)
    svg = Svg(width, height, theme)
    svg.rect(0, 0, width, height, "panel", radius=10)
    svg.text(_MARGIN, 27, fit(title, (width - 2 * _MARGIN) / 1.1, 15), 15, weight=600)
    for lane, x in plan.centres.items():
        svg.circle(x, 46, 4, _COLOURS[LANES.index(lane)])
        svg.text(x + 9, 50, lane, 12, "muted", weight=600)
        svg.line(x, _HEAD, x, bottom, "line", dash="2 4")
    for step in steps:
        _draw_arrows(svg, step, steps, plan)
    _draw_steps(svg, steps, plan)
    if note:
        svg.text(_MARGIN, height - 13, note, 12, "muted")
    return svg.render(title, "; ".join(_sentence(step) for step in steps[:60]), framed)


def _plan(steps: Sequence[Step], width: float) -> _Plan:
    present = {lane_of(step.actor) for step in steps}
    lanes = [lane for lane in LANES if lane in present]
    lane_width = (width - _MARGIN - _GUTTER) / max(1, len(lanes))
    centres = {lane: _GUTTER + lane_width * (index + 0.5) for index, lane in enumerate(lanes)}
    tops: list[float] = []
    heights: list[float] = []
    y = float(_HEAD + 6)
    for step in steps:
        tops.append(y)
        heights.append(_BOX + (_LINE if step.why else 0))
        y += heights[-1] + _SPACE
    return _Plan(centres, tops, heights, min(lane_width - _GAP, 300), {s.revision: i for i, s in enumerate(steps)})


def _sentence(step: Step) -> str:
    return f"{_time(step)} {step.actor}: {step.title}, {step.detail}{', because: ' + step.why if step.why else ''}"


def _time(step: Step) -> str:
    return format_duration(step.time) if step.time else "0s"


def _draw_steps(svg: Svg, steps: Sequence[Step], plan: _Plan) -> None:
    shown, box = "", plan.box
    for step, y, height in zip(steps, plan.tops, plan.heights, strict=True):
        lane = lane_of(step.actor)
        x = plan.centres[lane] - box / 2
        if _time(step) != shown:
            shown = _time(step)
            svg.text(_GUTTER - 12, y + 17, shown, 11.5, "muted", anchor="end", mono=True)
        svg.open(f"{step.title}\n{step.detail}\n{step.why}\nrevision {step.revision}, by {step.actor}")
        svg.rect(x, y, box, height, "card", "accent" if step.own else "line", 6, line=1.75 if step.own else 1)
        svg.rect(x + 5, y + 7, 3, height - 14, _COLOURS[LANES.index(lane)], radius=1.5)
        name = f"{step.title} ×{step.times}" if step.times > 1 else step.title
        bold = 600 if step.own else 500
        svg.text(x + 15, y + 17, fit_name(name, (box - 21) / (1.17 if step.own else 1), 12), 12, weight=bold)
        svg.text(x + 15, y + 32, fit(step.detail, box - 21, 11), 11, "ink")
        if step.why:
            svg.text(x + 15, y + 32 + _LINE, fit(step.why, box - 21, 11), 11, "muted")
        svg.close()


def _draw_arrows(svg: Svg, step: Step, steps: Sequence[Step], plan: _Plan) -> None:
    row = plan.rows[step.revision]
    x2, y2 = plan.centres[lane_of(step.actor)], plan.tops[row]
    for cause in step.causes:
        origin = plan.rows.get(cause, row)
        if origin >= row:
            continue
        x1, y1 = plan.centres[lane_of(steps[origin].actor)], plan.tops[origin] + plan.heights[origin]
        if x1 == x2 and row - origin > 1:
            # Straight down would run through the boxes between: round them on their left.
            side = x1 - plan.box / 2
            start, end = plan.tops[origin] + 20, y2 + 20
            svg.path(f"M{side:g} {start:g}h-3q-5 0 -5 5V{end - 5:g}q0 5 5 5h1", stroke="faint", width=1.25)
            svg.path(f"M{side:g} {end:g}l-6 -3.5v7z", "faint")
        else:
            bend = max(14, (y2 - y1) / 2)
            path = f"M{x1:g} {y1:g}C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2 - 4:g}"
            svg.path(path, stroke="faint", width=1.25)
            svg.path(f"M{x2:g} {y2:g}l-3.5 -6h7z", "faint")

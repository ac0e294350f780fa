"""What happened over time: lanes of writes, and the strip of desired against actual copies with the time to recover."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from k8slab.sim.clock import SECOND
from k8slab.sim.duration import format_duration
from k8slab.views.frame import Svg, columns, details, frame, table
from k8slab.views.lanes import Step, lanes_svg
from k8slab.views.theme import Theme

_LEFT, _RIGHT, _TOP, _PLOT = 46, 20, 62, 130


class Gap(NamedTuple):
    """A time (microseconds) in which there were not as many ready copies as desired; ``end`` None: it lasts."""

    start: int
    end: int | None
    fewest: int
    desired: int

    def words(self) -> str:
        """``5.2s`` or ``not closed yet``."""
        return "not closed yet" if self.end is None else format_duration(self.end - self.start)


def timeline_svg(steps: Sequence[Step], title: str = "What happened", theme: Theme = "auto", width: float = 960) -> str:
    """Writes as lanes: user, API server, scheduler, controllers and kubelets side by side, time downwards."""
    return lanes_svg(steps, title, theme, width)


def write_steps(changes: Iterable[Any]) -> list[Step]:
    """Changes of a history (``write`` and ``object``) as steps of the lanes view."""
    steps = []
    for change in changes:
        write, obj = change.write, change.object
        kind = obj.kind if obj is not None else ""
        name = obj.metadata.name if obj is not None else write.key
        steps.append(
            Step(write.revision, write.time, write.actor, f"{kind} {name}", write.verb, _why(write), write.causes)
        )
    return steps


def _why(write: Any) -> str:
    return write.note if " " in write.note else ""


def find_gaps(points: Sequence[Any]) -> list[Gap]:
    """The times in which actual was not desired; points are ``(time, desired, actual)``, valid until the next."""
    gaps: list[Gap] = []
    start, fewest, desired = None, 0, 0
    for time, wanted, actual in points:
        if wanted != actual:
            fewest = actual if start is None else min(fewest, actual)
            start = time if start is None else start
            desired = wanted
        elif start is not None:
            gaps.append(Gap(start, time, fewest, desired))
            start = None
    if start is not None:
        gaps.append(Gap(start, None, fewest, desired))
    return gaps


def desired_actual_text(points: Sequence[Any], now: int) -> str:
    """The gaps as a table: when each began, how many copies were ready at worst, and how long it took to close."""
    if not points:
        return "no copies were ever asked for"
    last = points[-1]
    head = f"{last[2]} of {last[1]} copies ready at {format_duration(now)}"
    gaps = find_gaps(points)
    if not gaps:
        return head
    return f"{head}\n\n{columns([_GAP_HEAD, *map(_gap_row, gaps)])}"


_GAP_HEAD = ("SINCE", "READY AT WORST", "DESIRED", "TIME TO DESIRED STATE")


def _gap_row(gap: Gap) -> tuple[object, ...]:
    return format_duration(gap.start), gap.fewest, gap.desired, gap.words()


def desired_actual_html(points: Sequence[Any], now: int, theme: Theme = "auto", width: float = 760) -> str:
    """The strip with its table of gaps."""
    if not points:
        return frame('<p class="note">no copies were ever asked for</p>')
    picture = _strip(points, now, theme, width, framed=True)
    gaps = table(_GAP_HEAD, map(_gap_row, find_gaps(points)), numbers=(1, 2))
    steps = table(("TIME", "DESIRED", "READY"), [(format_duration(t), d, a) for t, d, a in points], numbers=(1, 2))
    return frame(picture, gaps, details("Every change as a table", steps))


def desired_actual_svg(points: Sequence[Any], now: int, theme: Theme = "auto", width: float = 760) -> str:
    """Desired against ready copies over lab time: a line for what was asked, an area for what was there."""
    return _strip(points, now, theme, width, framed=False)


def _strip(points: Sequence[Any], now: int, theme: Theme, width: float, framed: bool) -> str:
    scale = _Scale(points, now, width)
    svg = Svg(width, _TOP + _PLOT + 38, theme)
    svg.rect(0, 0, width, svg.height, "panel", radius=10)
    last = points[-1] if points else (0, 0, 0)
    svg.flow(
        16, 27, [(f"{last[2]} of {last[1]} copies ready", 15, "ink", 600), (_longest(points), 13, "muted", 400)], 12
    )
    _key(svg, width)
    _axes(svg, scale)
    for gap in find_gaps(points):
        _shade(svg, scale, gap)
    if points:
        svg.path(_steps(points, scale, 2, close=True), "green", opacity=0.22)
        svg.path(_steps(points, scale, 2), stroke="green-line", width=2)
        svg.path(_steps(points, scale, 1), stroke="ink", width=1.75, dash="6 4")
    return svg.render("Desired and ready copies over time", desired_actual_text(points, now), framed)


class _Scale:
    """From lab time and number of copies to pixels."""

    def __init__(self, points: Sequence[Any], now: int, width: float) -> None:
        self.start = points[0][0] if points else 0
        self.end = max(now, self.start + SECOND)
        self.top = max([2, *(max(point[1], point[2]) for point in points)])
        self.width = width - _LEFT - _RIGHT

    def x(self, time: int) -> float:
        return _LEFT + self.width * (time - self.start) / (self.end - self.start)

    def y(self, copies: float) -> float:
        return _TOP + _PLOT * (1 - copies / (self.top * 1.12))


def _steps(points: Sequence[Any], scale: _Scale, which: int, close: bool = False) -> str:
    path = f"M{scale.x(points[0][0]):.1f} {scale.y(points[0][which]):.1f}"
    for point in points[1:]:
        path += f"H{scale.x(point[0]):.1f}V{scale.y(point[which]):.1f}"
    path += f"H{scale.x(scale.end):.1f}"
    return path + f"V{scale.y(0):.1f}H{scale.x(points[0][0]):.1f}z" if close else path


def _shade(svg: Svg, scale: _Scale, gap: Gap) -> None:
    left, right = scale.x(gap.start), scale.x(scale.end if gap.end is None else gap.end)
    svg.open(f"{gap.fewest} of {gap.desired} ready at worst; {gap.words()}")
    svg.rect(left, _TOP, max(2, right - left), _PLOT, "vermillion", opacity=0.1)
    if right - left > 46:
        middle = (scale.y(gap.fewest) + scale.y(gap.desired)) / 2 + 4
        svg.text((left + right) / 2, middle, gap.words(), 11, "vermillion-line", 600, "middle")
    svg.close()


def _axes(svg: Svg, scale: _Scale) -> None:
    step = max(1, -(-scale.top // 4))
    for copies in range(0, scale.top + 1, step):
        y = scale.y(copies)
        svg.line(_LEFT, y, _LEFT + scale.width, y, "hairline" if copies else "line")
        svg.text(_LEFT - 10, y + 4, copies, 11, "muted", anchor="end")
    for time in ticks(scale.start, scale.end):
        x = scale.x(time)
        svg.line(x, scale.y(0), x, scale.y(0) + 5, "line")
        svg.text(x, scale.y(0) + 19, format_duration(time) if time else "0s", 11, "muted", anchor="middle")


def ticks(start: int, end: int, most: int = 7) -> list[int]:
    """Round times between two lab times, at most about ``most`` of them.

    >>> [tick // 1_000_000 for tick in ticks(0, 95_000_000)]
    [0, 15, 30, 45, 60, 75, 90]
    """
    steps = [s * SECOND for s in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)]
    span = end - start
    step = next((step for step in steps if span // step < most), steps[-1] * max(1, -(-span // (steps[-1] * most))))
    return list(range(-(-start // step) * step, end + 1, step))


def _key(svg: Svg, width: float) -> None:
    x = width - _RIGHT - 150
    svg.path(f"M{x} 44h18", stroke="ink", width=1.75, dash="6 4")
    svg.text(x + 24, 48, "desired", 11, "muted")
    svg.rect(x + 82, 38, 18, 10, "green", "green-line", 2, opacity=0.3)
    svg.text(x + 106, 48, "ready", 11, "muted")


def _longest(points: Sequence[Any]) -> str:
    gaps = find_gaps(points)
    if gaps and gaps[-1].end is None:
        return "not yet the desired state"
    # The first gap is the start itself: what counts for self-healing is the last one.
    return f"last gap closed after {gaps[-1].words()}" if gaps else ""

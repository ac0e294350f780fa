"""Desired against actual over time: how long a workload took to become what was asked for."""

from __future__ import annotations

from typing import Any, NamedTuple

from k8slab.cluster.history import History


class Point(NamedTuple):
    """From ``time`` on (lab time, microseconds) ``desired`` copies are asked for and ``actual`` are ready."""

    time: int
    desired: int
    actual: int


class Gap(NamedTuple):
    """A time in which actual was not desired; ``end`` is None while it lasts."""

    start: int
    end: int | None

    @property
    def duration(self) -> int | None:
        """How long it lasted in microseconds; None while it does."""
        return None if self.end is None else self.end - self.start


def desired_actual(history: History, key: str) -> list[Point]:
    """How ``spec.replicas`` and ``status.readyReplicas`` of the object under ``key`` went, one point a change."""
    points: list[Point] = []
    for change in history.changes():
        if change.write.key == key:
            point = _point(change.write.time, change.after)
            if not points or points[-1][1:] != point[1:]:
                points.append(point)
    return points


def _point(time: int, obj: Any) -> Point:
    if obj is None:
        return Point(time, 0, 0)
    desired = obj.spec.replicas if obj.spec.replicas is not None else 1
    return Point(time, desired, (obj.status.readyReplicas or 0) if obj.status is not None else 0)


def gaps(points: list[Point]) -> list[Gap]:
    """The times in which the actual number of ready copies was not the desired one.

    >>> gaps([Point(0, 3, 0), Point(5, 3, 3), Point(9, 3, 2)])
    [Gap(start=0, end=5), Gap(start=9, end=None)]
    """
    found: list[Gap] = []
    start: int | None = None
    for point in points:
        if point.desired != point.actual:
            start = point.time if start is None else start
        elif start is not None:
            found.append(Gap(start, point.time))
            start = None
    if start is not None:
        found.append(Gap(start, None))
    return found

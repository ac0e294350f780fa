"""Desired against actual."""

from __future__ import annotations

from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from k8slab.sim.clock import SECOND
from k8slab.views.timeline import (
    Gap,
    desired_actual_html,
    desired_actual_svg,
    desired_actual_text,
    find_gaps,
    ticks,
    timeline_svg,
    write_steps,
)

POINTS = [(0, 3, 0), (2 * SECOND, 3, 1), (3 * SECOND, 3, 3), (60 * SECOND, 3, 2), (65 * SECOND, 3, 3)]


def test_gaps_have_their_worst_and_their_length():
    assert find_gaps(POINTS) == [Gap(0, 3 * SECOND, 0, 3), Gap(60 * SECOND, 65 * SECOND, 2, 3)]
    assert find_gaps([(0, 1, 1), (5, 2, 1)]) == [Gap(5, None, 1, 2)]
    assert find_gaps([]) == []


def test_text_reads_the_time_to_the_desired_state():
    text = desired_actual_text(POINTS, 90 * SECOND)
    assert text.startswith("3 of 3 copies ready at 1m30s")
    assert text.splitlines()[-1].split() == ["1m", "2", "3", "5s"]
    assert "not closed yet" in desired_actual_text(POINTS[:2], 3 * SECOND)
    assert desired_actual_text([], 0) == "no copies were ever asked for"


@pytest.mark.parametrize("points", [POINTS, POINTS[:1], [(0, 0, 0)], []])
def test_picture_is_well_formed(points):
    root = ElementTree.fromstring(desired_actual_svg(points, 90 * SECOND, "light"))
    assert root.find("{*}title").text == "Desired and ready copies over time"


def test_html_has_the_picture_and_the_gaps():
    html = desired_actual_html(POINTS, 90 * SECOND)
    assert "<svg" in html and "TIME TO DESIRED STATE" in html


@pytest.mark.parametrize("end", [1, 3, 40, 95, 1000, 90_000, 10_000_000])
def test_ticks_are_few_and_inside(end):
    found = ticks(0, end * SECOND)
    assert 1 <= len(found) <= 8
    assert found[0] >= 0 and found[-1] <= end * SECOND


def test_writes_become_lanes():
    write = SimpleNamespace(
        revision=5, time=SECOND, actor="kube-scheduler", verb="create", note="because so", causes=(4,), key="/k"
    )
    obj = SimpleNamespace(kind="Pod", metadata=SimpleNamespace(name="web"))
    steps = write_steps([SimpleNamespace(write=write, object=obj), SimpleNamespace(write=write, object=None)])
    assert (steps[0].title, steps[0].detail, steps[0].why) == ("Pod web", "create", "because so")
    assert "Scheduler" in timeline_svg(steps)

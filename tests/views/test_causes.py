"""Cause chains and lanes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import networkx
import pytest

from k8slab.views.causes import cause_steps, causes_html, causes_svg, causes_text
from k8slab.views.lanes import Step, lane_of, lanes_svg

CHAIN: list[tuple[Any, ...]] = [
    (100, 0, "kubernetes-admin", "Deployment", "web", "created", "kubectl", ()),
    (101, 1_000, "deployment-controller", "ReplicaSet", "web-6d9f", "created", "no ReplicaSet yet", (100,)),
    (103, 2_000, "replicaset-controller", "Pod", "web-6d9f-aaaaa", "created", "3 wanted, 0 exist", (101,)),
    (104, 2_000, "replicaset-controller", "Pod", "web-6d9f-bbbbb", "created", "3 wanted, 0 exist", (101,)),
    (105, 2_000, "replicaset-controller", "Pod", "web-6d9f-ccccc", "created", "3 wanted, 0 exist", (101,)),
    (110, 9_000, "kube-scheduler", "Pod", "web-6d9f-ccccc", "nodeName = worker-1", "", (105,)),
]


def chain(own: str = "web-6d9f-ccccc"):
    graph = networkx.DiGraph()
    for revision, time, actor, kind, name, summary, note, causes in CHAIN:
        graph.add_node(
            revision,
            time=time,
            actor=actor,
            verb="update",
            key=f"/registry/{name}",
            kind=kind,
            name=name,
            summary=summary,
            note=note,
            own=name == own,
        )
        graph.add_edges_from((cause, revision) for cause in causes)
    return graph


def test_text_names_who_what_why_and_because_of_which_revision():
    lines = causes_text(chain()).splitlines()
    assert lines[0].split() == ["TIME", "REVISION", "WHO", "OBJECT", "WHAT", "WHY", "BECAUSE", "OF"]
    assert lines[3].split("   ")[-1].strip() == "101"
    assert "3 wanted, 0 exist" in lines[3]
    assert "Pod/web-6d9f-ccccc" in lines[6] and "nodeName = worker-1" in lines[6]


def test_writes_alike_become_one_step_but_never_the_objects_own():
    steps = cause_steps(chain())
    assert [(step.title, step.times) for step in steps] == [
        ("Deployment web", 1),
        ("ReplicaSet web-6d9f", 1),
        ("Pods", 2),
        ("Pod web-6d9f-ccccc", 1),
        ("Pod web-6d9f-ccccc", 1),
    ]
    assert steps[0].why == ""
    assert steps[-1].causes == (105,)


def test_causes_of_merged_writes_point_to_the_one_that_is_drawn():
    graph = chain()
    graph.add_node(
        120, time=10_000, actor="x", verb="update", key="k", kind="Pod", name="z", summary="s", note="", own=True
    )
    graph.add_edge(104, 120)
    assert cause_steps(graph)[-1].causes == (103,)


@pytest.mark.parametrize(
    ("actor", "lane"),
    [
        ("kubernetes-admin", "You"),
        ("fault", "Faults"),
        ("kube-apiserver", "API server"),
        ("kube-scheduler", "Scheduler"),
        ("system:kube-scheduler", "Scheduler"),
        ("replicaset-controller", "Controllers"),
        ("garbage-collector", "Controllers"),
        ("kubelet/worker-1", "Kubelets"),
        ("system:node:worker-1", "Kubelets"),
    ],
)
def test_lanes(actor, lane):
    assert lane_of(actor) == lane


def test_picture_has_a_title_and_tells_every_step():
    root = ElementTree.fromstring(causes_svg(chain(), "light"))
    assert root.find("{*}title").text == "Why Pod web-6d9f-ccccc is as it is"
    assert "3 wanted, 0 exist" in root.find("{*}desc").text


def test_long_chains_keep_the_newest_and_say_what_is_missing():
    graph = networkx.DiGraph()
    for i in range(100):
        graph.add_node(
            i,
            time=i,
            actor="x-controller",
            verb="update",
            key="k",
            kind="Pod",
            name="p",
            summary=f"s{i}",
            note="",
            own=True,
        )
    html = causes_html(graph)
    assert "64 earlier steps are in the table only" in html
    assert html.count("<tr") == 101


def test_boxes_do_not_overlap():
    steps = [Step(i, i, "kube-scheduler", "Pod p", "d", "why so" if i % 2 else "") for i in range(8)]
    root = ElementTree.fromstring(lanes_svg(steps, "t", "light"))
    boxes = [r for r in root.findall(".//{*}rect") if r.get("rx") == "6"]
    assert len(boxes) == 8
    edges = [(float(b.get("y")), float(b.get("y")) + float(b.get("height"))) for b in boxes]
    assert all(end < start for (_, end), (start, _) in pairwise(edges))

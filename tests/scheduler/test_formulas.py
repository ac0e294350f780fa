"""Scores against vectors of upstream's unit tests (reference sheet, section 1.3)."""

from __future__ import annotations

import pytest

from k8slab.scheduler.cycle import nodes_to_find
from k8slab.scheduler.framework import default_normalize
from k8slab.scheduler.plugins.image_locality import MEGABYTE, scaled
from k8slab.scheduler.plugins.resource_allocation import (
    BrokenLinear,
    balance,
    least_allocated,
    most_allocated,
    requested_to_capacity,
)
from k8slab.scheduler.requests import nonzero_requests, pod_requests
from tests.scheduler.objects import Lab, node_dict, pod, pod_dict


@pytest.mark.parametrize(
    ("requested", "capacity", "score"),
    [
        ((3000, 5000), (4000, 10000), 37),
        ((3000, 5000), (6000, 10000), 50),
        ((6000, 0), (10000, 20000), 70),
        ((6000, 5000), (10000, 20000), 57),
        ((6000, 10000), (10000, 20000), 45),
        ((6000, 10000), (4000, 10000), 0),
    ],
)
def test_least_allocated(requested, capacity, score):
    assert least_allocated([(r, c, 1, 0) for r, c in zip(requested, capacity, strict=True)]) == score


def test_most_allocated_caps_what_is_over_committed():
    assert most_allocated([(6000, 10000, 1, 0), (5000, 20000, 1, 0)]) == 42
    assert most_allocated([(6000, 4000, 1, 0), (5000, 10000, 1, 0)]) == 75


def test_requested_to_capacity_leaves_out_what_scores_nothing():
    shape = BrokenLinear([(0, 0), (100, 100)])
    assert requested_to_capacity([(0, 100, 1, 0), (50, 100, 3, 0)], shape) == 50
    falling = BrokenLinear([(0, 100), (70, 50), (100, 0)])
    assert [falling.at(x) for x in (0, 35, 70, 85, 100)] == [100, 75, 50, 25, 0]


@pytest.mark.parametrize(
    ("before", "after", "capacity", "score"),
    [
        ((0, 0), (3000, 5000), (4000, 10000), 68),
        ((0, 0), (3000, 5000), (6000, 10000), 75),
        ((3000, 0), (6000, 5000), (10000, 20000), 73),
        ((3000, 5000), (6000, 10000), (10000, 20000), 74),
        ((3000, 5000), (6000, 10000), (10000, 50000), 70),
        ((3000, 0), (3000, 5000), (3000, 5000), 100),
        ((0, 0), (0, 5000), (3000, 5000), 50),
        ((3000, 0), (6000, 0), (6000, 10000), 62),
        ((3000, 5000), (6000, 5000), (6000, 10000), 62),
        ((3000, 5000, 3), (3000, 5000, 4), (3500, 40000, 8), 75),
        ((0, 0), (3000, 5000), (3500, 40000), 56),
    ],
)
def test_balanced_allocation_scores_the_change(before, after, capacity, score):
    def fractions(used):
        return [min(u / c, 1.0) for u, c in zip(used, capacity, strict=True)]

    assert 50 + (50 + balance(fractions(after)) - balance(fractions(before))) // 2 == score


@pytest.mark.parametrize(
    ("sizes", "containers", "score"),
    [
        ([(250, 1, 2)], 2, 5),
        ([(40, 1, 2)], 2, 0),
        ([(40, 1, 2), (300, 1, 2)], 2, 7),
        ([(4000, 1, 2)], 2, 100),
        ([(4000, 1, 3)], 2, 66),
        ([(600, 2, 3), (900, 2, 3)], 3, 32),
        ([(600, 2, 3), (900, 2, 3), (300, 1, 3)], 3, 36),
    ],
)
def test_image_locality(sizes, containers, score):
    assert scaled(sum(int(size * MEGABYTE * (n / of)) for size, n, of in sizes), containers) == score


@pytest.mark.parametrize(("skew", "scores"), [(1, [20, 60, 100, 0]), (2, [33, 66, 100, 16])])
def test_topology_spread_by_hostname(skew, scores):
    lab = Lab(*(node_dict(f"n{index}") for index in range(4)))
    for index, count in enumerate((2, 1, 0, 3)):
        for number in range(count):
            lab.create(pod_dict(f"e{index}-{number}", labels={"foo": "x"}, nodeName=f"n{index}"))
    constraint = {
        "maxSkew": skew,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"foo": "x"}},
    }
    lab.run()
    lab.create(pod_dict("p", labels={"foo": "x"}, topologySpreadConstraints=[constraint]))
    lab.run()
    explanation = lab.scheduler.explain("default", "p")
    assert [explanation.of(f"n{index}").scores["PodTopologySpread"].normalized for index in range(4)] == scores
    assert explanation.node == "n2"


@pytest.mark.parametrize(
    ("nodes", "percentage", "count"),
    [(10, 0, 10), (1000, 0, 420), (1000, 40, 400), (6000, 0, 300), (6000, 40, 2400), (100, 0, 100), (15000, 0, 750)],
)
def test_how_many_nodes_are_enough(nodes, percentage, count):
    assert nodes_to_find(nodes, percentage) == count


def test_default_normalize_truncates_and_reverses():
    assert default_normalize([1, 2, 3]) == [33, 66, 100]
    assert default_normalize([1, 2, 3], reverse=True) == [67, 34, 0]
    assert default_normalize([0, 0], reverse=True) == [100, 100]
    assert default_normalize([0, 0]) == [0, 0]


def test_requests_of_init_containers_sidecars_and_overhead():
    def container(name, cpu, **more):
        return {"name": name, "image": "x", "resources": {"requests": {"cpu": cpu}}, **more}

    spec = {
        "initContainers": [
            container("first", "500m"),
            container("side", "100m", restartPolicy="Always"),
            container("second", "900m"),
        ],
        "overhead": {"cpu": "10m"},
    }
    made = pod("p", "200m", **spec)
    assert pod_requests(made) == {"cpu": 1010}
    assert nonzero_requests(made, pod_requests(made)) == (1010, 4 * 200 * 2**20 - 200 * 2**20 - 200 * 2**20)


def test_pod_level_requests_replace_the_sum():
    made = pod("p", "200m", "1Gi", resources={"requests": {"cpu": "2"}})
    assert pod_requests(made) == {"cpu": 2000, "memory": 2**30}
    assert pod_requests(made, pod_level=False)["cpu"] == 200

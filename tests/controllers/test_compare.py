from __future__ import annotations

from typing import Any

import pytest

from tests.golden.controllers.compare import compare
from tests.golden.controllers.recording import Scenario


def scenario(values: list[tuple[float, int]], kind: str = "Deployment", field: str = "replicas") -> Scenario:
    lines: list[dict[str, Any]] = [
        {"type": "ACTION", "t": 0.0, "action": "create it"},
        {"type": "ADDED", "t": 0.1, "kind": kind, "name": "web", "object": {"status": {field: 0}}},
    ]
    before = 0
    for time, value in values:
        change = {"path": f"status.{field}", "from": before, "to": value}
        lines.append({"type": "MODIFIED", "t": time, "kind": kind, "name": "web", "changes": [change]})
        before = value
    lines.append({"type": "ACTION", "t": 20.0, "action": "look"})
    return Scenario("s", "s", 30.0, {}, lines)


def differences(left: Scenario, right: Scenario) -> list[str]:
    return [text for texts in compare(left, right).values() for text in texts]


def test_sums_of_a_deployment_may_take_another_way_to_the_same_value():
    assert not differences(scenario([(1, 5), (2, 4), (3, 8)]), scenario([(1, 8)]))


@pytest.mark.parametrize("ours", [[(1, 7)], [(1, 8), (18, 9)], []])
def test_but_they_must_come_to_rest_where_they_did(ours: list[tuple[float, int]]):
    assert differences(scenario([(1, 5), (2, 4), (3, 8)]), scenario(ours))


def test_other_counters_are_compared_by_their_turning_points():
    recorded = scenario([(1, 5), (2, 4), (3, 8)], "ReplicaSet")
    assert differences(recorded, scenario([(1, 8)], "ReplicaSet"))
    assert not differences(recorded, scenario([(1, 2), (1.1, 5), (2, 4), (3, 8)], "ReplicaSet"))


def test_what_comes_too_late_is_a_difference():
    assert differences(scenario([(1, 5)], "Job", "active"), scenario([(4, 5)], "Job", "active"))
    assert not differences(scenario([(1, 5)], "Job", "active"), scenario([(2, 5)], "Job", "active"))

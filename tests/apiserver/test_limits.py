"""Limit ranges name the first thing that is wrong with each amount."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.conftest import Lab

LIMITS = {"type": "Container", "max": {"cpu": "1"}, "min": {"cpu": "500m"}}


@pytest.mark.parametrize(
    ("limits", "requests", "why"),
    [
        ({"cpu": "3"}, {"cpu": "2"}, "maximum cpu usage per Container is 1, but limit is 3"),
        ({"cpu": "200m"}, {"cpu": "100m"}, "minimum cpu usage per Container is 500m, but request is 100m"),
    ],
)
def test_one_complaint_for_each_bound(lab: Lab, limits: Any, requests: Any, why: str) -> None:
    lab.create("limitranges", {"metadata": {"name": "l"}, "spec": {"limits": [LIMITS]}})
    container = {"name": "c", "image": "nginx", "resources": {"limits": limits, "requests": requests}}
    response = lab.send("create", "pods", None, {"metadata": {"name": "p"}, "spec": {"containers": [container]}})
    assert response.body["message"] == f'pods "p" is forbidden: {why}'

"""The recordings of a real API server, group by group; see `tests/golden/api.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden import api

FOLDER = Path(__file__).parents[2] / ".." / "shared" / "golden" / "api"
EQUAL = (
    "accept",
    "auth",
    "clash",
    "delete",
    "encoding",
    "invalid",
    "object-create",
    "paging",
    "patch",
    "pod-create",
    "quota",
    "rv",
    "selectors",
    "service-create",
    "table-pod",
    "watch",
    "workload-create",
)


@pytest.mark.parametrize("group", EQUAL)
def test_answers_equal_the_recorded_ones(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    if not FOLDER.is_dir():
        pytest.skip(f"no recordings in {FOLDER}")
    code = api.main(FOLDER, group)
    assert code == 0, capsys.readouterr().out

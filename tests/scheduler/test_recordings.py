"""Every recorded scenario of the real kube-scheduler, where the recordings are at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.scheduler import Replay, scenarios

FOLDER = Path(__file__).parents[2] / ".." / "shared" / "golden" / "scheduler"


@pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the recordings in ../shared/golden/scheduler")
def test_every_recorded_decision_is_made_again():
    different = {scenario["id"]: found for scenario in scenarios(FOLDER, ()) if (found := Replay(scenario).play())}
    assert not different

"""Recorded timelines of the real controllers (all of them: `python -m tests.golden controllers FOLDER`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.controllers import best
from tests.golden.controllers.recording import load

FOLDER = Path(__file__).parents[2] / ".." / "shared" / "golden" / "controllers"
SCENARIOS = {
    "deployment": ("deploy-create", "recreate", "revision-history", "min-ready-seconds", "deploy-pod-deleted"),
    "replicaset": ("rs-adopts", "rs-adopts-too-many", "rs-release", "rs-failed-pods"),
    "gc": ("gc-background", "gc-orphan", "gc-owners"),
    "namespace": ("namespace-defaults", "namespace-delete"),
    "service": ("service-headless", "service-mirroring"),
    "replicationcontroller": ("rc-basic",),
    "node": ("node-failure", "taint-eviction", "drain-pdb"),
    "autoscaling": ("hpa-no-metrics",),
    "leaderelection": ("leader-kill9",),
    "storage": ("pv-wffc",),
    "job": ("job-backoff", "job-indexed", "job-suspend", "job-max-failed-indexes"),
    "statefulset": ("sts-ordered", "sts-partition", "sts-ondelete"),
    "daemonset": ("ds-nodes", "ds-delete"),
}


@pytest.mark.skipif(not FOLDER.is_dir(), reason="no recordings beside the repository")
@pytest.mark.parametrize(("area", "name"), [(area, name) for area, names in SCENARIOS.items() for name in names])
def test_recorded_timelines_are_reproduced(area: str, name: str):
    recorded = next(scenario for scenario in load(FOLDER / f"{area}.jsonl") if scenario.name == name)
    differences = {subject: texts for subject, texts in best(recorded).items() if texts}
    assert differences == {}

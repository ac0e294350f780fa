"""Reads the recordings of a real API server; their folder lies beside the repository."""

import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / ".." / "shared" / "golden" / "api"


def records(*files):
    """All recorded requests of some files; the test is skipped if there are none on this machine."""
    if not FOLDER.is_dir():
        pytest.skip("no recordings of the API server beside the repository", allow_module_level=True)
    return [json.loads(line) for name in files for line in (FOLDER / f"{name}.jsonl").read_text().splitlines()]


def created(*files):
    """Recorded creations that succeeded: pytest parameters of body and answer."""
    found = [
        pytest.param(record["request"]["body"], record["response"]["body"], id=record["id"])
        for record in records(*files)
        if record["request"]["method"] == "POST" and record["response"]["code"] == 201
    ]
    return [param for param in found if "apiVersion" in param.values[0]]

"""Recorded answers of a real API server, compared with those that come over HTTPS.

All of them: `python -m tests.golden api ../shared/golden/api --http`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.api import cases, replay
from tests.golden.overhttp import HttpRecorder

FOLDER = Path(__file__).parents[2] / ".." / "shared" / "golden" / "api"


@pytest.mark.parametrize("name", ["accept", "auth", "discovery", "encoding", "patch", "selectors"])
def test_answers_are_those_of_the_real_server(name: str) -> None:
    file = FOLDER / f"{name}.jsonl"
    if not file.exists():
        pytest.skip(f"{file} is not there")
    recorder = HttpRecorder()
    try:
        found = [pair for case, entries in cases(file) for pair in replay(recorder, case, entries)]
    finally:
        recorder.close()
    assert len(found) > 10
    assert [pair for pair in found if pair[1]] == []

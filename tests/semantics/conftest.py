"""What the tests of a learner's actions share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from k8slab import Lab


@pytest.fixture
def lab() -> Lab:
    """Three workers with nothing on them."""
    return Lab(workers=3)


@pytest.fixture
def kubectl(lab: Lab) -> Callable[..., str]:
    """Runs a command that must succeed; returns what it printed on standard output."""

    def run(command: str, stdin: str = "") -> str:
        output = lab.kubectl(command, stdin, echo=False)
        assert output.exit_code == 0, output.text
        return output.stdout

    return run

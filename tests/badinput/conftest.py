"""A lab to send nonsense to, shared by the tests of a file: what is refused leaves no trace."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from k8slab import Lab


@pytest.fixture(scope="module")
def lab() -> Lab:
    """A small lab."""
    return Lab(workers=1)


@pytest.fixture
def refused(lab: Lab) -> Callable[..., str]:
    """Runs a command that must fail and change nothing; returns what it wrote to standard error."""

    def run(command: str, stdin: str = "") -> str:
        before = lab.history.revision
        output = lab.kubectl(command, stdin, echo=False)
        assert output.exit_code == 1
        assert output.stdout == ""
        assert lab.history.revision == before
        return output.stderr

    return run

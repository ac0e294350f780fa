"""What kubectl sees of a lab."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from k8slab.lab.core import Core


class Session:
    """What kubectl sees of a lab: the client, the clock, files, and a way to wait."""

    def __init__(self, lab: Core) -> None:
        self.client, self.clock, self.namespace = lab.client, lab.clock, lab.namespace
        self._cluster = lab.cluster

    def run_until(self, predicate: Callable[[], object], timeout_us: int) -> bool:
        """Let virtual time pass until ``predicate()`` holds, at most ``timeout_us`` microseconds."""
        return self._cluster.run_until(predicate, timeout_us)

    def read_file(self, path: str) -> str:
        """The text of a file. Raises OSError."""
        return Path(path).read_text(encoding="utf-8")

    def write_file(self, path: str, data: bytes) -> None:
        """Write a file (`kubectl cp` out of a container). Raises OSError."""
        Path(path).write_bytes(data)

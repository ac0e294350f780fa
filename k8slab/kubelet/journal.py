"""What a kubelet writes to its log (`journalctl -u kubelet`), in klog's form."""

from __future__ import annotations

from k8slab.sim.clock import Clock
from k8slab.sim.timestamps import rfc3339_micro

KEPT = 1000
INFO, WARNING, ERROR = "I", "W", "E"
PROCESS = 812
"""The kubelet's process ID."""


class KubeletLog:
    """The last lines of one kubelet."""

    __slots__ = ("clock", "lines")

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.lines: list[tuple[int, str]] = []

    def write(self, severity: str, message: str, details: str = "", source: str = "kubelet.go:1") -> None:
        """Add a line: severity, message and `key="value"` details."""
        at = rfc3339_micro(self.clock.unix_us)
        stamp = f"{at[5:7]}{at[8:10]} {at[11:26]}"
        text = f'{severity}{stamp}    {PROCESS} {source}] "{message}"' + (f" {details}" if details else "")
        self.lines.append((self.clock.now, text))
        del self.lines[:-KEPT]

    def text(self, tail: int | None = None) -> str:
        """The lines, or only the last ones."""
        lines = self.lines if tail is None else self.lines[-tail:]
        return "".join(f"{line}\n" for _, line in lines)

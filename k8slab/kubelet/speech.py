"""What a process writes: its log, and all that others can see of it."""

from __future__ import annotations

from typing import Any

from k8slab.kubelet.execution import Execution, when
from k8slab.kubelet.program import Program
from k8slab.sim.clock import MILLISECOND
from k8slab.sim.timestamps import rfc3339


class Speech(Execution):
    """A process whose output can be read."""

    __slots__ = ()

    def logs(self, until: int) -> list[tuple[int, str]]:
        """What it wrote so far: (lab time, line)."""
        if self.script is None:
            return self._service_logs(self.program, self.started, until)
        lines: list[tuple[int, str]] = []
        partial = ""
        for at, kind, value, _ in self._upto(until).effects:
            if self.started + at > until:
                break
            if kind == "log":
                lines.append((self.started + at, value))
            elif kind in ("out", "err"):
                *whole, partial = (partial + value).split("\n")
                lines.extend((self.started + at, line) for line in whole)
            elif kind == "serve":
                lines.extend(self._service_logs(value, self.started + at, until))
        if partial:
            lines.append((until, partial))
        return lines

    def events(self, until: int) -> list[tuple[int, str, Any]]:
        """What it writes and does to others, in order of time: (lab time, `out` | `err` | `file` | `signal`, value).

        What a script does is told as far as it is known, what a server logs up to `until` (lab time).
        """
        found: list[tuple[int, str, Any]] = []
        if self.script is None:
            found.extend((at, "out", line + "\n") for at, line in self._service_logs(self.program, self.started, until))
            return found
        for offset, kind, value, detail in self._upto(until).effects:
            at = self.started + offset
            if kind == "log":
                found.append((at, "out", value + "\n"))
            elif kind in ("out", "err", "signal"):
                found.append((at, kind, value))
            elif kind == "file":
                found.append((at, kind, (value, detail)))
            elif kind == "serve":
                found.extend((moment, "out", line + "\n") for moment, line in self._service_logs(value, at, until))
        found.sort(key=when)
        return found

    def refusal(self, program: Program) -> str:
        """What a program says when it gives up at its start; empty where it does not."""
        if program.needs_env and not any(self.env.get(name) for name in program.needs_env):
            return program.needs_env_log or "missing configuration"
        if program.needs_root_log and self.identity.uid:
            return program.needs_root_log
        return program.needs_writable_log if self.identity.read_only else ""

    def _service_logs(self, program: Program, start: int, until: int) -> list[tuple[int, str]]:
        refusal = self.refusal(program)
        if refusal:
            lines = refusal.splitlines()
            at = start + 100 * MILLISECOND
            return [(at, self._dated(line, at)) for line in lines if at <= until]
        found = [(start + at, self._dated(line, start + at)) for at, line in program.logs if start + at <= until]
        if program.log_every:
            period, line = program.log_every
            count = min((until - start) // period, 100_000)
            found.extend((start + turn * period, line) for turn in range(1, count + 1))
            found.sort()
        return found

    def _dated(self, line: str, at: int) -> str:
        """A line with the time in it, where it says `{date}`, `{time}` or `{iso}`."""
        if "{" not in line:
            return line
        now = rfc3339(self.wall + at - self.started)
        for word, text in (
            ("{date}", now[:10].replace("-", "/")),
            ("{time}", now[11:19]),
            ("{iso}", f"{now[:10]} {now[11:19]}.000"),
        ):
            line = line.replace(word, text)
        return line

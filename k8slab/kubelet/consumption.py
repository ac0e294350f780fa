"""What a process uses: memory, processors, process numbers, disk, and the requests that it sends."""

from __future__ import annotations

from k8slab.kubelet.program import Program
from k8slab.kubelet.shell import endless
from k8slab.kubelet.shell.turn import Turn, fetches, sending, turn_of
from k8slab.kubelet.speech import Speech
from k8slab.sim.clock import MILLISECOND, SECOND

MIB = 1 << 20
SHELL_MEMORY = MIB
LOG_PREFIX = 46
"""Time, stream and tag that the runtime writes before each line of a log."""
LOG_LIMIT = 50 * MIB
"""Logs are rotated at 10Mi, and five files are kept (containerLogMaxSize, containerLogMaxFiles)."""


class Consumption(Speech):
    """A process whose use of its machine is known."""

    __slots__ = ()

    def memory(self, now: int) -> int:
        """Working set in bytes."""
        program = self._acting(now)
        if program is None:
            effects = self._upto(now).effects
            return SHELL_MEMORY + sum(v for at, kind, v, _ in effects if kind == "memory" and self.started + at <= now)
        used = program.memory + program.memory_growth * max(0, now - self.started) // SECOND
        return min(used, program.memory_limit) if program.memory_limit else used

    def memory_bound(self, limit: int | None) -> int | None:
        """The most that it can ever use, as far as that is known (None: no bound); `limit`: what it is killed at."""
        if self.script is None:
            program = self.program
            most = program.memory if not program.memory_growth else program.memory_limit
        elif endless(self.script):
            most = SHELL_MEMORY
        else:
            most = SHELL_MEMORY + sum(value for _, kind, value, _ in self._told().effects if kind == "memory")
            most += sum(value.memory for _, kind, value, _ in self._told().effects if kind == "serve")
        return limit if most is None else most

    def cpu(self, now: int) -> int:
        """Millicores that it wants, requests apart."""
        program = self._acting(now)
        if program is not None:
            starting = program.startup_cpu is not None and not self._up(program, now)
            return program.startup_cpu if starting else program.cpu
        if endless(self.script):
            return self.turn().millicores
        return 1 + self._burning("cpu", now)

    def pids(self, now: int) -> int:
        """How many processes and threads it has."""
        program = self._acting(now)
        return program.pids if program is not None else 1 + (0 if endless(self.script) else self._burning("pids", now))

    def _burning(self, kind: str, now: int) -> int:
        """The sum of effects that hold for some time."""
        found = [each for each in self._upto(now).effects if each[1] == kind]
        return sum(value for at, _, value, until in found if self.started + at <= now < self.started + until)

    def turn(self) -> Turn:
        """What an endless script does all the time."""
        if self._turn is None:
            self._turn = turn_of(self.script, self.env, self.image_files())
        return self._turn

    def sends(self) -> dict[tuple[str, int, str], float]:
        """Requests per second that it sends all the time, by (host, port, path)."""
        if self.script is not None:
            return self.turn().requests if endless(self.script) and fetches(self.script) else {}
        return sending(self.program.sends) if self.program.sends else {}

    def written(self, now: int) -> dict[str, int]:
        """Bytes that it has written, by path."""
        found: dict[str, int] = {}
        program = self._acting(now)
        if program is not None and (program.disk or program.disk_growth):
            found[program.disk_path] = program.disk + program.disk_growth * max(0, now - self.started) // SECOND
        if self.script is None or endless(self.script):
            return found
        for at, kind, path, content in self._upto(now).effects:
            if self.started + at > now:
                break
            if kind == "size":
                found[path] = content
            elif kind == "file":
                found[path] = len(content or "")
        return found

    def log_bytes(self, now: int) -> int:
        """Bytes of its log, as far as it is kept."""
        if self.script is not None and endless(self.script):
            return 0
        if self.script is None and self.program.log_every:
            period, line = self.program.log_every
            return min((now - self.started) // period * (len(line) + LOG_PREFIX), LOG_LIMIT)
        return min(sum(len(line) + LOG_PREFIX for _, line in self.logs(now)), LOG_LIMIT)

    def may_fill(self, limited: bool) -> bool:
        """Whether what it writes may matter to the node's disk, or (`limited`) to a limit."""
        if self.script is None:
            return bool(self.program.disk_growth or self.program.disk >= 1024 * MIB or (limited and self.program.disk))
        kinds = ("size", "file") if limited else ("size",)
        return not endless(self.script) and any(kind in kinds for _, kind, _, _ in self._told().effects)

    def _up(self, program: Program, now: int) -> bool:
        return now >= self.started + program.ready_after


def grows_to(program: Program, limit: int | None) -> int | None:
    """Microseconds after which the program's memory exceeds the limit, None if it never does."""
    if not limit:
        return None
    if program.memory > limit:
        return 300 * MILLISECOND
    if not program.memory_growth or (program.memory_limit and program.memory_limit <= limit):
        return None
    return (limit - program.memory) * SECOND // program.memory_growth + SECOND

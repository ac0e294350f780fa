"""What a container does once it runs: a program is data, a process is one run of it on virtual time.

Everything about a process can be computed from its start, so nobody has to poll: the kubelet asks when it will end,
when its answers next change, and what it logged so far.
"""

from __future__ import annotations

from dataclasses import dataclass

from k8slab.kubelet.commandline import command_node
from k8slab.kubelet.consumption import SHELL_MEMORY, Consumption, grows_to
from k8slab.kubelet.execution import EXEC_LIMIT, LOOK_AHEAD
from k8slab.kubelet.program import Program
from k8slab.kubelet.shell import Outcome, Shell, ShellSyntaxError, endless
from k8slab.kubelet.webserver import page
from k8slab.sim.clock import MILLISECOND


@dataclass(frozen=True)
class Ending:
    """How and when a process ends: `reason` is Completed, Error or OOMKilled."""

    at: int
    code: int
    reason: str


class Process(Consumption):
    """One run of a program, or of a shell script: how it ends, and what it answers."""

    __slots__ = ()

    def ending(self, memory_limit: int | None = None) -> tuple[Ending | None, int | None]:
        """Its end, if that is known to come, and when to ask again, if that may become known (lab times)."""
        if self.script is None:
            return self._service_ending(memory_limit), None
        if endless(self.script):
            return None, None
        outcome = self._told()
        fatal = self._out_of_memory(outcome, memory_limit)
        if fatal is not None and (outcome.exit_at is None or fatal <= outcome.exit_at):
            return Ending(self.started + fatal, 137, "OOMKilled"), None
        if outcome.exit_at is not None:
            return _ending(self.started + outcome.exit_at, outcome.code), None
        if outcome.again_at is not None:
            return None, max(self.started + outcome.again_at, self.clock.now + MILLISECOND)
        return self._served_ending(outcome, memory_limit), None

    def _service_ending(
        self, memory_limit: int | None, program: Program | None = None, since: int = 0
    ) -> Ending | None:
        program = program or self.program
        start = self.started + since
        if self.refusal(program):
            return Ending(start + 200 * MILLISECOND, 1, "Error")
        endings = []
        fatal = grows_to(program, memory_limit)
        if fatal is not None:
            endings.append((start + fatal, 137, "OOMKilled"))
        if program.runs_for is not None:
            endings.append((start + program.runs_for, program.exit_code, ""))
        if not endings:
            return None
        at, code, reason = min(endings)
        return Ending(at, code, reason) if reason else _ending(at, code)

    def _served_ending(self, outcome: Outcome, memory_limit: int | None) -> Ending | None:
        for at, kind, program, _ in outcome.effects:
            if kind == "serve":
                return self._service_ending(memory_limit, program, at)
        return None

    def _out_of_memory(self, outcome: Outcome, memory_limit: int | None) -> int | None:
        used = SHELL_MEMORY
        for at, kind, value, _ in outcome.effects:
            if kind == "memory":
                used += value
                if memory_limit and used > memory_limit:
                    return at
        return None

    def terminate(self, now: int) -> Ending | None:
        """How it answers SIGTERM at `now`; None: not at all."""
        program = self._acting(now)
        if program is not None:
            if program.stop_code is None:
                return None
            return _ending(now + program.stop_after, program.stop_code)
        if not any(kind == "trap" for at, kind, _, _ in self._upto(now).effects if self.started + at <= now):
            return None
        self.term_at = now - self.started
        self._outcome = None
        outcome = self._upto(now + EXEC_LIMIT)
        return None if outcome.exit_at is None else _ending(max(now, self.started + outcome.exit_at), outcome.code)

    def ready(self, now: int) -> bool:
        """Whether its own checks succeed."""
        program = self._acting(now)
        return program is not None and self._up(program, now) and not self._unhealthy(program, now)

    def listens(self, port: int, now: int) -> bool:
        """Whether a connection to the port is accepted."""
        program = self._acting(now)
        if program is not None:
            known = program.ports is None or port in program.ports
            return known and self._up(program, now)
        return any(
            kind == "listen" and value == port and self.started + at <= now
            for at, kind, value, _ in self._upto(now).effects
        )

    def answer(self, port: int, path: str, now: int) -> int:
        """HTTP status of a GET; 0: connection refused, -1: not HTTP."""
        return self.page(port, path, now)[0]

    def page(self, port: int, path: str, now: int) -> tuple[int, str]:
        """HTTP status of a GET, as of `answer`, and the body."""
        if not self.listens(port, now):
            return 0, ""
        program = self._acting(now)
        if program is None:
            return 200, ""
        if self._unhealthy(program, now):
            return 500, ""
        return page(self, program, path, now)

    def execute(self, argv: list[str], now: int) -> tuple[int, str, int]:
        """Run a command in the container: exit code, output, and how long it takes in microseconds.

        Code -1 means that there is no such command (the output is the runtime's message).
        """
        program = self._acting(now)
        verdict = (0, "ok\n") if self.ready(now) else (1, "")
        names = program.checks if program else self.program.checks
        shell = Shell(
            self.env,
            self.files_at(now),
            EXEC_LIMIT,
            self.wall + now - self.started,
            ask=self.ask,
            checks=dict.fromkeys(names, verdict),
        )
        try:
            node = command_node(argv)
        except ShellSyntaxError as error:
            return 2, f"sh: {error}\n", 0
        outcome = shell.run(node)
        output = "".join(line + "\n" for at, kind, line, _ in outcome.effects if kind == "log")
        if outcome.exit_at is None:
            return 0, output, EXEC_LIMIT
        return outcome.code, output, outcome.exit_at

    def next_change(self, now: int) -> int | None:
        """The next time after `now` at which any answer may differ; None: never again."""
        program = self._acting(now)
        if program is not None or self.script is None:
            changes = self._service_changes(program or self.program, now)
            return min((at for at in changes if at > now), default=None)
        ahead = now + LOOK_AHEAD
        outcome = self._upto(ahead)
        for at, kind, _, _ in outcome.effects:
            if kind in ("file", "listen", "serve") and self.started + at > now:
                return self.started + at
        return None if outcome.again_at is None and not endless(self.script) else ahead

    def _unhealthy(self, program: Program, now: int) -> bool:
        if program.unhealthy_after is None:
            return False
        since = now - self.started - program.unhealthy_after
        return since >= 0 and (program.unhealthy_for is None or since < program.unhealthy_for)

    def _service_changes(self, program: Program, now: int) -> list[int]:
        changes = [self.started + program.ready_after]
        if program.unhealthy_after is not None:
            changes.append(self.started + program.unhealthy_after)
            if program.unhealthy_for is not None:
                changes.append(changes[-1] + program.unhealthy_for)
        return changes


def _ending(at: int, code: int) -> Ending:
    return Ending(at, code, "Completed" if code == 0 else "Error")

"""A program or a script on virtual time: what comes into its process, and its story as far as it can be told.

Everything about a process can be computed from its start, so nobody has to poll.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8slab.kubelet.program import Program
from k8slab.kubelet.security import ROOT, Identity
from k8slab.kubelet.shell import Outcome, Shell
from k8slab.kubelet.shell.console import EOF, SIZE, TEXT, Arrival, Input, Terminal
from k8slab.kubelet.shell.outcome import MAX_STEPS
from k8slab.kubelet.shell.turn import Turn
from k8slab.kubelet.webserver import unhidden
from k8slab.sim.clock import SECOND

LOOK_AHEAD = 60 * SECOND
EXEC_LIMIT = 3600 * SECOND


class Execution:
    """One run of a program, or of a shell script, from `started` (lab time) on: what came in, and what it then does.

    Args:
        program: what runs, or what the image's own program is while a script runs instead.
        started: lab time of the start.
        wall: Unix time in microseconds at the start.
        script: the script or command line, where the container runs one.
        env: environment.
        files: the container's file system at the start.
        serves: commands that start the image's program (`exec nginx -g "daemon off;"`).
        declared: container ports of the spec.
        ask: bound function for questions to the world outside, `(kind, target) -> answer`.
        clock: for the present, when questions are asked.
        argv: the command line.
        stdin, tty: it has standard input, it runs at a terminal: what it writes is kept as it is, not by lines.
        raw: keep what it writes as it is also without these.
        neighbour: the container's own process, where this one runs beside it.
        verdict: exit code and output of the program's own checks.
        cwd, pid: its working directory and process number.
        mounts: where volumes hide what the image has on its disk.
        shared: bound function `(process, until)` that tells what others wrote into its volumes: (lab time, path, text).

    Attributes:
        arrivals: what reached its standard input; None: it has none.
        outside: `(offset, path, text)`: what others wrote into its file system.
    """

    __slots__ = (
        "_asked",
        "_outcome",
        "_reach",
        "_turn",
        "answers",
        "argv",
        "arrivals",
        "ask",
        "clock",
        "cwd",
        "declared",
        "env",
        "etc",
        "files",
        "identity",
        "mounts",
        "neighbour",
        "outside",
        "pid",
        "program",
        "raw",
        "script",
        "serves",
        "shared",
        "started",
        "term_at",
        "terminal",
        "verdict",
        "wall",
    )

    def __init__(
        self,
        program: Program,
        started: int,
        wall: int,
        script: tuple[Any, ...] | None = None,
        env: dict[str, str] | None = None,
        files: dict[str, str] | None = None,
        serves: tuple[str, ...] = (),
        declared: tuple[int, ...] = (),
        ask: Callable[[str, Any], Any] | None = None,
        clock: Any = None,
        argv: tuple[str, ...] = (),
        stdin: bool = False,
        tty: bool = False,
        raw: bool = False,
        neighbour: Execution | None = None,
        verdict: tuple[int, str] = (1, ""),
        cwd: str = "/",
        pid: int = 1,
        etc: Callable[[], dict[str, str]] | None = None,
        identity: Identity = ROOT,
        mounts: tuple[str, ...] = (),
        shared: Callable[[Any, int], list[tuple[int, str, str | None]]] | None = None,
    ) -> None:
        self.program = program
        self.started = started
        self.wall = wall
        self.script = script
        self.env = env or {}
        self.files = {**unhidden(program.files, mounts), **(files or {})} if files or mounts else program.files
        self.etc = etc
        self.identity = identity
        self.mounts = mounts
        self.shared = shared
        self.serves = serves
        self.declared = declared
        self.ask = ask
        self.clock = clock
        self.argv = argv
        self.arrivals: list[Arrival] | None = [] if stdin or tty else None
        self.terminal = Terminal() if tty else None
        self.raw = raw or stdin or tty
        self.neighbour = neighbour
        self.verdict = verdict
        self.cwd = cwd
        self.pid = pid
        self.outside: list[tuple[int, str, str | None]] = []
        self.answers: list[Any] = []
        self.term_at: int | None = None
        self._outcome: Outcome | None = None
        self._reach = -1
        self._asked = -1
        self._turn: Turn | None = None

    def type(self, text: str, now: int) -> None:
        """Something is written to its standard input, at a terminal as keys."""
        if self.arrivals is None:
            return
        at = now - self.started + 1
        self.arrivals.extend([Arrival(at, TEXT, text)] if self.terminal is None else self.terminal.type(text, at))
        self.forget()

    def end_input(self, now: int) -> None:
        """Standard input is closed."""
        if self.arrivals is not None:
            self.arrivals.append(Arrival(now - self.started + 1, EOF))
            self.forget()

    def resize(self, rows: int, columns: int, now: int) -> None:
        """The window of its terminal has another size."""
        if self.terminal is not None:
            self.arrivals.append(Arrival(now - self.started + 1, SIZE, f"{rows} {columns}"))
            self.forget()

    def touch(self, path: str, text: str | None, now: int) -> None:
        """Somebody else writes a file of its container, or removes it (None)."""
        self.outside.append((now - self.started + 1, path, text))
        self.forget()

    def forget(self) -> None:
        """What it does from now on may be something else than was worked out so far."""
        self._outcome = None
        self._reach = self._asked = -1

    def image_files(self) -> dict[str, str]:
        """The file system at the start: the image's, mounted volumes, and what the kubelet puts into /etc."""
        return {**self.etc(), **self.files} if self.etc is not None else self.files

    def files_at(self, now: int) -> dict[str, str]:
        """The file system at `now`."""
        files = self.image_files()
        if self.script is None and not self.outside:
            return files
        files = dict(files)
        for _, path, content in self.effects("file", now):
            if content is None:
                files.pop(path, None)
            else:
                files[path] = content
        return files

    def effects(self, kind: str, until: int) -> list[tuple[int, Any, Any]]:
        """What happened of one kind up to `until` (`file`, also by others; `follow`): (lab time, value, detail)."""
        found = self._own_effects(kind, until)
        if kind == "file" and self.outside:
            # What is written at this moment is there for who looks at it now: `touch` sets it a moment later.
            found.extend(
                (self.started + at, path, text) for at, path, text in self.outside if self.started + at <= until + 1
            )
            found.sort(key=when)
        return found

    def _own_effects(self, kind: str, until: int) -> list[tuple[int, Any, Any]]:
        if self.script is None:
            return []
        effects = self._upto(until).effects
        return [
            (self.started + at, value, detail)
            for at, k, value, detail in effects
            if k == kind and self.started + at <= until
        ]

    def story(self, until: int) -> Outcome | None:
        """All that its script does, at least up to `until` (lab time); None where it runs no script."""
        return None if self.script is None else self._upto(until)

    def _acting(self, now: int) -> Program | None:
        """The program that acts at `now`; None: only the script itself."""
        if self.script is None:
            return self.program
        for at, kind, program, _ in self._upto(now).effects:
            if kind == "serve" and self.started + at <= now:
                return program
        return None

    def _told(self) -> Outcome:
        """The script's whole story as far as it can be told today."""
        if self._outcome is None or self._outcome.again_at is not None:
            self._outcome = self._run(EXEC_LIMIT * 24 * 365, MAX_STEPS)
            self._reach = EXEC_LIMIT * 24 * 365
        return self._outcome

    def _upto(self, now: int) -> Outcome:
        """The script's story at least up to `now`; its reach doubles, so that looking often stays cheap."""
        offset = now - self.started
        if self._outcome is None or (self._reach < offset and self._outcome.again_at is not None):
            self._reach = max(offset, 2 * self._reach, 10 * SECOND)
            self._outcome = self._run(self._reach)
        again_at = self._outcome.again_at
        if again_at is not None and self._asked < again_at <= offset:
            self._outcome = self._run(self._reach)
        return self._outcome

    def _run(self, limit: int, max_steps: int = 10 * MAX_STEPS) -> Outcome:
        present = self._asked = self.clock.now - self.started if self.clock else limit
        shell = Shell(
            self.env,
            self.image_files(),
            limit,
            self.wall,
            self.answers,
            self._question if self.ask else None,
            present,
            dict.fromkeys(self.serves, self.program if self.neighbour is None else None),
            dict.fromkeys(self.program.checks, self.verdict),
            self.term_at,
            max_steps,
            None if self.arrivals is None else Input(self.arrivals, self.terminal is not None),
            self.raw,
            self._others(limit),
            self.cwd,
            self.pid,
            self.identity,
            self.mounts,
        )
        outcome = shell.run(self.script)
        echoes = [(arrival.at, "out", arrival.echo, None) for arrival in self.arrivals or () if arrival.echo]
        return outcome._replace(effects=sorted([*echoes, *outcome.effects], key=when)) if echoes else outcome

    def _question(self, kind: str, target: Any) -> Any:
        if kind == "processes" and self.neighbour is None:
            return [[1, " ".join(self.argv)]]
        return self.ask(kind, target)

    def _others(self, limit: int) -> list[tuple[int, str, str | None]]:
        """What others write while it runs."""
        if self.neighbour is None:
            return self.outside
        # What the neighbour writes later will be learned when the time is near.
        until = min(self.started + limit, self.clock.now + LOOK_AHEAD)
        theirs = self.neighbour._own_effects("file", until)
        there = [(at - self.started, path, text) for at, path, text in theirs if at > self.started]
        return sorted([*there, *self.outside], key=when)


def when(event: tuple[Any, ...]) -> int:
    """The time of an event, to sort by."""
    return event[0]

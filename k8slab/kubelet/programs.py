"""What a container does once it runs: a program is data, a process is one run of it on virtual time.

Everything about a process can be computed from its start, so nobody has to poll: the kubelet asks when it will end,
when its answers next change, and what it logged so far.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from k8slab.kubelet.program import Program
from k8slab.kubelet.security import ROOT, Identity
from k8slab.kubelet.shell import Outcome, Shell, ShellSyntaxError, endless, parse
from k8slab.kubelet.shell.console import EOF, SIZE, TEXT, Arrival, Input, Terminal
from k8slab.kubelet.shell.control import script_of
from k8slab.kubelet.shell.outcome import MAX_STEPS
from k8slab.kubelet.shell.turn import Turn, fetches, sending, turn_of
from k8slab.kubelet.webserver import page, unhidden
from k8slab.sim.clock import MILLISECOND, SECOND
from k8slab.sim.timestamps import rfc3339

MIB = 1 << 20
SHELLS = frozenset(("sh", "bash", "ash", "dash"))
SHELL_MEMORY = MIB
LOG_PREFIX = 46
"""Time, stream and tag that the runtime writes before each line of a log."""
LOG_LIMIT = 50 * MIB
"""Logs are rotated at 10Mi, and five files are kept (containerLogMaxSize, containerLogMaxFiles)."""
LOOK_AHEAD = 60 * SECOND
EXEC_LIMIT = 3600 * SECOND


@dataclass(frozen=True)
class Ending:
    """How and when a process ends: `reason` is Completed, Error or OOMKilled."""

    at: int
    code: int
    reason: str


class Process:
    """One run of a program, or of a shell script, from `started` (lab time) on.

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
        neighbour: Process | None = None,
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

    # -- what reaches it --------------------------------------------------------------------------------------------

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

    # -- how it ends ------------------------------------------------------------------------------------------------

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

    def refusal(self, program: Program) -> str:
        """What a program says when it gives up at its start; empty where it does not."""
        if program.needs_env and not any(self.env.get(name) for name in program.needs_env):
            return program.needs_env_log or "missing configuration"
        if program.needs_root_log and self.identity.uid:
            return program.needs_root_log
        return program.needs_writable_log if self.identity.read_only else ""

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

    # -- what it answers --------------------------------------------------------------------------------------------

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

    # -- what it uses and says --------------------------------------------------------------------------------------

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

    def effects(self, kind: str, until: int) -> list[tuple[int, Any, Any]]:
        """What happened of one kind up to `until` (`file`, also by others; `follow`): (lab time, value, detail)."""
        found = self._own_effects(kind, until)
        if kind == "file" and self.outside:
            # What is written at this moment is there for who looks at it now: `touch` sets it a moment later.
            found.extend(
                (self.started + at, path, text) for at, path, text in self.outside if self.started + at <= until + 1
            )
            found.sort(key=_when)
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
                found.extend((when, "out", line + "\n") for when, line in self._service_logs(value, at, until))
        found.sort(key=_when)
        return found

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

    # -- inside -----------------------------------------------------------------------------------------------------

    def _acting(self, now: int) -> Program | None:
        """The program that acts at `now`; None: only the script itself."""
        if self.script is None:
            return self.program
        for at, kind, program, _ in self._upto(now).effects:
            if kind == "serve" and self.started + at <= now:
                return program
        return None

    def _up(self, program: Program, now: int) -> bool:
        return now >= self.started + program.ready_after

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
        return outcome._replace(effects=sorted([*echoes, *outcome.effects], key=_when)) if echoes else outcome

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
        return sorted([*there, *self.outside], key=_when)


def command_node(argv: list[str]) -> tuple[Any, ...]:
    """A command line as a node for the shell; `sh -c SCRIPT` becomes the script itself. Raises ShellSyntaxError."""
    if argv[0].rsplit("/", 1)[-1] in SHELLS and (script := script_of(argv)) is not None:
        flags = next(word for word in argv[1:] if word.startswith("-"))
        node = parse(script)
        if set(flags) & set("ex"):
            return ("seq", (_plain(["set", flags.replace("c", "")]), node))
        return node
    return _plain(argv)


def _plain(argv: list[str]) -> tuple[Any, ...]:
    return ("cmd", (), tuple((("text", word, True),) for word in argv), ())


def grows_to(program: Program, limit: int | None) -> int | None:
    """Microseconds after which the program's memory exceeds the limit, None if it never does."""
    if not limit:
        return None
    if program.memory > limit:
        return 300 * MILLISECOND
    if not program.memory_growth or (program.memory_limit and program.memory_limit <= limit):
        return None
    return (limit - program.memory) * SECOND // program.memory_growth + SECOND


def _when(event: tuple[Any, ...]) -> int:
    return event[0]


def _ending(at: int, code: int) -> Ending:
    return Ending(at, code, "Completed" if code == 0 else "Error")

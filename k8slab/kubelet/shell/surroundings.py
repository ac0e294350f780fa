"""What a running script has around it: time, standard input and outputs, files, and what it learns from outside."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from typing import Any

from k8slab.kubelet.security import ROOT, Identity
from k8slab.kubelet.shell.console import Input
from k8slab.kubelet.shell.filesystem import FileSystem
from k8slab.kubelet.shell.outcome import FOREVER, MAX_STEPS, MAX_TEXT, Blocked, Horizon, Interrupted, Leave, ReadOnly
from k8slab.kubelet.shell.syntax import Node


class Surroundings:
    """What a running script has around it: time, standard input and outputs, files, answers from outside.

    Args:
        env: environment.
        files: path to content; copied.
        limit: offset (microseconds) up to which to run.
        wall: Unix time in microseconds at offset 0.
        answers: what was learned from outside so far; grows.
        ask: bound function `(kind, target) -> answer`, asked only for questions before `asking_until`.
        asking_until: the present, as an offset: later questions cannot be answered yet.
        programs: name of a command to the program that it starts (a server in the foreground); None: one that cannot be
            started here.
        checks: names of commands that succeed when the container's own program is ready.
        term_at: offset at which SIGTERM arrives; matters only to scripts with a trap.
        max_steps: how many commands to run at most.
        console: standard input as it arrives; without one it is empty.
        raw: keep what is written as it is, instead of by lines.
        outside: `(offset, path, text)` that others write into the file system while the script runs.
        cwd: the working directory.
        pid: the shell's own process number.
        identity: as whom it runs.
        mounts: where volumes are: there a read-only root file system does not matter.
    """

    def __init__(
        self,
        env: dict[str, str],
        files: dict[str, str],
        limit: int = FOREVER,
        wall: int = 0,
        answers: list[Any] | None = None,
        ask: Callable[[str, Any], Any] | None = None,
        asking_until: int = FOREVER,
        programs: dict[str, Any] | None = None,
        checks: dict[str, tuple[int, str]] | None = None,
        term_at: int | None = None,
        max_steps: int = MAX_STEPS,
        console: Input | None = None,
        raw: bool = False,
        outside: Sequence[tuple[int, str, str | None]] = (),
        cwd: str = "/",
        pid: int = 1,
        identity: Identity = ROOT,
        mounts: Sequence[str] = (),
    ) -> None:
        self.vars = dict(env)
        self.env = env
        self.files = FileSystem(files)
        self.limit = limit
        self.wall = wall
        self.answers = answers if answers is not None else []
        self.answered = 0
        self.ask_outside = ask
        self.asking_until = asking_until
        self.programs = programs or {}
        self.checks = checks or {}
        self.term_at = term_at
        self.max_steps = max_steps
        self.now = 0
        self.status = 0
        self.steps = 0
        self.errexit = self.xtrace = self.quiet = False
        self.trap: Node | None = None
        self.effects: list[tuple[int, str, Any, Any]] = []
        self.captures: list[list[str]] = []
        self.partial = ""
        self.input = console
        self.stdin: str | None = "" if console is None else None
        self.interrupts = console.interrupts() if console is not None else []
        self.raw = raw
        self.outside = outside
        self.seen = 0
        self.cwd = cwd
        self.pid = pid
        self.identity = identity
        self.mounts = tuple(mount.rstrip("/") + "/" for mount in mounts)
        self.background = False
        # Where the two outputs go: `>&2` and `2>&1`.
        self.diverted = self.merged = False
        self.functions: dict[str, Node] = {}
        self.jobs: list[int] = []

    def sleep(self, delay: int) -> None:
        """Let time pass. Raises Horizon where that is beyond the limit, Interrupted at Ctrl-C."""
        cut = self.interrupts[0] if self.interrupts and not self.background else FOREVER
        interrupted = cut <= self.now + delay
        self.now = max(self.now, cut) if interrupted else self.now + delay
        if self.now > self.limit:
            raise Horizon
        while self.seen < len(self.outside) and self.outside[self.seen][0] <= self.now:
            _, path, text = self.outside[self.seen]
            self.seen += 1
            self.put(path, text)
        if interrupted:
            del self.interrupts[0]
            raise Interrupted
        if self.term_at is not None and self.trap is not None and self.now >= self.term_at:
            handler, self.term_at = self.trap, None
            self.execute(handler)

    def block(self) -> None:
        """Stay in the foreground for ever, or until Ctrl-C."""
        if self.interrupts and not self.background:
            self.sleep(max(0, self.interrupts[0] - self.now))
        if self.term_at is not None and self.trap is not None:
            self.sleep(max(0, self.term_at - self.now))
        raise Blocked

    def write(self, text: str) -> None:
        """Standard output: to whoever captures it, else to the log by lines."""
        if self.diverted:
            if not self.raw:
                self.complain(text.removesuffix("\n"))
            elif not self.quiet:
                self.emit("err", text)
            return
        if self.captures:
            self.captures[-1].append(text)
            return
        if self.raw:
            self.emit("out", text)
            return
        *lines, self.partial = (self.partial + text).split("\n")
        for line in lines:
            self.effects.append((self.now, "log", line, None))

    def complain(self, text: str) -> None:
        """Standard error, which the log shows as well unless it was redirected."""
        if self.quiet:
            return
        if self.merged and not self.diverted:
            self.write(text + "\n")
            return
        if self.raw:
            self.emit("err", text + "\n")
            return
        held, self.captures, diverted, self.diverted = self.captures, [], self.diverted, False
        self.write(text + "\n")
        self.captures, self.diverted = held, diverted

    def emit(self, kind: str, text: str) -> None:
        """Note raw output."""
        if text:
            self.effects.append((self.now, kind, text, None))

    def flush(self) -> None:
        """Log an unfinished line."""
        if self.partial:
            self.effects.append((self.now, "log", self.partial, None))
            self.partial = ""

    def readline(self) -> str:
        """The next line of standard input with its newline, "" at its end; waits for what is typed."""
        if self.stdin is not None:
            line, newline, self.stdin = self.stdin.partition("\n")
            return line + newline
        while (line := self.input.line()) is None:
            arrival = self.input.following()
            if arrival is None:
                self.block()
            self.sleep(max(0, arrival.at - self.now))
            self.input.take(arrival)
        return line

    def slurp(self) -> str:
        """All of standard input up to its end."""
        if self.stdin is not None:
            text, self.stdin = self.stdin, ""
            return text
        lines, size = [], 0
        while line := self.readline():
            lines.append(line)
            size += len(line)
            if size > MAX_TEXT:
                self.bounded("".join(lines))
        return "".join(lines)

    def path(self, name: str) -> str:
        """The full path of a name as it was given on a command line."""
        if name.startswith("/") and "./" not in name and not name.endswith("/."):
            return name
        return posixpath.normpath(posixpath.join(self.cwd, name)) + ("/" if name.endswith("/") else "")

    def put(self, path: str, text: str | None) -> None:
        """Change the file system without telling anybody."""
        if text is None:
            self.files.pop(path, None)
        else:
            self.files[path] = text

    def store(self, path: str, text: str | None) -> None:
        """Write a file, or remove it (None). Raises ReadOnly where nobody may."""
        if self.identity.read_only and not path.startswith((*self.mounts, "/dev/", "/proc/")):
            raise ReadOnly(path.rstrip("/"))
        self.put(path, None if text is None else self.bounded(text))
        self.effects.append((self.now, "file", path, text))

    def bounded(self, text: str) -> str:
        """Text of a bearable length: a script that doubles a variable must not eat the lab's memory."""
        if len(text) > MAX_TEXT:
            self.complain("sh: out of memory")
            raise Leave(2)
        return text

    def ask(self, kind: str, target: Any) -> Any:
        """Learn something from outside the container. Raises Horizon where only the future can tell."""
        if self.answered < len(self.answers):
            answer = self.answers[self.answered]
        elif self.ask_outside is None or self.now > self.asking_until:
            raise Horizon
        else:
            answer = self.ask_outside(kind, target)
            self.answers.append(answer)
        self.answered += 1
        return answer

    def execute(self, node: Node) -> int:
        """Run one node; returns and keeps its status."""
        raise NotImplementedError

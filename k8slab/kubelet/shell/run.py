"""Runs a parsed script on virtual time, from its beginning up to a limit, and notes what it does when.

Nothing of a running script is kept: to know more, it is run again from the start with a later limit. That keeps
containers copyable, and a script that nobody looks at costs nothing. What a script learns from outside (does the
Service answer?) is remembered in `answers`, so that every run repeats the same story.
"""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from k8slab.kubelet.shell.commands import COMMANDS
from k8slab.kubelet.shell.expansion import Expansion
from k8slab.kubelet.shell.outcome import FOREVER, STEP, Blocked, Horizon, Interrupted, Jump, Leave, Outcome, ReadOnly
from k8slab.kubelet.shell.syntax import Node, Word

_REFUSALS = {
    "touch": "touch: {}",
    "rm": "rm: can't remove '{}'",
    "mv": "mv: can't rename '{}'",
    "mkdir": "mkdir: can't create directory '{}'",
    "tee": "tee: {}",
}


class Shell(Expansion):
    """One run of a script."""

    def run(self, node: Node) -> Outcome:
        """Run the script; never raises for what the script does."""
        exit_at: int | None = None
        again_at: int | None = None
        try:
            self.execute(node)
            exit_at, code = self.now, self.status
        except Leave as leave:
            exit_at, code = self.now, leave.args[0]
        except Jump:
            exit_at, code = self.now, self.status
        except Interrupted:
            exit_at, code = self.now, 130
        except RecursionError:
            self.complain("sh: out of memory")
            exit_at, code = self.now, 2
        except Horizon:
            again_at, code = self.now, 0
        except Blocked:
            code = 0
        self.flush()
        self.effects.sort(key=_offset)
        return Outcome(self.effects, exit_at, code & 255, again_at, self.files)

    def execute(self, node: Node) -> int:
        """Run one node; returns and keeps its status."""
        getattr(self, "_" + node[0])(*node[1:])
        return self.status

    def _seq(self, nodes: tuple[Node, ...]) -> None:
        self.status = 0
        for node in nodes:
            self.execute(node)

    def _and(self, left: Node, right: Node) -> None:
        if self.tested(left) == 0:
            self.execute(right)

    def _or(self, left: Node, right: Node) -> None:
        if self.tested(left) != 0:
            self.execute(right)

    def _not(self, node: Node) -> None:
        self.status = 0 if self.tested(node) else 1

    def tested(self, node: Node) -> int:
        """Run a condition: its failure does not end the script under `set -e`."""
        held, self.errexit = self.errexit, False
        self.execute(node)
        self.errexit = held
        return self.status

    def _group(self, node: Node) -> None:
        self.execute(node)

    def _subshell(self, node: Node) -> None:
        held, place = dict(self.vars), self.cwd
        try:
            self.execute(node)
        except Leave as leave:
            self.status = leave.args[0]
        self.vars, self.cwd = held, place

    def _function(self, name: str, body: Node) -> None:
        self.functions[name] = body
        self.status = 0

    def _bg(self, node: Node) -> None:
        start, held, outer = self.now, dict(self.vars), self.background
        self.background = True
        try:
            self.execute(node)
            end = self.now
        except Leave:
            end = self.now
        except (Blocked, Horizon):
            end = FOREVER
        self.background = outer
        self.jobs.append(end)
        self.now, self.vars, self.status = start, held, 0

    def _pipe(self, nodes: tuple[Node, ...]) -> None:
        held = self.stdin
        for node in nodes[:-1]:
            self.stdin = self.capture(node)
        self.execute(nodes[-1])
        self.stdin = held

    def capture(self, node: Node) -> str:
        """Run a node in a subshell and return what it prints."""
        self.captures.append([])
        try:
            self._subshell(node)
        finally:
            text = "".join(self.captures.pop())
        return text

    def _if(self, branches: tuple[tuple[Node, Node], ...], otherwise: Node) -> None:
        for condition, body in branches:
            if self.tested(condition) == 0:
                self.execute(body)
                return
        self.execute(otherwise)

    def _while(self, condition: Node, body: Node, wanted: bool) -> None:
        status = 0
        while (self.tested(condition) == 0) == wanted:
            self.tick()
            if self.turn(body):
                break
            status = self.status
        self.status = status

    def _for(self, name: str, words: tuple[Word, ...], body: Node) -> None:
        status = 0
        for value in self.fields(words):
            self.vars[name] = value
            self.tick()
            if self.turn(body):
                break
            status = self.status
        self.status = status

    def turn(self, body: Node) -> bool:
        """One turn of a loop; True where the loop must end."""
        try:
            self.execute(body)
        except Jump as jump:
            kind, levels = jump.args
            if kind == "return" or levels > 1:
                raise Jump(kind, levels - 1) from None
            return kind == "break"
        return False

    def _case(self, subject: Word, arms: tuple[tuple[tuple[Word, ...], Node], ...]) -> None:
        value, self.status = self.text(subject), 0
        for patterns, body in arms:
            if any(fnmatchcase(value, self.text(pattern)) for pattern in patterns):
                self.execute(body)
                return

    def _redirect(self, node: Node, redirections: tuple[Any, ...]) -> None:
        self.with_redirections(redirections, self.execute, node)

    def tick(self) -> None:
        """Count a step. Raises Horizon when the budget of this run is used up."""
        self.steps += 1
        if self.steps > self.max_steps:
            raise Horizon

    def _cmd(
        self, assignments: tuple[tuple[str, Word], ...], words: tuple[Word, ...], redirections: tuple[Any, ...]
    ) -> None:
        argv = self.fields(words)
        if not argv:
            self.status = 0
            for name, word in assignments:
                self.vars[name] = self.bounded(self.text(word))
            self.with_redirections(redirections, lambda _: 0, None)
        else:
            held = {name: self.vars.get(name) for name, _ in assignments}
            self.vars.update((name, self.text(word)) for name, word in assignments)
            self.with_redirections(redirections, self.command, argv)
            for name, value in held.items():
                self.vars.pop(name, None)
                if value is not None:
                    self.vars[name] = value
        if self.status and self.errexit:
            raise Leave(self.status)

    def with_redirections(self, redirections: tuple[Any, ...], action: Callable[[Any], Any], argument: Any) -> None:
        """Run an action with its output and input elsewhere."""
        target, append, stdin = None, False, self.stdin
        held = self.quiet, self.diverted, self.merged
        for fd, operator, word in redirections:
            value = self.text(word)
            if operator == "<":
                self.stdin = self.files.get(self.path(value), "")
            elif fd == "2":
                self.quiet, self.merged = operator != ">&", operator == ">&" and value == "1"
            elif operator == ">&" and value == "2":
                self.diverted = True
            elif operator in (">", ">>"):
                target, append, self.diverted = value, operator == ">>", False
        if target is None:
            action(argument)
        else:
            self.captures.append([])
            try:
                action(argument)
            finally:
                self.redirect(target, "".join(self.captures.pop()), append)
        (self.quiet, self.diverted, self.merged), self.stdin = held, stdin

    def redirect(self, path: str, text: str, append: bool) -> None:
        """`save`, and the complaint where that is forbidden."""
        try:
            self.save(path, text, append)
        except ReadOnly:
            self.complain(f"sh: can't create {path}: Read-only file system")
            self.status = 1

    def save(self, path: str, text: str, append: bool) -> None:
        """What `>` and `>>` do."""
        if path in ("/dev/stdout", "/dev/stderr", "/proc/1/fd/1", "/proc/1/fd/2"):
            self.write(text)
        elif path != "/dev/null":
            path = self.path(path)
            self.store(path, self.files.get(path, "") + text if append else text)

    def command(self, argv: list[str]) -> int:
        """Run one command with its arguments."""
        self.tick()
        if self.xtrace:
            self.complain("+ " + " ".join(argv))
        name = argv[0].rsplit("/", 1)[-1]
        if name in self.functions:
            return self.call(name, argv)
        builtin = COMMANDS.get(name)
        self.sleep(STEP)
        if name in self.checks or argv[0] in self.checks:
            self.status, text = self.checks.get(name) or self.checks[argv[0]]
            self.write(text)
        elif name in self.programs and self.programs[name] is None:
            self.complain(f"{name}: a simulated program, which works only as the container's own process")
            self.status = 1
        elif name in self.programs:
            self.effects.append((self.now, "serve", self.programs[name], argv))
            self.block()
        elif builtin:
            try:
                self.status = builtin(self, argv)
            except ReadOnly as refusal:
                said = _REFUSALS.get(name, name + ": can't create '{}'").format(refusal)
                self.complain(f"{said}: Read-only file system")
                self.status = 1
        else:
            self.complain(f"sh: {argv[0]}: not found")
            self.status = 127
        return self.status

    def call(self, name: str, argv: list[str]) -> int:
        """Call a function of the script."""
        held = {str(i): self.vars.get(str(i), "") for i in range(1, 10)}
        self.vars.update((str(i), value) for i, value in enumerate(argv) if i)
        try:
            self.execute(self.functions[name])
        except Jump as jump:
            if jump.args[0] != "return":
                raise
        self.vars.update(held)
        return self.status


def _offset(effect: tuple[int, str, Any, Any]) -> int:
    return effect[0]

"""Runs a parsed script on virtual time, from its beginning up to a limit, and notes what it does when.

Nothing of a running script is kept: to know more, it is run again from the start with a later limit. That keeps
containers copyable, and a script that nobody looks at costs nothing. What a script learns from outside (does the
Service answer?) is remembered in `answers`, so that every run repeats the same story.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from k8slab.kubelet.security import ROOT, Identity
from k8slab.kubelet.shell.commands import COMMANDS
from k8slab.kubelet.shell.console import Input
from k8slab.kubelet.shell.filesystem import FileSystem
from k8slab.kubelet.shell.syntax import Node, Word
from k8slab.sim.clock import MILLISECOND

STEP = MILLISECOND
"""What one command costs: loops without `sleep` move time as well."""
FOREVER = 1 << 62
MAX_STEPS = 20_000
MAX_TEXT = 1 << 20
_REFUSALS = {
    "touch": "touch: {}",
    "rm": "rm: can't remove '{}'",
    "mv": "mv: can't rename '{}'",
    "mkdir": "mkdir: can't create directory '{}'",
    "tee": "tee: {}",
}


class Outcome(NamedTuple):
    """What a run found out.

    Attributes:
        effects: `(offset_us, kind, value, detail)`; kinds: log (line), file (path, text or None), memory (bytes),
            serve (program), trap (node), signal (pid and number); `out` and `err` (raw text) instead of log where the
            shell is `raw`.
        exit_at: offset in microseconds at which the script ended, None where it did not within the limit.
        code: its exit status.
        again_at: offset at which to look again: an answer from outside is needed, or the limit or budget was reached;
            None where nothing more will come by itself.
        files: the file system at the end.
    """

    effects: list[tuple[int, str, Any, Any]]
    exit_at: int | None
    code: int
    again_at: int | None
    files: dict[str, str]


class Horizon(Exception):
    """The limit of this run is reached."""


class Blocked(Exception):
    """The script waits for something that does not come by itself (a server in the foreground, `sleep infinity`)."""


class Leave(Exception):
    """`exit`, with its code."""


class Interrupted(Exception):
    """Ctrl-C: the command in the foreground ends."""


class ReadOnly(Exception):
    """A file that may not be written; the text is its path."""


class Jump(Exception):
    """`break`, `continue` or `return`: kind, levels."""


class Shell:
    """One run of a script.

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

    # -- time, output, the world ------------------------------------------------------------------------------------

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

    # -- nodes ------------------------------------------------------------------------------------------------------

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

    # -- words ------------------------------------------------------------------------------------------------------

    def fields(self, words: tuple[Word, ...]) -> list[str]:
        """Expand words into arguments: unquoted expansions split at blanks, a pattern becomes the files it matches."""
        found: list[str] = []
        for word in words:
            found.extend(self.field(word))
        return found

    def field(self, word: Word) -> list[str]:
        """Expand one word."""
        parts: list[str | None] = []
        kept = False
        for kind, value, quoted in word:
            text = self.piece(kind, value)
            kept = kept or quoted or kind == "text"
            if quoted or kind == "text":
                parts.append(text)
                continue
            pieces = re.split(r"[ \t\n]+", text)
            for index, piece in enumerate(pieces):
                if index:
                    parts.append(None)
                parts.append(piece)
        fields = _joined(parts)
        if not kept:
            fields = [field for field in fields if field]
        if len(word) == 1 and word[0][0] == "text" and not word[0][2] and re.search(r"[*?]", word[0][1]):
            return sorted(path for path in self.files if fnmatchcase(path, word[0][1])) or fields
        return fields

    def text(self, word: Word) -> str:
        """A word as one text, without splitting."""
        return "".join(self.piece(kind, value) for kind, value, _ in word)

    def piece(self, kind: str, value: Any) -> str:
        """Expand one piece of a word."""
        if kind == "text":
            return value
        if kind == "command":
            return self.capture(value).rstrip("\n")
        if kind == "arithmetic":
            return str(self.arithmetic(value))
        return self.variable(*value)

    def variable(self, name: str, operator: str, default: Word) -> str:
        """The value of `$name` or `${name:-default}` and its relatives."""
        special = {"?": str(self.status), "$": str(self.pid), "#": "0", "!": "7", "0": "sh", "@": "", "*": ""}
        value = special.get(name, self.vars.get(name))
        if operator == "length":
            return str(len(value or ""))
        missing = value is None or (operator.startswith(":") and value == "")
        action = operator.lstrip(":")
        if action == "+":
            return "" if missing else self.text(default)
        if action in ("%", "%%", "#", "##"):
            return _trimmed(value or "", action, self.text(default))
        if not missing or not action:
            return value or ""
        if action == "=":
            self.vars[name] = self.text(default)
        elif action == "?":
            self.complain(f"sh: {name}: {self.text(default) or 'parameter not set'}")
            raise Leave(2)
        return self.text(default)

    def arithmetic(self, text: str) -> int:
        """The value of `$((...))`; unknown names are 0."""
        expanded = re.sub(r"\$?\{?([A-Za-z_]\w*)\}?", self._number, text).replace("/", "//")
        # Nothing whose result could be huge: scripts are not trusted.
        if not re.fullmatch(r"[\d\s+\-*/%()<>=!&|]*", expanded) or re.search(r"\*\*|<<|>>|\d{19}", expanded):
            self.complain("sh: arithmetic syntax error")
            raise Leave(2)
        expanded = expanded.replace("&&", " and ").replace("||", " or ")
        try:
            return int(eval(expanded, {"__builtins__": {}}))
        except (SyntaxError, ZeroDivisionError, TypeError, OverflowError) as error:
            self.complain(
                "sh: divide by zero" if isinstance(error, ZeroDivisionError) else "sh: arithmetic syntax error"
            )
            raise Leave(2) from None

    def _number(self, found: re.Match[str]) -> str:
        value = self.vars.get(found[1], "0")
        return value if re.fullmatch(r"-?\d+", value) else "0"


def _offset(effect: tuple[int, str, Any, Any]) -> int:
    return effect[0]


def _joined(parts: list[str | None]) -> list[str]:
    fields = [""]
    for part in parts:
        if part is None:
            fields.append("")
        else:
            fields[-1] += part
    return fields


def _trimmed(value: str, action: str, pattern: str) -> str:
    cuts = range(len(value) + 1)
    if action[0] == "#":
        hits = [i for i in cuts if fnmatchcase(value[:i], pattern)]
        return value[(max if action == "##" else min)(hits) :] if hits else value
    hits = [i for i in cuts if fnmatchcase(value[i:], pattern)]
    return value[: (min if action == "%%" else max)(hits)] if hits else value

"""Running a command line: from its text to what it printed and its exit code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from k8slab.errors import ApiError, K8sLabError
from k8slab.kubectl import command as commands
from k8slab.kubectl import filters
from k8slab.kubectl.failure import CommandError, Exit, ManyErrors, describe_failure
from k8slab.kubectl.help import help_text, options_text
from k8slab.kubectl.invocation import Invocation
from k8slab.kubectl.verbs import ROOT


@dataclass(frozen=True)
class Result:
    """What a command printed on standard output and standard error, and its exit code."""

    stdout: str
    stderr: str
    exit_code: int


def run(command: str | list[str], session: Any, stdin: str = "") -> Result:
    """Run a kubectl command on a session.

    `command` is a line as typed in a shell (a leading `kubectl` is allowed, and simple filters behind `|`) or its
    words; `stdin` is what `-f -` reads. Mistakes never raise: they come back as kubectl's message on stderr and an exit
    code.
    """
    try:
        argv, *pipe = filters.commands(command) if isinstance(command, str) else [list(command)]
        filters.check(pipe)
    except ValueError as error:
        return Result("", f"error: cannot read this command line: {str(error).lower()}\n", 1)
    except CommandError as error:
        return Result("", f"error: {error.text}\n", 1)
    except TypeError:
        return Result("", f"error: a command is a text such as 'get pods', not {type(command).__name__}\n", 1)
    argv = argv[1:] if argv[:1] == ["kubectl"] else argv
    out: list[str] = []
    err: list[str] = []
    code = _guarded(argv, session, stdin, out, err)
    if pipe:
        return _piped("".join(out), "".join(err), pipe)
    return Result("".join(out), "".join(err), code)


def _piped(out: str, err: str, pipe: list[list[str]]) -> Result:
    try:
        text, code = filters.filtered(out, pipe)
    except CommandError as error:
        return Result("", f"{err}error: {error.text}\n", 1)
    return Result(text, err, code)


def _guarded(argv: list[str], session: Any, stdin: str, out: list[str], err: list[str]) -> int:
    try:
        _execute(argv, session, stdin, out, err)
    except Exit as ending:
        return ending.code
    except (CommandError, ManyErrors, ApiError, K8sLabError) as error:
        err.append(describe_failure(error) + "\n")
        return getattr(error, "code", 1) if isinstance(error, CommandError) else 1
    return 0


def _execute(argv: list[str], session: Any, stdin: str, out: list[str], err: list[str]) -> None:
    if argv[:1] == ["help"]:
        argv = [*argv[1:], "--help"]
    if argv[:1] == ["options"]:
        out.append(options_text())
        return
    command, path, rest = commands.find(ROOT, argv)
    parsed = commands.parse(command, path, rest)
    if parsed.flags["help"]:
        out.append(help_text(command, path))
    elif command.run is None:
        _group(command, path, parsed.args, out)
    else:
        inv = Invocation(parsed, session, stdin, ROOT)
        inv.out, inv.err = out, err
        command.run(inv)


def _group(command: commands.Command, path: str, args: list[str], out: list[str]) -> None:
    if not args:
        out.append(help_text(command, path))
        raise Exit(0 if command is ROOT else 1)
    if command is ROOT:
        raise commands.unknown_command(ROOT, args[0])
    raise commands.unknown_subcommand(path, args)

"""Commands of the shell itself: variables, options, how a script goes on and how it ends."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from k8slab.kubelet.shell.interactive import interact
from k8slab.kubelet.shell.outcome import FOREVER, Jump, Leave
from k8slab.kubelet.shell.syntax import ShellSyntaxError, parse

if TYPE_CHECKING:
    from k8slab.kubelet.shell.run import Shell

Argv = list[str]


def leave(shell: Shell, argv: Argv) -> int:
    """`exit`."""
    code = argv[1] if len(argv) > 1 else str(shell.status)
    raise Leave(int(code) if code.isdigit() else 2)


def jump(shell: Shell, argv: Argv) -> int:
    """`break`, `continue` and `return`."""
    shell.status = int(argv[1]) if argv[0] == "return" and len(argv) > 1 and argv[1].isdigit() else shell.status
    raise Jump(argv[0], int(argv[1]) if argv[0] != "return" and len(argv) > 1 and argv[1].isdigit() else 1)


def show_env(shell: Shell, argv: Argv) -> int:
    """`env` and `printenv`."""
    if argv[0].endswith("printenv") and len(argv) > 1:
        found = [shell.vars[name] for name in argv[1:] if name in shell.vars]
        shell.write("".join(value + "\n" for value in found))
        return 0 if len(found) == len(argv) - 1 else 1
    shell.write("".join(f"{name}={value}\n" for name, value in shell.vars.items() if not name.isdigit()))
    return 0


def export(shell: Shell, argv: Argv) -> int:
    """`export`, `readonly` and `local`."""
    for word in argv[1:]:
        name, found, value = word.partition("=")
        if found:
            shell.vars[name] = value
    return 0


def unset(shell: Shell, argv: Argv) -> int:
    """`unset`."""
    for name in argv[1:]:
        shell.vars.pop(name, None)
    return 0


def set_options(shell: Shell, argv: Argv) -> int:
    """`set`, with -e and -x."""
    for word in argv[1:]:
        if word[:1] in "+-":
            shell.errexit = (word[0] == "-") if "e" in word[1:] else shell.errexit
            shell.xtrace = (word[0] == "-") if "x" in word[1:] else shell.xtrace
    return 0


def read(shell: Shell, argv: Argv) -> int:
    """`read`."""
    whole = shell.readline()
    line = whole.removesuffix("\n")
    names = [word for word in argv[1:] if not word.startswith("-")]
    for name, value in zip(names, line.split(None, max(len(names) - 1, 0)), strict=False):
        shell.vars[name] = value
    return 0 if whole else 1


def trap(shell: Shell, argv: Argv) -> int:
    """`trap`, for the signals that end a container."""
    if len(argv) > 2 and {"TERM", "SIGTERM", "15", "INT", "EXIT"} & set(argv[2:]):
        shell.trap = parse(argv[1])
        shell.effects.append((shell.now, "trap", shell.trap, None))
    return 0


def wait(shell: Shell, argv: Argv) -> int:
    """`wait`: until what runs in the background has ended, or SIGTERM."""
    end, shell.jobs = max(shell.jobs, default=0), []
    if shell.term_at is not None and shell.trap is not None and shell.term_at < end:
        end = max(shell.term_at, shell.now)
    elif end >= FOREVER:
        shell.block()
    shell.sleep(max(0, end - shell.now))
    return 0


def replace(shell: Shell, argv: Argv) -> int:
    """`exec`: the script ends with the command."""
    if len(argv) < 2:
        return 0
    shell.trap = None
    raise Leave(shell.command(argv[1:]))


def nested(shell: Shell, argv: Argv) -> int:
    """`sh` and its relatives: a script, a file with one, or commands from standard input."""
    name = argv[0].rsplit("/", 1)[-1]
    script, paths = script_of(argv), [word for word in argv[1:] if not word.startswith("-")]
    try:
        if script is None and not paths:
            return interact(shell, name)
        if script is None and shell.path(paths[0]) not in shell.files:
            shell.complain(f"{name}: can't open '{paths[0]}': No such file or directory")
            return 2
        return shell.execute(parse(shell.files[shell.path(paths[0])] if script is None else script))
    except ShellSyntaxError as error:
        shell.complain(f"sh: {error}")
        return 2
    except Leave as leave:
        return leave.args[0]


def script_of(argv: Argv) -> str | None:
    """The script in `sh -c SCRIPT`, or None."""
    for index, word in enumerate(argv[1:], 1):
        if re.fullmatch(r"-[a-z]*c", word):
            return argv[index + 1] if index + 1 < len(argv) else ""
    return None

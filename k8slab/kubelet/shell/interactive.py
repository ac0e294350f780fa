"""A shell that reads its commands from standard input: at a terminal with a prompt, else silently."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8slab.kubelet.shell.outcome import Interrupted, Jump
from k8slab.kubelet.shell.syntax import ShellSyntaxError, UnfinishedScript, parse

if TYPE_CHECKING:
    from k8slab.kubelet.shell.run import Shell


def interact(shell: Shell, name: str = "sh") -> int:
    """Read commands and run them until the end of input or `exit`; returns the last status."""
    prompting = shell.input is not None and shell.input.terminal and shell.stdin is None
    text = ""
    shell.status = 0
    while (line := _read(shell, name, text, prompting)) != "":
        if line is None:
            text = ""
            continue
        text += line
        try:
            node = parse(text)
        except UnfinishedScript:
            continue
        except RecursionError:
            shell.complain(f"{name}: out of memory")
            shell.status = 2
        except ShellSyntaxError as error:
            shell.complain(f"{name}: {error}")
            shell.status = 2
        else:
            _run(shell, node, prompting)
        text = ""
    if text:
        shell.complain(f"{name}: syntax error: unexpected end of file")
        shell.status = 2
    if prompting:
        shell.write("exit\n" if name == "bash" else "\n")
    return shell.status


def _read(shell: Shell, name: str, text: str, prompting: bool) -> str | None:
    """The next line, "" at the end of input, None where Ctrl-C took it back."""
    if prompting:
        shell.write("> " if text else _prompt(shell, name))
    try:
        return shell.readline()
    except Interrupted:
        shell.status = 130
        shell.write("\n")
        return None


def _run(shell: Shell, node: tuple[object, ...], prompting: bool) -> None:
    held = shell.status
    try:
        if node == ("seq", ()):
            shell.status = held
        else:
            shell.execute(node)
    except Jump:
        pass
    except Interrupted:
        if not prompting:
            raise
        shell.captures.clear()
        shell.quiet, shell.diverted, shell.merged = False, False, False
        shell.stdin, shell.status = None, 130
        shell.write("\n")


def _prompt(shell: Shell, name: str) -> str:
    uid = shell.identity.uid
    place, sign = "~" if shell.cwd == "/root" else shell.cwd, "$" if uid else "#"
    if name == "bash":
        who = "I have no name!" if uid else "root"
        return f"{who}@{shell.vars.get('HOSTNAME', 'localhost')}:{place}{sign} "
    return f"{place} {sign} "

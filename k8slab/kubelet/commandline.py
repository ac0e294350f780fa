"""Command lines of containers, as nodes for their shell."""

from __future__ import annotations

from typing import Any

from k8slab.kubelet.shell import parse
from k8slab.kubelet.shell.control import script_of

SHELLS = frozenset(("sh", "bash", "ash", "dash"))


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

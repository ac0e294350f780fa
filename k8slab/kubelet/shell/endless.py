"""Whether a script ends, as far as that can be told without running it."""

from __future__ import annotations

from typing import Any

from k8slab.kubelet.shell.syntax import Node


def endless(node: Node) -> bool:
    """Whether a script surely never ends by itself, so that nobody has to run it to know its exit.

    >>> from k8slab.kubelet.shell.syntax import parse
    >>> endless(parse("while true; do date; sleep 1; done")), endless(parse("sleep 5; exit 1"))
    (True, False)
    """
    return _loops(node) and not _mentions(node, ("exit", "break", "return", "set", "exec", "trap"))


def _loops(node: Node) -> bool:
    if node[0] == "seq":
        return any(_loops(part) for part in node[1])
    if node[0] in ("group", "subshell", "redirect"):
        return _loops(node[1])
    return node[0] == "while" and node[3] and _always(node[1])


def _always(node: Node) -> bool:
    if node[0] != "cmd" or not node[2] or len(node[2][0]) != 1:
        return False
    name = node[2][0][0]
    return name[0] == "text" and name[1] in ("true", ":", "sleep", "date")


def _mentions(node: Any, names: tuple[str, ...]) -> bool:
    if isinstance(node, tuple):
        return any(_mentions(part, names) for part in node)
    return node in names

"""`test` and its brackets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from k8slab.kubelet.shell.directories import is_directory

if TYPE_CHECKING:
    from k8slab.kubelet.shell.run import Shell

Argv = list[str]


def test(shell: Shell, argv: Argv) -> int:
    """`test`, `[` and `[[`."""
    words = argv[1:]
    if argv[0] in ("[", "[["):
        if not words or words[-1] not in ("]", "]]"):
            shell.complain("sh: [: missing ]")
            return 2
        words = words[:-1]
    for joint, worth in (("-o", any), ("||", any), ("-a", all), ("&&", all)):
        if joint in words:
            at = words.index(joint)
            parts = (_holds(shell, words[:at]), _holds(shell, words[at + 1 :]))
            return 0 if worth(part == 0 for part in parts) else 1
    return _holds(shell, words)


def _holds(shell: Shell, words: list[str]) -> int:
    if words and words[0] == "!":
        return 1 - min(_holds(shell, words[1:]), 1)
    if len(words) == 2:
        flag, value = words
        path = shell.path(value) if value else ""
        exists = path in shell.files
        folder = bool(path) and is_directory(shell, path)
        known = {
            "-n": bool(value), "-z": not value, "-f": exists, "-e": exists or folder, "-d": folder,
            "-s": bool(shell.files.get(path)), "-r": exists, "-x": exists, "-w": exists,
        }  # fmt: skip
        return 0 if known.get(flag, False) else 1
    if len(words) == 3:
        return _compare(shell, *words)
    return 0 if words and words[0] else 1


def _compare(shell: Shell, left: str, operator: str, right: str) -> int:
    if operator in ("=", "==", "!="):
        return 0 if (left == right) == (operator != "!=") else 1
    if not (re.fullmatch(r"-?\d+", left) and re.fullmatch(r"-?\d+", right)):
        shell.complain(f"sh: {left if not left.lstrip('-').isdigit() else right}: bad number")
        return 2
    a, b = int(left), int(right)
    verdicts = {"-eq": a == b, "-ne": a != b, "-lt": a < b, "-le": a <= b, "-gt": a > b, "-ge": a >= b}
    return 0 if verdicts.get(operator, False) else 1

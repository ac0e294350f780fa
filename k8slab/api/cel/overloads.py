"""How functions are declared: a signature that the checker reads, and what runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from k8slab.api.cel.kinds import Kind, read_kind


class Overload(NamedTuple):
    """A function for arguments of some types; `target` is what a method is called on."""

    name: str
    target: Kind | None
    args: tuple[Kind, ...]
    result: Kind
    run: Callable[..., Any] | None
    """None for operators, which the interpreter knows."""
    cost: int = 1


Table = dict[tuple[str, bool], list[Overload]]
"""(name, whether it is a method) -> its overloads."""
_SIGNATURE = re.compile(r"(?:(?P<target>[A-Za-z_.]+(?:\(.*?\))?)~)?(?P<name>[^~\s(]+)\((?P<args>.*)\) (?P<result>\S.*)")


def declare(table: Table, run: Callable[..., Any] | None, *signatures: str, cost: int = 1) -> None:
    """Add a function: `size(string) int`, or the method `string~size() int`; `A` and `B` stand for any type."""
    for signature in signatures:
        found = _SIGNATURE.fullmatch(signature)
        assert found is not None, signature
        target = read_kind(found["target"]) if found["target"] else None
        args = tuple(read_kind(each) for each in _split(found["args"]))
        made = Overload(found["name"], target, args, read_kind(found["result"]), run, cost)
        table.setdefault((made.name, target is not None), []).append(made)


def _split(text: str) -> list[str]:
    """Arguments apart, at the commas outside brackets."""
    found, depth, start = [], 0, 0
    for index, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and not depth:
            found.append(text[start:index])
            start = index + 1
    return [each.strip() for each in (*found, text[start:]) if each.strip()]

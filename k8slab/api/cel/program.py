"""Expressions, compiled: parsed, checked, and ready to be evaluated with a limit on what they may cost."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from k8slab.api.cel.checker import Checker, Names, Problem
from k8slab.api.cel.interpreter import Meter, evaluate
from k8slab.api.cel.kinds import Kind
from k8slab.api.cel.lexer import SyntaxFault
from k8slab.api.cel.syntax import parse
from k8slab.api.cel.values import CelError, CostExceeded

__all__ = ["CelError", "CompileError", "CostExceeded", "Meter", "Program", "compile_expression", "parsed"]

PER_CALL_LIMIT = 1_000_000
"""What one expression may cost (`apis/cel/config.go`, PerCallLimit)."""


class CompileError(Exception):
    """An expression that is none, or of wrong types: the compiler's words."""


class Program:
    """A compiled expression; `kind` is its type."""

    __slots__ = ("kind", "node", "text")

    def __init__(self, text: str, node: Any, kind: Kind) -> None:
        self.text = text
        self.node = node
        self.kind = kind

    def run(self, names: Mapping[str, Any], meter: Meter | None = None) -> Any:
        """The value of the expression with these variables. Raises CelError."""
        try:
            return evaluate(self.node, names, meter or Meter(PER_CALL_LIMIT))
        except RecursionError:
            raise CelError("expression is nested too deeply") from None
        except (ArithmeticError, ValueError) as error:
            # Numbers and times beyond what Python holds: an error of the expression, not of the server.
            raise CelError(str(error)) from None


@lru_cache(maxsize=2048)
def parsed(text: str) -> Any:
    """The tree of an expression. Raises CompileError."""
    try:
        return parse(text)
    except SyntaxFault as fault:
        raise CompileError(shown(text, fault.message, fault.at)) from None
    except RecursionError:
        raise CompileError(shown(text, "expression recursion limit exceeded: 250", 0)) from None


def compile_expression(text: str, names: Names, messages: Any = None) -> Program:
    """The program of an expression.

    Args:
        text: the expression.
        names: its variables and their types.
        messages: a function from the name of a type to the Kind of the objects that expressions may make.

    Raises:
        CompileError: with the words of cel-go, each problem with its place.
    """
    node = parsed(text)
    checker = Checker(names, messages)
    try:
        kind = checker.kind(node)
    except RecursionError:
        raise CompileError(shown(text, "expression recursion limit exceeded: 250", 0)) from None
    if checker.problems:
        ordered: list[Problem] = sorted(checker.problems, key=_place)
        raise CompileError("\n".join(shown(text, each.message, each.at) for each in ordered))
    return Program(text, node, kind)


def _place(problem: Problem) -> int:
    return problem.at


def shown(text: str, message: str, at: int) -> str:
    """A problem as cel-go prints it, with the line and a mark under its place."""
    line = text.count("\n", 0, at)
    column = at - (text.rfind("\n", 0, at) + 1)
    lines = text.split("\n")
    mark = "." * column + "^"
    return f"ERROR: <input>:{line + 1}:{column + 1}: {message}\n | {lines[line]}\n | {mark}"

"""Calls into learners' code: arguments by name, exceptions turned into one line that says where they come from."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from k8slab.scheduler.framework import PluginError


class Call:
    """A learner's function or method, with the arguments that it asks for by their names.

    Args:
        function: what to call; its parameters are some of `known`.
        where: how errors begin, such as `running Score plugin "Quiet"`.
        known: the names of arguments there are.

    Raises PluginError for other parameters.
    """

    __slots__ = ("function", "names", "where")

    def __init__(self, function: Callable[..., Any], where: str, known: Sequence[str]) -> None:
        self.function = function
        self.where = where
        self.names = parameters(function, where, known)

    def __call__(self, **values: Any) -> Any:
        """Call it with those of `values` that it asks for. Raises PluginError whatever it raises."""
        try:
            return self.function(**{name: values[name] for name in self.names})
        except PluginError:
            raise
        except (Exception, SystemExit) as error:
            raise PluginError(f"{self.where}: {described(error)}") from error


def parameters(function: Callable[..., Any], where: str, known: Sequence[str]) -> tuple[str, ...]:
    """The names of a function's parameters. Raises PluginError for one that is not known."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise PluginError(f"{where}: cannot be called: {error}") from None
    found = []
    for name, parameter in signature.parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if name in known:
            found.append(name)
        elif parameter.default is parameter.empty:
            raise PluginError(f"{where}: there is no argument {name!r}: choose from {', '.join(known)}")
    return tuple(found)


def described(error: BaseException) -> str:
    """An exception in one line, with the line of the learner's code that raised it."""
    text = f"{type(error).__name__}: {_safely(str, error)}".rstrip(": ")
    frames = traceback.extract_tb(error.__traceback__)[1:]
    if not frames:
        return text
    frame = frames[0]
    code = f": {frame.line}" if frame.line else ""
    return f"{text} ({frame.name}, line {frame.lineno}{code})"


def _safely(convert: Callable[[Any], str], value: Any) -> str:
    """A learner's object as text in one line; its own `__str__` may be what is broken."""
    try:
        return " ".join(convert(value).split())
    except Exception:
        return "(which cannot be shown)"


def shown(value: Any) -> str:
    """A wrong answer in an error's text."""
    text = _safely(repr, value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"

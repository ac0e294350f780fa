"""Calls into learners' code: arguments by name, exceptions turned into one line that says where they come from."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from k8slab.errors import ApiError, K8sLabError


class CodeError(K8sLabError):
    """A learner's code cannot be used, or went wrong: one line that says where and what."""


class Call:
    """A learner's function or method, with the arguments that it asks for by their names.

    Args:
        function: what to call; its parameters are some of `known`.
        where: how errors begin, such as `running Score plugin "Quiet"`.
        known: the names of arguments there are.
        error: what is raised, a kind of CodeError.

    Raises `error` for other parameters.
    """

    __slots__ = ("error", "function", "names", "where")

    def __init__(
        self, function: Callable[..., Any], where: str, known: Sequence[str], error: type[CodeError] = CodeError
    ) -> None:
        self.function = function
        self.where = where
        self.error = error
        self.names = parameters(function, where, known, error)

    def __call__(self, **values: Any) -> Any:
        """Call it with those of `values` that it asks for. Raises `error` whatever it raises."""
        try:
            return self.function(**{name: values[name] for name in self.names})
        except CodeError:
            raise
        except (Exception, SystemExit) as error:
            raise self.error(f"{self.where}: {described(error)}") from error


def parameters(
    function: Callable[..., Any], where: str, known: Sequence[str], wrong: type[CodeError] = CodeError
) -> tuple[str, ...]:
    """The names of a function's parameters. Raises `wrong` for one that is not known."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise wrong(f"{where}: cannot be called: {error}") from None
    found = []
    for name, parameter in signature.parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if name in known:
            found.append(name)
        elif parameter.default is parameter.empty:
            raise wrong(f"{where}: there is no argument {name!r}: choose from {', '.join(known)}")
    return tuple(found)


def described(error: BaseException) -> str:
    """An exception in one line, with the line of the learner's code that raised it."""
    kind = error.reason if isinstance(error, ApiError) and error.reason else type(error).__name__
    text = f"{kind}: {_safely(str, error)}".rstrip(": ")
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

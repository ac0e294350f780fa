"""How a command fails: exit codes and the one line (or few lines) which kubectl prints on stderr.

Follows `cmdutil.CheckErr` and `StandardErrorMessage` of k8s.io/kubectl.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8slab.errors import ApiError


class CommandError(Exception):
    """A mistake in the command line or in its input; `text` is printed after `error: ` unless it says `plain`."""

    def __init__(self, text: str, code: int = 1, plain: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.code = code
        self.plain = plain


class UsageError(CommandError):
    """Wrong number or form of arguments: the message points to the command's help (`cmdutil.UsageErrorf`)."""

    def __init__(self, text: str, path: str) -> None:
        super().__init__(f"{text}\nSee '{path} -h' for help and examples")


class FlagError(CommandError):
    """A flag that cannot be parsed (`cobra`'s FlagErrorFunc as kubectl sets it)."""

    def __init__(self, text: str, path: str) -> None:
        super().__init__(f"Error: {text}\nSee '{path} --help' for usage.", plain=True)


class ManyErrors(Exception):
    """Several failures of one command: each is reported on a line of its own, and the others were still attempted."""

    def __init__(self, errors: Sequence[Exception]) -> None:
        super().__init__("; ".join(str(error) for error in errors))
        self.errors = list(errors)


class Exit(Exception):
    """Ends the command with an exit code and no further message."""

    def __init__(self, code: int = 1) -> None:
        super().__init__(str(code))
        self.code = code


def raise_all(errors: Sequence[Exception]) -> None:
    """Raise nothing, the one error, or all of them together."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ManyErrors(errors)


def with_source(error: ApiError, verb: str, source: str) -> ApiError:
    """The same API error saying what was being done to which file: `error when creating "web.yaml": ...`."""
    if not source:
        return error
    message = f'error when {verb} "{source}": {error.message}'
    return ApiError(error.code, error.reason, message, error.details, error.causes)


def describe_failure(error: Exception) -> str:
    """The text which kubectl prints for this error, without a final newline."""
    if isinstance(error, ManyErrors):
        return "\n".join(_one_of_many(each) for each in error.errors)
    if isinstance(error, ApiError) and error.reason == "Invalid":
        return _invalid(error)
    standard = _standard(error)
    if standard is not None:
        return standard
    text = error.text if isinstance(error, CommandError) else str(error)
    plain = isinstance(error, CommandError) and error.plain
    return text if plain or text.startswith("error: ") else f"error: {text}"


def _one_of_many(error: Exception) -> str:
    if isinstance(error, ManyErrors):
        return describe_failure(error)
    standard = _standard(error)
    return standard if standard is not None else (error.text if isinstance(error, CommandError) else str(error))


def _standard(error: Exception) -> str | None:
    if not isinstance(error, ApiError):
        return None
    if error.reason == "Unauthorized":
        return f"error: You must be logged in to the server ({error.message})"
    if error.reason:
        return f"Error from server ({error.reason}): {error.message}"
    return f"Error from server: {error.message}"


def _invalid(error: ApiError) -> str:
    details: dict[str, Any] = error.status().get("details") or {}
    causes = details.get("causes") or []
    if details.get("kind") or details.get("name"):
        text = f'The {details.get("kind", "")} "{details.get("name", "")}" is invalid'
    elif error.message and not causes:
        text = f"The request is invalid: {error.message}"
    else:
        text = "The request is invalid"
    lines = list(dict.fromkeys(_cause(cause) for cause in causes))
    if len(lines) > 1:
        return f"{text}: \n" + "\n".join(f"* {line}" for line in lines)
    return f"{text}: {lines[0]}" if lines else text


def _cause(cause: dict[str, Any]) -> str:
    field, message = cause.get("field", ""), cause.get("message", "")
    return f"{field}: {message}" if field else message

"""`'%s is %d'.format([name, number])` (cel-go, `ext/formatting.go`)."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from typing import Any

from k8slab.api.cel.kinds import name_of
from k8slab.api.cel.times import duration_text, timestamp_text
from k8slab.api.cel.values import CelError, TypeValue

_CLAUSE = re.compile(r"%(?:\.(\d+))?(.)?", re.DOTALL)


def format_text(text: str, args: list[Any]) -> str:
    """The text with its clauses filled in. Raises CelError."""
    used, found, last = 0, [], 0
    for match in _CLAUSE.finditer(text):
        found.append(text[last : match.start()])
        last = match.end()
        precision, verb = match.groups()
        if verb is None:
            raise CelError("unexpected end of format string")
        if verb == "%":
            found.append("%")
            continue
        if used >= len(args):
            raise CelError(f"index {used} out of range")
        found.append(_clause(verb, args[used], 6 if precision is None else int(precision)))
        used += 1
    return "".join([*found, text[last:]])


def _clause(verb: str, value: Any, precision: int) -> str:
    kind = name_of(value)
    if verb == "s":
        return shown(value)
    if verb == "d" and kind in ("int", "uint"):
        return str(int(value))
    if verb in "fe" and kind in ("double", "int", "uint"):
        return _special(value) or f"{float(value):.{precision}{verb}}"
    if verb == "b" and kind in ("int", "uint", "bool"):
        return f"{int(value):b}"
    if verb == "o" and kind in ("int", "uint"):
        return f"{int(value):o}"
    if verb in "xX":
        text = _hexadecimal(value, kind)
        if text is not None:
            return text.upper() if verb == "X" else text
    if verb not in "sdfeboxX":
        raise CelError(f'could not parse formatting clause: unrecognized formatting clause "{verb}"')
    names = {"d": "decimal", "f": "fixed-point", "e": "scientific notation", "b": "binary", "o": "octal"}
    name = names.get(verb, "hexadecimal")
    raise CelError(f"error during formatting: {name} clause can only be used on {_takes(verb)}, was given {kind}")


def _takes(verb: str) -> str:
    return {
        "d": "integers",
        "f": "doubles",
        "e": "doubles",
        "b": "integers and bools",
        "o": "integers",
    }.get(verb, "integers, byte buffers, and strings")


def _hexadecimal(value: Any, kind: str) -> str | None:
    if kind in ("int", "uint"):
        return f"{int(value):x}"
    if kind in ("string", "bytes"):
        return (value.encode() if kind == "string" else value).hex()
    return None


def _special(value: Any) -> str:
    if math.isnan(value):
        return "NaN"
    return ("Infinity" if value > 0 else "-Infinity") if math.isinf(value) else ""


def double_text(value: float) -> str:
    """A double in its shortest form."""
    special = _special(value)
    if special:
        return {"Infinity": "+Inf", "-Infinity": "-Inf"}.get(special, special)
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return repr(value)


def shown(value: Any) -> str:
    """A value as `%s` shows it. Raises CelError for those that have no text."""
    kind = name_of(value)
    if kind == "bool":
        return "true" if value else "false"
    if kind == "double":
        return _special(value) or double_text(value)
    if kind in ("string", "int", "uint"):
        return str(value)
    if value is None:
        return "null"
    if kind == "bytes":
        return value.decode("utf-8", "replace")
    if isinstance(value, datetime):
        return timestamp_text(value)
    if isinstance(value, timedelta):
        return duration_text(value)
    if kind == "list":
        return f"[{', '.join(shown(each) for each in value)}]"
    if isinstance(value, dict):
        pairs = sorted((shown(key), shown(item)) for key, item in value.items())
        return "{" + ", ".join(f"{key}: {item}" for key, item in pairs) + "}"
    if isinstance(value, TypeValue):
        return value.name
    raise CelError(
        "error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, "
        f"lists, types, durations, and timestamps, was given {kind}"
    )

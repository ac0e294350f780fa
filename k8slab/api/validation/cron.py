"""Whether a cron schedule can be read, with the errors of the parser upstream (robfig/cron v3, standard form)."""

from __future__ import annotations

import re

BOUNDS = {"minute": (0, 59), "hour": (0, 23), "dom": (1, 31), "month": (1, 12), "dow": (0, 6)}
MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
DAYS = {name: number for number, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
DESCRIPTORS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_DURATION = re.compile(r"([-+]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+|0")


class _Problem(ValueError):
    """What is wrong with one field."""


def schedule_problem(text: str) -> str:
    """The parser's error for a schedule; empty if there is none."""
    if text.startswith(("TZ=", "CRON_TZ=")):
        text = text.partition(" ")[2].strip()
    if not text.strip():
        return "empty spec string"
    if text.startswith("@"):
        return _descriptor_problem(text)
    fields = text.split()
    if len(fields) != 5:
        return f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]"
    for field, (name, (low, high)) in zip(fields, BOUNDS.items(), strict=True):
        words = MONTHS if name == "month" else DAYS if name == "dow" else {}
        try:
            for part in field.split(","):
                _range(part, low, high, words)
        except _Problem as problem:
            return str(problem)
    return ""


def _descriptor_problem(text: str) -> str:
    if text in DESCRIPTORS:
        return ""
    if text.startswith("@every "):
        duration = text.removeprefix("@every ")
        if _DURATION.fullmatch(duration):
            return ""
        return f'failed to parse duration {text}: time: invalid duration "{duration}"'
    return f"unrecognized descriptor: {text}"


def _range(text: str, low: int, high: int, words: dict[str, int]) -> None:
    span, _, step = text.partition("/")
    if text.count("/") > 1:
        raise _Problem(f"too many slashes: {text}")
    first, dash, last = span.partition("-")
    if first in ("*", "?"):
        start, end = low, high
    else:
        if span.count("-") > 1:
            raise _Problem(f"too many hyphens: {text}")
        start = _number(first, words)
        end = _number(last, words) if dash else high if "/" in text else start
    stride = _number(step, {}) if "/" in text else 1
    if start < low:
        raise _Problem(f"beginning of range ({start}) below minimum ({low}): {text}")
    if end > high:
        raise _Problem(f"end of range ({end}) above maximum ({high}): {text}")
    if start > end:
        raise _Problem(f"beginning of range ({start}) beyond end of range ({end}): {text}")
    if stride == 0:
        raise _Problem(f"step of range should be a positive number: {text}")


def _number(text: str, words: dict[str, int]) -> int:
    if text.lower() in words:
        return words[text.lower()]
    if not re.fullmatch(r"[-+]?\d+", text):
        raise _Problem(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    if int(text) < 0:
        raise _Problem(f"negative number ({int(text)}) not allowed: {text}")
    return int(text)

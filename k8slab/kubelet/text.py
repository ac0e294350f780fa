"""Numbers in and out of text, as Go prints and Kubernetes reads them."""

from __future__ import annotations

import re

from k8slab.sim.clock import HOUR, MILLISECOND, MINUTE, SECOND

UNITS = {"ns": 0.001, "us": 1, "µs": 1, "ms": MILLISECOND, "s": SECOND, "m": MINUTE, "h": HOUR, "d": 24 * HOUR}
BYTES = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(Ki|Mi|Gi|Ti|k|M|G|T|)$")


def duration(value: str | int | float) -> int:
    """Microseconds of `1m30s`, `250ms`, or of a number of seconds. Raises ValueError for anything else.

    >>> duration("1m30s"), duration(2), duration("250ms")
    (90000000, 2000000, 250000)
    """
    if isinstance(value, int | float):
        return round(value * SECOND)
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return round(float(value) * SECOND)
    if not value or _PART.sub("", value):
        raise ValueError(f'invalid duration "{value}": write for example "500ms", "30s" or "2m"')
    return round(sum(float(number) * UNITS[unit] for number, unit in _PART.findall(value)))


def size(value: str | int) -> int:
    """Bytes of `50Mi`, `1G` or a number. Raises ValueError for anything else.

    >>> size("1Ki"), size(7)
    (1024, 7)
    """
    if isinstance(value, int):
        return value
    found = _SIZE.fullmatch(value)
    if not found:
        raise ValueError(f'invalid size "{value}": write for example "64Mi" or "1Gi"')
    return round(float(found[1]) * BYTES[found[2]])


def go_duration(us: int) -> str:
    """A duration as Go's `time.Duration.String` prints it, to the millisecond.

    >>> go_duration(80 * SECOND), go_duration(1_234_000), go_duration(300 * SECOND), go_duration(743_000)
    ('1m20s', '1.234s', '5m0s', '743ms')
    """
    if us < SECOND:
        return f"{us // MILLISECOND}ms"
    hours, rest = divmod(us, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    seconds = f"{rest // MILLISECOND / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{seconds}"
    return f"{minutes}m{seconds}" if minutes else seconds


def bracketed(names: list[str]) -> str:
    """A list as Go's `%s` prints a slice of strings.

    >>> bracketed(["web", "log"])
    '[web log]'
    """
    return "[" + " ".join(names) + "]"


def quoted(text: str) -> str:
    """Text as Go's `%q` prints it.

    >>> print(quoted('a "b"'))
    "a \\"b\\""
    """
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

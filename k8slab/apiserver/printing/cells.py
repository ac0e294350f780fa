"""Pieces that the cells of many kinds are made of."""

from __future__ import annotations

from typing import Any

from k8slab.api.selector import selector_text
from k8slab.api.timestamps import human_duration, parse

NONE, UNKNOWN, UNSET = "<none>", "<unknown>", "<unset>"


class Now:
    """The time at which a table is printed, in microseconds since 1970."""

    __slots__ = ("unix_us",)

    def __init__(self, unix_us: int) -> None:
        self.unix_us = unix_us

    def since(self, text: str | None) -> str:
        """How long ago a time was, as kubectl shows ages."""
        return human_duration(self.unix_us - parse(text)) if text else UNKNOWN

    def age(self, obj: Any) -> str:
        """How old an object is."""
        return self.since(obj.metadata.creationTimestamp)


def between(start: str, end: str) -> str:
    """The duration between two times."""
    return human_duration(parse(end) - parse(start))


def labels_text(labels: dict[str, str] | None) -> str:
    """Labels as `a=b,c=d`, sorted; `<none>` where there are none."""
    return ",".join(f"{key}={labels[key]}" for key in sorted(labels)) if labels else NONE


def selector_cell(selector: Any) -> str:
    """A LabelSelector as text."""
    return selector_text(selector) or NONE if selector is not None else NONE


def containers_cells(spec: Any) -> list[str]:
    """Names and images of the containers of a Pod spec."""
    containers = (spec.containers if spec is not None else None) or ()
    return [",".join(each.name or "" for each in containers), ",".join(each.image or "" for each in containers)]


def number(value: Any) -> int:
    """A number that may be absent."""
    return value or 0


def text(value: Any, default: str = NONE) -> str:
    """A text that may be absent or empty."""
    return str(value) if value not in (None, "") else default

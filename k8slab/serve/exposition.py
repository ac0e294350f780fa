"""Metrics, counted and written as Prometheus reads them.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

Labels = tuple[str, ...]


class Family:
    """One metric with its labels.

    Args:
        name, about: as the component names and describes it.
        kind: counter or gauge.
        labels: their names.
    """

    def __init__(self, name: str, about: str, kind: str, labels: Sequence[str] = ()) -> None:
        self.name, self.about, self.kind, self.labels = name, about, kind, tuple(labels)
        self.values: dict[Labels, float] = {}

    def add(self, amount: float, *values: str) -> None:
        """Add to the value with these labels."""
        self.values[values] = self.values.get(values, 0) + amount

    def set(self, value: float, *values: str) -> None:
        """Set the value with these labels."""
        self.values[values] = value

    def lines(self) -> Iterable[str]:
        """The family as text."""
        yield f"# HELP {self.name} {self.about}"
        yield f"# TYPE {self.name} {self.kind}"
        for labels, value in sorted(self.values.items()):
            yield f"{self.name}{_braces(self.labels, labels)} {_number(value)}"


class Histogram:
    """How values are spread.

    Args:
        name, about, labels: as for `Family`.
        bounds: upper bounds of the buckets, rising; the last, +Inf, is understood.
    """

    def __init__(self, name: str, about: str, bounds: Sequence[float], labels: Sequence[str] = ()) -> None:
        self.name, self.about, self.bounds, self.labels = name, about, tuple(bounds), tuple(labels)
        self.values: dict[Labels, list[int]] = {}
        self.sums: dict[Labels, float] = {}

    def observe(self, value: float, *labels: str) -> None:
        """Count a value."""
        counts = self.values.get(labels)
        if counts is None:
            counts = self.values[labels] = [0] * (len(self.bounds) + 1)
            self.sums[labels] = 0.0
        counts[bisect_left(self.bounds, value)] += 1
        self.sums[labels] += value

    def lines(self) -> Iterable[str]:
        """The family as text."""
        yield f"# HELP {self.name} {self.about}"
        yield f"# TYPE {self.name} histogram"
        names = (*self.labels, "le")
        for labels, counts in sorted(self.values.items()):
            total = 0
            for bound, count in zip((*map(_number, self.bounds), "+Inf"), counts, strict=True):
                total += count
                yield f"{self.name}_bucket{_braces(names, (*labels, bound))} {total}"
            yield f"{self.name}_sum{_braces(self.labels, labels)} {_number(self.sums[labels])}"
            yield f"{self.name}_count{_braces(self.labels, labels)} {total}"


def text(families: Iterable[Family | Histogram]) -> str:
    """All families as one page, sorted by name."""
    ordered = sorted(families, key=lambda family: family.name)
    return "".join(f"{line}\n" for family in ordered for line in family.lines())


def _braces(names: Labels, values: Labels) -> str:
    if not names:
        return ""
    pairs = (f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True))
    return "{" + ",".join(pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))

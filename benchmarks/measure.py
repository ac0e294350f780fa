"""What the benchmarks share: timing a function, and a table of figures."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from typing import NamedTuple


class Figure(NamedTuple):
    """A measured figure: its name, value and unit, the target, and a peer measured in the same run (or cited)."""

    name: str
    value: float
    unit: str
    target: str = ""
    peer: str = ""


def cpu(function: Callable[[], object], repeat: int = 1) -> float:
    """Best CPU seconds of ``repeat`` calls."""
    return min(_once(function) for _ in range(repeat))


def _once(function: Callable[[], object]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


def wall(function: Callable[[], object], repeat: int = 1) -> float:
    """Best wall-clock seconds of ``repeat`` calls."""
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best


def peak_mebibytes() -> float:
    """The peak of this process's resident memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def resident() -> int:
    """This process's resident memory now, in bytes."""
    with open("/proc/self/statm", encoding="ascii") as pages:
        return int(pages.read().split()[1]) * resource.getpagesize()


def show(figures: list[Figure]) -> None:
    """Print figures as a table."""
    for one in figures:
        print(f"{one.name:58} {one.value:10.4g} {one.unit:12} {one.target:18} {one.peer}", flush=True)

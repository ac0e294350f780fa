"""What may be said of a program: its fields' values are checked where a learner writes them down."""

from __future__ import annotations

import difflib
from typing import Any

from k8slab.errors import K8sLabError
from k8slab.kubelet.text import duration, size

DURATIONS = (
    "ready_after",
    "runs_for",
    "stop_after",
    "latency",
    "unhealthy_after",
    "unhealthy_for",
    "cpu_per_request",
)
SIZES = ("memory", "memory_growth", "memory_limit", "disk", "disk_growth")
OPTIONAL = frozenset(("runs_for", "unhealthy_after", "unhealthy_for", "memory_limit"))
NUMBERS = {"exit_code": (0, 255), "cpu": (0, 1_000_000), "capacity": (0, 1 << 31), "pids": (1, 1 << 22)}
CODES = {"stop_code": (0, 255), "startup_cpu": (0, 1_000_000)}


class ProgramError(K8sLabError, ValueError):
    """A program cannot be as it was described; the message says which field and what to write."""


def check(program: Any) -> None:
    """Refuse values that no program can have. Raises ProgramError."""
    for name in DURATIONS:
        _measured(program, name, duration, "a time such as 0.5, '500ms' or '2m'")
    for name in SIZES:
        _measured(program, name, size, "a size such as '64Mi' or '1Gi'")
    for name, (low, high) in (*NUMBERS.items(), *CODES.items()):
        value = getattr(program, name)
        if value is None and name in CODES:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ProgramError(f"Program({name}={value!r}): write a whole number from {low} to {high}")
    _ports(program.ports)
    _paths(program.paths)
    _lines(program)


def _measured(program: Any, name: str, read: Any, what: str) -> None:
    value = getattr(program, name)
    if value is None and name in OPTIONAL:
        return
    try:
        if read(value) >= 0:
            return
    except (TypeError, ValueError):
        pass
    raise ProgramError(f"Program({name}={value!r}): write {what}")


def _ports(ports: Any) -> None:
    fits = ports is None or (isinstance(ports, (tuple, list)) and all(isinstance(p, int) for p in ports))
    if not fits or not all(0 < port < 65536 for port in ports or ()):
        raise ProgramError(f"Program(ports={ports!r}): write a tuple of port numbers such as (8080,)")


def _paths(paths: Any) -> None:
    if not isinstance(paths, dict) or not all(
        isinstance(path, str) and path.startswith("/") and isinstance(status, int) and 100 <= status < 600
        for path, status in paths.items()
    ):
        raise ProgramError(f"Program(paths={paths!r}): write statuses by path such as {{'/healthz': 200, '/*': 404}}")


def _lines(program: Any) -> None:
    try:
        for at, line in program.logs:
            duration(at)
            str(line)
        if program.log_every:
            period, _ = program.log_every
            if duration(period) <= 0:
                raise ValueError
    except (TypeError, ValueError):
        raise ProgramError(
            "Program(logs=..., log_every=...): write lines with their times, logs=(('1s', 'started'),) "
            "and log_every=('10s', 'tick')"
        ) from None


def suggestion(name: str, known: tuple[str, ...]) -> str:
    """What a misspelt field may have meant: ` (did you mean ...?)` or nothing."""
    near = difflib.get_close_matches(name, known, 1)
    return f" (did you mean {near[0]}?)" if near else ""

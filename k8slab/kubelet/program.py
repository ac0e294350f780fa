"""What a program is: the behaviour of a container's main process as data, from which its runs are worked out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from k8slab.kubelet.behaviour import DURATIONS, SIZES, check
from k8slab.kubelet.text import duration, size

Duration = Any
"""Given in seconds or as text such as `500ms`; kept in microseconds."""
Size = Any
"""Given in bytes or as text such as `64Mi`; kept in bytes."""


@dataclass(frozen=True)
class Program:
    """The behaviour of a container's main process. Durations: seconds, or text such as `500ms`; sizes: `64Mi`.

    Args:
        ready_after: from its start until it listens and answers.
        ports: what it listens on; None: on every port that its container declares or is asked on.
        runs_for: it ends by itself after this time; None: never.
        exit_code: with this code.
        stop_after: from SIGTERM to its end.
        stop_code: exit code after SIGTERM; None: it ignores SIGTERM, and only SIGKILL ends it.
        memory: working set after the start.
        memory_growth: bytes more every second (a leak), up to `memory_limit` if given.
        cpu: millicores in use while idle.
        startup_cpu: millicores from the start until it is ready; None: as while idle.
        cpu_per_request: processor time that a request costs.
        sends: `(URL, requests per second)`: what it asks for all the time.
        disk, disk_growth: bytes that it writes at its start, and more every second, below `disk_path`.
        pids: how many processes and threads it has.
        latency, capacity: of one request, and requests per second that one replica can serve (0: any number).
        paths: HTTP status by path; a path that ends in `*` stands for all that begin so.
        status: HTTP status of every other path; 0: it speaks no HTTP.
        body: what it answers to a GET.
        root: directory whose files it serves (`/` is its index.html) at paths that `paths` does not name.
        grpc: it answers the gRPC health check.
        unhealthy_after: from this time on it answers 500 and fails its checks, for `unhealthy_for` if given.
        checks: commands in the image that succeed when the program is ready (`pg_isready`).
        logs: lines with their time after the start; `{date}`, `{time}` and `{iso}` become the time of the line.
        log_every: `(period, line)`, repeated.
        needs_env: it exits with 1 unless one of these variables is set; `needs_env_log` is what it says then.
        needs_root_log: what it says when it is started as another user than root, and exits with 1.
        needs_writable_log: the same for a read-only root file system.
        writes_to: directories that must be writable; volumes there help.
        tls: it speaks HTTPS only.
        files: what the image has on its disk.
    """

    ready_after: Duration = "500ms"
    ports: tuple[int, ...] | None = None
    runs_for: Duration = None
    exit_code: int = 0
    stop_after: Duration = "100ms"
    stop_code: int | None = 0
    memory: Size = "20Mi"
    memory_growth: Size = 0
    memory_limit: Size = None
    cpu: int = 2
    startup_cpu: int | None = None
    cpu_per_request: Duration = "1ms"
    sends: tuple[str, float] | None = None
    disk: Size = 0
    disk_growth: Size = 0
    disk_path: str = "/tmp/data"
    pids: int = 4
    latency: Duration = "5ms"
    capacity: int = 0
    paths: dict[str, int] = field(default_factory=dict)
    status: int = 200
    body: str = ""
    root: str = ""
    grpc: bool = False
    unhealthy_after: Duration = None
    unhealthy_for: Duration = None
    checks: tuple[str, ...] = ()
    logs: tuple[tuple[Duration, str], ...] = ()
    log_every: tuple[Duration, str] | None = None
    needs_env: tuple[str, ...] = ()
    needs_env_log: str = ""
    needs_root_log: str = ""
    needs_writable_log: str = ""
    writes_to: tuple[str, ...] = ()
    tls: bool = False
    files: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check(self)
        for name in DURATIONS:
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else duration(value))
        for name in SIZES:
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else size(value))
        object.__setattr__(self, "logs", tuple((duration(at), line) for at, line in self.logs))
        if self.log_every:
            object.__setattr__(self, "log_every", (duration(self.log_every[0]), self.log_every[1]))

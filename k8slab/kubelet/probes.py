"""Startup, readiness and liveness probes (pkg/kubelet/prober).

A probe runs at the times at which the kubelet's prober would run it. Because programs are deterministic, a run whose
outcome cannot differ from the last and changes nothing is not simulated: the next look is when the program's answers
change, or when a threshold is reached. Failing probes always run: each failure is an event.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from k8slab.api import core_v1 as core
from k8slab.kubelet.commandline import SHELLS
from k8slab.kubelet.container import RUNNING, Container
from k8slab.kubelet.text import quoted
from k8slab.sim.clock import SECOND

STARTUP, READINESS, LIVENESS = "Startup", "Readiness", "Liveness"
TLS_PORTS = frozenset((443, 4443, 5443, 6443, 8443, 9443, 10250, 10257, 10258, 10259))
NO_COMMAND = 127
EXEC_FAILED = (
    'rpc error: code = NotFound desc = failed to exec in container: failed to start exec "{}": OCI runtime exec '
    'failed: exec failed: unable to start container process: exec: "{}": executable file not found in $PATH'
)


class Outcome(NamedTuple):
    """One probe run: success, and the output that an event shows."""

    success: bool
    output: str
    unknown: bool = False
    """The probe itself could not be run: its result does not count."""


class Probe:
    """One probe of one container. Lives as long as the Pod; each run of the container begins afresh.

    Args:
        worker: the Pod's worker; `worker.probe_changed(container, kind, success)` is told of new results.
        container: whose probe.
        kind: STARTUP, READINESS or LIVENESS.
        spec: the probe.
        base: lab time from which the periods are counted.
    """

    __slots__ = ("base", "container", "held", "kind", "last", "period", "result", "runs", "spec", "timer", "worker")

    def __init__(self, worker: Any, container: Container, kind: str, spec: core.Probe, base: int) -> None:
        self.worker = worker
        self.container = container
        self.kind = kind
        self.spec = spec
        self.base = base
        self.period = (spec.periodSeconds or 10) * SECOND
        self.timer: Any = None
        self.reset()

    def reset(self) -> None:
        """A new run of the container: initial results are failure for readiness, success for liveness."""
        self.stop()
        self.result: bool | None = {STARTUP: None, READINESS: False, LIVENESS: True}[self.kind]
        self.last: bool | None = None
        self.runs = 0
        self.held = False

    def stop(self) -> None:
        """No more runs until `reset` and `begin`."""
        self.worker.clock.cancel(self.timer)
        self.timer = None

    def begin(self) -> None:
        """The container runs (and, but for the startup probe, has started): probe at the next turn."""
        if self.timer is None and not self.held:
            self._next(self.worker.clock.now)

    def trigger(self) -> None:
        """Probe now, out of turn: the kubelet does so for a container that is not ready, at each look at the Pod."""
        now = self.worker.clock.now
        if self._due(now) and now >= self.container.started_at + (self.spec.initialDelaySeconds or 0) * SECOND:
            self._probe(now)

    def _due(self, now: int) -> bool:
        container = self.container
        if container.state != RUNNING or self.held or self.worker.deaf:
            return False
        return self.kind == STARTUP or container.started

    def _next(self, after: int) -> None:
        """Set the timer to the first turn after `after` that can matter."""
        earliest = self.container.started_at + (self.spec.initialDelaySeconds or 0) * SECOND
        when = self._turn(max(after + 1, earliest))
        self.worker.clock.cancel(self.timer)
        self.timer = self.worker.clock.call_at(when, self._fire)

    def _turn(self, when: int) -> int:
        return self.base + -(-(when - self.base) // self.period) * self.period

    def _fire(self) -> None:
        self.timer = None
        now = self.worker.clock.now
        if self._due(now):
            self._probe(now)

    def _probe(self, now: int) -> None:
        outcome = probe(self.spec, self.container, self.worker.ip, now)
        if outcome.unknown:
            text = f"{self.kind} probe errored and resulted in unknown state: {outcome.output}"
            self.worker.event("Warning", "Unhealthy", text, self.container)
            self._next(now)
            return
        if outcome.success == self.last:
            self.runs += 1
        else:
            self.last, self.runs = outcome.success, 1
        if not outcome.success:
            self.worker.event("Warning", "Unhealthy", f"{self.kind} probe failed: {outcome.output}", self.container)
        wanted = (self.spec.successThreshold or 1) if outcome.success else (self.spec.failureThreshold or 3)
        changed = self.runs >= wanted and self.result != outcome.success
        if changed:
            self.result = outcome.success
            if self.kind == STARTUP or (self.kind == LIVENESS and not outcome.success):
                self.held = True
                self.stop()
        if not self.held:
            self._plan(now, outcome.success, wanted)
        if changed:
            self.worker.probe_changed(self.container, self.kind, outcome.success)

    def _plan(self, now: int, success: bool, wanted: int) -> None:
        if not success or self.runs < wanted or self.result != success:
            self._next(now)
            return
        change = self.container.process.next_change(now)
        if change is not None:
            self._next(max(now, change - 1))
        else:
            self.stop()

    def poke(self) -> None:
        """The container's behaviour changed from outside: look at the next turn."""
        if self.container.state == RUNNING and not self.held:
            self._next(self.worker.clock.now)


def probes_of(worker: Any, container: Container, base: int) -> tuple[Probe, ...]:
    """The probes of a container's spec."""
    spec = container.spec
    pairs = ((STARTUP, spec.startupProbe), (READINESS, spec.readinessProbe), (LIVENESS, spec.livenessProbe))
    return tuple(Probe(worker, container, kind, found, base) for kind, found in pairs if found is not None)


def probe(spec: core.Probe, container: Container, ip: str, now: int) -> Outcome:
    """Run a probe at `now`."""
    if spec.httpGet is not None:
        return _http(spec, container, spec.httpGet.host or ip, now)
    if spec.tcpSocket is not None:
        port = port_number(container.spec, spec.tcpSocket.port)
        host = spec.tcpSocket.host or ip
        if container.process.listens(port, now):
            return Outcome(True, "")
        return Outcome(False, f"dial tcp {host}:{port}: connect: connection refused")
    if spec.grpc is not None:
        return _grpc(spec, container, ip, now)
    return _exec(spec, container, now)


def _http(spec: core.Probe, container: Container, host: str, now: int) -> Outcome:
    get = spec.httpGet
    port = port_number(container.spec, get.port)
    path = get.path or "/"
    url = f"{(get.scheme or 'HTTP').lower()}://{host}:{port}{path if path.startswith('/') else '/' + path}"
    status = container.process.answer(port, path, now)
    secure = (get.scheme or "HTTP").upper() == "HTTPS"
    if status > 0 and secure and not speaks_tls(container, port):
        return Outcome(False, f"Get {quoted(url)}: http: server gave HTTP response to HTTPS client")
    if status > 0 and not secure and container.process.program.tls:
        return Outcome(False, "HTTP probe failed with statuscode: 400")
    if status == 0:
        return Outcome(False, f"Get {quoted(url)}: dial tcp {host}:{port}: connect: connection refused")
    if status < 0:
        return Outcome(
            False, f"Get {quoted(url)}: net/http: HTTP/1.x transport connection broken: malformed HTTP response"
        )
    if container.process.program.latency > (spec.timeoutSeconds or 1) * SECOND:
        reason = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        return Outcome(False, f"Get {quoted(url)}: {reason}")
    if 200 <= status < 400:
        return Outcome(True, "")
    return Outcome(False, f"HTTP probe failed with statuscode: {status}")


def _grpc(spec: core.Probe, container: Container, ip: str, now: int) -> Outcome:
    port = int(spec.grpc.port)
    where = f"{ip}:{port}"
    timeout = f"{spec.timeoutSeconds or 1}s"
    if not container.process.listens(port, now):
        refused = (
            f'connection error: desc = "transport: Error while dialing: dial tcp {where}: connect: connection refused"'
        )
        return Outcome(False, f'timeout: failed to connect service "{where}" within {timeout}: {refused}')
    program = container.process.program
    if not program.grpc and program.ports is not None:
        return Outcome(False, "error: this server does not implement the grpc health protocol (grpc.health.v1.Health)")
    if not container.process.ready(now):
        return Outcome(False, 'service unhealthy (responded with "NOT_SERVING")')
    return Outcome(True, "")


def _exec(spec: core.Probe, container: Container, now: int) -> Outcome:
    code, output, took = container.process.execute(list(spec.exec.command or ()), now)
    argv = list(spec.exec.command or ())
    if code == NO_COMMAND and argv and argv[0].rsplit("/", 1)[-1] not in SHELLS and "not found" in output:
        identity = hashlib.sha256(f"{container.id}/{now}".encode()).hexdigest()
        return Outcome(False, EXEC_FAILED.format(identity, argv[0]), True)
    limit = spec.timeoutSeconds or 1
    if took > limit * SECOND:
        command = " ".join(spec.exec.command or ())
        return Outcome(False, f"command timed out: {quoted(command)} timed out after {limit}s")
    return Outcome(code == 0, output.rstrip("\n"))


def speaks_tls(container: Container, port: int) -> bool:
    """Whether a port speaks HTTPS: a program's that says so, and those that are for it by custom."""
    return container.process.program.tls or port in TLS_PORTS


def port_number(container: core.Container, port: int | str) -> int:
    """A probe's port: a number, or the name of one of the container's ports."""
    if isinstance(port, int):
        return port
    for declared in container.ports or ():
        if declared.name == port:
            return declared.containerPort
    return int(port) if port.isdigit() else 0

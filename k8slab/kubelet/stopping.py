"""Stopping containers: preStop hook, SIGTERM, a grace period, SIGKILL (kuberuntime killContainer)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8slab.kubelet.container import RUNNING, SIDECAR, Container
from k8slab.kubelet.disk import written_into
from k8slab.kubelet.lifecycle import run_hook
from k8slab.kubelet.process import Ending
from k8slab.kubelet.stages import TERMINATING
from k8slab.kubelet.storage import take
from k8slab.sim.clock import SECOND

if TYPE_CHECKING:
    from k8slab.kubelet.pod_worker import PodWorker

LEAST_GRACE = 2 * SECOND
"""A container gets at least this long between SIGTERM and SIGKILL, however long its hook took."""
KILLED = 137


class Stopper:
    """Stops a Pod's containers: app containers together, then sidecars in reverse order, each in what time is left."""

    __slots__ = ("deadline", "worker")

    def __init__(self, worker: PodWorker) -> None:
        self.worker = worker
        self.deadline = 0

    def begin(self, grace: int) -> None:
        """Stop everything within `grace` microseconds."""
        worker = self.worker
        self.deadline = worker.clock.now + grace
        running = [c for c in worker.containers if c.state == RUNNING and c.kind != SIDECAR]
        for container in running:
            self._announce(container)
            self.stop(container, grace)
        if not running:
            self.stopped()

    def stopped(self) -> None:
        """A container ended: go on with the sidecars, or finish."""
        worker = self.worker
        if any(c.state == RUNNING and c.kind != SIDECAR for c in worker.containers):
            return
        sidecars = [c for c in worker.containers if c.state == RUNNING]
        if not sidecars:
            if worker.stage == TERMINATING:
                worker.finish()
        elif not sidecars[-1].stopping:
            self._announce(sidecars[-1])
            self.stop(sidecars[-1], max(self.deadline - worker.clock.now, LEAST_GRACE))

    def _announce(self, container: Container) -> None:
        if not container.stopping:
            self.worker.event("Normal", "Killing", f"Stopping container {container.name}", container)

    def stop(self, container: Container, grace: int) -> None:
        """Stop one container within `grace` (its preStop hook included)."""
        if container.stopping or container.state != RUNNING:
            return
        container.stopping = True
        for probe in container.probes:
            if probe.kind != "Readiness":
                probe.stop()
        lifecycle = container.spec.lifecycle
        if lifecycle is None or lifecycle.preStop is None:
            self._signal(container, container.starts, grace)
            return
        worker = self.worker
        result = run_hook(lifecycle.preStop, container, worker.ip, worker.clock.now)
        if result.error:
            worker.event("Warning", "FailedPreStopHook", "PreStopHook failed", container)
        took = min(result.took, grace)
        container.stop_timer = worker.later(
            took, self._signal, container, container.starts, max(grace - took, LEAST_GRACE)
        )

    def _signal(self, container: Container, run: int, grace: int) -> None:
        """Send SIGTERM, and SIGKILL after `grace`."""
        now = self.worker.clock.now
        if container.starts != run or container.state != RUNNING:
            return
        answer = container.process.terminate(now)
        ending = Ending(now + grace, KILLED, "Error")
        for other in (answer, container.ending):
            if other is not None and other.at < ending.at:
                ending = other
        self._end(container, ending)

    def strike(self, container: Container) -> None:
        """A process in the container sends its first one a signal that ends it, if it heeds it."""
        ending = container.process.terminate(self.worker.clock.now)
        if ending is not None and (container.ending is None or ending.at < container.ending.at):
            self._end(container, ending)

    def shorten(self, grace: int) -> None:
        """The grace period became shorter while containers were being stopped."""
        worker = self.worker
        limit = worker.clock.now + grace
        self.deadline = min(self.deadline, limit)
        for container in worker.containers:
            if container.state == RUNNING and container.stopping:
                worker.clock.cancel(container.stop_timer)
                if container.ending is None or container.ending.at > limit:
                    self._end(container, Ending(limit, KILLED, "Error"))

    def _end(self, container: Container, ending: Ending) -> None:
        worker = self.worker
        worker.clock.cancel(container.timer)
        container.ending = ending
        container.timer = worker.at(ending.at, worker.exited, container, container.starts)

    def keep_files(self, container: Container) -> None:
        """What the container wrote into volumes stays for others."""
        worker = self.worker
        process = container.process
        if process is None or process.script is None:
            return
        for volume in worker.pod.spec.volumes or ():
            if volume.emptyDir is not None:
                left = written_into(container, volume.name, worker.clock.now)
                worker.sandbox.weights.setdefault(volume.name, {}).update(left)
        take(worker, container)
        worker.sandbox.mounts.save()

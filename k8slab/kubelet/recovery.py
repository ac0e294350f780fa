"""What becomes of Pods when the kubelet or the whole machine was down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8slab.kubelet import status
from k8slab.kubelet.container import EXITED, INIT, RUNNING, WAITING
from k8slab.kubelet.probes import STARTUP
from k8slab.kubelet.sandbox import SETUP_TIME
from k8slab.kubelet.stages import ACTIVE, STARTING, TERMINATED, TERMINATING

if TYPE_CHECKING:
    from k8slab.kubelet.pod_worker import PodWorker

LOST_CODE, LOST_REASON = 255, "Unknown"
"""How the runtime reports containers that a reboot ended."""


def resume(worker: PodWorker) -> None:
    """The kubelet is back, containers went on: look where things stand."""
    worker.reporter.sent = None
    if worker.stage == TERMINATED:
        worker.publish()
        worker.remove_later()
    elif worker.stage == TERMINATING:
        worker.stopper.stopped()
    elif worker.pod.metadata.deletionTimestamp:
        worker.terminate(worker.grace())
    elif worker.stage == STARTING:
        worker.step = worker.later(SETUP_TIME, worker.sandbox.set_up)
    else:
        _resume_probes(worker)
        worker.request_sync()


def _resume_probes(worker: PodWorker) -> None:
    for container in worker.containers:
        if container.state == RUNNING:
            for probe in container.probes:
                if probe.kind == STARTUP or container.started:
                    probe.begin()


def lose_power(worker: PodWorker) -> None:
    """The machine went down with everything on it."""
    worker.pause()
    clock = worker.clock
    clock.cancel(worker.deadline)
    for container in worker.containers:
        clock.cancel(container.timer)
        clock.cancel(container.stop_timer)
        for probe in container.probes:
            probe.stop()
        for session in list(container.sessions):
            session.cut()
        if container.state == RUNNING:
            worker.kubelet.ended(container)
            container.finish(clock.now, LOST_CODE, LOST_REASON)
    worker.sandbox.detach()


def reboot(worker: PodWorker) -> None:
    """The machine is back: everything begins again in a new sandbox, as far as the restart policy allows."""
    worker.reporter.sent = None
    if worker.stage == TERMINATED:
        worker.publish()
        worker.remove_later()
        return
    if worker.stage == TERMINATING or worker.pod.metadata.deletionTimestamp:
        worker.stage = TERMINATING
        worker.stopper.stopped()
        return
    begun = any(c.starts for c in worker.containers)
    worker.initialised = False
    worker.stage = ACTIVE
    worker.publish()
    if begun and status.phase(worker.containers, worker.policy, False) in (status.SUCCEEDED, status.FAILED):
        worker.terminate(worker.grace())
        return
    worker.stage = STARTING
    if begun:
        worker.event("Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
    for container in worker.containers:
        if container.kind == INIT and container.state == EXITED:
            container.previous = container.terminated(worker.kubelet.time_text)
            container.state = WAITING
    worker.watch_deadline()
    worker.step = worker.later(SETUP_TIME, worker.sandbox.set_up)

"""Restart rules whose action is RestartAllContainers (KEP-5532, on by default since v1.36).

When such a rule fits a container's exit, all containers of the Pod are stopped, and the Pod begins again with its init
containers, in the same sandbox, with the same address and volumes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8slab.kubelet.container import APP, EPHEMERAL, EXITED, RUNNING, WAITING, Container

if TYPE_CHECKING:
    from k8slab.kubelet.pod_worker import PodWorker

ACTION, CONDITION = "RestartAllContainers", "AllContainersRestarting"
REASON, MESSAGE = "ContainerExited", "Container {} exited with code {}, restarting all containers"


class WholeRestart:
    """Begins a Pod again.

    Attributes:
        why: what the Pod's condition says while it is under way, empty otherwise.
        stopping: containers are still being stopped.
    """

    __slots__ = ("stopping", "why", "worker")

    def __init__(self, worker: PodWorker) -> None:
        self.worker = worker
        self.why = ""
        self.stopping = False

    def conditions(self) -> tuple[tuple[str, bool, str, str], ...]:
        """As the Pod's status shows it."""
        return ((CONDITION, True, REASON, self.why),) if self.why else ()

    def exited(self, container: Container) -> None:
        """A container ended: does one of its rules ask for a new beginning?"""
        if self.stopping or not asks_for_all(container):
            return
        worker = self.worker
        self.why = MESSAGE.format(container.name, container.exit_code)
        self.stopping = True
        worker.starter.abandon()
        for other in worker.containers:
            if other.state == RUNNING and other.kind != EPHEMERAL:
                worker.event("Normal", "Killing", f"Stopping container {other.name}", other)
                worker.stopper.stop(other, worker.grace())

    def advance(self) -> None:
        """At each look: once all have stopped, begin again; once all run, it is over."""
        own = [c for c in self.worker.containers if c.kind != EPHEMERAL]
        if self.stopping and not any(c.state == RUNNING for c in own):
            self.stopping = False
            self.worker.initialised = False
            for container in own:
                if container.state == EXITED:
                    container.previous = container.terminated(self.worker.kubelet.time_text)
                    container.state = WAITING
                    container.trouble = None
        elif self.why and not self.stopping and all(c.state == RUNNING for c in own if c.kind == APP):
            self.why = ""


def asks_for_all(container: Container) -> bool:
    """Whether a rule for the exit code wants all containers to be restarted."""
    for rule in container.spec.restartPolicyRules or ():
        codes = rule.exitCodes
        if codes is not None and (container.exit_code in (codes.values or ())) == (codes.operator == "In"):
            return rule.action == ACTION
    return False

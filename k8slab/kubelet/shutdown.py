"""A clean shutdown of the machine: the kubelet ends Pods first, the critical ones last (pkg/kubelet/nodeshutdown)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.kubelet.admission import CRITICAL_PRIORITY
from k8slab.kubelet.stages import TERMINATED
from k8slab.kubelet.text import duration
from k8slab.sim.clock import MILLISECOND, SECOND

if TYPE_CHECKING:
    from k8slab.kubelet.kubelet import Kubelet
    from k8slab.kubelet.pod_worker import PodWorker

REASON, MESSAGE = "Terminated", "Pod was terminated in response to imminent node shutdown."
REFUSAL = ("NodeShutdown", "Pod was rejected as the node is shutting down.")
CONDITION = "node is shutting down"
POLL = 500 * MILLISECOND


class Shutdown:
    """The shutdown manager of one kubelet.

    Attributes:
        active: the machine is going down.
        again: it is to be switched on when it is off.
    """

    __slots__ = ("active", "again", "deadline", "groups", "kubelet", "timer")

    def __init__(self, kubelet: Kubelet) -> None:
        self.kubelet = kubelet
        self.active = False
        self.again = False
        self.groups: list[tuple[list[PodWorker], int]] = []
        self.deadline = 0
        self.timer: Any = None

    def begin(self) -> None:
        """systemd says that the machine is about to go down: end all Pods, group by group, then let it."""
        kubelet = self.kubelet
        if self.active or not kubelet.powered:
            return
        if not kubelet.running:
            kubelet.power_off()
            return
        self.active = True
        where = "nodeshutdown_manager_linux.go:265"
        kubelet.log("Shutdown manager detected new shutdown event", 'event="shutdown"', source=where)
        with kubelet.acting("the node is shutting down"):
            kubelet.heartbeat.report()
        self.groups = self._by_priority()
        self._next()

    def cancel(self) -> None:
        """The machine is off."""
        self.kubelet.clock.cancel(self.timer)
        self.timer = None
        self.active = False
        self.groups = []

    def _by_priority(self) -> list[tuple[list[PodWorker], int]]:
        """Ordinary Pods with their share of the grace period, then critical ones with theirs."""
        node = self.kubelet.node
        whole = duration(node.shutdown_grace_period)
        critical = min(whole, duration(node.shutdown_grace_period_critical_pods))
        groups: list[tuple[list[PodWorker], int]] = [([], whole - critical), ([], critical)]
        if not whole:
            return []
        for worker in self.kubelet.workers.values():
            if worker.stage != TERMINATED:
                groups[(worker.pod.spec.priority or 0) >= CRITICAL_PRIORITY][0].append(worker)
        return groups

    def _next(self) -> None:
        """End the Pods of the next group; after the last one the machine goes off."""
        while self.groups:
            workers, grace = self.groups[0]
            if not workers:
                self.groups.pop(0)
                continue
            self.deadline = self.kubelet.clock.now + grace
            for worker in workers:
                self._end(worker, grace)
            self.timer = self.kubelet.clock.call_after(POLL, self._wait)
            return
        self._off()

    def _end(self, worker: PodWorker, grace: int) -> None:
        node = self.kubelet.api_node
        if node is not None:
            worker.cause = (*worker.cause, int(node.metadata.resourceVersion))
        own = worker.pod.spec.terminationGracePeriodSeconds
        least = grace if own is None else min(grace, own * SECOND)
        kubelet = self.kubelet
        with kubelet.trace.acting(kubelet.actor, worker.cause, "the node is shutting down"):
            worker.disrupt("TerminationByKubelet", MESSAGE)
            worker.fail(REASON, MESSAGE, max(least, 1 * SECOND))

    def _wait(self) -> None:
        workers, _ = self.groups[0]
        over = self.kubelet.clock.now >= self.deadline
        if over or all(worker.stage == TERMINATED for worker in workers):
            self.groups.pop(0)
            self._next()
        else:
            self.timer = self.kubelet.clock.call_after(POLL, self._wait)

    def _off(self) -> None:
        again, self.again = self.again, False
        self.cancel()
        self.kubelet.power_off()
        if again:
            self.kubelet.power_on()

"""Resizing a Pod in place: what was asked for, what the node has allotted, what its containers run with.

Follows pkg/kubelet/allocation/allocation_manager.go (is there room?), kuberuntime_manager.go (computePodResizeAction,
doPodResizeAction) and pkg/kubelet/events (the texts).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from k8slab.api import core_v1 as core
from k8slab.api import quantity
from k8slab.api.codec import to_dict
from k8slab.kubelet.container import APP, RUNNING, SIDECAR, Container
from k8slab.sim.clock import MILLISECOND, SECOND

if TYPE_CHECKING:
    from k8slab.kubelet.pod_worker import PodWorker

PENDING, IN_PROGRESS = "PodResizePending", "PodResizeInProgress"
DEFERRED, INFEASIBLE = "Deferred", "Infeasible"
RESIZABLE = ("cpu", "memory")
RETRY = 180 * SECOND
ACTUATION = 50 * MILLISECOND
"""Writing new limits into cgroups."""
STATIC = "In-place resize of static-pods is not supported"

Condition = tuple[str, bool, str, str]


class Resizer:
    """Brings what a Pod's containers run with to what its spec asks for.

    Attributes:
        pending: `(reason, message)` why the node has not allotted what was asked for.
        running: what is being done is not done yet; `(reason, message)`, both empty while nothing is wrong.
        allocated, actual: the Pod-level resources that the node has given it, and those of its cgroup.
    """

    __slots__ = ("actual", "allocated", "pending", "running", "timer", "worker")

    def __init__(self, worker: PodWorker) -> None:
        self.worker = worker
        self.pending: tuple[str, str] | None = None
        self.running: tuple[str, str] | None = None
        self.timer: Any = None
        self.allocated: core.ResourceRequirements | None = worker.pod.spec.resources
        self.actual = self.allocated

    def conditions(self) -> tuple[Condition, ...]:
        """As the Pod's status shows them."""
        found: list[Condition] = []
        if self.pending:
            found.append((PENDING, True, *self.pending))
        if self.running:
            found.append((IN_PROGRESS, True, *self.running))
        return tuple(found)

    def containers(self) -> list[Container]:
        """Those that can be resized."""
        return [c for c in self.worker.containers if c.kind in (APP, SIDECAR)]

    @property
    def requests(self) -> dict[str, Any] | None:
        """The Pod-level requests that the node has allotted, None where the Pod has none of its own."""
        return (self.allocated.requests if self.allocated is not None else None) or None

    @property
    def concerned(self) -> bool:
        """Whether a changed spec asks for something, or takes back what waits."""
        return self.pending is not None or not self._satisfied()

    def _satisfied(self) -> bool:
        """Whether the node has allotted just what the spec asks for."""
        if self.allocated != self.worker.pod.spec.resources:
            return False
        return all(c.allocated == c.spec.resources for c in self.containers())

    def look(self) -> None:
        """The spec or the room on the node may have changed: allot what was asked for, where that is possible."""
        worker = self.worker
        worker.clock.cancel(self.timer)
        self.timer = None
        before = self.pending
        if self._satisfied():
            self.pending = None
        else:
            refusal = self._refusal()
            if refusal is None:
                self._allot()
            elif refusal != self.pending:
                self.pending = refusal
                reason, message = refusal
                self._tell("Warning", f"Resize{reason}", f"Pod resize {reason}", message)
        if self.pending and self.pending[0] == DEFERRED:
            self.timer = worker.later(RETRY, self.look)
        if self.pending != before:
            worker.request_sync(0)

    def _refusal(self) -> tuple[str, str] | None:
        """Why the node cannot give what was asked for; otherwise it is given."""
        worker = self.worker
        if worker.static:
            return INFEASIBLE, STATIC
        room = worker.kubelet.room
        lacking = room.beyond(worker.pod)
        if lacking is not None:
            return INFEASIBLE, lacking
        refusal = room.exchange(worker.pod)
        return (DEFERRED, refusal[1]) if refusal is not None else None

    def _allot(self) -> None:
        self.pending = None
        self.running = ("", "")
        self.allocated = self.worker.pod.spec.resources
        for container in self.containers():
            container.allocated = container.spec.resources
        self._tell("Normal", "ResizeStarted", "Pod resize started")
        self.worker.request_sync(0)
        self.timer = self.worker.later(ACTUATION, self.actuate)

    def actuate(self) -> None:
        """Give the running containers what was allotted; the runtime's answer is seen at the next look."""
        self.timer = None
        worker = self.worker
        if self.running is None or worker.deaf:
            return
        problem = self._below_usage()
        if problem:
            if self.running != ("Error", problem):
                self.running = ("Error", problem)
                self._tell("Warning", "ResizeError", "Pod resize error", problem)
                worker.request_sync(0)
            self.timer = worker.later(RETRY, self.actuate)
            return
        self.actual = self.allocated
        for container in self.containers():
            if container.state != RUNNING or container.actual == container.allocated:
                continue
            if self._must_restart(container):
                text = f"Container {container.name} resize requires restart"
                worker.event("Normal", "Killing", text, container)
                container.resized = True
                worker.stopper.stop(container, worker.grace())
            else:
                container.actual = container.allocated
                worker.watch_end(container)
        worker.request_sync()

    def finish(self) -> None:
        """At a look at the Pod: is everything as allotted?"""
        if self.running is None or self.running[0]:
            return
        for container in self.containers():
            if container.state == RUNNING and (container.actual != container.allocated or container.stopping):
                return
            if container.resized:
                return
        if self.timer is None:
            self.running = None
            self._tell("Normal", "ResizeCompleted", "Pod resize completed")

    def _below_usage(self) -> str:
        now = self.worker.clock.now
        for container in self.containers():
            new, old = _limit(container.allocated), _limit(container.actual)
            if container.state != RUNNING or new is None or new >= (old or new + 1):
                continue
            used = container.process.memory(now)
            if used > new and not self._must_restart(container):
                return f"attempting to set pod memory limit ({new}) below current usage ({used})"
        return ""

    def _must_restart(self, container: Container) -> bool:
        policies = {p.resourceName: p.restartPolicy for p in container.spec.resizePolicy or ()}
        return any(
            policies.get(name) == "RestartContainer"
            and _amounts(container.actual, name) != _amounts(container.allocated, name)
            for name in RESIZABLE
        )

    def _tell(self, type_: str, reason: str, prefix: str, error: str = "") -> None:
        worker = self.worker
        summary: dict[str, Any] = {}
        for field, kind in (("initContainers", SIDECAR), ("containers", APP)):
            found = [c for c in worker.containers if c.kind == kind]
            if found:
                summary[field] = [{"name": c.name, "resources": _sorted(c.spec.resources)} for c in found]
        summary["generation"] = worker.pod.metadata.generation or 0
        if error:
            summary["error"] = error
        worker.event(type_, reason, f"{prefix}: {json.dumps(summary, separators=(',', ':'))}")


def _sorted(resources: core.ResourceRequirements | None) -> dict[str, Any]:
    plain = to_dict(resources) if resources is not None else {}
    return {
        key: dict(sorted(value.items())) if isinstance(value, dict) else value for key, value in sorted(plain.items())
    }


def _amounts(resources: core.ResourceRequirements | None, name: str) -> tuple[int, int]:
    limits = (resources.limits if resources else None) or {}
    requests = (resources.requests if resources else None) or {}
    return quantity.milli(limits.get(name) or 0), quantity.milli(requests.get(name) or 0)


def _limit(resources: core.ResourceRequirements | None) -> int | None:
    limits = (resources.limits if resources else None) or {}
    return quantity.value(limits["memory"]) if "memory" in limits else None

"""Node-pressure eviction: memory, disk and process IDs (pkg/kubelet/eviction/eviction_manager.go).

What the containers of a node can use at most is added up as they start and end. Only where that could exhaust the node
does the kubelet look every ten seconds, as the real one always does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api import quantity
from k8slab.api.resources import pod_requests
from k8slab.kubelet.admission import is_critical
from k8slab.kubelet.container import RUNNING, Container
from k8slab.kubelet.disk import may_fill
from k8slab.kubelet.evictor import evict, message, over_its_limits
from k8slab.kubelet.stages import ACTIVE
from k8slab.kubelet.thresholds import Observation, Threshold, amount, thresholds
from k8slab.kubelet.usage import system_memory
from k8slab.sim.clock import SECOND

if TYPE_CHECKING:
    from k8slab.kubelet.kubelet import Kubelet
    from k8slab.kubelet.pod_worker import PodWorker

TRANSITION = 300 * SECOND
"""So long a condition stays after the pressure is over (evictionPressureTransitionPeriod)."""
SYSTEM_PIDS = 200
EVENTS = {
    "MemoryPressure": ("NodeHasSufficientMemory", "NodeHasInsufficientMemory"),
    "DiskPressure": ("NodeHasNoDiskPressure", "NodeHasDiskPressure"),
    "PIDPressure": ("NodeHasSufficientPID", "NodeHasInsufficientPID"),
}


class Eviction:
    """Watches a node's memory, disk and process IDs.

    Attributes:
        bounds: what each running container may use of the memory at most, by container ID; None: no bound.
        observed: when each condition was last seen, while it holds.
        since: when each threshold was first seen as met.
    """

    __slots__ = ("bounds", "kubelet", "observed", "since", "system", "thresholds", "unbounded", "worst")

    def __init__(self, kubelet: Kubelet) -> None:
        node = kubelet.node
        self.kubelet = kubelet
        self.thresholds = thresholds(
            node.eviction_hard, node.eviction_soft, node.eviction_soft_grace, node.eviction_minimum_reclaim
        )
        self.system = system_memory(quantity.value(node.memory))
        self.bounds: dict[str, int | None] = {}
        self.worst = 0
        self.unbounded = 0
        self.observed: dict[str, int] = {}
        self.since: dict[Threshold, int] = {}

    def began(self, worker: PodWorker, container: Container, bound: int | None) -> None:
        """A container runs."""
        self.bounds[container.id] = bound
        self.worst += bound or 0
        self.unbounded += bound is None
        if may_fill(worker, container):
            self.kubelet.disk.fillers[container.id] = None
        if self.needed:
            self.kubelet.heartbeat.wake()

    def ended(self, identity: str) -> None:
        """It does not any more; what it wrote is there until its Pod is gone."""
        if identity in self.bounds:
            bound = self.bounds.pop(identity)
            self.worst -= bound or 0
            self.unbounded -= bound is None

    @property
    def needed(self) -> bool:
        """Whether there is anything to watch."""
        if self.observed or self.unbounded > 0 or self.kubelet.disk.needed:
            return True
        memory, most = self.kubelet.memory_capacity, 0
        for each in self.thresholds:
            if each.signal == "memory.available":
                most = max(most, amount(each.value, memory))
            elif each.signal == "pid.available":
                return True
        return self.worst > memory - most - self.system

    def observe(self) -> dict[str, Observation]:
        """What is left of everything."""
        kubelet, now = self.kubelet, self.kubelet.clock.now
        memory = self.system + sum(used for _, used in kubelet.usage().values())
        disk = Observation(kubelet.disk.available(now), kubelet.disk.capacity)
        running = [c for w in kubelet.workers.values() for c in w.containers if c.state == RUNNING]
        pids = SYSTEM_PIDS + sum(c.process.pids(now) for c in running)
        return {
            "memory.available": Observation(kubelet.memory_capacity - memory, kubelet.memory_capacity),
            "nodefs.available": disk,
            "imagefs.available": disk,
            "pid.available": Observation(kubelet.node.pids - pids, kubelet.node.pids),
        }

    def check(self) -> None:
        """One look: set or clear conditions, evict the worst Pod under pressure."""
        kubelet, now = self.kubelet, self.kubelet.clock.now
        kubelet.disk.collect(now)
        seen = self.observe()
        met = [each for each in self.thresholds if each.met(seen[each.signal], each in self.since)]
        self.since = {each: self.since.get(each, now) for each in met}
        self._conditions({each.condition for each in met}, now)
        if over_its_limits(kubelet):
            return
        due = [each for each in met if now - self.since[each] >= each.grace]
        if due:
            due.sort(key=_first)
            self._reclaim(due, seen)

    def _conditions(self, found: set[str], now: int) -> None:
        kubelet, pressure = self.kubelet, self.kubelet.heartbeat.pressure
        for condition in EVENTS:
            if condition in found:
                self.observed[condition] = now
            elif now - self.observed.get(condition, now) >= TRANSITION:
                del self.observed[condition]
            holds = condition in self.observed
            if holds != (condition in pressure):
                (pressure.add if holds else pressure.discard)(condition)
                reason = EVENTS[condition][holds]
                kubelet.node_event("Normal", reason, f"Node {kubelet.node.name} status is now: {reason}")
                kubelet.heartbeat.dirty = True

    def _reclaim(self, due: list[Threshold], seen: dict[str, Observation]) -> None:
        kubelet, first = self.kubelet, due[0]
        kubelet.node_event("Warning", "EvictionThresholdMet", f"Attempting to reclaim {first.resource}")
        if first.resource == "ephemeral-storage":
            kubelet.disk.free(kubelet.disk.capacity, kubelet.clock.now)
            seen = self.observe()
            if not any(each.met(seen[each.signal], True) for each in self.thresholds):
                return
        for worker, used in self.ranked(first.resource):
            grace = kubelet.node.eviction_max_grace if first.grace else 1
            note = f"uses {used} of {first.resource}, the node has none left"
            if evict(worker, message(worker, first, seen), grace * SECOND, note):
                return

    def ranked(self, resource: str = "memory") -> list[tuple[PodWorker, int]]:
        """Pods with their usage, the first to evict first: above requests, low priority, much above requests."""
        found: list[tuple[Any, ...]] = []
        for worker in self.kubelet.workers.values():
            running = any(c.state == RUNNING for c in worker.containers)
            if worker.stage != ACTIVE or not running or is_critical(worker.pod):
                continue
            used = self._used(worker, resource)
            request = quantity.value(pod_requests(worker.pod).get(resource) or 0)
            found.append((used <= request, worker.pod.spec.priority or 0, request - used, len(found), worker, used))
        found.sort(key=_rank)
        return [(worker, used) for *_, worker, used in found]

    def _used(self, worker: PodWorker, resource: str) -> int:
        now = self.kubelet.clock.now
        if resource == "ephemeral-storage":
            return self.kubelet.disk.of_pod(worker, now)
        running = [c.process for c in worker.containers if c.state == RUNNING]
        return sum(p.memory(now) if resource == "memory" else p.pids(now) for p in running)


def _first(threshold: Threshold) -> tuple[bool, str]:
    """Memory before all else."""
    return (threshold.resource != "memory", threshold.signal)


def _rank(entry: tuple[Any, ...]) -> tuple[Any, ...]:
    return entry[:4]

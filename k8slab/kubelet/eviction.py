"""Node-pressure eviction: memory (pkg/kubelet/eviction).

What the containers of a node can use at most is added up as they start and end. Only where that could exhaust the node
does the kubelet look every ten seconds, as the real one always does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8slab.api import core_v1 as core
from k8slab.api import quantity
from k8slab.api.resources import pod_requests
from k8slab.kubelet.admission import is_critical
from k8slab.kubelet.container import RUNNING
from k8slab.kubelet.stages import ACTIVE
from k8slab.sim.clock import SECOND

if TYPE_CHECKING:
    from k8slab.kubelet.kubelet import Kubelet
    from k8slab.kubelet.pod_worker import PodWorker

HARD_THRESHOLD = 100 * 2**20
"""memory.available<100Mi"""
TRANSITION = 300 * SECOND
"""So long a condition stays after the pressure is over (evictionPressureTransitionPeriod)."""
GRACE = 1 * SECOND
MEMORY_PRESSURE = "MemoryPressure"


class Eviction:
    """Watches a node's memory.

    Attributes:
        bounds: what each running container may use at most, by container ID; None: no bound.
    """

    __slots__ = ("bounds", "kubelet", "last_pressure", "unbounded", "worst")

    def __init__(self, kubelet: Kubelet) -> None:
        self.kubelet = kubelet
        self.bounds: dict[str, int | None] = {}
        self.worst = 0
        self.unbounded = 0
        self.last_pressure: int | None = None

    def began(self, identity: str, bound: int | None) -> None:
        """A container runs."""
        self.bounds[identity] = bound
        self.worst += bound or 0
        self.unbounded += bound is None
        if self.needed:
            self.kubelet.heartbeat.wake()

    def ended(self, identity: str) -> None:
        """It does not any more."""
        if identity in self.bounds:
            bound = self.bounds.pop(identity)
            self.worst -= bound or 0
            self.unbounded -= bound is None

    @property
    def needed(self) -> bool:
        """Whether there is anything to watch."""
        if self.last_pressure is not None:
            return True
        return self.unbounded > 0 or self.worst > self.kubelet.memory_capacity - HARD_THRESHOLD

    def check(self) -> None:
        """One look: set or clear the condition, evict the worst Pod under pressure."""
        kubelet, now = self.kubelet, self.kubelet.clock.now
        used = sum(memory for _, memory in kubelet.usage().values())
        available = kubelet.memory_capacity - used
        pressure = kubelet.heartbeat.pressure
        if available < HARD_THRESHOLD:
            self.last_pressure = now
            if MEMORY_PRESSURE not in pressure:
                name = kubelet.node.name
                kubelet.node_event(
                    "Normal", "NodeHasInsufficientMemory", f"Node {name} status is now: NodeHasInsufficientMemory"
                )
            pressure.add(MEMORY_PRESSURE)
            kubelet.heartbeat.dirty = True
            kubelet.node_event("Warning", "EvictionThresholdMet", "Attempting to reclaim memory")
            self._evict(max(available, 0))
        elif self.last_pressure is not None and now - self.last_pressure >= TRANSITION:
            self.last_pressure = None
            pressure.discard(MEMORY_PRESSURE)
            kubelet.heartbeat.dirty = True
            name = kubelet.node.name
            kubelet.node_event(
                "Normal", "NodeHasSufficientMemory", f"Node {name} status is now: NodeHasSufficientMemory"
            )

    def _evict(self, available: int) -> None:
        ranked = self.ranked()
        if not ranked:
            return
        worker, used = ranked[0]
        text = f"The node was low on resource: memory. Threshold quantity: 100Mi, available: {available // 1024}Ki. "
        text += self._greedy(worker)
        with self.kubelet.trace.acting(self.kubelet.actor, worker.cause, f"uses {used} bytes, the node has none left"):
            worker.event("Warning", "Evicted", text)
            worker.disrupt("TerminationByKubelet", text)
            worker.fail("Evicted", text, GRACE)

    def ranked(self) -> list[tuple[PodWorker, int]]:
        """Pods with their usage, the first to evict first: above requests, low priority, much above requests."""
        usage = self.kubelet.usage()
        found: list[tuple] = []
        for uid, worker in self.kubelet.workers.items():
            if worker.stage != ACTIVE or uid not in usage or is_critical(worker.pod):
                continue
            used = usage[uid][1]
            request = quantity.value(pod_requests(worker.pod).get("memory") or 0)
            found.append((used <= request, worker.pod.spec.priority or 0, request - used, len(found), worker, used))
        found.sort(key=_rank)
        return [(worker, used) for *_, worker, used in found]

    def _greedy(self, worker: PodWorker) -> str:
        """The containers that use more than they asked for."""
        now, texts = self.kubelet.clock.now, []
        for container in worker.containers:
            if container.state != RUNNING:
                continue
            used = container.process.memory(now)
            request = _request(container.spec)
            if used > quantity.value(request):
                texts.append(
                    f"Container {container.name} was using {used // 1024}Ki, request is {request}, "
                    "has larger consumption of memory. "
                )
        return "".join(texts)


def _request(spec: core.Container) -> str:
    requests = (spec.resources.requests if spec.resources else None) or {}
    return str(requests.get("memory", "0"))


def _rank(entry: tuple) -> tuple:
    return entry[:4]

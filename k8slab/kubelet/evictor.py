"""How a Pod is evicted by its kubelet, and what is said of it (pkg/kubelet/eviction/helpers.go, evictionMessage)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8slab.api import quantity
from k8slab.api.resources import pod_limits
from k8slab.kubelet.admission import is_critical
from k8slab.kubelet.container import APP, EPHEMERAL, RUNNING, Container
from k8slab.kubelet.stages import ACTIVE
from k8slab.kubelet.thresholds import Observation, Threshold, amount
from k8slab.sim.clock import SECOND

if TYPE_CHECKING:
    from k8slab.kubelet.kubelet import Kubelet
    from k8slab.kubelet.pod_worker import PodWorker

GRACE = 1 * SECOND


def evict(worker: PodWorker, text: str, grace: int, note: str, disrupted: bool = True) -> bool:
    """End a Pod as Evicted. Returns False for those that must not be evicted.

    Args:
        worker: the Pod's.
        text: why.
        grace: how long its containers may take, in microseconds.
        note: what the record of causes says.
        disrupted: the Pod's status tells of a disruption: the node was short of something.
    """
    if is_critical(worker.pod):
        return False
    kubelet = worker.kubelet
    with kubelet.trace.acting(kubelet.actor, worker.cause, note):
        worker.event("Warning", "Evicted", text)
        if disrupted:
            worker.disrupt("TerminationByKubelet", text)
        worker.fail("Evicted", text, grace)
    return True


def message(worker: PodWorker, threshold: Threshold, seen: dict[str, Observation]) -> str:
    """Why a Pod is evicted: what the node lacks, and which containers use more than they asked for."""
    resource, there = threshold.resource, seen[threshold.signal]
    form = quantity.DECIMAL if resource == "pids" else quantity.BINARY
    wanted = quantity.from_value(amount(threshold.value, there.capacity), form)
    left = quantity.from_value(max(there.available, 0) // _unit(resource) * _unit(resource), form)
    text = f"The node was low on resource: {resource}. Threshold quantity: {wanted}, available: {left}. "
    return text + "".join(_greedy(worker, each, resource) for each in worker.containers)


def _unit(resource: str) -> int:
    """What is left is measured in pages, not in bytes."""
    return 1 if resource == "pids" else 4096


def _greedy(worker: PodWorker, container: Container, resource: str) -> str:
    now = worker.clock.now
    if container.state != RUNNING or container.kind == EPHEMERAL or resource == "pids":
        return ""
    if resource == "memory":
        used = container.process.memory(now)
    else:
        used = worker.kubelet.disk.of_container(worker, container, now)
    resources = container.spec.resources
    request = ((resources.requests if resources else None) or {}).get(resource, "0")
    if used <= quantity.value(request):
        return ""
    told = quantity.from_value(used // 1024 * 1024, quantity.BINARY)
    told = f"{used // 1024}Ki" if resource == "memory" else told
    return f"Container {container.name} was using {told}, request is {request}, has larger consumption of {resource}. "


def over_its_limits(kubelet: Kubelet) -> bool:
    """Evict Pods that have written more than they may: emptyDirs, the Pod as a whole, containers."""
    found = False
    for worker in list(kubelet.workers.values()):
        if worker.stage == ACTIVE and _may_exceed(worker):
            text = excess(worker)
            found = (bool(text) and evict(worker, text, GRACE, "wrote more than it may", False)) or found
    return found


def _may_exceed(worker: PodWorker) -> bool:
    fillers = worker.kubelet.disk.fillers
    return any(container.id in fillers for container in worker.containers)


def excess(worker: PodWorker) -> str:
    """Which limit on local storage a Pod exceeds, in the kubelet's words; empty where none."""
    disk, now, spec = worker.kubelet.disk, worker.clock.now, worker.pod.spec
    volumes = disk.of_volumes(worker, now)
    for volume in spec.volumes or ():
        limit = volume.emptyDir.sizeLimit if volume.emptyDir is not None else None
        if limit is not None and 0 < quantity.value(limit) < volumes.get(volume.name, 0):
            return f'Usage of EmptyDir volume "{volume.name}" exceeds the limit "{limit}". '
    whole = pod_limits(worker.pod).get("ephemeral-storage")
    if whole is not None and disk.of_pod(worker, now) > quantity.value(whole):
        return f"Pod ephemeral local storage usage exceeds the total limit of containers {whole}. "
    for container in worker.containers:
        limits = (container.spec.resources.limits if container.spec.resources else None) or {}
        limit = limits.get("ephemeral-storage") if container.kind == APP else None
        if limit is not None and disk.of_container(worker, container, now) > quantity.value(limit):
            return f'Container {container.name} exceeded its local ephemeral storage limit "{limit}". '
    return ""

"""The kubelet's `/stats/summary`: what the node and each Pod use (pkg/kubelet/server/stats, stats/v1alpha1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from k8slab.kubelet.container import RUNNING
from k8slab.kubelet.usage import SYSTEM_CPU, processors

if TYPE_CHECKING:
    from k8slab.kubelet.container import Container
    from k8slab.kubelet.kubelet import Kubelet
    from k8slab.kubelet.pod_worker import PodWorker
    from k8slab.kubelet.usage import Got

NANOS = 1_000_000
"""Nanocores in a millicore."""


def summary(kubelet: Kubelet, loads: Mapping[str, float]) -> dict[str, Any]:
    """The whole document as plain data.

    Args:
        kubelet: the node's.
        loads: requests per second that containers are asked, by container ID.
    """
    now, time = kubelet.clock.now, kubelet.clock.rfc3339()
    used = processors(kubelet, now, loads)
    seen = kubelet.eviction.observe()
    memory, disk, pids = seen["memory.available"], seen["nodefs.available"], seen["pid.available"]
    cores = SYSTEM_CPU + sum(got.millicores for got in used.values())
    workers = [worker for worker in kubelet.workers.values() if any(c.state == RUNNING for c in worker.containers)]
    return {
        "node": {
            "nodeName": kubelet.node.name,
            "startTime": kubelet.time_text(0),
            "cpu": {"time": time, "usageNanoCores": cores * NANOS},
            "memory": {
                "time": time,
                "availableBytes": memory.available,
                "workingSetBytes": memory.capacity - memory.available,
            },
            "fs": {
                "time": time,
                "availableBytes": disk.available,
                "capacityBytes": disk.capacity,
                "usedBytes": disk.capacity - disk.available,
            },
            "rlimit": {
                "time": time,
                "maxpid": pids.capacity,
                "curproc": pids.capacity - pids.available,
            },
        },
        "pods": [_pod(kubelet, worker, used, now) for worker in workers],
    }


def _pod(kubelet: Kubelet, worker: PodWorker, used: Mapping[str, Got], now: int) -> dict[str, Any]:
    metadata, running = worker.pod.metadata, [c for c in worker.containers if c.state == RUNNING]
    return {
        "podRef": {"name": metadata.name, "namespace": metadata.namespace, "uid": metadata.uid},
        "startTime": worker.start_time,
        "containers": [_container(kubelet, worker, each, used[each.id], now) for each in running],
        "cpu": {"usageNanoCores": sum(used[each.id].millicores for each in running) * NANOS},
        "memory": {"workingSetBytes": sum(each.process.memory(now) for each in running)},
        "ephemeral-storage": {"usedBytes": kubelet.disk.of_pod(worker, now)},
        "volume": [{"name": name, "usedBytes": size} for name, size in kubelet.disk.of_volumes(worker, now).items()],
        "process_stats": {"process_count": sum(each.process.pids(now) for each in running)},
    }


def _container(kubelet: Kubelet, worker: PodWorker, container: Container, got: Got, now: int) -> dict[str, Any]:
    return {
        "name": container.name,
        "startTime": kubelet.time_text(container.started_at),
        "cpu": {"usageNanoCores": got.millicores * NANOS, "throttled": got.throttled},
        "memory": {"workingSetBytes": container.process.memory(now)},
        "rootfs": {"usedBytes": kubelet.disk.of_container(worker, container, now)},
    }

"""metrics-server: what Pods use, as autoscalers learn it from kubelets.

The real one asks all kubelets every 15 seconds. This one works out what it would have seen when somebody wants to know,
so that a cluster without autoscalers pays nothing for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8slab.api.core_v1 import Pod
from k8slab.controllers.podautoscaler import NoMetrics, Sample
from k8slab.kubelet import Kubelet
from k8slab.sim.clock import SECOND, Clock

RESOLUTION = 15 * SECOND
"""Time between two rounds; a usage is worked out from two of them."""


class MetricsServer(NoMetrics):
    """Usage of CPU and memory. There is no source of custom and external metrics."""

    def __init__(self, clock: Clock, kubelets: dict[str, Kubelet]) -> None:
        self.clock = clock
        self.kubelets = kubelets

    def resource(self, name: str, namespace: str, pods: Iterable[Pod], container: str) -> dict[str, Sample]:
        """Usage of `cpu` or `memory`, by the Pod's name; Pods that did not run for two rounds are left out."""
        round_at = self.clock.now - self.clock.now % RESOLUTION
        taken = round_at + self.clock.epoch
        found: dict[str, Sample] = {}
        for pod in pods:
            amounts = self._amounts(name, pod, container, round_at)
            if amounts:
                found[pod.metadata.name] = Sample(sum(amounts), taken, RESOLUTION)
        return found

    def _amounts(self, name: str, pod: Pod, container: str, round_at: int) -> list[int]:
        """In thousandths, of each container; nothing if one was not seen twice."""
        kubelet = self.kubelets.get(pod.spec.nodeName or "")
        worker: Any = kubelet.workers.get(pod.metadata.uid) if kubelet is not None and kubelet.running else None
        amounts = []
        for one in worker.containers if worker is not None else ():
            if one.state != "running" or (container and one.name != container):
                continue
            if one.started_at > round_at - RESOLUTION:
                return []
            amounts.append(one.process.cpu(round_at) if name == "cpu" else one.process.memory(round_at) * 1000)
        return amounts

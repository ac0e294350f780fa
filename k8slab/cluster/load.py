"""What programs ask of each other all the time: load generators and the Services that they call.

Loops such as `while sleep 0.01; do wget -q -O- http://php-apache; done` are not run turn by turn: how often they ask is
known (`kubelet/shell/turn.py`), so is who answers, and what an answer costs.
"""

from __future__ import annotations

from typing import Any

from k8slab.kubelet import Kubelet
from k8slab.kubelet.container import RUNNING
from k8slab.kubelet.usage import limit_of
from k8slab.sim.clock import SECOND


class Loads:
    """Requests per second between the programs of a cluster.

    Args:
        kubelets: by node.
    """

    def __init__(self, kubelets: dict[str, Kubelet]) -> None:
        self.kubelets = kubelets

    def at(self, now: int) -> dict[str, float]:
        """Requests per second that containers are asked, by container ID."""
        found: dict[str, float] = {}
        for kubelet in self.kubelets.values():
            for identity in list(kubelet.senders):
                worker, container = kubelet.senders[identity]
                if container.state == RUNNING and container.id == identity and not container.stopping:
                    self._add(found, worker, container, now)
        return found

    def _add(self, found: dict[str, float], worker: Any, container: Any, now: int) -> None:
        world, namespace = worker.kubelet.world, worker.pod.metadata.namespace
        for (host, port, _), rate in container.process.sends().items():
            there = [self._listener(address, target, now) for address, target in world.targets(namespace, host, port)]
            answering = [each for each in there if each is not None]
            for one in answering:
                program = one.process.program
                share = paced(rate, program.latency + program.cpu_per_request) / len(answering)
                found[one.id] = min(found.get(one.id, 0.0) + share, ceiling(one))

    def _listener(self, address: str, port: int, now: int) -> Any:
        """The container that answers at an address."""
        for kubelet in self.kubelets.values():
            for worker in kubelet.cni.at(address):
                for container in worker.containers:
                    if container.state == RUNNING and container.process.listens(port, now):
                        return container
            break
        return None


def paced(rate: float, latency: int) -> float:
    """How often a loop asks that waits for each answer.

    >>> paced(50.0, 20_000)
    25.0
    """
    return rate / (1 + rate * latency / SECOND)


def ceiling(container: Any) -> float:
    """Requests per second that a container can answer at most: its program's capacity, and its processor limit."""
    program, limit = container.process.program, limit_of(container)
    cost = program.cpu_per_request / 1000
    # Beyond its quota requests queue up: the processor is wanted by all that wait, and twice as many do not matter.
    most = 4 * limit / cost if limit and cost else float("inf")
    return min(most, program.capacity or float("inf"))

"""Removes Pods that nobody else will: on vanished nodes, never scheduled but deleted, or too many finished ones.

Follows pkg/controller/podgc/gc_controller.go.
"""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import Pod
from k8slab.controllers import pods as podlib
from k8slab.controllers.controller import Controller
from k8slab.errors import ApiError
from k8slab.sim.clock import SECOND

PERIOD = 20 * SECOND
QUARANTINE = 40 * SECOND
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


def on_node(pod: Pod) -> tuple[str, ...]:
    """Index function: the node of a Pod."""
    return (pod.spec.nodeName,) if pod.spec.nodeName else ()


def leftover(pod: Pod) -> tuple[str, ...]:
    """Index function: what kind of leftover a Pod is, if any."""
    if podlib.is_terminal(pod):
        return ("terminal",)
    if pod.metadata.deletionTimestamp is None:
        return ()
    return ("terminating",) if pod.spec.nodeName else ("terminating", "unscheduled")


class PodGarbageCollector(Controller):
    """Looks every 20 seconds."""

    name = "pod-garbage-collector-controller"
    about = "removes Pods of vanished nodes, unscheduled Pods that are being deleted, and too many finished ones"

    def setup(self) -> None:
        """Index Pods by node and by kind of leftover."""
        self.gone: dict[str, int] = {}
        self.nodes = self.informer("nodes")
        self.pods = self.informer("pods")
        self.pods.add_index("node", on_node)
        self.pods.add_index("leftover", leftover)
        self.every(PERIOD, self.collect, delay=PERIOD)

    def reset(self) -> None:
        """No node is in quarantine."""
        self.gone.clear()

    def collect(self) -> None:
        """One round."""
        self._finished()
        self._out_of_service()
        self._orphaned()
        for pod in self.pods.by_index("leftover", "unscheduled"):
            self.say(f"{pod.metadata.name} is being deleted and was never scheduled")
            self._remove(pod, "")

    def _finished(self) -> None:
        threshold = self.options.terminated_pod_gc_threshold
        finished = self.pods.by_index("leftover", "terminal")
        excess = len(finished) - threshold
        if threshold <= 0 or excess <= 0:
            return
        self.say(f"{len(finished)} finished Pods, {threshold} are kept")
        for pod in sorted(finished, key=_oldest)[:excess]:
            self._remove(pod, "")

    def _out_of_service(self) -> None:
        for pod in self.pods.by_index("leftover", "terminating"):
            node = self.nodes.get("", pod.spec.nodeName) if pod.spec.nodeName else None
            if node is None or not any(taint.key == OUT_OF_SERVICE for taint in node.spec.taints or ()):
                continue
            ready = podlib.condition(node, "Ready")
            if ready is None or ready.status != "True":
                self.say(f"{pod.metadata.name} is being deleted on a node that is out of service")
                self._remove(pod, "PodGC: node out-of-service taint")

    def _orphaned(self) -> None:
        suspects = [name for name in self.pods.index_values("node") if self.nodes.get("", str(name)) is None]
        self.gone = {str(name): self.gone.get(str(name), self.clock.now) for name in suspects}
        for name, since in list(self.gone.items()):
            if self.clock.now - since >= QUARANTINE and self._is_gone(name):
                for pod in self.pods.by_index("node", name):
                    self.say(f"{pod.metadata.name} is on node {name}, which no longer exists")
                    self._remove(pod, "PodGC: node no longer exists")

    def _is_gone(self, name: str) -> bool:
        try:
            self.client.get("nodes", name)
        except ApiError as error:
            return error.code == 404
        return False

    def _remove(self, pod: Pod, disruption: str) -> None:
        metadata = pod.metadata
        try:
            if not podlib.is_terminal(pod):
                patch = {"status": self._failed(pod, disruption)}
                self.client.patch("pods", metadata.name, patch, metadata.namespace, "status")
            self.client.delete("pods", metadata.name, metadata.namespace, grace_period_seconds=0)
        except ApiError as error:
            if error.code != 404:
                return  # the next round tries again

    def _failed(self, pod: Pod, disruption: str) -> dict[str, Any]:
        status: dict[str, Any] = {"phase": "Failed"}
        if disruption:
            status["conditions"] = podlib.with_condition(
                pod, "DisruptionTarget", "True", "DeletionByPodGC", disruption, self.clock.rfc3339()
            )
        return status


def _oldest(pod: Pod) -> tuple[bool, str, str]:
    evicted = pod.status.reason == "Evicted"
    return (not evicted, pod.metadata.creationTimestamp or "", pod.metadata.name)

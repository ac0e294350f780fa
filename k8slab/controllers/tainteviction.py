"""Deletes Pods from nodes with NoExecute taints that they do not tolerate, or no longer.

Follows pkg/controller/tainteviction/taint_eviction.go.
"""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import Node, Pod, Taint, Toleration
from k8slab.api.taints import tolerates
from k8slab.client import Request, Result
from k8slab.controllers import pods as podlib
from k8slab.controllers.controller import Controller
from k8slab.controllers.podgc import on_node
from k8slab.errors import ApiError
from k8slab.sim.clock import SECOND

FOR_EVER = None


class TaintEvictionController(Controller):
    """Plans deletions, and cancels them when the taint goes in time."""

    name = "taint-eviction-controller"
    about = "deletes Pods from nodes with a NoExecute taint when their toleration ends"

    def setup(self) -> None:
        """Watch Nodes and Pods."""
        self.plans: dict[Request, tuple[int, Any]] = {}
        self.pods = self.informer("pods")
        self.pods.add_index("node", on_node)
        self.nodes = self.informer("nodes")
        self.nodes.add_handler(self._node_added, self._node_updated)
        self.pods.add_handler(self._pod_added, self._pod_updated, self._pod_deleted)

    def reset(self) -> None:
        """Plans are in memory only; a new process starts counting anew."""
        for _, timer in self.plans.values():
            self.clock.cancel(timer)
        self.plans.clear()

    def _node_added(self, node: Node) -> None:
        if no_execute(node):
            self._enqueue_pods(node)

    def _node_updated(self, old: Node, new: Node) -> None:
        if no_execute(old) != no_execute(new):
            self._enqueue_pods(new)

    def _enqueue_pods(self, node: Node) -> None:
        for pod in self.pods.by_index("node", node.metadata.name):
            self.enqueue(pod)

    def _pod_added(self, pod: Pod) -> None:
        if pod.spec.nodeName and self._taints_of(pod):
            self.enqueue(pod)

    def _pod_updated(self, old: Pod, new: Pod) -> None:
        if old.spec.nodeName != new.spec.nodeName or old.spec.tolerations != new.spec.tolerations:
            self._pod_added(new)

    def _pod_deleted(self, pod: Pod) -> None:
        plan = self.plans.pop(Request(pod.metadata.namespace, pod.metadata.name), None)
        if plan is not None:
            self.clock.cancel(plan[1])

    def _taints_of(self, pod: Pod) -> list[Taint]:
        node = self.nodes.get("", pod.spec.nodeName)
        return no_execute(node) if node is not None else []

    def reconcile(self, request: Request) -> Result | None:
        """Decide when, if ever, the Pod has to go."""
        pod = self.pods.get(request.namespace, request.name)
        if pod is None or pod.metadata.deletionTimestamp is not None:
            return None
        taints = self._taints_of(pod)
        if not taints:
            self._cancel(request, pod)
            return None
        used = matching(taints, pod.spec.tolerations or ())
        if used is None:
            self._cancel(request, pod)
            self._plan(request, self.clock.now, 0)
            return None
        seconds = shortest(used)
        if seconds is FOR_EVER:
            self._cancel(request, pod)
            return None
        started = self.clock.now
        if request in self.plans:
            started = self.plans[request][0]
            if started + seconds * SECOND < self.clock.now + seconds * SECOND:
                return None
            self._cancel(request, pod)
        self._plan(request, started, seconds)
        return None

    def _plan(self, request: Request, started: int, seconds: int) -> None:
        timer = self.clock.call_at(started + seconds * SECOND, self._evict, request, self.trace.causes)
        self.plans[request] = (started, timer)

    def _cancel(self, request: Request, pod: Pod) -> None:
        plan = self.plans.pop(request, None)
        if plan is not None:
            self.clock.cancel(plan[1])
            text = f"Cancelling deletion of Pod {request}"
            self.recorder.event(pod, "Normal", "TaintManagerEviction", text)

    def _evict(self, request: Request, causes: tuple[int, ...]) -> None:
        self.plans.pop(request, None)
        pod = self.pods.get(request.namespace, request.name)
        if pod is None or pod.metadata.deletionTimestamp is not None:
            return
        why = f"{pod.spec.nodeName} has a taint that {pod.metadata.name} does not tolerate, or no longer"
        with self.trace.acting(self.name, causes, why):
            self.recorder.event(pod, "Normal", "TaintManagerEviction", f"Marking for deletion Pod {request}")
            try:
                self._delete(pod)
            except ApiError as error:
                if error.code != 404:
                    self.plans[request] = (self.clock.now, self.clock.call_after(10_000, self._evict, request, causes))

    def _delete(self, pod: Pod) -> None:
        metadata = pod.metadata
        target = podlib.condition(pod, "DisruptionTarget")
        if target is None or target.status != "True":
            changed = podlib.with_condition(
                pod,
                "DisruptionTarget",
                "True",
                "DeletionByTaintManager",
                "Taint manager: deleting due to NoExecute taint",
                self.clock.rfc3339(),
            )
            patch = {"metadata": {"uid": metadata.uid}, "status": {"conditions": changed}}
            self.client.patch("pods", metadata.name, patch, metadata.namespace, "status")
        self.client.delete("pods", metadata.name, metadata.namespace)


def no_execute(node: Node) -> list[Taint]:
    """The node's NoExecute taints, without the times when they were added."""
    return [taint.replace(timeAdded=None) for taint in node.spec.taints or () if taint.effect == "NoExecute"]


def matching(taints: list[Taint], tolerations: tuple[Toleration, ...]) -> list[Toleration] | None:
    """For each taint the first toleration that matches; None if one is not tolerated."""
    used = []
    for taint in taints:
        found = next((toleration for toleration in tolerations if tolerates(toleration, taint)), None)
        if found is None:
            return None
        used.append(found)
    return used


def shortest(tolerations: list[Toleration]) -> int | None:
    """The shortest time that is tolerated, in seconds; None for ever."""
    limits = [toleration.tolerationSeconds for toleration in tolerations if toleration.tolerationSeconds is not None]
    return max(0, min(limits)) if limits else FOR_EVER

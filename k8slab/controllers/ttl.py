"""How long kubelets may cache Secrets and ConfigMaps, as an annotation that grows with the cluster.

Follows pkg/controller/ttl/ttl_controller.go.
"""

from __future__ import annotations

from typing import Any

from k8slab.client import Request, Result
from k8slab.controllers.controller import Controller

ANNOTATION = "node.alpha.kubernetes.io/ttl"
STEPS = ((0, 100, 0), (90, 500, 15), (450, 1000, 30), (900, 2000, 60), (1800, 10_000, 300))
"""From how many nodes, up to how many, seconds: the bounds overlap so that the value does not flap."""


class TTLController(Controller):
    """Annotates nodes with a time to live."""

    name = "ttl-controller"
    about = "tells kubelets, by the size of the cluster, how long they may cache Secrets and ConfigMaps"

    def setup(self) -> None:
        """Watch Nodes."""
        self.step = 0
        self.count = 0
        self.nodes = self.informer("nodes")
        self.nodes.add_handler(self._added, self.enqueue_new, self._deleted)

    def reset(self) -> None:
        """Count anew."""
        self.step = self.count = 0

    def _added(self, node: Any) -> None:
        self.count += 1
        if self.count > STEPS[self.step][1] and self.step < len(STEPS) - 1:
            self.step += 1
        self.enqueue(node)

    def _deleted(self, node: Any) -> None:
        self.count -= 1
        if self.count < STEPS[self.step][0]:
            self.step -= 1

    def reconcile(self, request: Request) -> Result | None:
        """Annotate one node."""
        node = self.nodes.get("", request.name)
        wanted = str(STEPS[self.step][2])
        if node is None or (node.metadata.annotations or {}).get(ANNOTATION) == wanted:
            return None
        self.say(f"{self.count} nodes: kubelets may cache for {wanted} s")
        self.client.patch("nodes", request.name, {"metadata": {"annotations": {ANNOTATION: wanted}}})
        return None

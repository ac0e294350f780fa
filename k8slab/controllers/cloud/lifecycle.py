"""Deletes Nodes whose machines are gone, and taints those whose machines are switched off.

Follows staging/src/k8s.io/cloud-provider/controllers/nodelifecycle/node_lifecycle_controller.go.
"""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import Node, ObjectReference, Taint
from k8slab.controllers import pods as podlib
from k8slab.controllers.cloud.provider import STOPPED, CloudError
from k8slab.controllers.controller import Controller
from k8slab.errors import ApiError

SHUTDOWN = "node.cloudprovider.kubernetes.io/shutdown"


class CloudNodeLifecycleController(Controller):
    """Looks at Nodes that are not ready every 5 seconds: does the cloud know more?"""

    name = "cloud-node-lifecycle-controller"
    about = "deletes Nodes whose machines the cloud no longer has, taints those that are switched off"
    cloud: Any

    def setup(self) -> None:
        """Watch Nodes."""
        self.nodes = self.informer("nodes")
        self.every(self.options.node_monitor_period, self.monitor)

    def monitor(self) -> None:
        """One round over all Nodes."""
        for node in self.nodes.items():
            try:
                self._look(node)
            except (ApiError, CloudError):
                continue  # the next round tries again

    def _look(self, node: Node) -> None:
        ready = podlib.condition(node, "Ready")
        if ready is not None and ready.status == "True":
            self._untaint(node)
            return
        machine = self.cloud.machine(node.metadata.name, node.spec.providerID or "")
        if machine is None:
            self._delete(node)
        elif machine.state == STOPPED:
            self._taint(node)

    def _delete(self, node: Node) -> None:
        name = node.metadata.name
        about = ObjectReference(apiVersion="v1", kind="Node", name=name, uid=node.metadata.uid)
        text = f"Deleting node {name} because it does not exist in the cloud provider"
        self.recorder.event(about, "Normal", "DeletingNode", text)
        self.say(f"the cloud has no machine for {name}")
        try:
            self.client.delete("nodes", name)
        except ApiError as error:
            if error.code != 404:
                self.recorder.event(about, "Warning", "DeletingNodeFailed", f"Failed deleting node {name}: {error}")

    def _taint(self, node: Node) -> None:
        taints = node.spec.taints or ()
        if not any(taint.key == SHUTDOWN for taint in taints):
            self.say(f"the machine of {node.metadata.name} is switched off")
            self._write(node, (*taints, Taint(key=SHUTDOWN, effect="NoSchedule")))

    def _untaint(self, node: Node) -> None:
        taints = node.spec.taints or ()
        left = tuple(taint for taint in taints if taint.key != SHUTDOWN)
        if left != taints:
            self.say(f"{node.metadata.name} is ready again")
            self._write(node, left)

    def _write(self, node: Node, taints: tuple[Taint, ...]) -> None:
        self.client.update(node.replace(spec=node.spec.replace(taints=taints or None)))

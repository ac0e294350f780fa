"""Completes new Nodes with what only the cloud knows.

Follows staging/src/k8s.io/cloud-provider/controllers/node/node_controller.go.
"""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import Node, NodeAddress
from k8slab.client import Request, Result
from k8slab.controllers.cloud.provider import CloudError, Machine
from k8slab.controllers.controller import Controller
from k8slab.sim.clock import SECOND

UNINITIALIZED = "node.cloudprovider.kubernetes.io/uninitialized"
STATUS_PERIOD = 300 * SECOND
INSTANCE_TYPE = ("beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type")
ZONE = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
REGION = ("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region")
PAIRS = (ZONE, REGION, INSTANCE_TYPE)
"""The label that counts, and the one that follows it."""


class CloudNodeController(Controller):
    """Gives Nodes that wait for it provider ID, labels and addresses; keeps addresses and old labels right."""

    name = "cloud-node-controller"
    about = "gives new Nodes provider ID, zone, instance type and addresses, then lets Pods on them"
    cloud: Any

    def setup(self) -> None:
        """Watch Nodes; look at all addresses every five minutes."""
        self.nodes = self.informer("nodes")
        self.nodes.add_handler(self.enqueue, self.enqueue_new)
        self.every(STATUS_PERIOD, self.update_addresses)

    def reconcile(self, request: Request) -> Result | None:
        """One Node: complete it, or keep its labels in step."""
        node = self.nodes.get("", request.name)
        if node is None:
            return None
        if not is_uninitialized(node):
            self._reconcile_labels(node)
            return None
        try:
            machine = self.cloud.machine(node.metadata.name, node.spec.providerID or "")
        except CloudError:
            return Result(requeue=True)
        if machine is None:
            return Result(requeue=True)
        self._initialize(node, machine)
        return None

    def update_addresses(self) -> None:
        """Addresses of all Nodes that are initialized, from the cloud."""
        for node in self.nodes.items():
            if is_uninitialized(node):
                continue
            try:
                machine = self.cloud.machine(node.metadata.name, node.spec.providerID or "")
            except CloudError:
                continue
            if machine is not None:
                self._update_address(node, machine)

    def _initialize(self, node: Node, machine: Machine) -> None:
        self.say(f"{machine.name} is new: the cloud knows it as {machine.provider_id}")
        labels = {**(node.metadata.labels or {})}
        values = (machine.zone, machine.region, machine.instance_type)
        labels |= {key: value for keys, value in zip(PAIRS, values, strict=True) for key in keys}
        taints = tuple(taint for taint in node.spec.taints or () if taint.key != UNINITIALIZED)
        spec = node.spec.replace(providerID=node.spec.providerID or machine.provider_id, taints=taints or None)
        updated = self.client.update(node.replace(metadata=node.metadata.replace(labels=labels), spec=spec))
        self._update_address(updated, machine)
        self.recorder.event(node, "Normal", "Synced", "Node synced successfully")

    def _update_address(self, node: Node, machine: Machine) -> None:
        known = (node.status.addresses or ()) if node.status is not None else ()
        hostnames = tuple(one for one in known if one.type == "Hostname")
        wanted = (
            NodeAddress(type="InternalIP", address=machine.internal),
            NodeAddress(type="ExternalIP", address=machine.external),
            *hostnames,
        )
        if {(one.type, one.address) for one in known} == {(one.type, one.address) for one in wanted}:
            return
        self.say(f"the cloud says that {machine.name} has other addresses")
        addresses = [{"type": one.type, "address": one.address} for one in wanted]
        self.client.patch("nodes", node.metadata.name, {"status": {"addresses": addresses}}, None, "status")

    def _reconcile_labels(self, node: Node) -> None:
        labels = node.metadata.labels or {}
        changes = {
            follower: labels[leader]
            for leader, follower in PAIRS
            if leader in labels and labels.get(follower) != labels[leader]
        }
        if changes:
            self.say(f"labels of {node.metadata.name} that should agree do not")
            self.client.patch("nodes", node.metadata.name, {"metadata": {"labels": changes}})


def is_uninitialized(node: Node) -> bool:
    """Whether the Node still waits for the cloud."""
    return any(taint.key == UNINITIALIZED for taint in node.spec.taints or ())

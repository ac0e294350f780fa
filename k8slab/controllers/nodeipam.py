"""Each node gets its own range of Pod addresses (pkg/controller/nodeipam/ipam/range_allocator.go)."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

from k8slab.client import Request, Result
from k8slab.controllers.controller import Controller


class NodeIPAMController(Controller):
    """Cuts the cluster's Pod network into ranges and hands them to nodes, in the order in which these appear."""

    name = "node-ipam-controller"
    about = "gives every node a range of Pod addresses out of the cluster's"
    source = "cidrAllocator"

    def setup(self) -> None:
        """Watch Nodes."""
        self.network = IPv4Network(self.options.cluster_cidr)
        self.size = 2 ** (32 - self.options.node_cidr_mask_size)
        self.used: dict[int, str] = {}
        self.lowest = 0
        self.nodes = self.informer("nodes")
        if self.options.allocate_node_cidrs:
            self.nodes.add_handler(self._added, self._updated, self._deleted)

    def reset(self) -> None:
        """What is in use is learned from the nodes."""
        self.used.clear()
        self.lowest = 0

    def _added(self, node: Any) -> None:
        if node.spec.podCIDR:
            self._occupy(node.spec.podCIDR, node.metadata.name)
        else:
            self.enqueue(node)

    def _updated(self, old: Any, new: Any) -> None:
        if not new.spec.podCIDR:
            self.enqueue(new)

    def _deleted(self, node: Any) -> None:
        if node.spec.podCIDR:
            index = self._index(node.spec.podCIDR)
            self.used.pop(index, None)
            self.lowest = min(self.lowest, max(index, 0))

    def _index(self, cidr: str) -> int:
        start = int(IPv4Network(cidr).network_address) - int(self.network.network_address)
        return start // self.size

    def _occupy(self, cidr: str, name: str) -> None:
        self.used[self._index(cidr)] = name

    def reconcile(self, request: Request) -> Result | None:
        """Allocate the first free range to one node."""
        node = self.nodes.get("", request.name)
        if node is None or node.spec.podCIDR:
            return None
        index = self._free()
        if index is None:
            text = f"Node {request.name} status is now: CIDRNotAvailable"
            self.recorder.event(node, "Normal", "CIDRNotAvailable", text)
            return Result(requeue=True)
        first = self.network.network_address + index * self.size
        cidr = f"{first}/{self.options.node_cidr_mask_size}"
        self.say(f"{request.name} has no Pod range: it gets {cidr}")
        self.used[index] = request.name
        self.client.patch("nodes", request.name, {"spec": {"podCIDR": cidr, "podCIDRs": [cidr]}})
        return None

    def _free(self) -> int | None:
        # No range below `lowest` is free: this keeps the search short in a cluster of thousands of nodes.
        total = self.network.num_addresses // self.size
        while self.lowest < total and self.lowest in self.used:
            self.lowest += 1
        return self.lowest if self.lowest < total else None

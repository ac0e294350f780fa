"""Routes in the cloud's network, one for each Node's range of Pods.

Follows staging/src/k8s.io/cloud-provider/controllers/route/route_controller.go.
"""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

from k8slab.api.core_v1 import Node, ObjectReference
from k8slab.client.client import STRATEGIC_PATCH
from k8slab.controllers import pods as podlib
from k8slab.controllers.cloud.provider import CloudError, Route
from k8slab.controllers.controller import Controller
from k8slab.errors import ApiError
from k8slab.sim.clock import SECOND

PERIOD = 10 * SECOND
TYPE = "NetworkUnavailable"


class RouteController(Controller):
    """Compares the cloud's routes with the Nodes every 10 seconds."""

    name = "node-route-controller"
    about = "makes a route in the cloud's network for the Pods of each Node"
    source = "route_controller"
    cloud: Any

    def setup(self) -> None:
        """Watch Nodes."""
        self.nodes = self.informer("nodes")
        self.every(PERIOD, self.reconcile_routes)

    def reconcile_routes(self) -> None:
        """One round: remove routes that nobody needs, make those that are missing, tell the Nodes."""
        try:
            routes = self.cloud.list_routes()
        except CloudError:
            return
        nodes = self.nodes.items()
        wanted = {(node.metadata.name, cidr) for node in nodes for cidr in node.spec.podCIDRs or ()}
        for route in routes:
            if self._responsible(route) and (route.node, route.cidr) not in wanted:
                self._delete(route)
        there = {(route.node, route.cidr) for route in routes}
        for node in nodes:
            if node.spec.podCIDRs:
                self._report(node, self._create(node, there))

    def _responsible(self, route: Route) -> bool:
        """Routes outside of the cluster's Pod network are somebody else's."""
        return IPv4Network(route.cidr).overlaps(IPv4Network(self.options.cluster_cidr))

    def _delete(self, route: Route) -> None:
        try:
            self.cloud.delete_route(route)
        except CloudError:
            return  # the next round tries again

    def _create(self, node: Node, there: set[tuple[str, str]]) -> bool:
        """Make a node's missing routes. Returns whether all are there."""
        name, hint = node.metadata.name, node.metadata.uid
        complete = True
        for cidr in node.spec.podCIDRs:
            if (name, cidr) in there:
                continue
            try:
                self.cloud.create_route(hint, name, cidr)
            except CloudError as error:
                complete = False
                about = ObjectReference(kind="Node", name=name, uid=name)
                text = f"Could not create route {hint} {cidr} for node {name} after 0s: {error}"
                self.recorder.event(about, "Warning", "FailedToCreateRoute", text)
        return complete

    def _report(self, node: Node, complete: bool) -> None:
        status = "False" if complete else "True"
        known = podlib.condition(node, TYPE)
        if known is not None and known.status == status:
            return
        now = self.clock.rfc3339()
        condition = {
            "type": TYPE,
            "status": status,
            "reason": "RouteCreated" if complete else "NoRouteCreated",
            "message": "RouteController created a route" if complete else "RouteController failed to create a route",
            "lastHeartbeatTime": now,
            "lastTransitionTime": now,
        }
        self.say(f"{node.metadata.name} {'has' if complete else 'has not got'} its routes")
        patch = {"status": {"conditions": [condition]}}
        try:
            self.client.patch("nodes", node.metadata.name, patch, None, "status", STRATEGIC_PATCH)
        except ApiError as error:
            if error.code != 404:
                raise

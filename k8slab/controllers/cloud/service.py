"""Load balancers for Services of type LoadBalancer.

Follows staging/src/k8s.io/cloud-provider/controllers/service/controller.go.
"""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import Node, Service
from k8slab.client import RateLimiter, Request, Result
from k8slab.controllers.cloud.hosts import backends, excluded, sufficiently_equal
from k8slab.controllers.cloud.provider import CHANGE_TIME, CREATE_TIME, DELETE_TIME, Balancer, CloudError
from k8slab.controllers.cloud.wanted import FINALIZER, balancer_name, needs_cleanup, needs_update, wants_balancer
from k8slab.controllers.controller import Controller
from k8slab.errors import ApiError
from k8slab.sim.clock import SECOND

FIRST_RETRY, LAST_RETRY = 5 * SECOND, 300 * SECOND
NODES = Request("", "nodes")
"""The key under which the set of nodes is looked at, for all load balancers together."""
NOBODY = "There are no available nodes for LoadBalancer"


class ServiceLoadBalancerController(Controller):
    """Makes, changes and deletes load balancers; a request to the cloud takes a while, and its key waits for it."""

    name = "service-lb-controller"
    about = "makes a load balancer of the cloud for each Service of type LoadBalancer"
    source = "service-controller"
    cloud: Any

    def setup(self) -> None:
        """Watch Services and Nodes."""
        self.queue.limiter = RateLimiter(self.clock, FIRST_RETRY, LAST_RETRY, qps=0)
        self.synced: dict[Request, tuple[Node, ...]] = {}
        self.known: dict[Request, Service] = {}
        self.begun: dict[Request, Service] = {}
        self.services = self.informer("services")
        self.services.add_handler(self._service_added, self._service_updated)
        self.nodes = self.informer("nodes")
        self.nodes.add_handler(self._nodes_changed, self._node_updated, self._nodes_changed)

    def reset(self) -> None:
        """Which load balancers there are is asked of the cloud again."""
        self.synced.clear()
        self.known.clear()
        self.begun.clear()

    def _service_added(self, service: Service) -> None:
        if wants_balancer(service) or needs_cleanup(service):
            self.enqueue(service)

    def _service_updated(self, old: Service, new: Service) -> None:
        if needs_update(old, new) or needs_cleanup(new):
            self.enqueue(new)

    def _nodes_changed(self, node: Node) -> None:
        self.queue.add(NODES)

    def _node_updated(self, old: Node, new: Node) -> None:
        if excluded(old) != excluded(new) or old.spec.providerID != new.spec.providerID:
            self.queue.add(NODES)

    def reconcile(self, request: Request) -> Result | None:
        """One Service, or the nodes behind all load balancers."""
        if request == NODES:
            self._sync_nodes()
            return None
        service = self.services.get(request.namespace, request.name)
        if service is None:
            return self._vanished(request)
        try:
            return self._sync(request, service)
        except (CloudError, ApiError) as error:
            self.begun.pop(request, None)
            text = f"Error syncing load balancer: {error}"
            self.recorder.event(service, "Warning", "SyncLoadBalancerFailed", text)
            return Result(requeue=True)

    def _sync(self, request: Request, service: Service) -> Result | None:
        self.known[request] = service
        if not wants_balancer(service) or needs_cleanup(service):
            return self._clean_up(request, service)
        return self._ensure(request, service)

    # --- making

    def _ensure(self, request: Request, service: Service) -> Result | None:
        name = balancer_name(service)
        begun = self.begun.get(request)
        if begun is None or begun.metadata.uid != service.metadata.uid:
            begun = self.begun[request] = service
            self.recorder.event(service, "Normal", "EnsuringLoadBalancer", "Ensuring load balancer")
            self._add_finalizer(service)
            self._may("ensure", self.cloud.check_balancer, name, service.spec.loadBalancerIP or "")
        left = self.cloud.time_left(f"ensure {name}", CHANGE_TIME if name in self.cloud.balancers else CREATE_TIME)
        if left:
            return Result(requeue_after=left)
        made = self._may("ensure", self.cloud.ensure_balancer, self._balancer(request, begun))
        del self.begun[request]
        self.recorder.event(service, "Normal", "EnsuredLoadBalancer", "Ensured load balancer")
        self._write_status(service, [{"ip": made.address, "ipMode": "VIP"}])
        if needs_update(begun, service):
            self.queue.add(request)  # what changed meanwhile
        return None

    def _balancer(self, request: Request, service: Service) -> Balancer:
        nodes = backends(self.nodes.items())
        if not nodes:
            self.recorder.event(service, "Warning", "UnAvailableLoadBalancer", NOBODY)
        self.synced[request] = nodes
        spec = service.spec
        return Balancer(
            name=balancer_name(service),
            service=str(request),
            address=spec.loadBalancerIP or "",
            ports=tuple((port.protocol or "TCP", port.port, port.nodePort or 0) for port in spec.ports or ()),
            nodes=tuple(node.metadata.name for node in nodes),
            health_port=(spec.healthCheckNodePort or 0) if spec.externalTrafficPolicy == "Local" else 0,
            source_ranges=tuple(spec.loadBalancerSourceRanges or ()),
        )

    def _may(self, what: str, call: Any, *args: Any) -> Any:
        try:
            return call(*args)
        except CloudError as error:
            raise CloudError(f"failed to {what} load balancer: {error}") from None

    # --- deleting

    def _clean_up(self, request: Request, service: Service) -> Result | None:
        self.begun.pop(request, None)
        name = balancer_name(service)
        try:
            there = self.cloud.balancer(name)
        except CloudError as error:
            text = f"failed to check if load balancer exists before cleanup: {error}"
            raise CloudError(text) from None
        if there is not None:
            left = self._delete(service, name)
            if left:
                return Result(requeue_after=left)
        self._remove_finalizer(service)
        self.recorder.event(service, "Normal", "DeletedLoadBalancer", "Deleted load balancer")
        self._write_status(service, None)
        self.known.pop(request, None)
        self.synced.pop(request, None)
        return None

    def _delete(self, service: Service, name: str) -> int:
        """Delete a load balancer of the cloud. Returns how long that still takes."""
        left = self.cloud.time_left(f"delete {name}", DELETE_TIME)
        if left == DELETE_TIME:
            self.recorder.event(service, "Normal", "DeletingLoadBalancer", "Deleting load balancer")
        if not left:
            self._may("delete", self.cloud.delete_balancer, name)
        return left

    def _vanished(self, request: Request) -> Result | None:
        """The Service is gone without waiting for its finalizer (somebody removed it)."""
        service = self.known.get(request)
        if service is not None and wants_balancer(service):
            try:
                left = self._delete(service, balancer_name(service))
            except CloudError as error:
                text = f"Error deleting load balancer: {error}"
                self.recorder.event(service, "Warning", "DeleteLoadBalancerFailed", text)
                return Result(requeue=True)
            if left:
                return Result(requeue_after=left)
            self.recorder.event(service, "Normal", "DeletedLoadBalancer", "Deleted load balancer")
        for known in (self.known, self.synced, self.begun):
            known.pop(request, None)
        return None

    # --- nodes

    def _sync_nodes(self) -> None:
        nodes = backends(self.nodes.items())
        for request, service in list(self.known.items()):
            if not wants_balancer(service) or request in self.begun:
                continue
            before = backends(self.synced.get(request, ()))
            self.synced[request] = nodes
            if not sufficiently_equal(before, nodes) and not self._update(service, nodes):
                self.queue.add(request)

    def _update(self, service: Service, nodes: tuple[Node, ...]) -> bool:
        names = tuple(node.metadata.name for node in nodes)
        try:
            self.cloud.update_balancer(balancer_name(service), names)
        except CloudError as error:
            listed = f"[{' '.join(names[:20])}]"
            text = (
                f"Error updating load balancer with new hosts {listed} [node names limited, total number of nodes: "
                f"{len(names)}], error: {error}"
            )
            self.recorder.event(service, "Warning", "UpdateLoadBalancerFailed", text)
            return False
        if names:
            text = "Updated load balancer with new hosts"
            self.recorder.event(service, "Normal", "UpdatedLoadBalancer", text)
        else:
            self.recorder.event(service, "Warning", "UnAvailableLoadBalancer", NOBODY)
        return True

    # --- what it writes

    def _add_finalizer(self, service: Service) -> None:
        finalizers = service.metadata.finalizers or ()
        if FINALIZER not in finalizers:
            self.say(f"{service.metadata.name} must not vanish before its load balancer")
            self._patch(service, {"metadata": {"finalizers": [*finalizers, FINALIZER]}})

    def _remove_finalizer(self, service: Service) -> None:
        finalizers = service.metadata.finalizers or ()
        if FINALIZER in finalizers:
            self.say(f"the load balancer of {service.metadata.name} is gone")
            self._patch(service, {"metadata": {"finalizers": [one for one in finalizers if one != FINALIZER]}})

    def _write_status(self, service: Service, ingress: list[dict[str, Any]] | None) -> None:
        known = service.status.loadBalancer.ingress if service.status and service.status.loadBalancer else None
        if [one.ip for one in known or ()] == [one["ip"] for one in ingress or ()]:
            return
        if ingress:
            self.say(f"the load balancer of {service.metadata.name} answers at {ingress[0]['ip']}")
        try:
            self._patch(service, {"status": {"loadBalancer": {"ingress": ingress}}})
        except ApiError as error:
            if error.code != 404:
                text = f"failed to update load balancer status: {error}"
                raise ApiError(error.code, error.reason, text) from None

    def _patch(self, service: Service, patch: dict[str, Any]) -> None:
        self.client.patch("services", service.metadata.name, patch, service.metadata.namespace, "status")

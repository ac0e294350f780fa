"""Standing requests: a client says once how it will go on renewing an object, instead of sending each renewal.

Kubelets renew their Leases every 10 seconds and report their unchanged status every 5 minutes. As long as nobody else
writes these objects, each of these requests succeeds and changes nothing but times; the store works them out when they
are read (``etcd.renewal``). Whoever else writes the object ends the renewals, and the client is told, as its next
request would have been refused or would have found something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api.request import Request
from k8slab.apiserver.meta import stamp
from k8slab.errors import ApiError
from k8slab.sim.timestamps import rfc3339, rfc3339_micro

if TYPE_CHECKING:
    from collections.abc import Callable

    from k8slab.apiserver.server import APIServer
    from k8slab.etcd.renewal import Renewal

KUBELETS_OWN = ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")
"""The conditions of a node that carry its kubelet's heartbeat."""


class Renewals:
    """Takes standing requests, and knows what each renewal writes."""

    def __init__(self, server: APIServer) -> None:
        self.server = server

    def begin(
        self, request: Request, first: int, period: int, order: int, on_break: Callable[[], None]
    ) -> Renewal | None:
        """Renew the object in the request's body from ``first`` (lab time) on, every ``period`` microseconds.

        Only Leases and the status of Nodes can be renewed. None where the object is not the stored one, or is renewed
        already, or the client has no right to update it: it has to go on by itself.
        """
        server = self.server
        make = {"leases": self.lease, "nodes": self.node}[request.resource]
        try:
            server.authorize(request)
        except ApiError:
            return None
        endpoint = server.endpoint(request.resource, request.group, request.version)
        key = endpoint.key(request.namespace, request.name)
        kv = server.store.get(key)
        if kv is None or kv.value != request.body:
            return None
        trace = server.trace
        verb = f"update {request.subresource}" if request.subresource else "update"
        try:
            return server.store.renew(
                server.clock, key, first, period, order, make, (trace.actor, verb, trace.note), on_break
            )
        except ValueError:
            return None

    def end(self, renewal: Renewal) -> None:
        """The client renews no more; what was due by now has happened."""
        self.server.store.rest(renewal)

    def lease(self, lease: Any, time: int, revision: int) -> Any:
        """A Lease renewed at a lab time."""
        spec = lease.spec.replace(renewTime=rfc3339_micro(self.server.clock.unix_at(time)))
        return stamp(lease.replace(spec=spec), revision, None)

    def node(self, node: Any, time: int, revision: int) -> Any:
        """A Node whose kubelet reported at a lab time that nothing has changed."""
        now = rfc3339(self.server.clock.unix_at(time))
        conditions = tuple(
            condition.replace(lastHeartbeatTime=now) if condition.type in KUBELETS_OWN else condition
            for condition in node.status.conditions
        )
        return stamp(node.replace(status=node.status.replace(conditions=conditions)), revision, None)

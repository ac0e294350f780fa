"""APIs of others behind this server: an APIService says which server answers for a group (kube-aggregator).

What really serves such a group is a `Backend` that the lab brings (metrics-server). Its group is known as long as there
is an APIService for it, and answers as long as that is available: the backend runs outside of the cluster (hosted), or
the APIService's Service has endpoints. Follows kube-aggregator's `remote_available_controller.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from k8slab.api.apiregistration_v1 import APIServiceCondition, APIServiceStatus
from k8slab.api.conditions import is_true, set_condition
from k8slab.api.request import Request, Response
from k8slab.api.scheme import Resource
from k8slab.errors import ApiError, method_not_allowed, no_such_resource, service_unavailable
from k8slab.sim.clock import MILLISECOND

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call
    from k8slab.apiserver.server import APIServer
    from k8slab.etcd.store import Event

GROUP, PLURAL = "apiregistration.k8s.io", "apiservices"
AVAILABLE = "Available"
LOOK = 10 * MILLISECOND
"""From a change of an APIService, its Service or endpoints until the controller has looked at it."""
PASSED = ("True", "Passed", "all checks passed")


class Backend(Protocol):
    """A server of one group-version."""

    @property
    def resources(self) -> tuple[Resource, ...]:
        """What it serves."""

    @property
    def hosted(self) -> bool:
        """It runs outside of the cluster: no Service has to lead to it."""

    def answer(self, call: Call) -> Any:
        """The body of the answer to a request for one of its resources. Raises ApiError."""


class Aggregator:
    """Serves the groups of APIServices, and keeps their Available conditions.

    Args:
        server: the API server; its scheme gets the resources that are served.

    Attributes:
        groups: group to the name of the APIService that serves it now.
        places: namespace and name of the Services that APIServices lead to.
    """

    def __init__(self, server: APIServer) -> None:
        self.server = server
        self.backends: dict[str, Backend] = {}
        self.groups: dict[str, str] = {}
        self.places: dict[tuple[str, str], None] = {}
        self._timer: Any = None
        self._watching = False
        server.store.watch(server.endpoint(PLURAL, GROUP).prefix, self._changed)

    def register(self, backend: Backend) -> None:
        """Bring a backend: whoever creates an APIService for its group-version gets its answers."""
        first = backend.resources[0]
        self.backends[f"{first.version}.{first.group}"] = backend
        self._look()

    def refresh(self) -> None:
        """A backend serves other resources than before."""
        self._look()

    def reconsider(self) -> None:
        """A hosted backend was started or has stopped."""
        self._soon()

    # -- requests

    def verb(self, request: Request) -> Any:
        """What answers a request for a resource of such a group. Raises ApiError where it has no such verb."""
        if request.subresource:
            resource = self.server.scheme.served(request.group, request.version, request.resource)
            if resource is None or resource.subresource(request.subresource) is None:
                raise no_such_resource()
        if request.verb not in ("get", "list"):
            raise method_not_allowed()
        return self.answer

    def answer(self, call: Call) -> Response:
        """Pass a request on. Raises ApiError: 503 where the backend cannot be reached."""
        name = self.groups[call.endpoint.resource.group]
        service = self._stored(name)
        if service is None or service.status is None or not is_true(service.status.conditions, AVAILABLE):
            where = f"({call.request.verb} {call.endpoint.group_resource})"
            raise service_unavailable(f"the server is currently unable to handle the request {where}")
        return Response(200, self.backends[name].answer(call))

    def serves(self, group: str) -> bool:
        """Whether requests for a group are answered now."""
        name = self.groups.get(group)
        service = self._stored(name) if name else None
        return service is not None and service.status is not None and is_true(service.status.conditions, AVAILABLE)

    # -- APIServices

    def _changed(self, event: Event) -> None:
        self._publish()
        if not self._watching and self.places:
            self._watching = True
            for plural, group in (("services", ""), ("endpointslices", "discovery.k8s.io")):
                self.server.store.watch(self.server.endpoint(plural, group).prefix, self._moved)
        self._soon()

    def _moved(self, event: Event) -> None:
        """A Service or its endpoints changed: of interest where an APIService leads there."""
        metadata = (event.kv.value if event.kv.value is not None else event.prev.value).metadata
        name = (metadata.labels or {}).get("kubernetes.io/service-name", metadata.name)
        if (metadata.namespace, name) in self.places:
            self._soon()

    def _publish(self) -> None:
        """Know the resources of those groups for which there is an APIService."""
        services = self._services()
        there = {service.metadata.name for service in services}
        self.places = {(one.spec.service.namespace, one.spec.service.name): None for one in services}
        self.groups = {}
        for name, backend in self.backends.items():
            for resource in backend.resources:
                known = self.server.scheme.served(resource.group, resource.version, resource.plural)
                if name in there:
                    self.groups[resource.group] = name
                    if known is None:
                        self.server.scheme.add(resource)
                elif known is not None:
                    self.server.scheme.remove(resource.group, resource.version, resource.plural)
                    self.server.forget_endpoint(resource)

    def _services(self) -> list[Any]:
        """The APIServices that lead elsewhere."""
        found = self.server.peek_all(PLURAL, None, GROUP)
        return [each for each in found if each.spec is not None and each.spec.service is not None]

    def _stored(self, name: str) -> Any:
        return self.server.peek(PLURAL, name, None, GROUP)

    def _soon(self) -> None:
        if self._timer is None:
            self._timer = self.server.clock.call_after(LOOK, self._look)

    def _look(self) -> None:
        """Write the Available conditions as they are now."""
        self._timer = None
        self._publish()
        now = self.server.clock.rfc3339()
        for service in self._services():
            status = service.status or APIServiceStatus()
            state, reason, message = self._state(service)
            condition = APIServiceCondition(type=AVAILABLE, status=state, reason=reason, message=message)
            conditions = set_condition(status.conditions, condition, now)
            if conditions != status.conditions:
                self._write(service.replace(status=status.replace(conditions=conditions)))

    def _write(self, service: Any) -> None:
        endpoint = self.server.endpoint(PLURAL, GROUP)
        with self.server.trace.acting("kube-apiserver", (int(service.metadata.resourceVersion),)):
            try:
                stored = self.server.storage.read(endpoint, None, service.metadata.name)
                self.server.storage.update(endpoint, service, stored)
            except ApiError:
                self._soon()

    def _state(self, service: Any) -> tuple[str, str, str]:
        backend = self.backends.get(service.metadata.name)
        if backend is not None and backend.hosted:
            return PASSED
        namespace, name = service.spec.service.namespace, service.spec.service.name
        if self.server.peek("services", name, namespace) is None:
            return "False", "ServiceNotFound", f'service/{name} in "{namespace}" is not present'
        ports = self._ready_ports(namespace, name)
        if ports is None:
            return "False", "EndpointsNotFound", f'cannot find endpointslices for service/{name} in "{namespace}"'
        if not ports:
            what = f'endpointslices for service/{name} in "{namespace}"'
            return "False", "MissingEndpoints", f'{what} have no addresses with port name "https"'
        if backend is None:
            url = f"https://{name}.{namespace}.svc/apis/{service.spec.group}/{service.spec.version}"
            return (
                "False",
                "FailedDiscoveryCheck",
                f"failing or missing response from {url}: bad status from {url}: 404",
            )
        return PASSED

    def _ready_ports(self, namespace: str, name: str) -> list[Any] | None:
        """The ports behind which somebody is ready; None where there are no slices at all."""
        slices = [
            each
            for each in self.server.peek_all("endpointslices", namespace, "discovery.k8s.io")
            if (each.metadata.labels or {}).get("kubernetes.io/service-name") == name
        ]
        if not slices:
            return None
        return [
            port
            for each in slices
            if any(one.conditions is None or one.conditions.ready is not False for one in each.endpoints or ())
            for port in each.ports or ()
        ]

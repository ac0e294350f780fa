"""The API server: a function from requests to responses.

The pipeline, in order: find the resource, authorize, then the verb (decode and default, admit, validate, commit).
Errors become Status objects. Authentication happens before: in process the request's user is trusted, the HTTP front
finds it out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from k8slab.api.request import LOOPBACK, Request, Response
from k8slab.api.scheme import SCHEME, Resource, Scheme
from k8slab.apiserver.admission import Chain
from k8slab.apiserver.admission.dynamic.hooks import Hooks
from k8slab.apiserver.aggregation import Aggregator
from k8slab.apiserver.authentication import BearerTokens
from k8slab.apiserver.authorization import ALWAYS_ALLOW, AlwaysAllow, attributes_of, refusal
from k8slab.apiserver.bootstrap import ADVERTISE_ADDRESSES, bootstrap
from k8slab.apiserver.call import Call
from k8slab.apiserver.crd.registration import CustomResources
from k8slab.apiserver.impersonation import acting_as
from k8slab.apiserver.localservices import LocalServices
from k8slab.apiserver.rbac import RBAC
from k8slab.apiserver.registry.allocator import ServiceAllocators
from k8slab.apiserver.registry.endpoint import Endpoint
from k8slab.apiserver.registry.registry import endpoint_for
from k8slab.apiserver.renewals import Renewals
from k8slab.apiserver.storage import Storage
from k8slab.apiserver.subresources import RESOURCES, SUBRESOURCES
from k8slab.apiserver.tokens import Issuer
from k8slab.apiserver.verbs.create import create
from k8slab.apiserver.verbs.delete import delete
from k8slab.apiserver.verbs.deletecollection import delete_collection
from k8slab.apiserver.verbs.patch import patch
from k8slab.apiserver.verbs.read import get, list_
from k8slab.apiserver.verbs.update import update
from k8slab.apiserver.verbs.watch import watch
from k8slab.apiserver.watchcache import Broadcaster
from k8slab.errors import ApiError, method_not_allowed, no_such_resource, not_found
from k8slab.sim.clock import MILLISECOND

if TYPE_CHECKING:
    from k8slab.apiserver.audit import Auditor, Note
    from k8slab.etcd.store import Store
    from k8slab.sim.clock import Clock
    from k8slab.sim.seed import Streams
    from k8slab.sim.trace import Trace

Verb = Callable[[Call], Response]
VERBS: dict[str, Verb] = {
    "get": get,
    "list": list_,
    "watch": watch,
    "create": create,
    "update": update,
    "patch": patch,
    "delete": delete,
    "deletecollection": delete_collection,
}


class APIServer:
    """One kube-apiserver over a store.

    Args:
        store: etcd, or something with its interface.
        clock: the lab's time; watch events are delivered through it.
        streams: where uids, name suffixes, addresses and ports come from.
        trace: is told about every write.
        scheme: the resources that are served.
        service_cidr: the range of cluster addresses.
        admission: names of the admission plugins to run (None: those that are on by default).
        enable_admission: names of plugins to run besides, such as NodeRestriction.
        watch_latency: microseconds between a write and its arrival at watchers.
        advertise_addresses: where the Service `kubernetes` leads to.
        authorization_mode: AlwaysAllow, or `Node,RBAC` as kubeadm sets it.

    A server knows no changes from before its start: watches from an older revision are told to list again.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        streams: Streams,
        trace: Trace,
        scheme: Scheme = SCHEME,
        service_cidr: str = "10.96.0.0/12",
        admission: Sequence[str] | None = None,
        enable_admission: Sequence[str] = (),
        watch_latency: int = MILLISECOND,
        advertise_addresses: Sequence[str] = ADVERTISE_ADDRESSES,
        authorization_mode: str = ALWAYS_ALLOW,
    ) -> None:
        self.store = store
        self.clock = clock
        self.streams = streams
        self.trace = trace
        self.scheme = scheme.copy()
        self.watch_latency = watch_latency
        self.advertise_addresses = tuple(advertise_addresses)
        self.watch_floor = store.revision
        self.storage = Storage(store, trace)
        self.renewals = Renewals(self)
        trace.renewal_at = store.renewal_at
        self.admission = Chain(admission, enable_admission)
        self.authorizer: Any = AlwaysAllow()
        self.tokens = Issuer(streams)
        self.bearer_tokens = BearerTokens(self)
        self.node_proxy: Any = None
        self.auditor: Auditor | None = None
        self.broadcasters: dict[str, Broadcaster] = {}
        self._endpoints: dict[tuple[str, str, str], Endpoint] = {}
        self.allocators = ServiceAllocators(
            store,
            self.endpoint("services").prefix,
            service_cidr,
            streams.stream("clusterip"),
            streams.stream("nodeport"),
        )
        self.broadcaster(self.endpoint("pods"))
        self.custom = CustomResources(self)
        self.hooks = Hooks(self)
        self.webhooks: dict[str, Any] = {}
        """What answers instead of a webhook, by its name, URL or the address of its Service."""
        self.aggregator = Aggregator(self)
        self.local_services = LocalServices(self)
        if authorization_mode != ALWAYS_ALLOW:
            self.authorizer = RBAC(self)

    def handle(self, request: Request) -> Response:
        """Answer a request. A client's mistake is a response with a Status, never an exception."""
        return self.process(request) if self.auditor is None else self.auditor.handle(request)

    def process(self, request: Request, note: Note | None = None) -> Response:
        """Answer a request without noting it in the audit log; what is to be noted goes to `note`."""
        call: Call | None = None
        try:
            if request.impersonate is not None:
                request = acting_as(self.authorizer, request)
            if note is not None:
                note.effective = request
            self.authorize(request)
            endpoint = self._endpoints.get((request.group, request.version, request.resource))
            if endpoint is None:
                endpoint = self.endpoint(request.resource, request.group, request.version)
            call = Call(self, request, endpoint)
            if endpoint.deprecation:
                call.warn(endpoint.deprecation)
            if note is not None:
                note.call = call
            response = self._verb(request, endpoint)(call)
        except ApiError as error:
            # What was warned of before the request failed has been said already.
            return Response(error.code, error.status(), warnings=tuple(call.warnings) if call is not None else ())
        if call.warnings:
            response.warnings = tuple(call.warnings)
        return self._presented(call, response) if request.options.as_table else response

    def authorize(self, request: Request) -> None:
        """Raises Forbidden where the user of a request has no right to it."""
        authorizer = self.authorizer
        if authorizer.allows_everything or authorizer.knows(request):
            return
        attributes = attributes_of(request)
        decision = authorizer.authorize(attributes)
        if not decision.allowed:
            raise refusal(attributes, decision.reason)

    def _verb(self, request: Request, endpoint: Endpoint) -> Verb:
        verb, subresource = request.verb, request.subresource
        if endpoint.resource.group in self.aggregator.groups:
            return self.aggregator.verb(request)
        if not subresource:
            if verb not in endpoint.verbs:
                raise method_not_allowed()
            return VERBS[verb] if endpoint.custom else RESOURCES.get(request.resource, VERBS[verb])
        described = endpoint.resource.subresource(subresource)
        if described is None:
            raise not_found(endpoint.group_resource, request.name or "") if endpoint.custom else no_such_resource()
        if verb not in described.verbs:
            raise method_not_allowed()
        plural = "" if endpoint.custom else endpoint.plural
        special = SUBRESOURCES.get((plural, subresource)) or SUBRESOURCES.get(("", subresource))
        found = special.get(verb) if special is not None else VERBS[verb]
        if found is None:
            raise no_such_resource()
        return found

    def _presented(self, call: Call, response: Response) -> Response:
        from k8slab.apiserver.printing import table_response

        return table_response(call, response)

    def endpoint(self, plural: str, group: str = "", version: str = "v1") -> Endpoint:
        """The endpoint of a resource. Raises NotFound for one that is not served."""
        key = (group, version, plural)
        found = self._endpoints.get(key)
        if found is None:
            resource = self.scheme.served(group, version, plural)
            if resource is None:
                raise no_such_resource()
            found = self.custom.endpoint(resource) if resource.custom else endpoint_for(resource)
            self._endpoints[key] = found
        return found

    def forget_endpoint(self, resource: Resource) -> None:
        """A resource is not served any more, or not as it was."""
        self._endpoints.pop((resource.group, resource.version, resource.plural), None)

    def broadcaster(self, endpoint: Endpoint) -> Broadcaster:
        """What tells the watchers of a resource about its changes."""
        found = self.broadcasters.get(endpoint.prefix)
        if found is None:
            is_pods = endpoint.plural == "pods" and not endpoint.resource.group
            found = self.broadcasters[endpoint.prefix] = Broadcaster(
                self.store, self.clock, endpoint.prefix, endpoint.namespaced, self.watch_latency, is_pods
            )
        return found

    def peek(self, plural: str, name: str, namespace: str | None = None, group: str = "", version: str = "v1") -> Any:
        """An object as stored, for the server's own use; None where there is none."""
        return self.storage.find(self.endpoint(plural, group, version), namespace, name)

    def peek_all(self, plural: str, namespace: str | None = None, group: str = "", version: str = "v1") -> list[Any]:
        """All objects of a resource as stored, for the server's own use."""
        endpoint = self.endpoint(plural, group, version)
        return [kv.value for kv in self.store.range(endpoint.prefix_of(namespace))]

    def create(self, obj: Any) -> Response:
        """Create an object on the server's own behalf."""
        resource = self.scheme.of(obj)
        request = Request(
            verb="create",
            resource=resource.plural,
            group=resource.group,
            version=resource.version,
            namespace=obj.metadata.namespace,
            body=obj,
            user=LOOPBACK,
        )
        return self.handle(request)

    def bootstrap(self) -> None:
        """Create what every cluster has: system namespaces, the Service of the API itself, priority classes."""
        bootstrap(self)

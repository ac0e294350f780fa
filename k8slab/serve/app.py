"""The ASGI application: authenticates, finds out what a path means, and turns every failure into a Status.

Follows the handler chain of kube-apiserver (`apiserver/pkg/server/config.go`, DefaultBuildHandlerChain).
"""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING

from k8slab.api.request import ANONYMOUS, Request, Response
from k8slab.apiserver.discovery import discover
from k8slab.apiserver.impersonation import acting_as
from k8slab.apiserver.tokens.issuer import CONFIGURATION_PATH, JWKS_PATH
from k8slab.errors import ApiError, bad_request, method_not_allowed, not_found
from k8slab.serve import faults
from k8slab.serve.auditing import Auditing, finish, refused
from k8slab.serve.authentication import Authenticator, unauthorized
from k8slab.serve.authorization import check_path
from k8slab.serve.componentmetrics import (
    ETCD,
    KUBELET,
    MANAGER,
    SCHEDULER,
    families_of_kubelet,
    families_of_manager,
    families_of_scheduler,
    target_of,
)
from k8slab.serve.encoding import encode, encode_yaml, headers_of, plain, wants_pretty
from k8slab.serve.exchange import JSON, TEXT, Disconnected, Exchange, Message, Receive, Send
from k8slab.serve.exposition import text
from k8slab.serve.health import Health
from k8slab.serve.limits import DEFAULT_LIMITS, RETRY_AFTER, TOO_MANY, Gatekeeper, Limits, TooManyRequests
from k8slab.serve.metrics import Metrics
from k8slab.serve.negotiation import YAML, choose
from k8slab.serve.openapi import OpenAPI
from k8slab.serve.resources import Resources, is_resource

if TYPE_CHECKING:
    from k8slab.serve.door import Door

LOG = logging.getLogger("k8slab.serve")
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
INDEX = ("/api", "/apis", "/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/readyz", "/version")
PROBES = ("/healthz", "/livez", "/readyz")
METRICS = "text/plain; version=0.0.4; charset=utf-8"
READ_METHODS = ("GET", "HEAD")


class App:
    """The Kubernetes API of one cluster.

    Args:
        door: the way into the cluster.
        authenticator: finds out who asks.
        address: host and port under which clients reach the server.
        auditing: notes the requests.
        limits: how much is served at a time.
    """

    def __init__(
        self,
        door: Door,
        authenticator: Authenticator,
        address: str,
        auditing: Auditing | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self.door = door
        self.scheme = door.cluster.server.scheme
        self.authenticator = authenticator
        self.address = address
        self.auditing = auditing
        self.metrics = Metrics(door.cluster, door.committer)
        self.gatekeeper = Gatekeeper(limits)
        self.draining = False
        problems = {"etcd": self._etcd_problem, "etcd-readiness": self._etcd_problem, "shutdown": self._shutdown}
        self.health = Health(problems)
        self._resources = Resources(door, authenticator)
        self._openapi = OpenAPI(door.cluster.server)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http":
            raise RuntimeError(f"unexpected {scope['type']} connection")
        exchange = Exchange(scope, receive, send)
        exchange.meter = self.metrics.begin(exchange)
        audit_id = exchange.header("audit-id") or str(uuid.uuid4())
        exchange.extra_headers.append((b"audit-id", audit_id.encode("latin-1")))
        failure: Exception | None = None
        try:
            await self._serve(exchange, audit_id)
        except Disconnected:
            pass
        except TooManyRequests:
            exchange.meter.terminated(429)
            await exchange.answer(429, TOO_MANY, TEXT, [(b"retry-after", RETRY_AFTER.encode())])
        except ApiError as error:
            if exchange.note is not None:
                refused(exchange.note, error)
            await _refuse(exchange, error)
        except Exception as error:
            failure = error
            LOG.exception("%s %s failed", exchange.method, exchange.path)
            text = "an error on the server has prevented the request from succeeding"
            await _refuse(exchange, ApiError(500, "InternalError", f"Internal error occurred: {text}"))

        finally:
            exchange.meter.end(exchange.code)
            finish(exchange, exchange.code, failure)

    async def _serve(self, exchange: Exchange, audit_id: str) -> None:
        if exchange.is_overlong:
            raise bad_request("the request has too many query parameters")
        try:
            exchange.user = self.authenticator.authenticate(exchange)
        except ApiError as error:
            if self.auditing is not None:
                self.auditing.rejected(exchange, audit_id, error)
            raise
        if self.auditing is not None:
            self.auditing.begin(exchange, audit_id)
        kind = "long" if exchange.meter.is_long else exchange.meter.kind
        if exchange.path.startswith(PROBES):
            await self._handle(exchange)
            return
        self.gatekeeper.enter(kind, exchange.user.groups)
        try:
            await self._handle(exchange)
        finally:
            self.gatekeeper.leave(kind)

    async def _handle(self, exchange: Exchange) -> None:
        if exchange.follow_up is not None:
            await self.door.handle(exchange.follow_up)
        component = target_of(exchange.path)
        if component is not None and exchange.method in READ_METHODS:
            await self._proxied(exchange, *component)
            return
        if is_resource(exchange.path):
            await self._resources.serve(exchange)
            return
        check_path(self.authenticator, exchange)
        if exchange.path.rstrip("/") == faults.PATH:
            await self._faults(exchange)
            return
        if exchange.method not in READ_METHODS:
            raise method_not_allowed()
        if exchange.path.rstrip("/") == "/metrics":
            # Read while nothing changes.
            await exchange.answer(200, (await self.door.enter(self.metrics.text)).encode(), METRICS)
            return
        response, content_type = self._document(exchange)
        await _send(exchange, response, content_type)

    async def _faults(self, exchange: Exchange) -> None:
        """What is broken; a POST breaks something."""
        if exchange.method == "POST":
            found = await self.door.enter(faults.inflict, self.door.cluster, await exchange.body())
        elif exchange.method in READ_METHODS:
            found = await self.door.enter(faults.state, self.door.cluster)
        else:
            raise method_not_allowed()
        await _send(exchange, Response(200, found), JSON)

    def _document(self, exchange: Exchange) -> tuple[Response, str]:
        """The answer for a path that belongs to no resource, and its type."""
        path, accept = exchange.path.rstrip("/"), exchange.header("accept")
        if not path:
            return Response(200, {"paths": list(INDEX)}), JSON
        if path in (CONFIGURATION_PATH, JWKS_PATH):
            return self._issuer(path)
        if path.startswith("/openapi/"):
            return self._openapi.document(path, accept)
        health = self.health.answer(path, exchange.query_string)
        if health is not None:
            return health, TEXT
        response = discover(self.scheme, path, accept, self.address)
        return response, _discovery_type(response, accept)

    def _issuer(self, path: str) -> tuple[Response, str]:
        """How others can check tokens of service accounts (`pkg/routes/openidmetadata.go`)."""
        issuer = self.door.cluster.server.tokens
        if path == JWKS_PATH:
            return Response(200, issuer.jwks()), "application/jwk-set+json"
        return Response(200, issuer.configuration(self.address)), JSON

    async def _proxied(self, exchange: Exchange, component: str, node: str) -> None:
        """The metrics of another component, through the API server's proxy."""
        resource, name = ("nodes", node) if component == KUBELET else ("pods", f"{component}-{node}")
        request = Request(verb="get", resource=resource, name=name, subresource="proxy", user=exchange.user)
        request = request.replace(namespace=None if component == KUBELET else "kube-system")
        request = request.replace(impersonate=exchange.impersonate, user_agent=exchange.header("user-agent"))
        if exchange.user.name == ANONYMOUS.name and not self.authenticator.anonymous:
            raise unauthorized()
        page = await self.door.enter(self._component_metrics, request, component, node)
        await exchange.answer(200, page.encode(), METRICS)

    def _component_metrics(self, request: Request, component: str, node: str) -> str:
        cluster = self.door.cluster
        if request.impersonate is not None:
            request = acting_as(cluster.server.authorizer, request)
        cluster.server.authorize(request)
        if cluster.server.peek(request.resource, request.name, request.namespace) is None:
            raise not_found(request.resource, request.name)
        if component == SCHEDULER:
            return text(families_of_scheduler(cluster))
        if component == MANAGER:
            return text(families_of_manager(cluster))
        if component == ETCD:
            return text(self.metrics.etcd())
        return text(families_of_kubelet(cluster, node))

    def drain(self) -> None:
        """The server is being stopped: it is not ready any more, and watches end; called on the loop's thread."""
        self.draining = True
        self._resources.drain()

    def _shutdown(self) -> str:
        return "process is shutting down" if self.draining else ""

    def _etcd_problem(self) -> str:
        committer = self.door.committer
        return committer.alarm if committer is not None else ""


def _discovery_type(response: Response, accept: str) -> str:
    body = response.body
    if isinstance(body, dict):
        if body.get("kind") == "APIGroupDiscoveryList":
            return AGGREGATED
        return choose(accept, "get")[0] if response.is_success else JSON
    return TEXT


async def _send(exchange: Exchange, response: Response, content_type: str) -> None:
    data = plain(response.body)
    if isinstance(data, (str, bytes)):
        body = data.encode() if isinstance(data, str) else data
    elif content_type == YAML:
        body = encode_yaml(data)
    else:
        body = encode(data, wants_pretty(exchange.query, exchange.header("user-agent")))
    await exchange.answer(response.code, body, content_type, headers_of(response))


async def _refuse(exchange: Exchange, error: ApiError) -> None:
    """Send an error; where an answer has begun there is nothing left to say it with."""
    if exchange.begun:
        return
    status = error.status()
    await exchange.answer(error.code, encode(status), JSON, headers_of(Response(error.code, status)))

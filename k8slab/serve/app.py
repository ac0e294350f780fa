"""The ASGI application: authenticates, finds out what a path means, and turns every failure into a Status.

Follows the handler chain of kube-apiserver (`apiserver/pkg/server/config.go`, DefaultBuildHandlerChain).
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from k8slab.api.request import Response
from k8slab.apiserver.discovery import discover
from k8slab.apiserver.tokens.issuer import CONFIGURATION_PATH, JWKS_PATH
from k8slab.errors import ApiError, method_not_allowed
from k8slab.serve.auditing import Auditing, finish, refused
from k8slab.serve.authentication import Authenticator
from k8slab.serve.authorization import check_path
from k8slab.serve.encoding import encode, encode_yaml, headers_of, plain, wants_pretty
from k8slab.serve.exchange import JSON, TEXT, Disconnected, Exchange, Message, Receive, Send
from k8slab.serve.metrics import Metrics
from k8slab.serve.negotiation import YAML, choose
from k8slab.serve.openapi import OpenAPI
from k8slab.serve.resources import Resources, is_resource

if TYPE_CHECKING:
    from k8slab.serve.door import Door

LOG = logging.getLogger("k8slab.serve")
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
INDEX = ("/api", "/apis", "/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/readyz", "/version")
READ_METHODS = ("GET", "HEAD")


class App:
    """The Kubernetes API of one cluster.

    Args:
        door: the way into the cluster.
        authenticator: finds out who asks.
        address: host and port under which clients reach the server.
        auditing: notes the requests.
    """

    def __init__(
        self, door: Door, authenticator: Authenticator, address: str, auditing: Auditing | None = None
    ) -> None:
        self.door = door
        self.scheme = door.cluster.server.scheme
        self.authenticator = authenticator
        self.address = address
        self.auditing = auditing
        self.metrics = Metrics(door.cluster)
        self._resources = Resources(door, authenticator)
        self._openapi = OpenAPI(door.cluster.server)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http":
            raise RuntimeError(f"unexpected {scope['type']} connection")
        exchange = Exchange(scope, receive, _noting(send, self.metrics, scope["method"]))
        audit_id = exchange.header("audit-id") or str(uuid.uuid4())
        exchange.extra_headers.append((b"audit-id", audit_id.encode("latin-1")))
        failure: Exception | None = None
        try:
            await self._serve(exchange, audit_id)
        except Disconnected:
            pass
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
            finish(exchange, exchange.code, failure)

    async def _serve(self, exchange: Exchange, audit_id: str) -> None:
        try:
            exchange.user = self.authenticator.authenticate(exchange)
        except ApiError as error:
            if self.auditing is not None:
                self.auditing.rejected(exchange, audit_id, error)
            raise
        if self.auditing is not None:
            self.auditing.begin(exchange, audit_id)
        if exchange.follow_up is not None:
            await self.door.handle(exchange.follow_up)
        if is_resource(exchange.path):
            await self._resources.serve(exchange)
            return
        check_path(self.authenticator, exchange)
        if exchange.method not in READ_METHODS:
            raise method_not_allowed()
        response, content_type = self._document(exchange)
        await _send(exchange, response, content_type)

    def _document(self, exchange: Exchange) -> tuple[Response, str]:
        """The answer for a path that belongs to no resource, and its type."""
        path, accept = exchange.path.rstrip("/"), exchange.header("accept")
        if not path:
            return Response(200, {"paths": list(INDEX)}), JSON
        if path == "/metrics":
            return Response(200, self.metrics.text()), "text/plain; version=0.0.4; charset=utf-8"
        if path in (CONFIGURATION_PATH, JWKS_PATH):
            return self._issuer(path)
        if path.startswith("/openapi/"):
            return self._openapi.document(path, accept)
        response = discover(self.scheme, path, accept, self.address)
        if path.startswith(("/healthz", "/livez", "/readyz")) and response.is_success:
            return self._health(exchange, path.strip("/"), response), TEXT
        return response, _discovery_type(response, accept)

    def _issuer(self, path: str) -> tuple[Response, str]:
        """How others can check tokens of service accounts (`pkg/routes/openidmetadata.go`)."""
        issuer = self.door.cluster.server.tokens
        if path == JWKS_PATH:
            return Response(200, issuer.jwks()), "application/jwk-set+json"
        return Response(200, issuer.configuration(self.address)), JSON

    def _health(self, exchange: Exchange, path: str, response: Response) -> Response:
        name, _, check = path.partition("/")
        if check or "verbose" not in exchange.query:
            return response
        excluded = exchange.query.get("exclude", "")
        lines = [f"[+]{each} {'excluded: ok' if each == excluded else 'ok'}" for each in ("ping", "log", "etcd")]
        return Response(200, "\n".join((*lines, f"{name} check passed", "")))


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


def _noting(send: Send, metrics: Metrics, method: str) -> Callable[[Any], Awaitable[None]]:
    """`send`, with each answer counted."""

    async def noted(message: Message) -> None:
        if message["type"] == "http.response.start":
            metrics.count(method, message["status"])
        await send(message)

    return noted

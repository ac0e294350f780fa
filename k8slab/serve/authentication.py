"""Who sends a request: client certificates, bearer tokens, impersonation, or nobody.

Follows `apiserver/pkg/authentication` and `endpoints/filters/impersonation`. Tokens of service accounts are signed
again when they leave through HTTP: what the lab itself puts on them follows from its seed, so anybody could make one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from typing import TYPE_CHECKING, Any

from k8slab.api.request import ADMIN, ANONYMOUS, Request, Response, UserInfo
from k8slab.apiserver.authorization import Attributes, refusal
from k8slab.errors import ApiError
from k8slab.serve.certificates import identity
from k8slab.sim.clock import SECOND

if TYPE_CHECKING:
    from k8slab.apiserver import APIServer
    from k8slab.serve.exchange import Exchange

AUTHENTICATED = "system:authenticated"
SERVICE_ACCOUNT = "system:serviceaccount:"
CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"
IMPERSONATE = "impersonate-"


class Authenticator:
    """Finds out who asks.

    Args:
        server: knows service accounts, the time, and who may impersonate.
        anonymous: let who shows no credential be `system:anonymous`, and leave it to the authorizer what that user
            may do (`--anonymous-auth`). Otherwise only health and version are to be had without one, and so it is
            where the authorizer allows everybody everything.

    `token` is a bearer token of the administrator, made anew for each server.
    """

    def __init__(self, server: APIServer, anonymous: bool = False) -> None:
        self.server = server
        self._anonymous = anonymous
        self.token = secrets.token_urlsafe(32)
        self._secret = secrets.token_bytes(32)
        self._tokens: dict[bytes, UserInfo] = {_digest(self.token): ADMIN}

    @property
    def anonymous(self) -> bool:
        """Whether requests without a credential reach the authorizer."""
        return self._anonymous and not self.server.authorizer.allows_everything

    def add_token(self, token: str, user: UserInfo) -> None:
        """Accept a bearer token as proof of being a user."""
        self._tokens[_digest(token)] = user

    def authenticate(self, exchange: Exchange) -> UserInfo:
        """The user, ANONYMOUS without a credential. Raises ApiError (401) for one that proves nothing."""
        user = self._credential(exchange)
        wanted = dict(exchange.headers(IMPERSONATE))
        return self._impersonated(exchange, user) if wanted else user

    def _credential(self, exchange: Exchange) -> UserInfo:
        if exchange.certificate:
            return _of_certificate(exchange.certificate)
        scheme, _, token = exchange.header("authorization").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return ANONYMOUS
        user = self._of_token(token.strip())
        if user is None:
            raise unauthorized()
        return user

    def _of_token(self, token: str) -> UserInfo | None:
        known = self._tokens.get(_digest(token))
        if known is not None:
            return known
        claims = self._claims(token)
        return None if claims is None else self._service_account(claims)

    # -- service accounts ----------------------------------------------------------------

    def signed(self, request: Request, response: Response) -> Response:
        """The answer to a TokenRequest with a token that only this server can have made."""
        if request.subresource != "token" or not response.is_success:
            return response
        status = response.body.status
        claims = _decoded(status.token.split(".")[1])
        token = self._sign(claims)
        return Response(response.code, response.body.replace(status=status.replace(token=token)), response.warnings)

    def _sign(self, claims: dict[str, Any]) -> str:
        head = f"{_encoded({'alg': 'HS256', 'typ': 'JWT'})}.{_encoded(claims)}"
        return f"{head}.{self._signature(head)}"

    def _signature(self, head: str) -> str:
        return _base64(hmac.new(self._secret, head.encode(), hashlib.sha256).digest())

    def _claims(self, token: str) -> dict[str, Any] | None:
        head, _, signature = token.rpartition(".")
        if head.count(".") != 1 or not hmac.compare_digest(self._signature(head).encode(), signature.encode()):
            return None
        claims = _decoded(head.split(".")[1])
        now = self.server.clock.unix_us // SECOND
        return claims if now < claims["exp"] else None

    def _service_account(self, claims: dict[str, Any]) -> UserInfo | None:
        about = claims["kubernetes.io"]
        namespace, name = about["namespace"], about["serviceaccount"]["name"]
        account = self.server.peek("serviceaccounts", name, namespace)
        if account is None or account.metadata.uid != about["serviceaccount"]["uid"]:
            return None
        return UserInfo(name=claims["sub"], groups=_account_groups(namespace), uid=account.metadata.uid)

    # -- impersonation -------------------------------------------------------------------

    def _impersonated(self, exchange: Exchange, user: UserInfo) -> UserInfo:
        wanted = list(exchange.headers(IMPERSONATE))
        name = exchange.header("impersonate-user")
        groups = tuple(value for key, value in wanted if key == "impersonate-group")
        if not name:
            raise ApiError(500, "InternalError", "Internal error occurred: impersonation without a user name")
        self._allow(user, "users", name)
        for group in groups:
            self._allow(user, "groups", group)
        if name.startswith(SERVICE_ACCOUNT) and not groups:
            groups = _account_groups(name.removeprefix(SERVICE_ACCOUNT).partition(":")[0])
        if name != ANONYMOUS.name and AUTHENTICATED not in groups:
            groups = (*groups, AUTHENTICATED)
        return UserInfo(name=name, groups=groups, uid=exchange.header("impersonate-uid"), extra=_extra(wanted))

    def _allow(self, user: UserInfo, resource: str, name: str) -> None:
        if user.name == ANONYMOUS.name:
            raise unauthorized()
        attributes = Attributes(user=user, verb="impersonate", resource=resource, name=name)
        decision = self.server.authorizer.authorize(attributes)
        if not decision.allowed:
            raise refusal(attributes, decision.reason)


def unauthorized() -> ApiError:
    """401: nobody knows who asks."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def _of_certificate(der: bytes) -> UserInfo:
    name, groups = identity(der)
    credential = f"X509SHA256={hashlib.sha256(der).hexdigest()}"
    return UserInfo(name=name, groups=(*groups, AUTHENTICATED), extra={CREDENTIAL_ID: (credential,)})


def _account_groups(namespace: str) -> tuple[str, ...]:
    return ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)


def _extra(headers: list[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    extra: dict[str, tuple[str, ...]] = {}
    for key, value in headers:
        if key.startswith("impersonate-extra-"):
            name = key.removeprefix("impersonate-extra-")
            extra[name] = (*extra.get(name, ()), value)
    return extra


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _encoded(data: dict[str, Any]) -> str:
    return _base64(json.dumps(data, separators=(",", ":")).encode())


def _decoded(text: str) -> dict[str, Any]:
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))

"""Who may read the paths that belong to no resource: health, version, discovery, OpenAPI, metrics.

The server's authorizer decides. One that allows everybody everything leaves it to the default rules of a cluster
(`plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go`): everybody may read health and version
(`system:public-info-viewer`), those who are known may discover (`system:discovery`), the rest is for `system:masters`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from k8slab.api.request import ANONYMOUS, UserInfo
from k8slab.apiserver.authorization import Attributes, refusal
from k8slab.apiserver.impersonation import impersonated
from k8slab.serve.authentication import AUTHENTICATED, Authenticator, unauthorized

if TYPE_CHECKING:
    from k8slab.serve.exchange import Exchange

PUBLIC = ("/healthz", "/livez", "/readyz", "/version")
DISCOVERY = ("/api", "/apis", "/openapi", *PUBLIC)
MASTERS = "system:masters"


def check_path(authenticator: Authenticator, exchange: Exchange) -> None:
    """Raises ApiError (401, 403) where the user may not ask for a path that belongs to no resource."""
    authorizer = authenticator.server.authorizer
    user, path = exchange.user, exchange.path
    attributes = Attributes(user=user, verb=exchange.method.lower(), path=path)
    note = exchange.note
    if exchange.impersonate is not None:
        user = impersonated(authorizer, exchange.impersonate, attributes)
        if note is not None:
            note.impersonates(user)
        attributes = replace(attributes, user=user)
    elif user.name == ANONYMOUS.name and not authenticator.anonymous:
        if path.rstrip("/") not in PUBLIC:
            raise unauthorized()
        return
    if not authorizer.allows_everything:
        decision = authorizer.authorize(attributes)
        if note is not None:
            note.authorized(decision)
        if not decision.allowed:
            raise refusal(attributes, decision.reason)
    elif not _allowed(user, path.rstrip("/")):
        raise refusal(attributes)


def _allowed(user: UserInfo, path: str) -> bool:
    if path in PUBLIC or MASTERS in user.groups:
        return True
    return AUTHENTICATED in user.groups and any(path == each or path.startswith(f"{each}/") for each in DISCOVERY)

"""Whether a token is good now: whose it is, whether that account and what the token is bound to still exist.

Follows `pkg/serviceaccount/claims.go` and `legacy.go` (validators), and `jwt.go` (audiences).
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from k8slab.api.request import UserInfo
from k8slab.api.timestamps import parse
from k8slab.apiserver.tokens.claims import LEGACY
from k8slab.apiserver.tokens.issuer import LEGACY_ISSUER, TokenError
from k8slab.apiserver.tokens.legacy import INVALID_SINCE
from k8slab.errors import quote
from k8slab.sim.clock import SECOND

if TYPE_CHECKING:
    from k8slab.apiserver.server import APIServer

LEEWAY = 60
"""Seconds for which a token is good beyond its end: clocks differ."""
EXTRA = "authentication.kubernetes.io/"
INVALIDATED = "service account token has been invalidated"
MARKED_INVALID = (
    "the token in secret {} for service account {} has been marked invalid. Use tokens from the TokenRequest API or "
    f"manually created secret-based tokens, or remove the '{INVALID_SINCE}' label from the secret to temporarily allow "
    "use of this token"
)
PREFIX = "system:serviceaccount:"


class Authenticated(Struct, frozen=True, kw_only=True):
    """Who shows a token, for which audiences it counts, and the Secret (namespace, name) that keeps it, if any."""

    user: UserInfo
    audiences: tuple[str, ...] = ()
    secret: tuple[str, str] | None = None


def authenticated(
    server: APIServer, token: str, implicit: tuple[str, ...], wanted: tuple[str, ...] = ()
) -> Authenticated:
    """Whose token it is, and for which of the wanted audiences it counts.

    Args:
        server: knows accounts, Pods, Nodes and Secrets, and the time.
        token: the token.
        implicit: the server's own audiences.
        wanted: who wants to believe it (empty: the server).

    Raises TokenError.
    """
    claims = server.tokens.claims(token)
    given = tuple(_list(claims.get("aud"))) or implicit
    asked = wanted or implicit
    audiences = tuple(each for each in given if each in asked)
    if not audiences:
        raise TokenError(f"token audiences {_quoted(given)} is invalid for the target audiences {_quoted(asked)}")
    secret = None
    try:
        if claims["iss"] == LEGACY_ISSUER:
            user, secret = _legacy(server, token, claims)
        else:
            user = _bound(server, claims)
    except (KeyError, TypeError, AttributeError):
        raise TokenError(
            "service account token claims could not be validated due to unexpected private claim"
        ) from None
    return Authenticated(user=user, audiences=audiences, secret=secret)


def account_groups(namespace: str) -> tuple[str, ...]:
    """The groups of every service account of a namespace."""
    return ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")


def account_user(namespace: str, name: str, uid: str = "", extra: dict[str, tuple[str, ...]] | None = None) -> UserInfo:
    """A service account as the user that it is."""
    return UserInfo(name=f"{PREFIX}{namespace}:{name}", groups=account_groups(namespace), uid=uid, extra=extra or {})


def _bound(server: APIServer, claims: dict[str, Any]) -> UserInfo:
    _check_time(server, claims)
    about = claims["kubernetes.io"]
    namespace, account = about["namespace"], about["serviceaccount"]
    _check_account(server, namespace, account)
    extra: dict[str, tuple[str, ...]] = {}
    if claims.get("jti"):
        extra[f"{EXTRA}credential-id"] = (f"JTI={claims['jti']}",)
    if "secret" in about:
        _check_bound(server, "secret", about["secret"], namespace)
    if "pod" in about:
        _check_bound(server, "pod", about["pod"], namespace)
        extra |= _about("pod", about["pod"])
    if "node" in about:
        if "pod" not in about:
            _check_bound(server, "node", about["node"], None)
        extra |= _about("node", about["node"])
    return account_user(namespace, account["name"], account["uid"], extra)


def _about(kind: str, reference: dict[str, str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {f"{EXTRA}{kind}-name": (reference["name"],)}
    return found | ({f"{EXTRA}{kind}-uid": (reference["uid"],)} if reference.get("uid") else {})


def _check_time(server: APIServer, claims: dict[str, Any]) -> None:
    now = server.clock.unix_us // SECOND
    if claims.get("nbf", 0) > now + LEEWAY:
        raise TokenError("service account token is not valid yet")
    if claims["exp"] < now - LEEWAY:
        raise TokenError("service account token has expired")
    if claims.get("iat", 0) > now + LEEWAY:
        raise TokenError("service account token is issued in the future")


def _check_account(server: APIServer, namespace: str, reference: dict[str, str]) -> None:
    name, uid = reference["name"], reference["uid"]
    account = server.peek("serviceaccounts", name, namespace)
    if account is None:
        raise TokenError(f'serviceaccounts "{name}" not found')
    if account.metadata.uid != uid:
        raise TokenError(f"service account UID ({account.metadata.uid}) does not match claim ({uid})")


def _check_bound(server: APIServer, kind: str, reference: dict[str, str], namespace: str | None) -> None:
    found = server.peek(f"{kind}s", reference["name"], namespace)
    if found is None or _ended_before(server, found):
        raise TokenError(INVALIDATED)
    if found.metadata.uid != reference["uid"]:
        raise TokenError(
            f"{kind} UID ({found.metadata.uid}) does not match service account {kind} ref claim ({reference['uid']})"
        )


def _ended_before(server: APIServer, obj: Any) -> bool:
    """Whether the object should have ended more than the leeway ago."""
    ends = obj.metadata.deletionTimestamp
    return bool(ends) and parse(ends) < server.clock.unix_us - LEEWAY * SECOND


def _legacy(server: APIServer, token: str, claims: dict[str, Any]) -> tuple[UserInfo, tuple[str, str]]:
    namespace, name = claims[f"{LEGACY}namespace"], claims[f"{LEGACY}service-account.name"]
    uid, kept = claims[f"{LEGACY}service-account.uid"], claims[f"{LEGACY}secret.name"]
    secret = server.peek("secrets", kept, namespace)
    if secret is None or secret.metadata.deletionTimestamp:
        raise TokenError("Token has been invalidated")
    if base64.b64decode((secret.data or {}).get("token", "")) != token.encode():
        raise TokenError("Token does not match server's copy")
    account = server.peek("serviceaccounts", name, namespace)
    if account is None:
        raise TokenError(f'serviceaccounts "{name}" not found')
    if account.metadata.uid != uid:
        raise TokenError(f"ServiceAccount UID ({account.metadata.uid}) does not match claim ({uid})")
    if (secret.metadata.labels or {}).get(INVALID_SINCE):
        raise TokenError(MARKED_INVALID.format(f"{namespace}/{kept}", f"{namespace}/{name}"))
    return account_user(namespace, name, uid), (namespace, kept)


def _list(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [each for each in value or () if isinstance(each, str)]


def _quoted(values: tuple[str, ...]) -> str:
    return "[" + " ".join(quote(value) for value in values) + "]"

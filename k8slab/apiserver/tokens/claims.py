"""What a token says: whose it is, for whom, how long, and what it is bound to (`pkg/serviceaccount/claims.go`)."""

from __future__ import annotations

from typing import Any

from k8slab.apiserver.tokens.issuer import ISSUER

LEGACY = "kubernetes.io/serviceaccount/"
"""Claims of tokens that Secrets keep begin with this."""
WARN_ONLY = 3607
"""Seconds that the tokens ask for which every Pod gets."""
EXTENDED = 365 * 24 * 60 * 60
"""Seconds that such tokens last in truth: clients that read theirs once only are warned about, not locked out."""


def claims_of(
    account: Any,
    now: int,
    lifetime: int,
    audiences: tuple[str, ...],
    token_id: str,
    bound: dict[str, Any],
    warn_after: int = 0,
) -> dict[str, Any]:
    """The claims of a token.

    Args:
        account: the ServiceAccount.
        now: Unix seconds.
        lifetime: seconds until it expires.
        audiences: who may believe it.
        token_id: its own name (`jti`).
        bound: what it depends on, as claim to object: `pod`, `node`, `secret`.
        warn_after: seconds after which the server notes that the token is stale; 0 for never.
    """
    private: dict[str, Any] = {"namespace": account.metadata.namespace}
    private |= {kind: _reference(obj) for kind, obj in bound.items()}
    private["serviceaccount"] = _reference(account)
    if warn_after:
        private["warnafter"] = now + warn_after
    return {
        "aud": list(audiences),
        "exp": now + lifetime,
        "iat": now,
        "iss": ISSUER,
        "jti": token_id,
        "kubernetes.io": {key: private[key] for key in sorted(private)},
        "nbf": now,
        "sub": username(account),
    }


def username(account: Any) -> str:
    """The user that a service account is."""
    return f"system:serviceaccount:{account.metadata.namespace}:{account.metadata.name}"


def _reference(obj: Any) -> dict[str, str]:
    metadata = obj.metadata
    return {"name": metadata.name, "uid": metadata.uid} if metadata.uid else {"name": metadata.name}

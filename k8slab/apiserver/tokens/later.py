"""A token that is signed when somebody reads it, and renewed as kubelets renew theirs.

A kubelet asks for a token for each Pod and asks again when four fifths of its life are over, or after a day
(`pkg/kubelet/token/token_manager.go`). Hardly any of these tokens is ever looked at: so what it would hold now is
worked out when it is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.sim.clock import SECOND

if TYPE_CHECKING:
    from k8slab.apiserver.server import APIServer

DAY = 24 * 3600


class LaterToken:
    """`str(token)` is the token as its owner has it now.

    Args:
        server: signs it.
        claims: what it says at first.
        lifetime: seconds after which it would expire, as far as its owner was told.
    """

    __slots__ = ("_claims", "_credential", "_issued", "_server", "_text", "first", "lifetime")

    def __init__(self, server: APIServer, claims: dict[str, Any], lifetime: int) -> None:
        self._server = server
        self._claims = claims
        self._credential = claims["jti"]
        self._text = ""
        self.first = self._issued = claims["iat"]
        self.lifetime = lifetime

    def __str__(self) -> str:
        issued = self._due()
        if issued != self._issued and self._is_account_there():
            self._claims = self._renewed(issued)
            self._issued, self._text = issued, ""
        if not self._text:
            self._text = self._server.tokens.sign(self._claims)
        return self._text

    def __len__(self) -> int:
        return len(str(self))

    def encode(self, *args: str) -> bytes:
        """The token's bytes, as those of any text in a file."""
        return str(self).encode(*args)

    def _due(self) -> int:
        """When (Unix seconds) the token was asked for that its owner has now."""
        period = min(self.lifetime * 4 // 5, DAY)
        now = self._server.clock.unix_us // SECOND
        return self.first + max(0, now - self.first) // period * period

    def _is_account_there(self) -> bool:
        about = self._claims["kubernetes.io"]
        account = self._server.peek("serviceaccounts", about["serviceaccount"]["name"], about["namespace"])
        return account is not None and account.metadata.uid == about["serviceaccount"]["uid"]

    def _renewed(self, issued: int) -> dict[str, Any]:
        """The claims of a token that was asked for at another time."""
        claims, shift = self._claims, issued - self._issued
        about = dict(claims["kubernetes.io"])
        if "warnafter" in about:
            about["warnafter"] += shift
        times = {name: claims[name] + shift for name in ("exp", "iat", "nbf")}
        # Reading is in no journal, so no random stream may notice it.
        credential = self._server.streams.named_uid(f"token/{self._credential}/{issued}")
        return {**claims, **times, "jti": credential, "kubernetes.io": about}

"""Whose a bearer token is: one that an administrator set, or a service account's.

Follows `pkg/kubeapiserver/authenticator` and `apiserver/pkg/authentication/request/bearertoken`.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from k8slab.api.request import UserInfo
from k8slab.apiserver.bootstraptokens import bootstrap_user
from k8slab.apiserver.tokens import AUDIENCE, Authenticated, TokenError, authenticated

if TYPE_CHECKING:
    from k8slab.apiserver.server import APIServer

AUDIENCES = (AUDIENCE,)
INVALID = "invalid bearer token"


class BearerTokens:
    """Knows all bearer tokens that the server believes."""

    def __init__(self, server: APIServer) -> None:
        self.server = server
        self._known: dict[bytes, UserInfo] = {}

    def add(self, token: str, user: UserInfo) -> None:
        """Accept a token as proof of being a user (`--token-auth-file`)."""
        self._known[_digest(token)] = user

    def remove(self, token: str) -> None:
        """Accept it no more."""
        self._known.pop(_digest(token), None)

    def forget(self) -> None:
        """Accept none of those that were added."""
        self._known.clear()

    def authenticate(self, token: str, audiences: tuple[str, ...] = ()) -> Authenticated:
        """Whose it is.

        Args:
            token: the token.
            audiences: who wants to believe it (empty: this server).

        Raises TokenError with the server's words.
        """
        user = self._known.get(_digest(token)) or bootstrap_user(self.server, token)
        if user is not None:
            # Such tokens say nothing of audiences: they are good for the server's own.
            return Authenticated(user=user, audiences=AUDIENCES)
        try:
            return authenticated(self.server, token, AUDIENCES, audiences)
        except TokenError as error:
            raise TokenError(f"[{INVALID}, {error}]" if str(error) else INVALID) from None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()

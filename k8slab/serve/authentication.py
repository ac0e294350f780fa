"""Who sends a request: client certificates, bearer tokens, impersonation, or nobody.

Follows `apiserver/pkg/authentication`. Tokens of service accounts and certificates that the cluster itself issues
follow from its seed, so anybody could make such: the server gives the cluster a key of its own for tokens, and of
certificates only those count that the cluster has really issued.
"""

from __future__ import annotations

import datetime
import hashlib
import secrets
from typing import TYPE_CHECKING
from urllib.parse import unquote

from cryptography.hazmat.primitives.asymmetric import rsa

from k8slab.api.request import ADMIN, ANONYMOUS, UserInfo
from k8slab.apiserver.tokens import TokenError
from k8slab.apiserver.tokens.legacy import note_use
from k8slab.errors import ApiError
from k8slab.pki.rsa import PrivateKey
from k8slab.serve.certificates import certificate, identity, is_authority, is_for_clients, is_signed_by
from k8slab.sim.clock import SECOND

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from k8slab.apiserver import APIServer
    from k8slab.pki.x509 import Authority
    from k8slab.serve.exchange import Exchange

AUTHENTICATED = "system:authenticated"
CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"
IMPERSONATE = "impersonate-"
KEY_BITS = 2048


class Authenticator:
    """Finds out who asks.

    Args:
        server: knows service accounts, the time, and who may impersonate.
        anonymous: let who shows no credential be `system:anonymous`, and leave it to the authorizer what that user
            may do (`--anonymous-auth`). Otherwise only health and version are to be had without one, and so it is
            where the authorizer allows everybody everything.
        authority: the cluster's own, whose certificates count if it has issued them.
        serving: the server's own (PEM), whose certificates count.
        key: signs the tokens of service accounts.
        token: a bearer token of the administrator. Both are made anew for each server that does not name them.
    """

    def __init__(
        self,
        server: APIServer,
        anonymous: bool = False,
        authority: Authority | None = None,
        key: PrivateKey | None = None,
        token: str = "",
        serving: str = "",
    ) -> None:
        self.server = server
        self._authority, self._serving = authority, serving
        self._anonymous = anonymous
        self.token = token or secrets.token_urlsafe(32)
        self._added = [self.token]
        server.bearer_tokens.add(self.token, ADMIN)
        server.tokens.protect(key or new_key())

    @property
    def anonymous(self) -> bool:
        """Whether requests without a credential reach the authorizer."""
        return self._anonymous and not self.server.authorizer.allows_everything

    def add_token(self, token: str, user: UserInfo) -> None:
        """Accept a bearer token as proof of being a user."""
        self._added.append(token)
        self.server.bearer_tokens.add(token, user)

    def close(self) -> None:
        """The server has ended: its tokens prove nothing any more."""
        for token in self._added:
            self.server.bearer_tokens.remove(token)

    def authenticate(self, exchange: Exchange) -> UserInfo:
        """The user, ANONYMOUS without a credential. Raises ApiError (401) for one that proves nothing.

        Whom the request claims to be besides goes to `exchange.impersonate`; a write that is due for the credential
        used goes to `exchange.follow_up`.
        """
        user = self._credential(exchange)
        exchange.impersonate = _claimed(exchange)
        if exchange.impersonate is not None and user.name == ANONYMOUS.name and not self.anonymous:
            raise unauthorized()
        return user

    def _credential(self, exchange: Exchange) -> UserInfo:
        if exchange.certificate:
            return self._of_certificate(exchange.certificate)
        scheme, _, token = exchange.header("authorization").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return ANONYMOUS
        try:
            found = self.server.bearer_tokens.authenticate(token.strip())
        except TokenError:
            raise unauthorized() from None
        exchange.follow_up = note_use(self.server, found.secret)
        return found.user

    def _of_certificate(self, der: bytes) -> UserInfo:
        """The user of a certificate whose chain TLS has checked. Raises ApiError (401)."""
        digest = hashlib.sha256(der).hexdigest()
        try:
            found = certificate(der)
            now = self._now(found, digest)
            is_valid = now is not None and found.not_valid_before_utc <= now <= found.not_valid_after_utc
            name, groups = identity(found) if is_valid and is_for_clients(found) else ("", ())
        except ValueError:  # TLS is content with certificates in which not all can be read
            raise unauthorized() from None
        if not name:
            raise unauthorized()
        credential = f"X509SHA256={digest}"
        return UserInfo(name=name, groups=(*groups, AUTHENTICATED), extra={CREDENTIAL_ID: (credential,)})

    def _now(self, found: Certificate, digest: str) -> datetime.datetime | None:
        """The time on the clock of the authority that issued a certificate itself; None where none did.

        TLS trusts the cluster's authority, whose key follows from the seed: chains that end there prove nothing.
        """
        if self._serving and is_signed_by(found, self._serving):
            return datetime.datetime.now(datetime.UTC)
        authority = self._authority
        if authority is None or digest not in authority.issued or is_authority(found):
            return None
        if not is_signed_by(found, authority.certificate):
            return None
        return datetime.datetime.fromtimestamp(self.server.clock.unix_us // SECOND, datetime.UTC)


def unauthorized() -> ApiError:
    """401: nobody knows who asks."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def _claimed(exchange: Exchange) -> UserInfo | None:
    """Whom a request claims to be; None where it does not."""
    wanted = list(exchange.headers(IMPERSONATE))
    if not wanted:
        return None
    extra: dict[str, tuple[str, ...]] = {}
    for key, value in wanted:
        if key.startswith("impersonate-extra-"):
            name = unquote(key.removeprefix("impersonate-extra-"))
            extra[name] = (*extra.get(name, ()), value)
    groups = tuple(value for key, value in wanted if key == "impersonate-group")
    name, uid = exchange.header("impersonate-user"), exchange.header("impersonate-uid")
    return UserInfo(name=name, groups=groups, uid=uid, extra=extra) if name or uid or groups or extra else None


def new_key() -> PrivateKey:
    """A key for tokens that follows from no seed."""
    numbers = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS).private_numbers()
    return PrivateKey(numbers.p, numbers.q)

"""The key with which tokens are signed, and the documents by which others can check them.

Tokens are JSON web tokens (RFC 7519) signed with RS256, as kube-apiserver's are. The key follows from the lab's seed:
the same lab gives the same tokens, which stay the same in its history and its replays. RSA in plain Python is enough
for that (about 6 ms a signature), so the core needs no cryptography package; tokens that nobody reads are not signed.

Whoever knows a seed knows its key. A server that others reach therefore brings a key of its own (`protect`): from then
on that one signs, and of what the seed's key signed only tokens are believed which really left this issuer.

Follows `pkg/serviceaccount/jwt.go` and `pkg/serviceaccount/openidmetadata.go`.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

from k8slab.pki import keys, rsa

if TYPE_CHECKING:
    from k8slab.sim.seed import Streams

ISSUER = AUDIENCE = "https://kubernetes.default.svc.cluster.local"
LEGACY_ISSUER = "kubernetes/serviceaccount"
"""Issuer of tokens that are kept in Secrets."""
CONFIGURATION_PATH, JWKS_PATH = "/.well-known/openid-configuration", "/openid/v1/jwks"
BAD_SIGNATURE = "go-jose/go-jose: error in cryptographic primitive"


class TokenError(Exception):
    """A token that proves nothing; the text is the server's, empty where it is no token of this kind at all."""


class Issuer:
    """Signs and checks tokens."""

    def __init__(self, streams: Streams) -> None:
        self._seed = streams.secret("service-account-key")
        self._own: rsa.PrivateKey | None = None
        self._issued: dict[str, None] = {}

    @property
    def key(self) -> rsa.PrivateKey:
        """The key that signs now."""
        return self._own or rsa.generate(self._seed)

    def protect(self, key: rsa.PrivateKey) -> None:
        """Sign with another key from now on, which nobody can work out from the seed."""
        self._own = key

    def sign(self, claims: dict[str, Any]) -> str:
        """The claims as a compact token."""
        key = self.key
        head = f"{_encoded({'alg': 'RS256', 'kid': key_id(key.public)})}.{_encoded(claims)}"
        token = f"{head}.{_base64(rsa.sign(key, head.encode()))}"
        if self._own is None:
            self._issued[_digest(token)] = None
        return token

    def claims(self, token: str) -> dict[str, Any]:
        """What a token says. Raises TokenError where it is not one of this issuer's."""
        parts = token.split(".")
        if len(parts) != 3:
            raise TokenError("")
        try:
            header, claims, signature = _decoded(parts[0]), _decoded(parts[1]), _bytes(parts[2])
        except (ValueError, RecursionError):
            raise TokenError("") from None
        if not isinstance(claims, dict) or claims.get("iss") not in (ISSUER, LEGACY_ISSUER):
            raise TokenError("")
        if not isinstance(header, dict) or header.get("alg") != "RS256":
            raise TokenError("")
        self._check(token, header.get("kid"), f"{parts[0]}.{parts[1]}".encode(), signature)
        return claims

    def _check(self, token: str, kid: Any, signed: bytes, signature: bytes) -> None:
        for key in self._public_keys():
            if kid not in (None, "", key_id(key)):
                continue
            if not rsa.verify(key, signed, signature):
                raise TokenError(BAD_SIGNATURE)
            is_seeds = self._own is not None and key != self._own.public
            if is_seeds and _digest(token) not in self._issued:
                raise TokenError(BAD_SIGNATURE)
            return
        raise TokenError("invalid signature, no keys found")

    def _public_keys(self) -> list[rsa.PublicKey]:
        own = [] if self._own is None else [self._own.public]
        return [*own, rsa.generate(self._seed).public]

    def jwks(self) -> dict[str, Any]:
        """The keys, as `/openid/v1/jwks` publishes them (RFC 7517)."""
        return {"keys": [_jwk(key) for key in self._public_keys()]}

    @staticmethod
    def configuration(address: str) -> dict[str, Any]:
        """OpenID provider metadata, as `/.well-known/openid-configuration` shows it.

        Args:
            address: host and port under which clients reach the server.
        """
        return {
            "issuer": ISSUER,
            "jwks_uri": f"https://{address}{JWKS_PATH}",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }


def key_id(key: rsa.PublicKey) -> str:
    """What tells keys apart in tokens: the digest of the key."""
    return _base64(hashlib.sha256(keys.encode(key)).digest())


def _jwk(key: rsa.PublicKey) -> dict[str, Any]:
    n, e = key.n.to_bytes(key.size, "big"), key.e.to_bytes(3, "big")
    return {"use": "sig", "kty": "RSA", "kid": key_id(key), "alg": "RS256", "n": _base64(n), "e": _base64(e)}


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _encoded(data: dict[str, Any]) -> str:
    return _base64(json.dumps(data, separators=(",", ":")).encode())


def _decoded(text: str) -> Any:
    return json.loads(_bytes(text))

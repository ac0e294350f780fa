"""Public keys as certificates carry them (RFC 5280, SubjectPublicKeyInfo), and signatures by algorithm."""

from __future__ import annotations

import hashlib

from k8slab.pki import der, ecdsa, rsa

RSA, EC = "1.2.840.113549.1.1.1", "1.2.840.10045.2.1"
CURVES = {"1.2.840.10045.3.1.7": ecdsa.P256, "1.3.132.0.34": ecdsa.P384, "1.3.132.0.35": ecdsa.P521}
CURVE_OIDS = {curve.name: oid for oid, curve in CURVES.items()}
RSA_SIGNATURES = {
    "1.2.840.113549.1.1.11": "sha256",
    "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
}
EC_SIGNATURES = {
    "1.2.840.10045.4.3.2": "sha256",
    "1.2.840.10045.4.3.3": "sha384",
    "1.2.840.10045.4.3.4": "sha512",
}
ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2"
RSA_BITS, RSA_EXPONENT = 16_384, (1 << 31) - 1
"""The largest modulus and exponent that signatures are checked with."""
PublicKey = rsa.PublicKey | ecdsa.PublicKey


class SignatureError(ValueError):
    """A signature that is not right, or cannot be checked."""


def encode(key: PublicKey) -> bytes:
    """A public key as SubjectPublicKeyInfo."""
    if isinstance(key, rsa.PublicKey):
        inner = der.sequence(der.integer(key.n), der.integer(key.e))
        return der.sequence(der.sequence(der.oid(RSA), der.tlv(der.NULL)), der.bit_string(inner))
    algorithm = der.sequence(der.oid(EC), der.oid(CURVE_OIDS[key.curve.name]))
    return der.sequence(algorithm, der.bit_string(key.encode()))


def identifier(key: PublicKey) -> bytes:
    """What tells keys apart in certificates (RFC 5280, 4.2.1.2)."""
    return subject_identifier(encode(key))


def subject_identifier(spki: bytes) -> bytes:
    """The identifier of a key that is given as SubjectPublicKeyInfo."""
    return hashlib.sha1(der.read(spki).parts[1].bits, usedforsecurity=False).digest()


def _check_rsa(n: int, e: int) -> None:
    """Raises SignatureError for numbers that are no key, or with which it would take for ever to calculate."""
    if n <= 0:
        raise SignatureError("x509: RSA modulus is not a positive number")
    if e <= 0:
        raise SignatureError("x509: RSA public exponent is not a positive number")
    if n.bit_length() > RSA_BITS:
        raise SignatureError("crypto/rsa: verification error")
    if not 2 <= e <= RSA_EXPONENT:
        raise SignatureError(f"crypto/rsa: public exponent too {'small' if e < 2 else 'large'}")


def check(spki: der.Value, algorithm: str, data: bytes, signature: bytes) -> None:
    """Raises SignatureError where a signature is not that of the key, or of a kind that is not known here."""
    kind, *parameters = spki.parts[0].parts
    point = spki.parts[1].bits
    if kind.oid == RSA and algorithm in RSA_SIGNATURES:
        n, e = (part.number for part in der.read(point).parts)
        _check_rsa(n, e)
        if not rsa.verify(rsa.PublicKey(n, e), data, signature, RSA_SIGNATURES[algorithm]):
            raise SignatureError("crypto/rsa: verification error")
        return
    curve = CURVES.get(parameters[0].oid) if kind.oid == EC and parameters else None
    if curve is None or algorithm not in EC_SIGNATURES:
        raise SignatureError("x509: cannot verify signature: algorithm unimplemented")
    r, s = (part.number for part in der.read(signature).parts)
    if not ecdsa.verify(ecdsa.decode(curve, point), data, (r, s), EC_SIGNATURES[algorithm]):
        raise SignatureError("x509: ECDSA verification failure")

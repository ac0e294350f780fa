"""The certificates of a served cluster: an authority made at start, the server's certificate, and those of users.

As kubeadm lays them out (https://kubernetes.io/docs/setup/best-practices/certificates/): a client certificate's common
name is the user, its organizations are the groups. Keys live as long as the authority object.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = datetime.timedelta(days=365)
AUTHORITY_LIFETIME = datetime.timedelta(days=3650)
#: Certificates are valid from a little before they are made: the clocks of clients differ.
SLACK = datetime.timedelta(minutes=5)
SERVICE_NAMES = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "localhost",
)


class Pair(NamedTuple):
    """A certificate with its private key, both as PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """A certificate authority of one server's life.

    >>> authority = Authority()
    >>> authority.certificate.startswith(b"-----BEGIN CERTIFICATE-----")
    True
    """

    def __init__(self, name: str = "kubernetes") -> None:
        self._key: Any = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = _builder(self._name, self._name, self._key.public_key(), AUTHORITY_LIFETIME)
        usage = _key_usage(signs_certificates=True)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(usage, critical=True)
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False
        )
        self.certificate = builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    @classmethod
    def load(cls, pair: Pair) -> Authority:
        """The authority that was kept as a pair. Raises ValueError where it is none."""
        authority = cls.__new__(cls)
        authority.certificate = pair.certificate
        authority._key = serialization.load_pem_private_key(pair.key, None)
        certificate = x509.load_pem_x509_certificate(pair.certificate)
        if certificate.public_key() != authority._key.public_key():
            raise ValueError("ca.key is not the key of ca.crt")
        authority._name = certificate.subject
        return authority

    @property
    def pair(self) -> Pair:
        """Certificate and private key, to be kept where nobody else can read."""
        return Pair(self.certificate, _pem(self._key))

    def serving(self, hosts: Sequence[str]) -> Pair:
        """A server's certificate for these host names and addresses, besides the names of the Service."""
        names = [_general_name(host) for host in dict.fromkeys((*SERVICE_NAMES, "127.0.0.1", *hosts))]
        extension = x509.SubjectAlternativeName(names)
        return self._issue("kube-apiserver", (), ExtendedKeyUsageOID.SERVER_AUTH, extension)

    def client(self, user: str, groups: Sequence[str] = ()) -> Pair:
        """A certificate with which a client is `user`, a member of `groups`."""
        return self._issue(user, groups, ExtendedKeyUsageOID.CLIENT_AUTH, None)

    def _issue(
        self,
        user: str,
        groups: Sequence[str],
        purpose: x509.ObjectIdentifier,
        names: x509.SubjectAlternativeName | None,
    ) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        subject = x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, user)])
        builder = _builder(subject, self._name, key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_key_usage(signs_certificates=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(issuer, critical=False)
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        return Pair(certificate.public_bytes(serialization.Encoding.PEM), _pem(key))


def certificate(der: bytes) -> x509.Certificate:
    """A certificate to ask about."""
    return x509.load_der_x509_certificate(der)


def identity(found: x509.Certificate) -> tuple[str, tuple[str, ...]]:
    """User and groups of a verified client certificate; of several common names the last counts, as in Go."""
    subject = found.subject
    names = [str(part.value) for part in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    groups = tuple(str(part.value) for part in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME))
    return (names[-1] if names else ""), groups


def is_for_clients(found: x509.Certificate) -> bool:
    """Whether a certificate may be shown by clients."""
    try:
        purposes = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.CLIENT_AUTH in purposes or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in purposes


def is_authority(found: x509.Certificate) -> bool:
    """Whether a certificate is one of an authority, which is no client."""
    try:
        return found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def is_signed_by(found: x509.Certificate, authority: str) -> bool:
    """Whether a certificate is signed with the key of an authority's certificate (PEM)."""
    try:
        found.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.encode()))
    except (InvalidSignature, TypeError, ValueError):
        return False
    return True


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, lifetime: datetime.timedelta = LIFETIME
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(subject_name=subject, issuer_name=issuer, public_key=key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - SLACK).not_valid_after(now + lifetime)


def _key_usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

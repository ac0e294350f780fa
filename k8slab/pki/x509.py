"""Certificates (RFC 5280): an authority that follows from a seed, and what it issues."""

from __future__ import annotations

import base64
import datetime
import hashlib
from collections.abc import Sequence

from msgspec import Struct

from k8slab.pki import der, ecdsa, keys

COMMON_NAME, ORGANIZATION = "2.5.4.3", "2.5.4.10"
SUBJECT_KEY, KEY_USAGE, ALTERNATIVE_NAMES = "2.5.29.14", "2.5.29.15", "2.5.29.17"
BASIC_CONSTRAINTS, AUTHORITY_KEY, EXTENDED_USAGE = "2.5.29.19", "2.5.29.35", "2.5.29.37"
EPOCH = datetime.datetime(1970, 1, 1)
PEM_LINE = 64
EARLIER, TEN_YEARS = 3600, 3650 * 24 * 3600

KEY_USAGES = {
    "signing": 0,
    "digital signature": 0,
    "content commitment": 1,
    "key encipherment": 2,
    "data encipherment": 3,
    "key agreement": 4,
    "cert sign": 5,
    "crl sign": 6,
    "encipher only": 7,
    "decipher only": 8,
}
"""Usages of the certificates API, and their bits (RFC 5280, 4.2.1.3)."""
PURPOSES = {
    "any": "2.5.29.37.0",
    "server auth": "1.3.6.1.5.5.7.3.1",
    "client auth": "1.3.6.1.5.5.7.3.2",
    "code signing": "1.3.6.1.5.5.7.3.3",
    "email protection": "1.3.6.1.5.5.7.3.4",
    "s/mime": "1.3.6.1.5.5.7.3.4",
    "ipsec end system": "1.3.6.1.5.5.7.3.5",
    "ipsec tunnel": "1.3.6.1.5.5.7.3.6",
    "ipsec user": "1.3.6.1.5.5.7.3.7",
    "timestamping": "1.3.6.1.5.5.7.3.8",
    "ocsp signing": "1.3.6.1.5.5.7.3.9",
    "microsoft sgc": "1.3.6.1.4.1.311.10.3.3",
    "netscape sgc": "2.16.840.1.113730.4.1",
}
"""Other usages, and their object identifiers."""


class Template(Struct, frozen=True, kw_only=True):
    """What a certificate is to say.

    subject: a Name in DER; spki: the key, as SubjectPublicKeyInfo; not_before, not_after: Unix seconds; usages: in the
    words of the certificates API; names: the content of subjectAltName, in DER.
    """

    subject: bytes
    spki: bytes
    not_before: int
    not_after: int
    usages: tuple[str, ...] = ()
    names: bytes = b""
    is_authority: bool = False


class Authority:
    """Signs certificates with a key of its own.

    Args:
        key: its key.
        name: its common name.
        not_before, not_after: Unix seconds between which its own certificate is valid.

    Attributes: `certificate` (its own, PEM), `subject` (its name, DER), `issued` (the digests, SHA-256, of what it
    issued).
    """

    def __init__(self, key: ecdsa.PrivateKey, name: str, not_before: int, not_after: int) -> None:
        self.key = key
        self.subject = subject(name)
        self.not_before, self.not_after = not_before, not_after
        self.issued: dict[str, None] = {}
        own = Template(
            subject=self.subject,
            spki=keys.encode(key.public),
            not_before=not_before,
            not_after=not_after,
            usages=("digital signature", "key encipherment", "cert sign"),
            is_authority=True,
        )
        self.certificate = pem("CERTIFICATE", self.issue(own, 1))

    def issue(self, template: Template, serial: int) -> bytes:
        """A certificate, in DER, valid no longer than the authority itself."""
        algorithm = der.sequence(der.oid(keys.ECDSA_WITH_SHA256))
        ends = min(template.not_after, self.not_after)
        body = der.sequence(
            der.tlv(0xA0, der.integer(2)),
            der.integer(serial),
            algorithm,
            self.subject,
            der.sequence(_time(template.not_before), _time(ends)),
            template.subject,
            template.spki,
            der.tlv(0xA3, der.sequence(*self._extensions(template))),
        )
        r, s = ecdsa.sign(self.key, body)
        signature = der.sequence(der.integer(r), der.integer(s))
        made = der.sequence(body, algorithm, der.bit_string(signature))
        self.issued[fingerprint(made)] = None
        return made

    def _extensions(self, template: Template) -> list[bytes]:
        bits = [KEY_USAGES[usage] for usage in template.usages if usage in KEY_USAGES]
        purposes = dict.fromkeys(PURPOSES[usage] for usage in template.usages if usage in PURPOSES)
        found = []
        if bits:
            found.append(_extension(KEY_USAGE, _flags(bits), critical=True))
        if purposes:
            found.append(_extension(EXTENDED_USAGE, der.sequence(*(der.oid(each) for each in purposes))))
        constraints = der.sequence(der.boolean(True)) if template.is_authority else der.sequence()
        found.append(_extension(BASIC_CONSTRAINTS, constraints, critical=True))
        own = keys.identifier(self.key.public)
        if template.is_authority:
            found.append(_extension(SUBJECT_KEY, der.octets(own)))
        else:
            found.append(_extension(AUTHORITY_KEY, der.sequence(der.tlv(0x80, own))))
        if template.names:
            found.append(_extension(ALTERNATIVE_NAMES, template.names))
        return found


def cluster_authority(seed: int, now: int) -> Authority:
    """The authority of a cluster, as kubeadm makes it: valid for ten years.

    Args:
        seed: its key follows from that.
        now: Unix seconds at which the cluster begins.
    """
    return Authority(ecdsa.generate(seed), "kubernetes", now - EARLIER, now + TEN_YEARS)


def subject(common_name: str, organizations: Sequence[str] = ()) -> bytes:
    """A Name in DER."""
    pairs = [(ORGANIZATION, each) for each in organizations] + [(COMMON_NAME, common_name)]
    return der.sequence(*(_attribute(kind, text) for kind, text in pairs))


def fingerprint(certificate: bytes) -> str:
    """What tells certificates (in DER) apart."""
    return hashlib.sha256(certificate).hexdigest()


def pem(kind: str, data: bytes) -> str:
    """DER as text (RFC 7468)."""
    text = base64.b64encode(data).decode()
    lines = [text[at : at + PEM_LINE] for at in range(0, len(text), PEM_LINE)]
    return "\n".join((f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----", ""))


def _attribute(kind: str, text: str) -> bytes:
    return der.tlv(der.SET, der.sequence(der.oid(kind), der.tlv(der.UTF8, text.encode())))


def _extension(kind: str, content: bytes, critical: bool = False) -> bytes:
    return der.sequence(der.oid(kind), *((der.boolean(True),) if critical else ()), der.octets(content))


def _flags(bits: Sequence[int]) -> bytes:
    """A BIT STRING of named bits, without those that are zero at its end."""
    number = sum(1 << (15 - bit) for bit in set(bits))
    data = number.to_bytes(2, "big").rstrip(b"\x00")
    last = data[-1]
    return der.bit_string(data, unused=(last & -last).bit_length() - 1)


def _time(seconds: int) -> bytes:
    when = EPOCH + datetime.timedelta(seconds=seconds)
    if when.year < 2050:
        return der.tlv(der.UTC_TIME, when.strftime("%y%m%d%H%M%SZ").encode())
    return der.tlv(der.GENERALIZED_TIME, when.strftime("%Y%m%d%H%M%SZ").encode())

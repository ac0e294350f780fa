"""Requests for certificates (PKCS #10, RFC 2986), as the certificates API takes them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence

from msgspec import Struct

from k8slab.pki import der, ecdsa, keys
from k8slab.pki.x509 import ALTERNATIVE_NAMES, COMMON_NAME, ORGANIZATION, pem, subject

PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\s*\n(.*?)-----END \1-----", re.DOTALL)
EXTENSION_REQUEST = "1.2.840.113549.1.9.14"
MAIL, DNS, URI, IP = 0x81, 0x82, 0x86, 0x87
TEXTS = (der.UTF8, der.NUMERIC, der.PRINTABLE, der.T61, der.IA5, der.BMP)
BAD_NAME = "x509: invalid RDNSequence: invalid attribute value"
NOT_A_REQUEST = "PEM block type must be CERTIFICATE REQUEST"


class CertificateRequest(Struct, frozen=True, kw_only=True):
    """What somebody wants certified.

    subject, spki: in DER; names: the content of subjectAltName, in DER, empty where there is none.
    """

    subject: bytes
    spki: bytes
    common_name: str = ""
    organizations: tuple[str, ...] = ()
    names: bytes = b""
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[bytes, ...] = ()
    email_addresses: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    signed: bytes
    algorithm: str
    signature: bytes

    def check_signature(self) -> None:
        """Raises ValueError where whoever made the request did not show to have its key."""
        keys.check(der.read(self.spki), self.algorithm, self.signed, self.signature)


def make(key: ecdsa.PrivateKey, common_name: str, organizations: Sequence[str] = (), dns: Sequence[str] = ()) -> str:
    """A request by the owner of a key, as PEM."""
    extensions = [_dns_names(dns)] if dns else []
    spki = keys.encode(key.public)
    info = der.sequence(der.integer(0), subject(common_name, organizations), spki, der.tlv(0xA0, *extensions))
    r, s = ecdsa.sign(key, info)
    signature = der.bit_string(der.sequence(der.integer(r), der.integer(s)))
    return pem("CERTIFICATE REQUEST", der.sequence(info, der.sequence(der.oid(keys.ECDSA_WITH_SHA256)), signature))


def _dns_names(names: Sequence[str]) -> bytes:
    """The attribute that asks for a subjectAltName."""
    content = der.octets(der.sequence(*(der.tlv(DNS, name.encode()) for name in names)))
    wanted = der.sequence(der.sequence(der.oid(ALTERNATIVE_NAMES), content))
    return der.sequence(der.oid(EXTENSION_REQUEST), der.tlv(der.SET, wanted))


def blocks(text: str) -> list[tuple[str, bytes]]:
    """The PEM blocks of a text: kind and content. What is none is skipped."""
    found = []
    for match in PEM.finditer(text):
        try:
            found.append((match[1], base64.b64decode("".join(match[2].split()), validate=True)))
        except binascii.Error:
            continue
    return found


def parse(text: str) -> CertificateRequest:
    """The request in a PEM text. Raises ValueError in the words of the server."""
    first = next(iter(blocks(text)), None)
    if first is None or first[0] != "CERTIFICATE REQUEST":
        raise ValueError(NOT_A_REQUEST)
    try:
        return _parsed(first[1])
    except der.DERError:
        raise
    except (IndexError, ValueError):
        raise der.DERError("asn1: structure error: tags don't match") from None


def _parsed(data: bytes) -> CertificateRequest:
    info, algorithm, signature = der.read(data).parts
    parts = info.parts
    name, spki = parts[1], parts[2]
    names = _alternative_names(parts[3]) if len(parts) > 3 else b""
    kinds = _general_names(names)
    return CertificateRequest(
        subject=name.raw,
        spki=spki.raw,
        common_name="".join(_attributes(name, COMMON_NAME)[-1:]),
        organizations=tuple(_attributes(name, ORGANIZATION)),
        names=names,
        dns_names=tuple(each.decode("latin-1") for each in kinds.get(DNS, ())),
        ip_addresses=tuple(kinds.get(IP, ())),
        email_addresses=tuple(each.decode("latin-1") for each in kinds.get(MAIL, ())),
        uris=tuple(each.decode("latin-1") for each in kinds.get(URI, ())),
        signed=info.raw,
        algorithm=algorithm.parts[0].oid,
        signature=signature.bits,
    )


def _attributes(name: der.Value, kind: str) -> list[str]:
    """The values of one kind in a Name."""
    pairs = [pair.parts for group in name.parts for pair in group.parts]
    return [_text(value) for found, value in pairs if found.oid == kind]


def _text(value: der.Value) -> str:
    """A text of a Name. Raises DERError for what others might read in another way."""
    if value.tag not in TEXTS:
        raise der.DERError(f"{BAD_NAME}: unsupported string type")
    try:
        return value.text if value.tag == der.BMP else value.content.decode()
    except UnicodeDecodeError:
        raise der.DERError(f"{BAD_NAME}: invalid UTF-8 string") from None


def _alternative_names(attributes: der.Value) -> bytes:
    """The content of the subjectAltName that a request asks for."""
    for attribute in attributes.parts:
        kind, values = attribute.parts
        if kind.oid != EXTENSION_REQUEST:
            continue
        for extension in (each for value in values.parts for each in value.parts):
            found, *_, content = extension.parts
            if found.oid == ALTERNATIVE_NAMES:
                return content.content
    return b""


def _general_names(content: bytes) -> dict[int, list[bytes]]:
    found: dict[int, list[bytes]] = {}
    for name in der.read(content).parts if content else ():
        found.setdefault(name.tag, []).append(name.content)
    return found

"""The organizations in the subject of a certificate signing request: a short reader of PEM and DER (RFC 2986)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

HEADER, FOOTER = "-----BEGIN CERTIFICATE REQUEST-----", "-----END CERTIFICATE REQUEST-----"
SEQUENCE, INTEGER, IDENTIFIER = 0x30, 0x02, 0x06
ORGANIZATION = bytes((0x55, 0x04, 0x0A))
"""The object identifier 2.5.4.10."""


class SubjectError(ValueError):
    """What is given is no certificate signing request."""


def organizations(request: str) -> list[str]:
    """The organizations of the subject.

    Args:
        request: PEM text in base64, as `spec.request` carries it.

    Raises:
        SubjectError: with Go's words where it cannot be read.
    """
    try:
        text = base64.b64decode(request).decode("utf-8", "replace")
        begin, end = text.index(HEADER) + len(HEADER), text.index(FOOTER)
        der = base64.b64decode(text[begin:end])
    except (binascii.Error, ValueError):
        raise SubjectError("PEM block type must be CERTIFICATE REQUEST") from None
    try:
        return list(_organizations(der))
    except (IndexError, StopIteration):
        raise SubjectError("asn1: syntax error: data truncated") from None


def _organizations(der: bytes) -> Iterator[str]:
    outer = next(iter(_elements(der)))[1]
    info = next(iter(_elements(outer)))[1]
    subject = next(content for tag, content in _elements(info) if tag == SEQUENCE)
    for _, relative in _elements(subject):
        for _, attribute in _elements(relative):
            (kind, identifier), (_, value) = list(_elements(attribute))[:2]
            if kind == IDENTIFIER and identifier == ORGANIZATION:
                yield value.decode("utf-8", "replace")


def _elements(data: bytes) -> list[tuple[int, bytes]]:
    """The elements that stand one after the other: tag and content of each. Raises IndexError where one is cut off."""
    found, at = [], 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(data[at : at + size], "big"), at + size
        if at + length > len(data):
            raise IndexError(at)
        found.append((tag, data[at : at + length]))
        at += length
    return found

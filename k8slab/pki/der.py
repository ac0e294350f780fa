"""DER (ITU-T X.690): just what certificates and requests for them are made of."""

from __future__ import annotations

from msgspec import Struct

INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x02, 0x03, 0x04, 0x05, 0x06
UTF8, NUMERIC, PRINTABLE, T61, IA5 = 0x0C, 0x12, 0x13, 0x14, 0x16
UTC_TIME, GENERALIZED_TIME, BMP = 0x17, 0x18, 0x1E
BOOLEAN, SEQUENCE, SET = 0x01, 0x30, 0x31
DEPTH = 32


class DERError(ValueError):
    """The bytes are not DER."""


class Value(Struct, frozen=True):
    """One value: its tag, its content, and both with the length between as they were read."""

    tag: int
    content: bytes
    raw: bytes

    @property
    def parts(self) -> tuple[Value, ...]:
        """The values inside."""
        return read_all(self.content)

    @property
    def number(self) -> int:
        """An INTEGER."""
        return int.from_bytes(self.content, "big", signed=True)

    @property
    def oid(self) -> str:
        """An object identifier in dotted form."""
        if not self.content:
            raise DERError("asn1: structure error: empty object identifier")
        first = min(self.content[0] // 40, 2)
        found, number = [first, self.content[0] - 40 * first], 0
        for byte in self.content[1:]:
            number = number << 7 | byte & 0x7F
            if not byte & 0x80:
                found.append(number)
                number = 0
        return ".".join(map(str, found))

    @property
    def text(self) -> str:
        """A string of any of the usual kinds."""
        if self.tag == BMP:
            return self.content.decode("utf-16-be", "replace")
        return self.content.decode("utf-8", "replace")

    @property
    def bits(self) -> bytes:
        """A BIT STRING of whole bytes."""
        if not self.content or self.content[0]:
            raise DERError("asn1: structure error: bit string of odd bits")
        return self.content[1:]


def read(data: bytes) -> Value:
    """The one value that the bytes are. Raises DERError."""
    found = read_all(data)
    if len(found) != 1:
        raise DERError("asn1: syntax error: trailing data" if found else "asn1: syntax error: sequence truncated")
    return found[0]


def read_all(data: bytes) -> tuple[Value, ...]:
    """The values that follow each other in the bytes. Raises DERError."""
    found, at = [], 0
    while at < len(data):
        value = _read_at(data, at)
        found.append(value)
        at += len(value.raw)
    return tuple(found)


def _read_at(data: bytes, start: int) -> Value:
    if len(data) < start + 2:
        raise DERError("asn1: syntax error: data truncated")
    tag, length, at = data[start], data[start + 1], start + 2
    if tag & 0x1F == 0x1F:
        raise DERError("asn1: structure error: long form tag")
    if length & 0x80:
        count = length & 0x7F
        if not 0 < count <= 4 or len(data) < at + count:
            raise DERError("asn1: syntax error: invalid length")
        length, at = int.from_bytes(data[at : at + count], "big"), at + count
    if len(data) < at + length:
        raise DERError("asn1: syntax error: data truncated")
    return Value(tag, data[at : at + length], data[start : at + length])


def tlv(tag: int, *contents: bytes) -> bytes:
    """A value with its tag and length."""
    content = b"".join(contents)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + content


def sequence(*contents: bytes) -> bytes:
    """A SEQUENCE."""
    return tlv(SEQUENCE, *contents)


def integer(number: int) -> bytes:
    """An INTEGER that is not negative."""
    return tlv(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def bit_string(data: bytes, unused: int = 0) -> bytes:
    """A BIT STRING, of whose last byte some bits may not count."""
    return tlv(BIT_STRING, bytes((unused,)), data)


def octets(data: bytes) -> bytes:
    """An OCTET STRING."""
    return tlv(OCTET_STRING, data)


def boolean(value: bool) -> bytes:
    """A BOOLEAN."""
    return tlv(BOOLEAN, b"\xff" if value else b"\x00")


def oid(dotted: str) -> bytes:
    """An object identifier."""
    first, second, *others = (int(part) for part in dotted.split("."))
    return tlv(OID, bytes((40 * first + second,)), *(_base128(number) for number in others))


def _base128(number: int) -> bytes:
    found = [number & 0x7F]
    while number := number >> 7:
        found.append(number & 0x7F | 0x80)
    return bytes(reversed(found))

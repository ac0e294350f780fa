"""The protobuf wire format: numbered values (https://protobuf.dev/programming-guides/encoding/)."""

from __future__ import annotations

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
Value = int | bytes


class WireError(ValueError):
    """Bytes that are no protobuf message; the message says why, in the words of Go's decoder."""


def fields(data: bytes) -> Iterator[tuple[int, Value]]:
    """The fields of a message in their order: (number, integer or bytes). Raises WireError."""
    position, end = 0, len(data)
    while position < end:
        key, position = varint(data, position)
        number, kind = key >> 3, key & 7
        if not number:
            raise WireError("proto: illegal tag 0")
        if kind == VARINT:
            value, position = varint(data, position)
            yield number, value
            continue
        if kind == BYTES:
            size, position = varint(data, position)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
        else:
            raise WireError(f"proto: illegal wireType {kind}")
        if size > end - position:
            raise WireError("unexpected EOF")
        yield number, data[position : position + size]
        position += size


def varint(data: bytes, position: int) -> tuple[int, int]:
    """An integer of variable length, and where it ends. Raises WireError."""
    result = shift = 0
    while True:
        if position >= len(data):
            raise WireError("unexpected EOF")
        if shift > 63:
            raise WireError("proto: integer overflow")
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, position
        shift += 7

"""ECDSA on the curves of NIST (FIPS 186-5), with nonces that follow from the message (RFC 6979)."""

from __future__ import annotations

import hashlib
import hmac
from random import Random

from msgspec import Struct

Point = tuple[int, int, int]
"""Jacobian coordinates: x/z**2, y/z**3; z = 0 is the point at infinity."""
INFINITY: Point = (1, 1, 0)


class Curve(Struct, frozen=True):
    """y**2 = x**3 - 3x + b over a prime field, with a generator of prime order."""

    name: str
    p: int
    b: int
    gx: int
    gy: int
    order: int

    @property
    def size(self) -> int:
        """Bytes of a coordinate."""
        return (self.p.bit_length() + 7) // 8


P256 = Curve(
    "P-256",
    0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF,
    0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
)
P384 = Curve(
    "P-384",
    2**384 - 2**128 - 2**96 + 2**32 - 1,
    0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
    0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
    0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F,
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
)
P521 = Curve(
    "P-521",
    2**521 - 1,
    int(
        "0051953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109E1"
        "56193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00",
        16,
    ),
    int(
        "00C6858E06B70404E9CD9E3ECB662395B4429C648139053FB521F828AF606B4D3DBA"
        "A14B5E77EFE75928FE1DC127A2FFA8DE3348B3C1856A429BF97E7E31C2E5BD66",
        16,
    ),
    int(
        "011839296A789A3BC0045C8A5FB42C7D1BD998F54449579B446817AFBD17273E662C"
        "97EE72995EF42640C550B9013FAD0761353C7086A272C24088BE94769FD16650",
        16,
    ),
    int(
        "01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA"
        "51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409",
        16,
    ),
)


class PublicKey(Struct, frozen=True):
    """A point of a curve."""

    curve: Curve
    x: int
    y: int

    def encode(self) -> bytes:
        """The point, uncompressed (SEC 1)."""
        size = self.curve.size
        return b"\x04" + self.x.to_bytes(size, "big") + self.y.to_bytes(size, "big")


def decode(curve: Curve, data: bytes) -> PublicKey:
    """A public key from its uncompressed point. Raises ValueError for one that is not on the curve."""
    size = curve.size
    if len(data) != 2 * size + 1 or data[0] != 4:
        raise ValueError("x509: failed to unmarshal elliptic curve point")
    x, y = int.from_bytes(data[1 : size + 1], "big"), int.from_bytes(data[size + 1 :], "big")
    if (y * y - (x * x * x - 3 * x + curve.b)) % curve.p or max(x, y) >= curve.p:
        raise ValueError("x509: failed to unmarshal elliptic curve point")
    return PublicKey(curve, x, y)


class PrivateKey(Struct, frozen=True):
    """A number below the order of a curve, with the point that belongs to it."""

    secret: int
    public: PublicKey


def generate(seed: int, curve: Curve = P256) -> PrivateKey:
    """The key of a seed: always the same one."""
    secret = Random(seed).randrange(1, curve.order)
    x, y = _affine(curve, _multiply(curve, (curve.gx, curve.gy, 1), secret))
    return PrivateKey(secret, PublicKey(curve, x, y))


def sign(key: PrivateKey, data: bytes, digest: str = "sha256") -> tuple[int, int]:
    """The signature (r, s) of some data."""
    curve = key.public.curve
    order, number = curve.order, _number(curve, data, digest)
    nonce = _nonce(key, number, digest)
    r = _affine(curve, _multiply(curve, (curve.gx, curve.gy, 1), nonce))[0] % order
    return r, pow(nonce, -1, order) * (number + r * key.secret) % order


def verify(key: PublicKey, data: bytes, signature: tuple[int, int], digest: str = "sha256") -> bool:
    """Whether a signature is the key's."""
    curve, (r, s) = key.curve, signature
    if not (0 < r < curve.order and 0 < s < curve.order):
        return False
    inverse, number = pow(s, -1, curve.order), _number(curve, data, digest)
    left = _multiply(curve, (curve.gx, curve.gy, 1), number * inverse % curve.order)
    right = _multiply(curve, (key.x, key.y, 1), r * inverse % curve.order)
    total = _add(curve, left, right)
    return total[2] != 0 and _affine(curve, total)[0] % curve.order == r


def _number(curve: Curve, data: bytes, digest: str) -> int:
    """The digest as a number of as many bits as the order has."""
    found = hashlib.new(digest, data).digest()
    return int.from_bytes(found, "big") >> max(0, 8 * len(found) - curve.order.bit_length())


def _nonce(key: PrivateKey, number: int, digest: str) -> int:
    """A nonce that nobody can guess and that the same message gets again."""
    order = key.public.curve.order
    size = (order.bit_length() + 7) // 8
    seed = key.secret.to_bytes(size, "big") + (number % order).to_bytes(size, "big")
    length = hashlib.new(digest).digest_size
    value, mac = b"\x01" * length, b"\x00" * length
    for step in (b"\x00", b"\x01"):
        mac = hmac.new(mac, value + step + seed, digest).digest()
        value = hmac.new(mac, value, digest).digest()
    while True:
        drawn = b""
        while len(drawn) < size:
            value = hmac.new(mac, value, digest).digest()
            drawn += value
        found = int.from_bytes(drawn[:size], "big") >> (8 * size - order.bit_length())
        if 0 < found < order:
            return found
        mac = hmac.new(mac, value + b"\x00", digest).digest()
        value = hmac.new(mac, value, digest).digest()


def _multiply(curve: Curve, point: Point, factor: int) -> Point:
    total = INFINITY
    for bit in bin(factor)[2:] if factor else "":
        total = _double(curve, total)
        if bit == "1":
            total = _add(curve, total, point)
    return total


def _double(curve: Curve, point: Point) -> Point:
    x, y, z = point
    if not z or not y:
        return INFINITY
    p, square = curve.p, y * y % curve.p
    zz = z * z % p
    s, m = 4 * x * square % p, 3 * (x - zz) * (x + zz) % p
    fresh = (m * m - 2 * s) % p
    return fresh, (m * (s - fresh) - 8 * square * square) % p, 2 * y * z % p


def _add(curve: Curve, one: Point, other: Point) -> Point:
    if not one[2]:
        return other
    if not other[2]:
        return one
    p, (x1, y1, z1), (x2, y2, z2) = curve.p, one, other
    zz1, zz2 = z1 * z1 % p, z2 * z2 % p
    u1, u2 = x1 * zz2 % p, x2 * zz1 % p
    s1, s2 = y1 * zz2 * z2 % p, y2 * zz1 * z1 % p
    if u1 == u2:
        return _double(curve, one) if s1 == s2 else INFINITY
    h, r = u2 - u1, s2 - s1
    hh = h * h % p
    cube, v = h * hh % p, u1 * hh % p
    x3 = (r * r - cube - 2 * v) % p
    return x3, (r * (v - x3) - s1 * cube) % p, h * z1 * z2 % p


def _affine(curve: Curve, point: Point) -> tuple[int, int]:
    inverse = pow(point[2], -1, curve.p)
    square = inverse * inverse % curve.p
    return point[0] * square % curve.p, point[1] * square * inverse % curve.p

"""RSA signatures (RFC 8017, RSASSA-PKCS1-v1_5), as RS256 wants them: the same input gives the same signature."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from random import Random

from msgspec import Struct

EXPONENT = 65537
ROUNDS = 8
SIEVE = 4000
DIGEST_INFO = {
    "sha1": bytes.fromhex("3021300906052b0e03021a05000414"),
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}


class PublicKey(Struct, frozen=True):
    """A modulus and an exponent."""

    n: int
    e: int = EXPONENT

    @property
    def size(self) -> int:
        """Bytes of the modulus, and of a signature."""
        return (self.n.bit_length() + 7) // 8


class PrivateKey(Struct, frozen=True):
    """Two primes, of which everything else follows."""

    p: int
    q: int

    @property
    def public(self) -> PublicKey:
        """The half that everybody may know."""
        return PublicKey(self.p * self.q)


@lru_cache(maxsize=64)
def generate(seed: int, bits: int = 2048) -> PrivateKey:
    """The key of a seed: always the same one."""
    rng = Random(seed)
    half = bits // 2
    p = q = _prime(rng, half)
    while p == q:
        q = _prime(rng, half)
    return PrivateKey(p, q)


def sign(key: PrivateKey, data: bytes, digest: str = "sha256") -> bytes:
    """The signature of some data."""
    public = key.public
    encoded = int.from_bytes(_encoded(data, digest, public.size), "big")
    d = pow(EXPONENT, -1, (key.p - 1) * (key.q - 1))
    low, high = pow(encoded, d % (key.p - 1), key.p), pow(encoded, d % (key.q - 1), key.q)
    joined = high + key.q * ((low - high) * pow(key.q, -1, key.p) % key.p)
    return joined.to_bytes(public.size, "big")


def verify(key: PublicKey, data: bytes, signature: bytes, digest: str = "sha256") -> bool:
    """Whether a signature is the key's."""
    number = int.from_bytes(signature, "big")
    if len(signature) != key.size or number >= key.n:
        return False
    try:
        wanted = _encoded(data, digest, key.size)
    except ValueError:
        return False
    return pow(number, key.e, key.n).to_bytes(key.size, "big") == wanted


def _encoded(data: bytes, digest: str, size: int) -> bytes:
    info = DIGEST_INFO[digest] + hashlib.new(digest, data).digest()
    padding = size - len(info) - 3
    if padding < 8:
        raise ValueError("the key is too short for the digest")
    return b"\x00\x01" + b"\xff" * padding + b"\x00" + info


def _prime(rng: Random, bits: int) -> int:
    """A prime whose two highest bits are set, so that the product of two has twice as many."""
    while True:
        start = rng.getrandbits(bits) | (3 << (bits - 2)) | 1
        for candidate in _sieved(start):
            if (candidate - 1) % EXPONENT and _is_prime(candidate, rng):
                return candidate


def _sieved(start: int) -> Iterator[int]:
    """Odd numbers from `start` on without small factors."""
    divisible = bytearray(SIEVE)
    for prime in _small_primes():
        # start + 2k = 0 (mod prime)
        first = (-start * pow(2, -1, prime)) % prime
        divisible[first::prime] = b"\x01" * len(range(first, SIEVE, prime))
    return (start + 2 * k for k in range(SIEVE) if not divisible[k])


@lru_cache(maxsize=1)
def _small_primes() -> tuple[int, ...]:
    return tuple(n for n in range(3, 8000, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2)))


def _is_prime(number: int, rng: Random) -> bool:
    """Miller and Rabin's test, after a quick one which most composites fail."""
    if pow(2, number - 1, number) != 1:
        return False
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(_passes(number, rng.randrange(2, number - 1), odd, twos) for _ in range(ROUNDS))


def _passes(number: int, base: int, odd: int, twos: int) -> bool:
    power = pow(base, odd, number)
    if power in (1, number - 1):
        return True
    for _ in range(twos - 1):
        power = power * power % number
        if power == number - 1:
            return True
    return False

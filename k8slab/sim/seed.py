"""Named streams of randomness: all chance in a lab comes from here, and from one seed.

A stream depends on the seed and its name alone, so that a new consumer of chance does not shift the others.
"""

from __future__ import annotations

import hashlib
from random import Random

#: What Kubernetes draws name suffixes from: no vowels, no look-alikes (apimachinery/pkg/util/rand).
ALPHANUMS = "bcdfghjklmnpqrstvwxz2456789"


class Streams:
    """Random streams by name.

    >>> one, other = Streams(7), Streams(7)
    >>> one.stream("scheduler").random() == other.stream("scheduler").random()
    True
    >>> len(one.suffix("pods", 5))
    5
    """

    __slots__ = ("_streams", "seed")

    def __init__(self, seed: int) -> None:
        """Make the streams of a seed."""
        self.seed = seed
        self._streams: dict[str, Random] = {}

    def stream(self, name: str) -> Random:
        """The stream of this name; the same object at every call."""
        found = self._streams.get(name)
        if found is None:
            digest = hashlib.sha256(f"{self.seed}/{name}".encode()).digest()
            found = self._streams[name] = Random(int.from_bytes(digest[:16]))
        return found

    def secret(self, name: str) -> int:
        """A number of 256 bits for a key of this name; asking for it shifts nothing."""
        return int.from_bytes(hashlib.sha256(f"{self.seed}/secret/{name}".encode()).digest())

    def uid(self, name: str = "uid") -> str:
        """A version-4 UUID, drawn from the stream ``name``."""
        return _uuid(self.stream(name).getrandbits(128))

    def named_uid(self, name: str) -> str:
        """The version-4 UUID of this name: always the same; asking for it shifts nothing."""
        return _uuid(self.secret(name) >> 128)

    def suffix(self, name: str, length: int = 5) -> str:
        """A random name suffix as ``generateName`` appends it."""
        rng = self.stream(name).random
        return "".join(ALPHANUMS[int(rng() * 27)] for _ in range(length))


def uuid_text(digits: str) -> str:
    """The first 32 hexadecimal digits with the dashes of a UUID."""
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"


def _uuid(bits: int) -> str:
    """128 random bits as a version-4 UUID."""
    return uuid_text(f"{(bits & ~(0xF << 76) & ~(0x3 << 62)) | (0x4 << 76) | (0x2 << 62):032x}")

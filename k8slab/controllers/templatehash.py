"""The hash that names a Deployment's ReplicaSets (pkg/controller ComputeHash: FNV-1a of the dumped template)."""

from __future__ import annotations

from k8slab.api.core_v1 import PodTemplateSpec
from k8slab.controllers.deephash import dump

ALPHANUMS = "bcdfghjklmnpqrstvwxz2456789"


def template_hash(template: PodTemplateSpec, collisions: int | None) -> str:
    """The label value for a template; another one after each collision."""
    digest = fnv32a(dump(template).encode())
    if collisions is not None:
        digest = fnv32a(collisions.to_bytes(4, "little") + b"\0" * 4, digest)
    return safe(str(digest))


def fnv32a(data: bytes, start: int = 0x811C9DC5) -> int:
    """The 32-bit FNV-1a hash of some bytes."""
    digest = start
    for byte in data:
        digest = (digest ^ byte) * 0x01000193 & 0xFFFFFFFF
    return digest


def safe(text: str) -> str:
    """Letters and digits that make no words (rand.SafeEncodeString)."""
    return "".join(ALPHANUMS[ord(character) % len(ALPHANUMS)] for character in text)

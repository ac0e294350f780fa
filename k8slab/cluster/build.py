"""Which program this is: what was pickled by one is only read by the very same."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import msgspec


def version() -> str:
    """This package's version."""
    return str(getattr(sys.modules["k8slab"], "__version__", ""))


def fingerprint() -> str:
    """A digest of this package's source, of Python's version and of msgspec's.

    >>> len(fingerprint())
    64
    """
    package = Path(__file__).parents[1]
    digest = hashlib.sha256(f"{sys.version} {msgspec.__version__}".encode())
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()

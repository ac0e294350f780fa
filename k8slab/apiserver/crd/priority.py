"""Which version is preferred: stable before beta before alpha, high numbers first, other names last.

Follows `apimachinery/pkg/version` (CompareKubeAwareVersionStrings).
"""

from __future__ import annotations

import re

_VERSION = re.compile(r"v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?")


def version_order(name: str) -> tuple[int, int, int, str]:
    """A key by which versions sort, preferred first."""
    match = _VERSION.fullmatch(name)
    if match is None:
        return 3, 0, 0, name
    major, stage, minor = match.groups()
    return {None: 0, "beta": 1, "alpha": 2}[stage], -int(major), -int(minor or 0), name

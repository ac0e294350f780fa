"""Semantic versions (`apiserver/pkg/cel/library/semverlib.go`)."""

from __future__ import annotations

import re
from typing import Any

from k8slab.api.cel.overloads import Table, declare
from k8slab.api.cel.values import CelError

NAME = "kubernetes.Semver"
_NUMBER = r"(0|[1-9]\d*)"
_IDENTIFIER = r"(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_SEMVER = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-({_IDENTIFIER}(?:\.{_IDENTIFIER})*))?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)


class SemverValue:
    """A version as a value, ready to be compared: a pre-release comes before the release."""

    __slots__ = ("key", "numbers")
    kind = NAME

    def __init__(self, numbers: tuple[int, int, int], pre: str) -> None:
        self.numbers = numbers
        parts = [(0, int(each), "") if each.isdigit() else (1, 0, each) for each in pre.split(".") if each]
        self.key = (numbers, not pre, parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SemverValue) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.numbers)


def _semver(text: str, normalize: bool = False) -> SemverValue:
    found = _SEMVER.fullmatch(_normalized(text) if normalize else text)
    if found is None:
        raise CelError("No Major.Minor.Patch elements found" if text.count(".") < 2 else f'Invalid version "{text}"')
    return SemverValue((int(found[1]), int(found[2]), int(found[3])), found[4] or "")


def _normalized(text: str) -> str:
    """Without a leading v and leading zeros, with what is missing."""
    core = re.match(r"v?([\d.]*)(.*)", text, re.DOTALL)
    numbers, rest = core.groups() if core else ("", text)
    parts = [each.lstrip("0") or "0" if each else each for each in numbers.split(".")]
    return ".".join([*parts, "0", "0"][: max(3, len(parts))]) + rest


def _is_semver(text: str, normalize: bool = False) -> bool:
    try:
        _semver(text, normalize)
    except CelError:
        return False
    return True


def _major(value: SemverValue) -> int:
    return value.numbers[0]


def _minor(value: SemverValue) -> int:
    return value.numbers[1]


def _patch(value: SemverValue) -> int:
    return value.numbers[2]


def _compare(left: SemverValue, right: SemverValue) -> int:
    a: Any = left.key
    b: Any = right.key
    return (a > b) - (a < b)


def _less(left: SemverValue, right: SemverValue) -> bool:
    return _compare(left, right) < 0


def _greater(left: SemverValue, right: SemverValue) -> bool:
    return _compare(left, right) > 0


def add_versions(table: Table) -> None:
    """Declare what versions can do."""
    declare(table, _semver, f"semver(string) {NAME}", f"semver(string, bool) {NAME}")
    declare(table, _is_semver, "isSemver(string) bool", "isSemver(string, bool) bool")
    declare(table, _major, f"{NAME}~major() int")
    declare(table, _minor, f"{NAME}~minor() int")
    declare(table, _patch, f"{NAME}~patch() int")
    declare(table, _compare, f"{NAME}~compareTo({NAME}) int")
    declare(table, _less, f"{NAME}~isLessThan({NAME}) bool")
    declare(table, _greater, f"{NAME}~isGreaterThan({NAME}) bool")

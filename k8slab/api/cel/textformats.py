"""Formats by name, and what is wrong with a text (`apiserver/pkg/cel/library/format.go`)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from k8slab.api.cel.overloads import Table, declare
from k8slab.api.cel.times import read_timestamp
from k8slab.api.cel.values import NONE, CelError, Optional
from k8slab.api.validation import names

NAME = "kubernetes.NamedFormat"
Check = Callable[[str], Sequence[str]]
_UUID = re.compile("(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")


def _uri(text: str) -> Sequence[str]:
    try:
        fits = bool(urlsplit(text).scheme) or text.startswith("/")
    except ValueError:
        fits = False
    return () if fits else (f'parse "{text}": invalid URI for request',)


def _uuid(text: str) -> Sequence[str]:
    return () if _UUID.fullmatch(text) else ("does not match the UUID format",)


def _byte(text: str) -> Sequence[str]:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return ("invalid base64",)
    return ()


def _date(text: str) -> Sequence[str]:
    return _moment(f"{text}T00:00:00Z", "invalid date")


def _datetime(text: str) -> Sequence[str]:
    return _moment(text, "invalid datetime")


def _moment(text: str, why: str) -> Sequence[str]:
    try:
        read_timestamp(text)
    except CelError:
        return (why,)
    return ()


def _prefix(check: Check) -> Check:
    """The check for the beginning of a name, which may end with a dash."""
    return lambda text: check(f"{text[:-1]}a" if text.endswith("-") else text)


CHECKS: dict[str, Check] = {
    "dns1123Label": names.dns_label,
    "dns1123Subdomain": names.dns_subdomain,
    "dns1035Label": names.dns1035_label,
    "qualifiedName": names.qualified_name,
    "dns1123LabelPrefix": _prefix(names.dns_label),
    "dns1123SubdomainPrefix": _prefix(names.dns_subdomain),
    "dns1035LabelPrefix": _prefix(names.dns1035_label),
    "labelValue": names.label_value,
    "uri": _uri,
    "uuid": _uuid,
    "byte": _byte,
    "date": _date,
    "datetime": _datetime,
}


class FormatValue:
    """A format as a value."""

    __slots__ = ("name",)
    kind = NAME

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self) -> FormatValue:
        """Itself: `format.uri()`."""
        return self


def _named(name: str) -> Optional:
    return Optional(FormatValue(name)) if name in CHECKS else NONE


def _validate(value: FormatValue, text: str) -> Optional:
    found = list(CHECKS[value.name](text))
    return Optional(found) if found else NONE


def add_formats(table: Table) -> None:
    """Declare the formats."""
    declare(table, _named, f"format.named(string) optional({NAME})")
    for name in CHECKS:
        declare(table, FormatValue(name), f"format.{name}() {NAME}")
    declare(table, _validate, f"{NAME}~validate(string) optional(list(string))")

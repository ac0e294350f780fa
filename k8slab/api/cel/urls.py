"""URLs (`apiserver/pkg/cel/library/urls.go`)."""

from __future__ import annotations

from urllib.parse import parse_qs, quote, unquote, urlsplit

from k8slab.api.cel.overloads import Table, declare
from k8slab.api.cel.values import CelError

NAME = "kubernetes.URL"


class URLValue:
    """A URL as a value."""

    __slots__ = ("parts", "text")
    kind = NAME

    def __init__(self, text: str) -> None:
        self.text = text
        self.parts = urlsplit(text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, URLValue) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


def _url(text: str) -> URLValue:
    why = f'URL parse error during conversion from string: parse "{text}": invalid URI for request'
    try:
        found = URLValue(text)
        _ = found.parts.port
    except ValueError:
        raise CelError(why) from None
    if not (found.parts.scheme or text.startswith("/")) or any(sign in text for sign in " \x7f"):
        raise CelError(why)
    return found


def _is_url(text: str) -> bool:
    try:
        _url(text)
    except CelError:
        return False
    return True


def _scheme(value: URLValue) -> str:
    return value.parts.scheme


def _host(value: URLValue) -> str:
    return value.parts.netloc.rpartition("@")[2]


def _hostname(value: URLValue) -> str:
    host = _host(value)
    return host[1 : host.index("]")] if host.startswith("[") else host.partition(":")[0]


def _port(value: URLValue) -> str:
    return str(value.parts.port or "")


def _path(value: URLValue) -> str:
    return quote(unquote(value.parts.path), safe="/$&+,:;=@!~*'()")


def _query(value: URLValue) -> dict[str, list[str]]:
    return parse_qs(value.parts.query, keep_blank_values=True)


def add_urls(table: Table) -> None:
    """Declare what URLs can do."""
    declare(table, _url, f"url(string) {NAME}")
    declare(table, _is_url, "isURL(string) bool")
    readers = (
        ("Scheme", _scheme),
        ("Host", _host),
        ("Hostname", _hostname),
        ("Port", _port),
        ("EscapedPath", _path),
    )
    for name, run in readers:
        declare(table, run, f"{NAME}~get{name}() string")
    declare(table, _query, f"{NAME}~getQuery() map(string, list(string))")

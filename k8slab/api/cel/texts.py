"""Functions on texts: those of the standard, cel-go's string extensions (version 2), and regular expressions."""

from __future__ import annotations

from typing import Any

import re2  # type: ignore[import-untyped]

from k8slab.api.cel.overloads import Table, declare
from k8slab.api.cel.textformat import format_text
from k8slab.api.cel.values import CelError, CostExceeded

#: A longer text cannot be paid for: a tenth of a unit for each sign, a million units for an expression.
MAX_TEXT = 10_000_000
_QUOTES = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\\": "\\\\"}


def _pattern(text: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as error:
        why = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise CelError(f"error parsing regexp: {why}") from None


def _matches(text: str, pattern: str) -> bool:
    return _pattern(pattern).search(text) is not None


def _find(text: str, pattern: str) -> str:
    found = _pattern(pattern).search(text)
    return found.group(0) if found else ""


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    found = [match.group(0) for match in _pattern(pattern).finditer(text)]
    return found if limit < 0 else found[:limit]


def _contains(text: str, part: str) -> bool:
    return part in text


def _char_at(text: str, index: int) -> str:
    if not 0 <= index <= len(text):
        raise CelError(f"index out of range: {index}")
    return text[index : index + 1]


def _index_of(text: str, part: str, start: int = 0) -> int:
    if not 0 <= start <= len(text):
        raise CelError(f"index out of range: {start}")
    return text.find(part, start)


def _last_index_of(text: str, part: str, start: int | None = None) -> int:
    if start is None:
        return text.rfind(part)
    if not 0 <= start < max(len(text), 1):
        raise CelError(f"index out of range: {start}")
    return text.rfind(part, 0, start + len(part))


def _afford(length: int) -> None:
    """Refuse a text before it takes the memory. Raises CostExceeded."""
    if length > MAX_TEXT:
        raise CostExceeded


def _join(items: list[str], separator: str = "") -> str:
    if not all(isinstance(each, str) for each in items):
        raise CelError("join: invalid input")
    _afford(sum(map(len, items)) + len(separator) * len(items))
    return separator.join(items)


def _lower(text: str) -> str:
    return "".join(sign.lower() if sign.isascii() else sign for sign in text)


def _upper(text: str) -> str:
    return "".join(sign.upper() if sign.isascii() else sign for sign in text)


def _replace(text: str, old: str, new: str, limit: int = -1) -> str:
    count = text.count(old)
    count = count if limit < 0 else min(count, limit)
    _afford(len(text) + count * (len(new) - len(old)))
    return text.replace(old, new, limit)


def _split(text: str, separator: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if not separator:
        return list(text) if limit < 0 else [*text[: limit - 1], *([text[limit - 1 :]] if len(text) >= limit else [])]
    return text.split(separator, -1 if limit < 0 else limit - 1)


def _substring(text: str, start: int, end: int | None = None) -> str:
    stop = len(text) if end is None else end
    for index in (start, stop):
        if not 0 <= index <= len(text):
            raise CelError(f"index out of range: {index}")
    if start > stop:
        raise CelError(f"invalid substring range. start: {start}, end: {stop}")
    return text[start:stop]


def _trim(text: str) -> str:
    return text.strip()


def _quote(text: str) -> str:
    escaped = "".join(_QUOTES.get(sign, sign) for sign in text).replace('"', '\\"')
    return f'"{escaped}"'


def add_texts(table: Table) -> None:
    """Declare what texts can do."""
    declare(table, _contains, "string~contains(string) bool")
    declare(table, str.startswith, "string~startsWith(string) bool")
    declare(table, str.endswith, "string~endsWith(string) bool")
    declare(table, _matches, "matches(string, string) bool", "string~matches(string) bool")
    declare(table, _find, "string~find(string) string")
    declare(table, _find_all, "string~findAll(string) list(string)", "string~findAll(string, int) list(string)")
    declare(table, _char_at, "string~charAt(int) string")
    declare(table, _index_of, "string~indexOf(string) int", "string~indexOf(string, int) int")
    declare(table, _last_index_of, "string~lastIndexOf(string) int", "string~lastIndexOf(string, int) int")
    declare(table, _join, "list(string)~join() string", "list(string)~join(string) string")
    declare(table, _lower, "string~lowerAscii() string")
    declare(table, _upper, "string~upperAscii() string")
    declare(table, _replace, "string~replace(string, string) string", "string~replace(string, string, int) string")
    declare(table, _split, "string~split(string) list(string)", "string~split(string, int) list(string)")
    declare(table, _substring, "string~substring(int) string", "string~substring(int, int) string")
    declare(table, _trim, "string~trim() string")
    declare(table, _quote, "strings.quote(string) string")
    declare(table, format_text, "string~format(list(dyn)) string")

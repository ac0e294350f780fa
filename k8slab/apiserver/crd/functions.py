"""Functions that Kubernetes adds to the Common Expression Language: its list library and string extensions."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import re2  # type: ignore[import-untyped]
from celpy import celtypes


def _add(items: Any) -> Any:
    total = items[0] if items else celtypes.IntType(0)
    for item in items[1:]:
        total = total + item
    return total


def _lowest(items: Any) -> Any:
    if not items:
        raise ValueError("min called on empty list")
    return min(items)


def _highest(items: Any) -> Any:
    if not items:
        raise ValueError("max called on empty list")
    return max(items)


def _is_sorted(items: Any) -> Any:
    return celtypes.BoolType(all(left <= right for left, right in pairwise(items)))


def _index_of(value: Any, part: Any, start: int = 0) -> Any:
    if isinstance(value, str):
        return celtypes.IntType(value.find(part, int(start)))
    return celtypes.IntType(next((index for index, item in enumerate(value) if item == part), -1))


def _last_index_of(value: Any, part: Any) -> Any:
    if isinstance(value, str):
        return celtypes.IntType(value.rfind(part))
    found = [index for index, item in enumerate(value) if item == part]
    return celtypes.IntType(found[-1] if found else -1)


def _lower(text: Any) -> Any:
    return celtypes.StringType("".join(sign.lower() if sign.isascii() else sign for sign in text))


def _upper(text: Any) -> Any:
    return celtypes.StringType("".join(sign.upper() if sign.isascii() else sign for sign in text))


def _split(text: Any, separator: Any, limit: int = -1) -> Any:
    if limit == 0:
        return celtypes.ListType([])
    parts = list(text) if not separator else str(text).split(separator, -1 if limit < 0 else int(limit) - 1)
    return celtypes.ListType([celtypes.StringType(part) for part in parts])


def _join(items: Any, separator: Any = "") -> Any:
    return celtypes.StringType(str(separator).join(items))


def _replace(text: Any, old: Any, new: Any, limit: int = -1) -> Any:
    return celtypes.StringType(str(text).replace(old, new, int(limit)))


def _trim(text: Any) -> Any:
    return celtypes.StringType(str(text).strip())


def _substring(text: Any, start: Any, end: Any = None) -> Any:
    stop = len(text) if end is None else int(end)
    if not 0 <= start <= stop <= len(text):
        raise ValueError(f"index out of range: {start if end is None or start > len(text) else end}")
    return celtypes.StringType(text[int(start) : stop])


def _char_at(text: Any, index: Any) -> Any:
    if not 0 <= index <= len(text):
        raise ValueError(f"index out of range: {index}")
    return celtypes.StringType(text[int(index) : int(index) + 1])


def _find(text: Any, pattern: Any) -> Any:
    found = re2.search(pattern, text)
    return celtypes.StringType(found.group(0) if found else "")


def _find_all(text: Any, pattern: Any, limit: int = -1) -> Any:
    found = [match.group(0) for match in re2.finditer(pattern, text)]
    kept = found if limit < 0 else found[: int(limit)]
    return celtypes.ListType([celtypes.StringType(part) for part in kept])


def _reverse(text: Any) -> Any:
    return celtypes.StringType(text[::-1])


FUNCTIONS: dict[str, Any] = {
    "charAt": _char_at,
    "find": _find,
    "findAll": _find_all,
    "indexOf": _index_of,
    "isSorted": _is_sorted,
    "join": _join,
    "lastIndexOf": _last_index_of,
    "lowerAscii": _lower,
    "max": _highest,
    "min": _lowest,
    "replace": _replace,
    "reverse": _reverse,
    "split": _split,
    "substring": _substring,
    "sum": _add,
    "trim": _trim,
    "upperAscii": _upper,
}

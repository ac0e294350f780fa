"""Texts that come from a submission, made fit for files and terminals."""

from __future__ import annotations

import re
from typing import Any

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def clean(text: str) -> str:
    """A text without lone surrogates (no file can hold them) and without control characters but tab and newline.

    >>> clean("a\\x1b[31m\\ud800b")
    'a[31m?b'
    """
    return _CONTROL.sub("", text.encode("utf-8", "replace").decode("utf-8"))


def clean_all(value: Any) -> Any:
    """Plain data with every text in it cleaned."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [clean_all(one) for one in value]
    if isinstance(value, dict):
        return {clean(str(key)): clean_all(one) for key, one in value.items()}
    return value

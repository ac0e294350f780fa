"""A text that is the same for equal objects."""

from __future__ import annotations

from typing import Any

from msgspec import json


def dump(obj: Any) -> str:
    """All fields of an object, maps in order of their keys."""
    return json.encode(obj, order="sorted").decode()

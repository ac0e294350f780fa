"""Changed copies of an object's metadata, typed or unstructured."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace


def with_meta(obj: Any, **changes: Any) -> Any:
    """The object with some fields of its metadata changed; everything else is shared."""
    return replace(obj, metadata=replace(obj.metadata, **changes))


def stamp(obj: Any, revision: int, previous: object) -> Any:
    """The object as of `revision`: what the store calls at commit."""
    return replace(obj, metadata=replace(obj.metadata, resourceVersion=str(revision)))


def has_field(obj: Any, name: str) -> bool:
    """Whether this kind of object has the top-level field at all."""
    return name in obj.__struct_fields__

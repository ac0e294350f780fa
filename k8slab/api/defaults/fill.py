"""Filling in fields of immutable objects so that an object which needs nothing comes back as it is."""

from __future__ import annotations

from collections.abc import Callable
from operator import is_
from typing import Any, TypeVar

from k8slab.api.base import KubeStruct

T = TypeVar("T", bound=KubeStruct)


def fill(obj: T, **wanted: Any) -> T:
    """Set the fields that are absent or zero: for fields which are no pointers in Go, where "" and 0 mean absent."""
    changes = {name: value for name, value in wanted.items() if not getattr(obj, name)}
    return obj.replace(**changes) if changes else obj


def fill_absent(obj: T, **wanted: Any) -> T:
    """Set the fields that are absent: for pointers in Go, where "", 0 and false are values."""
    changes = {name: value for name, value in wanted.items() if getattr(obj, name) is None}
    return obj.replace(**changes) if changes else obj


def change(obj: T, **wanted: Any) -> T:
    """Set fields, unless each holds the very same object already."""
    changes = {name: value for name, value in wanted.items() if getattr(obj, name) is not value}
    return obj.replace(**changes) if changes else obj


def each(function: Callable[[Any], Any], items: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    """The function applied to all elements; the same tuple if none changes."""
    if not items:
        return items
    changed = tuple(map(function, items))
    return items if all(map(is_, changed, items)) else changed


def maybe(function: Callable[[Any], Any], obj: Any) -> Any:
    """The function applied to a value that may be absent."""
    return None if obj is None else function(obj)

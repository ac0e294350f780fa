"""Which part of the stored object corresponds to a part of the new one (`apiserver/pkg/cel/common/equality.go`)."""

from __future__ import annotations

from typing import Any


class Missing:
    """The type of `MISSING`: there is no old value."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing()


def same(left: Any, right: Any) -> bool:
    """Whether two JSON values are equal; true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right


def keys_of(item: Any, names: Any) -> tuple[Any, ...]:
    """The values of the keys by which an item of a map-like list is told apart."""
    return tuple(item.get(name) if isinstance(item, dict) else None for name in names)


def old_item(old: Any, item: Any, schema: dict[str, Any]) -> Any:
    """The item of an old list that is the new item's former self; only map-like lists have such."""
    names = schema.get("x-kubernetes-list-map-keys")
    if schema.get("x-kubernetes-list-type") != "map" or not names or not isinstance(old, list):
        return MISSING
    wanted = keys_of(item, names)
    return next((each for each in old if keys_of(each, names) == wanted), MISSING)

"""Merging an applied configuration into an object, and taking fields out of one, on plain data.

Follows `typed/merge.go` and `typed/remove.go`.
"""

from __future__ import annotations

from typing import Any

from k8slab.api.apply.fieldset import Path, field
from k8slab.api.apply.leaves import item_element
from k8slab.api.apply.schema import ANY, Shape, child_of, resolved

Tree = dict[str, "Tree | None"]
_WHOLE: Tree = {}


def merge(live: Any, applied: Any, shape: Shape) -> Any:
    """The object with everything that was applied; maps and keyed lists are merged, other values replaced."""
    shape = resolved(shape, applied)
    if applied is None or live is None or shape.atomic:
        return applied
    if shape.kind == "list":
        return _merge_lists(live, applied, shape)
    if isinstance(applied, dict) and isinstance(live, dict):
        merged = dict(live)
        for name, child in applied.items():
            merged[name] = merge(live.get(name), child, child_of(shape, name) or ANY)
        return merged
    return applied


def _merge_lists(live: list[Any], applied: list[Any], shape: Shape) -> list[Any]:
    """Both lists' items: shared ones in the order of the applied list, the live ones where they were among them."""
    ours = {item_element(item, shape): item for item in live}
    theirs = {item_element(item, shape): item for item in applied}
    left, right = list(ours), list(theirs)
    shared = [key for key in right if key in ours]
    merged, i, j = [], 0, 0
    while i < len(left) or j < len(right):
        if i < len(left) and j < len(right):
            key = left[i]
            if key == right[j]:
                merged.append(merge(ours[key], theirs[key], shape.element))
                i, j = i + 1, j + 1
                shared = shared[1:]
                continue
            if key in theirs and shared and shared[0] != key:
                i += 1
                continue
        if i < len(left) and left[i] not in theirs:
            merged.append(ours[left[i]])
            i += 1
        elif j < len(right):
            key = right[j]
            merged.append(merge(ours.get(key), theirs[key], shape.element))
            j += 1
            if shared and shared[0] == key:
                shared = shared[1:]
        else:
            i += 1
    return merged


def remove(obj: Any, paths: set[Path], shape: Shape) -> Any:
    """Plain data without the list items, map entries and fields of these paths."""
    tree: Tree = {}
    for path in paths:
        node = tree
        for element in path[:-1]:
            following = node.setdefault(element, {})
            if following is None:
                break
            node = following
        else:
            node[path[-1]] = None
    return _remove(obj, tree, shape) if tree else obj


def _remove(obj: Any, tree: Tree, shape: Shape) -> Any:
    shape = resolved(shape, obj)
    if shape.atomic:
        return obj
    if isinstance(obj, list):
        kept = []
        for item in obj:
            below = tree.get(item_element(item, shape), _WHOLE)
            if below is not None:
                kept.append(_remove(item, below, shape.element) if below else item)
        return kept or None
    return _remove_entries(obj, tree, shape) if isinstance(obj, dict) else obj


def _remove_entries(obj: dict[str, Any], tree: Tree, shape: Shape) -> dict[str, Any] | None:
    kept = {}
    for name, child in obj.items():
        below = tree.get(field(name), _WHOLE)
        if below is None:
            continue
        left = _remove(child, below, child_of(shape, name) or ANY) if below else child
        if left is not None:
            kept[name] = left
    return kept or None

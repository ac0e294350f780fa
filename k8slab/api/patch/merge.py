"""JSON merge patch (RFC 7386), and the three-way form that kubectl apply uses for custom resources."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from k8slab.api.patch.failure import bad_request, json_type


def merge_patch(document: dict[str, Any], patch: Any, share: bool = False) -> dict[str, Any]:
    """A copy of `document` with the patch merged in: null removes, objects merge, everything else replaces.

    With `share`, what the patch does not touch is shared with the document.
    Raises ApiError 400 if the patch is not an object.
    """
    if patch is None:
        return document if share else deepcopy(document)
    if not isinstance(patch, dict):
        text = f"json: cannot unmarshal {json_type(patch)} into Go value of type map[string]interface {{}}"
        raise bad_request(f"error decoding patch: {text}")
    merged = _merge(document, patch)
    return merged if share else deepcopy(merged)


def _merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return _without_nulls(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), value)
    return merged


def _without_nulls(value: Any) -> Any:
    """A copy in which objects inside lists have lost their null fields, as they do on the server."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_nulls(item) for item in value]
    return value


def merge_diff(original: dict[str, Any], modified: dict[str, Any]) -> dict[str, Any]:
    """The JSON merge patch that turns `original` into `modified`."""
    patch = {key: deepcopy(value) for key, value in modified.items() if key not in original}
    for key, old in original.items():
        if key not in modified:
            patch[key] = None
            continue
        new = modified[key]
        if isinstance(old, dict) and isinstance(new, dict):
            inner = merge_diff(old, new)
            if inner:
                patch[key] = inner
        elif not same(old, new):
            patch[key] = deepcopy(new)
    return patch


def merge_three_way(original: dict[str, Any], modified: dict[str, Any], current: dict[str, Any]) -> dict[str, Any]:
    """The merge patch of kubectl apply where no schema is known (`jsonmergepatch.CreateThreeWayJSONMergePatch`).

    What changed or came from `current` to `modified`, and what went from `original` (the last applied) to `modified`.
    """
    changes = _keep(merge_diff(current, modified), additions=True)
    deletions = _keep(merge_diff(original, modified), additions=False)
    return _overlay(deletions, changes)


def _keep(patch: dict[str, Any], additions: bool) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in patch.items():
        if isinstance(value, dict):
            inner = _keep(value, additions)
            if inner or (additions and not value):
                kept[key] = inner
        elif (value is not None) == additions:
            kept[key] = value
    return kept


def _overlay(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    """Both patches as one; `top` wins."""
    merged = dict(base)
    for key, value in top.items():
        below = merged.get(key)
        merged[key] = _overlay(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def same(left: Any, right: Any) -> bool:
    """Whether two JSON values are equal: unlike in Python, true is not 1 (and a tuple is a list)."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and left == right

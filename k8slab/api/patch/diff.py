"""Making strategic merge patches: the difference of two documents, and the three-way difference of kubectl apply.

Follows `CreateTwoWayMergePatch` and `CreateThreeWayMergePatch` of `apimachinery/pkg/util/strategicpatch`.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, NamedTuple

from k8slab.api.patch import order
from k8slab.api.patch.failure import bad_type, go_text, no_merge_key
from k8slab.api.patch.merge import same
from k8slab.api.patch.schema import Field, Schema, lookup
from k8slab.api.patch.strategic import DELETE_FROM, DIRECTIVE, ELEMENT_ORDER, JOIN, RETAIN_KEYS, merge_maps
from k8slab.errors import ApiError

Map = dict[str, Any]


class Part(NamedTuple):
    """Which half of a difference is wanted."""

    changes: bool
    deletions: bool


def two_way(original: Map, modified: Map, cls: Schema) -> Map:
    """The strategic merge patch that turns `original` into `modified`, both documents of the API class `cls`."""
    return deepcopy(_diff_maps(original, modified, cls, Part(changes=True, deletions=True), retain=False))


def three_way(original: Map, modified: Map, current: Map, cls: Schema) -> Map:
    """The patch of kubectl apply.

    Args:
        original: what was applied last (the annotation), or `{}`.
        modified: what is to be applied now.
        current: what the server has.
        cls: the API class of the documents.

    Returns a patch for `current` that sets all of `modified` and removes what `modified` no longer has of `original`,
    leaving alone what others have set.
    """
    changes = _diff_maps(current, modified, cls, Part(changes=True, deletions=False), retain=False)
    deletions = _diff_maps(original, modified, cls, Part(changes=False, deletions=True), retain=False)
    return merge_maps(deepcopy(deletions), deepcopy(changes), cls, JOIN)


def _diff_maps(original: Map, modified: Map, schema: Schema, part: Part, retain: bool) -> Map:
    patch: Map = {}
    for key, new in modified.items():
        if key not in original:
            if part.changes:
                patch[key] = new
        elif key == DIRECTIVE:
            if new != original[key]:
                patch[key] = new
        else:
            _diff_field(patch, key, original[key], new, schema, part)
    if part.deletions:
        patch.update({key: None for key in original if key not in modified})
    _name_retained_keys(patch, original, modified, retain)
    return patch


def _name_retained_keys(patch: Map, original: Map, modified: Map, retain: bool) -> None:
    kept = sorted(key for key, value in modified.items() if value is not None) if retain else []
    cleared = any(key not in modified for key, value in original.items() if value is not None)
    if kept and (patch or cleared):
        patch[RETAIN_KEYS] = kept


def _diff_field(patch: Map, key: str, old: Any, new: Any, schema: Schema, part: Part) -> None:
    if isinstance(old, dict) and isinstance(new, dict):
        _diff_map_field(patch, key, old, new, schema, part)
    elif isinstance(old, list) and isinstance(new, list):
        _diff_list_field(patch, key, old, new, schema, part)
    elif part.changes and not same(old, new):
        patch[key] = new


def _lookup(schema: Schema, key: str, old: Any, new: Any) -> Field | None:
    """The field; None if it is unknown but equal on both sides, so that nothing needs to be known of it."""
    try:
        return lookup(schema, key)
    except ApiError:
        if same(old, new):
            return None
        raise


def _diff_map_field(patch: Map, key: str, old: Map, new: Map, schema: Schema, part: Part) -> None:
    field = _lookup(schema, key, old, new)
    if field is None:
        return
    if field.strategy == "replace":
        if part.changes:  # even if equal, as upstream does: applying a PodDisruptionBudget again is never "unchanged"
            patch[key] = new
        return
    inner = _diff_maps(old, new, field.schema, part, field.retain_keys)
    if inner:
        patch[key] = inner


def _diff_list_field(patch: Map, key: str, old: list[Any], new: list[Any], schema: Schema, part: Part) -> None:
    field = _lookup(schema, key, old, new)
    if field is None:
        return
    if field.strategy != "merge":
        if part.changes and not same(old, new):
            patch[key] = new
    elif not old:
        if new and part.changes:
            patch[key] = new
    elif order.are_maps(old, new):
        _diff_elements(patch, key, old, new, field, part)
    else:
        _diff_scalars(patch, key, old, new, part)


def _diff_scalars(patch: Map, key: str, old: list[Any], new: list[Any], part: Part) -> None:
    known, wanted = order.positions(old, ""), order.positions(new, "")
    added = [item for item in new if order.identity(item) not in known] if part.changes else []
    removed = sorted((item for item in old if order.identity(item) not in wanted), key=go_text)
    if added:
        patch[key] = added
    if removed and part.deletions:
        patch[f"{DELETE_FROM}/{key}"] = removed
    if (removed and part.deletions) or (part.changes and not same(old, new)):
        patch[f"{ELEMENT_ORDER}/{key}"] = new


def _diff_elements(patch: Map, key: str, old: list[Map], new: list[Map], field: Field, part: Part) -> None:
    merge_key = field.merge_key
    _require_keys(merge_key, old, new)
    changed = _changed_elements(old, new, field, part)
    removed = _removed_elements(old, new, merge_key) if part.deletions else []
    elements = changed + removed
    if elements:
        patch[key] = elements
    moved = len(old) != len(new) or any(not same(a[merge_key], b[merge_key]) for a, b in zip(old, new, strict=True))
    if (part.changes and (elements or moved)) or (part.deletions and elements):
        patch[f"{ELEMENT_ORDER}/{key}"] = [{merge_key: item[merge_key]} for item in new]


def _require_keys(merge_key: str, *lists: list[Map]) -> None:
    for items in lists:
        for item in items:
            if not isinstance(item, dict):
                raise bad_type("map[string]interface {}", item)
            if merge_key not in item:
                raise no_merge_key(item, merge_key)


def _by_key(items: list[Map], merge_key: str) -> dict[tuple[str, Any], list[Map]]:
    """The elements of each key, in their order: a list may hold several (ports that differ in protocol only)."""
    groups: dict[tuple[str, Any], list[Map]] = {}
    for item in items:
        groups.setdefault(order.identity(item[merge_key]), []).append(item)
    return groups


def _changed_elements(old: list[Map], new: list[Map], field: Field, part: Part) -> list[Map]:
    """Elements that are new, and the differences of those that are not; equal keys are paired in their order."""
    partners = _by_key(old, field.merge_key)
    changed = []
    for item in new:
        rest = partners.get(order.identity(item[field.merge_key]))
        if rest:
            inner = _diff_maps(rest.pop(0), item, field.schema, part, field.retain_keys)
            if inner:
                changed.append({**inner, field.merge_key: item[field.merge_key]})
        elif part.changes:
            changed.append(item)
    return changed


def _removed_elements(old: list[Map], new: list[Map], merge_key: str) -> list[Map]:
    wanted = _by_key(new, merge_key)
    removed = []
    for item in sorted(old, key=lambda item: go_text(item[merge_key])):
        rest = wanted.get(order.identity(item[merge_key]))
        if rest:
            rest.pop(0)
        else:
            removed.append({merge_key: item[merge_key], DIRECTIVE: "delete"})
    return removed

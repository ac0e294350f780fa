"""What a write does to the ownership of fields (`structured-merge-diff/merge/update.go`)."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from k8slab.api.apply.fieldset import Path
from k8slab.api.apply.leaves import field_set, members
from k8slab.api.apply.managers import Conflicted, Manager, Managers
from k8slab.api.apply.merge import merge, remove
from k8slab.api.apply.schema import Shape, child_of, is_field


def update(
    managers: Managers,
    manager: Manager,
    added: set[Path],
    removed: set[Path],
    modified: set[Path],
    api_version: str,
    time: str | None,
) -> None:
    """Note a plain write: who changes a field owns it, alone; what is gone is nobody's."""
    changed = added | modified
    managers.disown(changed | removed, manager)
    previous = managers.get(manager)
    own = ((previous.fields if previous else set()) - removed) | changed
    if not own:
        managers.pop(manager, None)
    elif changed or (previous and own != previous.fields):
        managers.own(manager, own, api_version, time if changed else previous.time)


def apply(
    live: dict[str, Any],
    applied: dict[str, Any],
    shape: Shape,
    managers: Managers,
    manager: Manager,
    fields: set[Path],
    api_version: str,
    time: str | None,
    force: bool,
) -> dict[str, Any]:
    """Merge a configuration into the live object and note who owns what now.

    Args:
        live: the object as stored, plain data.
        applied: the configuration.
        shape: of both.
        managers: of the live object; changed in place.
        manager: who applies.
        fields: what the configuration owns.
        api_version: of the configuration.
        time: when.
        force: take over what others own.

    Returns the merged object, without what the manager applied last time and nobody wants any more.
    Raises Conflicted where others own what would change.
    """
    last = managers.get(manager)
    # Also what nobody owns in the end, such as the name, keeps what it is part of from being removed.
    managers.own(manager, field_set(applied, shape), api_version, time)
    merged = merge(live, applied, shape)
    if last is not None and last.fields:
        merged = _prune(merged, managers, last.fields, shape)
    was, now = members(live, shape), members(merged, shape)
    changed = {path for path in now if path not in was or (was[path] is not now[path] and was[path] != now[path])}
    conflicts = managers.owners(changed, manager)
    if conflicts and not force:
        raise Conflicted(conflicts)
    managers.disown(changed | (was.keys() - now.keys()), manager)
    if fields:
        managers.own(manager, fields, api_version, time)
    else:
        del managers[manager]
    return merged


def _prune(merged: dict[str, Any], managers: Managers, last: AbstractSet[Path], shape: Shape) -> dict[str, Any]:
    """Without what was applied last time, unless somebody owns it still."""
    everything = _with_named(field_set(merged, shape), shape)
    pruned = remove(merged, _with_named(last, shape), shape) or {}
    kept = _with_named(field_set(pruned, shape), shape)
    owned = _with_named(set().union(*(each.fields for each in managers.values())), shape)
    pruned = remove(merged, everything - (kept | owned), shape) or {}
    kept = _with_named(field_set(pruned, shape), shape)
    return remove(merged, (everything - kept) & _with_named(last, shape), shape) or {}


def _with_named(paths: AbstractSet[Path], shape: Shape) -> set[Path]:
    """The set with those struct fields under which it has paths, as EnsureNamedFieldsAreMembers adds them."""
    found = set(paths)
    for path in paths:
        current: Shape | None = shape
        for index, element in enumerate(path):
            if current is None:
                break
            if element[0] == "f" and current.kind in ("struct", "map"):
                name = element[2:]
                if is_field(current, name):
                    found.add(path[: index + 1])
                current = child_of(current, name)
            else:
                current = current.element
    return found

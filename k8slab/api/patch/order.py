"""The order of elements in merged lists: what the patch names in the patch's order, the rest in the live order."""

from __future__ import annotations

from typing import Any

from k8slab.api.patch.failure import go_text, go_type, internal, no_merge_key, rejected


def are_maps(*lists: list[Any]) -> bool:
    """Whether the elements are objects; raises ApiError if they are mixed, or lists."""
    kinds = {go_type(item): None for items in lists for item in items}
    if "[]interface {}" in kinds:
        raise rejected()
    if len(kinds) > 1:
        text = go_text(list(lists))
        raise internal(f"list element types are not identical: {text}")
    return "map[string]interface {}" in kinds


def identity(value: Any) -> tuple[str, Any]:
    """A hashable stand-in for a JSON scalar that keeps 1, true and "1" apart."""
    return go_type(value), go_text(value) if isinstance(value, dict | list) else value


def key_of(item: Any, merge_key: str) -> tuple[str, Any]:
    """What identifies an element: its merge key, or for plain values itself."""
    if not merge_key:
        return identity(item)
    if merge_key not in item:
        raise no_merge_key(item, merge_key)
    return identity(item[merge_key])


def positions(items: list[Any], merge_key: str) -> dict[tuple[str, Any], int]:
    """The first place of each key in a list; elements without the merge key are passed over."""
    found: dict[tuple[str, Any], int] = {}
    for place, item in enumerate(items):
        if not merge_key or merge_key in item:
            found.setdefault(key_of(item, merge_key), place)
    return found


def arrange(merged: list[Any], wanted: list[Any], live: list[Any], merge_key: str) -> list[Any]:
    """Order a merged list: elements of `wanted` in its order, the others woven in where `live` has them."""
    wanted_places = positions(wanted, merge_key)
    live_places = positions(live, merge_key)
    named: list[Any] = []
    others: list[Any] = []
    for item in merged:
        (named if key_of(item, merge_key) in wanted_places else others).append(item)
    named = arrange_by(named, wanted_places, merge_key)
    others = arrange_by(others, live_places, merge_key)
    return _weave(others, named, live_places, merge_key)


def arrange_by(items: list[Any], places: dict[tuple[str, Any], int], merge_key: str) -> list[Any]:
    """Sort by the places; elements to be deleted (`$patch: delete`) go last."""
    kept = [item for item in items if not is_deletion(item)]
    gone = [item for item in items if is_deletion(item)]
    return sorted(kept, key=lambda item: places.get(key_of(item, merge_key), len(places))) + gone


def is_deletion(item: Any) -> bool:
    """Whether an element of a patch says that the element with its key is to be deleted."""
    return isinstance(item, dict) and item.get("$patch") == "delete"


def _weave(left: list[Any], right: list[Any], places: dict[tuple[str, Any], int], merge_key: str) -> list[Any]:
    """Merge two ordered lists; one of `left` comes first only where the live list had it before the one of `right`."""
    woven = []
    i = j = 0
    while i < len(left) and j < len(right):
        a, b = places.get(key_of(left[i], merge_key)), places.get(key_of(right[j], merge_key))
        if a is not None and b is not None and a < b:
            woven.append(left[i])
            i += 1
        else:
            woven.append(right[j])
            j += 1
    return woven + left[i:] + right[j:]


def check(patch: list[Any], wanted: list[Any], merge_key: str) -> None:
    """The patch's elements must appear in the order that the patch itself asks for; raises ApiError."""
    if not patch or not wanted:
        return
    named = [item for item in patch if not (isinstance(item, dict) and "$patch" in item)]
    place = 0
    for item in named:
        while place < len(wanted) and key_of(wanted[place], merge_key) != key_of(item, merge_key):
            place += 1
        if place == len(wanted):
            orders = f"{go_text(patch)}\n doesn't match $setElementOrder list:\n{go_text(wanted)}\n"
            raise internal(f"The order in patch list:\n{orders}")
        place += 1

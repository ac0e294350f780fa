"""Applying a strategic merge patch (`apimachinery/pkg/util/strategicpatch`, `StrategicMergeMapPatch`).

Objects merge like in RFC 7386. Lists whose field has the strategy `merge` are merged element by element, by their merge
key or, for plain values, as sets. Directives in the patch: `$patch: replace|delete` in objects and list elements,
`$retainKeys` (fields that survive), `$deleteFromPrimitiveList/<field>`, `$setElementOrder/<field>`.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, NamedTuple

from k8slab.api.patch import order
from k8slab.api.patch.failure import (
    BAD_ELEMENT_ORDER,
    BAD_PRIMITIVE_LIST,
    BAD_RETAIN_KEYS,
    bad_request,
    bad_type,
    go_text,
    internal,
    json_type,
    no_merge_key,
)
from k8slab.api.patch.merge import same
from k8slab.api.patch.schema import Field, Schema, lookup, lookup_list

DIRECTIVE = "$patch"
RETAIN_KEYS = "$retainKeys"
DELETE_FROM = "$deleteFromPrimitiveList"
ELEMENT_ORDER = "$setElementOrder"
Map = dict[str, Any]


class Mode(NamedTuple):
    """How directives are treated: obeyed (the server merging a patch) or kept (the client joining two patches)."""

    obey: bool
    drop_nulls: bool


SERVER = Mode(obey=True, drop_nulls=True)
JOIN = Mode(obey=False, drop_nulls=False)


def strategic_merge(document: Map, patch: Any, cls: Schema) -> Map:
    """A copy of `document` with the strategic merge patch applied; `cls` is the API class of the document.

    Raises ApiError with the server's code and text (400, 500) if the patch is malformed.
    """
    return strategic_merge_rest(document, patch, cls)[0]


def strategic_merge_rest(document: Map, patch: Any, cls: Schema, share: bool = False) -> tuple[Map, Map]:
    """Like `strategic_merge`, and what the server has left of the patch, which it quotes in later errors.

    With `share`, `document` itself is changed.
    """
    if patch is None:
        patch = {}
    if not isinstance(patch, dict):
        raise bad_request(f"json: cannot unmarshal {json_type(patch)} into Go value of type map[string]interface {{}}")
    rest = deepcopy(patch)
    return merge_maps(document if share else deepcopy(document), rest, cls, SERVER), rest


def merge_maps(original: Map | None, patch: Map, schema: Schema, mode: Mode) -> Map:
    """Merge `patch` into `original`, changing both."""
    if DIRECTIVE in patch:
        return _obey_directive(patch)
    if original is None:
        original = {}
    _retain_keys(original, patch, mode)
    _merge_ordered_lists(original, patch, schema, mode)
    for key, value in list(patch.items()):
        deleting = key.startswith(DELETE_FROM)
        if deleting and not mode.obey:
            original[key] = value
            continue
        if deleting:
            key = _field_of(key, DELETE_FROM, BAD_PRIMITIVE_LIST)
        _merge_field(original, key, value, schema, mode, deleting)
    return original


def _merge_field(original: Map, key: str, value: Any, schema: Schema, mode: Mode, deleting: bool) -> None:
    if value is None:
        original.pop(key, None)
        if mode.drop_nulls:
            return
    current = original.get(key)
    if key in original and isinstance(current, dict) and isinstance(value, dict):
        field = lookup(schema, key)
        original[key] = value if field.strategy == "replace" else merge_maps(current, value, field.schema, mode)
    elif key in original and isinstance(current, list) and isinstance(value, list):
        field = lookup_list(schema, key)
        original[key] = _merge_lists(current, value, field, mode, deleting)
    elif not deleting:
        _set(original, key, value, mode)


def _set(original: Map, key: str, value: Any, mode: Mode) -> None:
    """Take the patch's value as it is, less its nulls and the parts that only steer the merge."""
    if mode.drop_nulls:
        _drop_nulls(value)
    value, keep = _without_directives(value)
    if keep:
        original[key] = value
    else:
        original.pop(key, None)


def _drop_nulls(value: Any) -> None:
    if isinstance(value, dict):
        for key in [key for key, item in value.items() if item is None]:
            del value[key]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            _drop_nulls(item)


def _without_directives(value: Any) -> tuple[Any, bool]:
    """The value without the objects that carry `$patch`, and whether anything of it stays."""
    if isinstance(value, dict):
        if DIRECTIVE in value:
            return None, False
        kept = {key: _without_directives(item) for key, item in value.items()}
        return {key: item for key, (item, keep) in kept.items() if keep}, True
    if isinstance(value, list):
        return [item for item, keep in map(_without_directives, value) if keep], True
    return value, True


def _obey_directive(patch: Map) -> Map:
    directive = patch[DIRECTIVE]
    if directive == "replace":
        del patch[DIRECTIVE]
        return patch
    if directive == "delete":
        return {}
    raise internal(f"unknown patch type: {go_text(directive)} in map: {go_text(patch)}")


def _retain_keys(original: Map, patch: Map, mode: Mode) -> None:
    if RETAIN_KEYS not in patch:
        return
    wanted = patch.pop(RETAIN_KEYS)
    if not mode.obey:
        if not same(original.setdefault(RETAIN_KEYS, wanted), wanted):
            difference = f"{go_text(original[RETAIN_KEYS])} and {go_text(wanted)} are not deep equal"
            raise internal(f"{difference}: this may happen when calculating the 3-way diff patch")
        return
    if not isinstance(wanted, list):
        raise bad_request(BAD_RETAIN_KEYS)
    for key, value in patch.items():
        if value is not None and key not in wanted and not key.startswith((DELETE_FROM, ELEMENT_ORDER)):
            raise bad_request(BAD_RETAIN_KEYS)
    for key in [key for key in original if key not in wanted]:
        del original[key]


def _merge_ordered_lists(original: Map, patch: Map, schema: Schema, mode: Mode) -> None:
    """Merge the lists for which the patch gives an order, and take them out of the patch."""
    for key in [key for key in patch if key.startswith(ELEMENT_ORDER)]:
        wanted = patch.pop(key)
        if not mode.obey and not same(original.setdefault(key, wanted), wanted):
            raise bad_request(BAD_ELEMENT_ORDER)
        if not isinstance(wanted, list):
            raise bad_type("[]interface {}", wanted)
        name = _field_of(key, ELEMENT_ORDER, BAD_ELEMENT_ORDER)
        _merge_ordered_list(original, patch, name, wanted, lookup_list(schema, name), mode)


def _merge_ordered_list(original: Map, patch: Map, name: str, wanted: list[Any], field: Field, mode: Mode) -> None:
    for side in (original, patch):
        if name in side and not isinstance(side[name], list):
            raise bad_type("[]interface {}", side[name])
    order.check(patch.get(name) or [], wanted, field.merge_key)
    if name not in original and name not in patch:
        return
    live = original.get(name) or []
    if name not in patch:
        merged = live
    elif name not in original:
        merged, _ = _without_directives(patch[name])
    else:
        merged = _merge_lists(list(live), patch[name], field, mode, deleting=False)
    original[name] = order.arrange(merged, wanted, live, field.merge_key)
    patch.pop(name, None)


def _field_of(key: str, prefix: str, problem: str) -> str:
    head, slash, name = key.partition("/")
    if not slash or head != prefix:
        raise bad_request(problem)
    return name


def _merge_lists(original: list[Any], patch: list[Any], field: Field, mode: Mode, deleting: bool) -> list[Any]:
    if field.strategy != "merge":
        return patch
    if not original and not patch:
        return original
    if not order.are_maps(original, patch):
        if deleting and mode.obey:
            return [item for item in original if not any(same(item, gone) for gone in patch)]
        return order.arrange(_union(original, patch), patch, original, "")
    if not field.merge_key:
        kind = field.schema if isinstance(field.schema, str) else "struct"
        raise internal(f"cannot merge lists without merge key for type {kind}")
    original, patch = _obey_element_directives(original, patch, field.merge_key)
    merged = _merge_elements(list(original), patch, field, mode)
    return order.arrange(merged, patch, original, field.merge_key)


def _union(original: list[Any], patch: list[Any]) -> list[Any]:
    merged: list[Any] = []
    for item in [*original, *patch]:
        if not any(same(item, known) for known in merged):
            merged.append(item)
    return merged


def _obey_element_directives(original: list[Map], patch: list[Map], key: str) -> tuple[list[Map], list[Map]]:
    """Remove what the patch's `$patch` elements say; `replace` makes the rest of the patch the whole list."""
    plain = []
    replaced = False
    for element in patch:
        directive = element.get(DIRECTIVE)
        if DIRECTIVE not in element:
            plain.append(element)
        elif directive == "delete":
            if key not in element:
                raise no_merge_key(element, key)
            original = [item for item in original if not (key in item and same(item[key], element[key]))]
        elif directive == "replace":
            replaced = True
        elif directive == "merge":
            raise internal("merging lists cannot yet be specified in the patch")
        else:
            raise internal(f"unknown patch type: {go_text(directive)} in map: {go_text(element)}")
    return (plain, []) if replaced else (original, plain)


def _merge_elements(merged: list[Map], patch: list[Map], field: Field, mode: Mode) -> list[Map]:
    key = field.merge_key
    places = order.positions(merged, key)
    for element in patch:
        if key not in element:
            raise no_merge_key(element, key)
        place = places.get(order.identity(element[key]))
        if place is None:
            places[order.identity(element[key])] = len(merged)
            merged.append(element)
        else:
            merged[place] = merge_maps(merged[place], element, field.schema, mode)
    return merged

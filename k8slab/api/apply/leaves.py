"""The fields of an object as a flat table from path to value, checked against the schema where that is asked.

Follows `typed/tofieldset.go`, `typed/compare.go` and `typed/validate.go`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from k8slab.api.apply.fieldset import Path, element_text, field, item, value
from k8slab.api.apply.schema import Shape, child_of, constant_fields, is_field, resolved, shape_of
from k8slab.api.base import KubeStruct
from k8slab.api.patch.failure import go_text
from k8slab.api.unstructured import Unstructured
from k8slab.errors import K8sLabError, quote

CONTAINER = object()
"""Stands for the value of a list item or map entry whose content has paths of its own."""


class TypedError(K8sLabError):
    """A value does not fit the schema; the text names the first places with their paths."""


def leaves(obj: Any, shape: Shape) -> dict[Path, Any]:
    """Every owned path of an object with its value; `obj` is plain data or a struct."""
    found: dict[Path, Any] = {}
    _collect(obj, shape, (), found, False)
    found.pop((), None)
    return found


def members(obj: Any, shape: Shape) -> dict[Path, Any]:
    """Every path of an object, those of maps, lists and structs too, as two versions of it are compared by."""
    found: dict[Path, Any] = {}
    _collect(obj, shape, (), found, True)
    return found


def created(obj: Any, shape: Shape | None = None) -> set[Path]:
    """The paths that a new object has beyond those which every object of its class has."""
    shape = shape or shape_of(type(obj))
    return members(obj, shape).keys() - members({}, shape).keys()


def field_set(obj: Any, shape: Shape) -> set[Path]:
    """The paths of an object."""
    return set(leaves(obj, shape))


def changes(old: Any, new: Any, shape: Shape | None = None) -> tuple[set[Path], set[Path], set[Path]]:
    """Added, removed and modified paths between two objects of one class; equal parts cost next to nothing."""
    shape = shape or shape_of(type(new))
    before, after = _differing(old, new)
    was, now = members(before, shape), members(after, shape)
    modified = {path for path in was.keys() & now.keys() if was[path] is not now[path] and was[path] != now[path]}
    return now.keys() - was.keys(), was.keys() - now.keys(), modified


def _differing(old: Any, new: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    before, after = dict(children(old)), dict(children(new))
    for name in [name for name in before if name in after]:
        if before[name] is after[name] or before[name] == after[name]:
            del before[name], after[name]
    return before, after


def children(obj: Any) -> Iterator[tuple[str, Any]]:
    """The fields of a struct that are set, or the entries of a map."""
    if isinstance(obj, dict):
        yield from obj.items()
    elif isinstance(obj, Unstructured):
        yield from (("apiVersion", obj.apiVersion), ("kind", obj.kind), ("metadata", obj.metadata))
        yield from obj.content.items()
    else:
        for name, encoded in zip(obj.__struct_fields__, obj.__struct_encode_fields__, strict=True):
            found = getattr(obj, name)
            if found is not None:
                yield encoded, found


def _collect(obj: Any, shape: Shape, path: Path, found: dict[Path, Any], full: bool) -> None:
    shape = resolved(shape, obj)
    fits = (dict, KubeStruct) if shape.kind in ("struct", "map") else (list, tuple) if shape.kind == "list" else ()
    if shape.atomic or not isinstance(obj, fits):
        found[path] = obj
    elif isinstance(obj, (list, tuple)):
        for element in obj:
            below = (*path, item_element(element, shape))
            _collect(element, shape.element, below, found, full)
            found.setdefault(below, CONTAINER)
    else:
        _collect_map(obj, shape, path, found, full)
        if full and shape.cls is not None:
            _collect_constant(obj, shape, path, found)


def _collect_map(obj: Any, shape: Shape, path: Path, found: dict[Path, Any], full: bool) -> None:
    for name, child in children(obj):
        kind = child_of(shape, name)
        if kind is None:
            continue
        below = (*path, field(name))
        if child is None:
            found[below] = None
            continue
        _collect(child, kind, below, found, full)
        if below not in found and (full or _is_empty_map(child) or not is_field(shape, name)):
            found[below] = CONTAINER


def _collect_constant(obj: Any, shape: Shape, path: Path, found: dict[Path, Any]) -> None:
    """Fields that Go writes even if there is nothing in them."""
    for name in constant_fields(shape.cls):
        below, kind = (*path, field(name)), child_of(shape, name)
        if below not in found and kind is not None:
            found[below] = CONTAINER
            if kind.cls is not None and not kind.atomic:
                _collect_constant({}, kind, below, found)


def _is_empty_map(obj: Any) -> bool:
    return isinstance(obj, (dict, KubeStruct)) and next(children(obj), None) is None


def item_element(element: Any, shape: Shape) -> str:
    """The path element of a list's item. Raises TypedError where the item lacks a key."""
    if not shape.keys:
        return value(element)
    if not isinstance(element, (dict, KubeStruct)):
        raise TypedError("associative list with keys may not have non-map elements")
    given = element if isinstance(element, dict) else dict(children(element))
    keys: dict[str, Any] = {}
    for name in shape.keys:
        found = given.get(name)
        if found is None:
            found = shape.defaults.get(name)
        if found is not None:
            keys[name] = found
    if not keys:
        names = " ".join(f'"{name}"' for name in shape.keys)
        omitted = f"an element that omits all key fields [{names}] (and doesn't have default values for any key fields)"
        raise TypedError(f"associative list with keys has {omitted}")
    return item(keys)


def validate(obj: Any, shape: Shape) -> None:
    """Check plain data against the schema. Raises TypedError with all problems."""
    problems: list[str] = []
    _validate(obj, shape, "", problems)
    if problems:
        raise TypedError(
            problems[0] if len(problems) == 1 else "errors:\n" + "\n".join(f"  {each}" for each in problems)
        )


_SCALARS: dict[str, tuple[tuple[type, ...], str]] = {
    "string": ((str,), "string"),
    "numeric": ((int, float), "numeric (int or float)"),
    "boolean": ((bool,), "boolean"),
}


def _validate(obj: Any, shape: Shape, path: str, problems: list[str]) -> None:
    shape = resolved(shape, obj)
    prefix = f"{path}: " if path else ""
    if obj is None:
        return
    if shape.kind == "untyped":
        if isinstance(obj, (dict, list)):
            problems.append(f"{prefix}expected any scalar, got {_go_value(obj)}")
    elif shape.kind in _SCALARS:
        wanted, words = _SCALARS[shape.kind]
        if not isinstance(obj, wanted) or (isinstance(obj, bool) and shape.kind != "boolean"):
            problems.append(f"{prefix}expected {words}, got {_found(obj, shape.kind)}")
    elif shape.kind == "list":
        if isinstance(obj, list):
            _validate_list(obj, shape, path, problems)
        else:
            problems.append(f"{prefix}expected list, got {_go_value(obj)}")
    elif not isinstance(obj, dict):
        problems.append(f"{prefix}expected map, got {_go_value(obj)}")
    else:
        _validate_map(obj, shape, path, problems)


def _validate_list(obj: list[Any], shape: Shape, path: str, problems: list[str]) -> None:
    seen: set[str] = set()
    for index, element in enumerate(obj):
        place = f"[{index}]"
        if not shape.atomic:
            try:
                key = item_element(element, shape)
            except TypedError as error:
                problems.append(f"{path}: element {index}: {error}")
                return
            place = element_text(key)
            if key in seen:
                problems.append(f"{path}: duplicate entries for key {place}")
            seen.add(key)
        _validate(element, shape.element, path + place, problems)


def _validate_map(obj: dict[str, Any], shape: Shape, path: str, problems: list[str]) -> None:
    for name, child in obj.items():
        kind = child_of(shape, name)
        if kind is None:
            problems.append(f"{path}.{name}: field not declared in schema")
        else:
            _validate(child, kind, f"{path}.{name}", problems)


def _found(obj: Any, wanted: str) -> str:
    if wanted == "numeric":
        return _go_type(obj)
    return _go_syntax(obj) if wanted == "string" else _go_value(obj)


def _go_type(obj: Any) -> str:
    kinds = {str: "string", bool: "bool", int: "int64", float: "float64", dict: "map[string]interface {}"}
    return kinds.get(type(obj), "[]interface {}")


def _go_value(obj: Any) -> str:
    """A value as `%v` prints the pointer that holds it."""
    return f"&{{{go_text(obj)}}}"


def _go_syntax(obj: Any) -> str:
    """A value as `%#v` prints the pointer that holds it."""
    return f"&value.valueUnstructured{{Value:{_literal(obj)}}}"


def _literal(obj: Any) -> str:
    if isinstance(obj, dict):
        members = ", ".join(f"{quote(name)}:{_literal(obj[name])}" for name in sorted(obj))
        return f"map[string]interface {{}}{{{members}}}"
    if isinstance(obj, list):
        return f"[]interface {{}}{{{', '.join(map(_literal, obj))}}}"
    return quote(obj) if isinstance(obj, str) else "interface {}(nil)" if obj is None else go_text(obj)

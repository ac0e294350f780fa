"""Empty lists and maps that Go does not keep: for a field with `omitempty`, `[]` and `{}` are the same as absent.

Only such fields are dropped; an empty object (`emptyDir: {}`, `podSelector: {}`) says something and stays, and so does
an empty list of managedFields, which asks to forget them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from k8slab.api.base import KubeStruct
from k8slab.api.decoding import Shape, shapes


def prune(cls: Any, data: dict[str, Any]) -> dict[str, Any]:
    """The data of an object of this class without its empty lists and maps; the same dict where there are none."""
    changed: dict[str, Any] | None = None
    for name, shape in _parts(cls):
        value = data.get(name)
        if not isinstance(value, (dict, list)):
            continue
        kept = _pruned(shape, value)
        if kept is value:
            continue
        changed = dict(data) if changed is None else changed
        if kept is None:
            del changed[name]
        else:
            changed[name] = kept
    return data if changed is None else changed


def _pruned(shape: Shape, value: Any) -> Any:
    """The value without its empty parts; None where it is to be dropped itself."""
    if shape.kind == "struct":
        return prune(shape.cls, value) if isinstance(value, dict) else value
    if not value:
        return None
    if shape.element is None or shape.element.kind != "struct":
        return value
    if isinstance(value, list):
        items = [prune(shape.element.cls, item) if isinstance(item, dict) else item for item in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    return value


@cache
def _parts(cls: Any) -> tuple[tuple[str, Shape], ...]:
    if not issubclass(cls, KubeStruct):
        return ()
    return tuple(
        (name, shape)
        for name, shape in shapes(cls).items()
        if shape.kind in ("struct", "list", "map") and name != "managedFields"
    )

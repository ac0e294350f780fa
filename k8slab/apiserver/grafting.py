"""A patched document as an object that shares with the one before whatever the patch did not touch.

Most patches change a label, a taint or a condition; reading the whole document anew for them costs ten times as much.
Only documents that fit are read this way: the others are left to the careful reading, which says what is wrong.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from k8slab.api import gojson
from k8slab.api.base import KubeStruct
from k8slab.api.decoding import formats_fit, shapes
from k8slab.apiserver.pruning import prune

_ENCODE = msgspec.json.Encoder().encode


def grafted(current: Any, before: dict[str, Any], after: Any) -> Any:
    """The object that ``after`` describes, given that ``current`` is what ``before`` describes; None: read it all."""
    if not isinstance(current, KubeStruct) or not isinstance(after, dict):
        return None
    try:
        return _grafted(current, before, after)
    except (msgspec.ValidationError, TypeError, KeyError):
        return None


def _grafted(current: Any, before: dict[str, Any], after: dict[str, Any], depth: int = 0) -> Any:
    if isinstance(after, gojson.Repeated):
        return None
    cls: Any = type(current)
    names = _attributes(cls)
    gone = [name for name in before if name not in after]
    changes: dict[str, Any] = {}
    whole: dict[str, Any] = {}
    for name, value in after.items():
        old = before.get(name)
        if value is old or (name in before and _same(value, old)):
            continue
        inner = getattr(current, names[name])
        # Metadata, spec and status are read field by field; what is below them as a whole.
        if not depth and isinstance(inner, KubeStruct) and isinstance(old, dict) and isinstance(value, dict):
            changes[names[name]] = _grafted(inner, old, value, 1)
            if changes[names[name]] is None:
                return None
        else:
            whole[name] = value
    if whole or gone:
        part = msgspec.convert(prune(cls, whole), cls)
        if not formats_fit(part) or any(value is None for value in whole.values()):
            return None
        changes |= {names[name]: getattr(part, names[name]) for name in (*whole, *gone)}
    return current.replace(**changes) if changes else current


def _same(value: Any, old: Any) -> bool:
    # Compared as texts: in Python, true is 1.
    if type(value) is not type(old):
        return False
    return _ENCODE(value) == _ENCODE(old) if isinstance(value, (dict, list)) else value == old


@cache
def _attributes(cls: Any) -> dict[str, str]:
    """Attribute by JSON name."""
    found = dict(zip(cls.__struct_encode_fields__, cls.__struct_fields__, strict=True))
    return {name: found[name] for name in shapes(cls)}

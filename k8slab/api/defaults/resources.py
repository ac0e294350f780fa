"""Resource amounts in the form in which the server stores and answers them.

`0.5` becomes `500m` and `1024Mi` becomes `1Gi`; resource lists are also rounded up to thousandths
(`SetDefaults_ResourceList` in `pkg/apis/core/v1/defaults.go`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from operator import is_
from types import NoneType
from typing import Any, get_args, get_origin

from msgspec.structs import fields

from k8slab.api.base import KubeStruct, Quantity
from k8slab.api.quantity import canonical, from_milli, milli, parse

Step = tuple[str, Callable[[Any], Any]]


def canonical_quantities(obj: Any) -> Any:
    """The object with all its amounts in canonical form; the same object if they are already."""
    changes = {}
    cls: Any = type(obj)
    for name, function in _plan(cls):
        old = getattr(obj, name)
        if old is not None:
            new = function(old)
            if new is not old:
                changes[name] = new
    return obj.replace(**changes) if changes else obj


def resource_list(amounts: dict[str, Quantity]) -> dict[str, Quantity]:
    """A resource list (`{"cpu": "0.5"}`) in canonical form."""
    new = {name: _rounded(amount) for name, amount in amounts.items()}
    return amounts if all(new[name] is amount or new[name] == amount for name, amount in amounts.items()) else new


@lru_cache(maxsize=4096, typed=True)
def _rounded(amount: Quantity) -> Quantity:
    parsed = parse(amount)
    return from_milli(milli(amount), parsed.format) if parsed.nano % 1_000_000 else str(parsed)


@lru_cache(maxsize=4096, typed=True)
def _scalar(amount: Quantity) -> Quantity:
    text = canonical(amount)
    return amount if text == amount else text


def _tuple_of(items: tuple[Any, ...]) -> tuple[Any, ...]:
    new = tuple(map(canonical_quantities, items))
    return items if all(map(is_, new, items)) else new


@cache
def _plan(cls: type) -> tuple[Step, ...]:
    """The fields of a class in which amounts can be, with what to do to each."""
    if not issubclass(cls, KubeStruct):
        return ()
    steps = ((item.name, _action(cls, item.encode_name, item.type)) for item in fields(cls))
    return tuple((name, action) for name, action in steps if action is not None)


def _action(cls: type[KubeStruct], key: str, annotation: Any) -> Callable[[Any], Any] | None:
    kind = next(item for item in (get_args(annotation) or (annotation,)) if item is not NoneType)
    if cls.FORMAT.get(key) == "quantity":
        return resource_list if get_origin(kind) is dict else _scalar
    if get_origin(kind) is tuple:
        return _tuple_of if _has_quantities(get_args(kind)[0]) else None
    return canonical_quantities if _has_quantities(kind) else None


_recursive = {"JSONSchemaProps"}


def _has_quantities(kind: Any) -> bool:
    return (
        isinstance(kind, type)
        and issubclass(kind, KubeStruct)
        and kind.__name__ not in _recursive
        and bool(_plan(kind))
    )

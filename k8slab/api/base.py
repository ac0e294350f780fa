"""What all API types have in common: immutable structs, cheap changed copies and friendly refusals."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, ClassVar, NoReturn, Self, dataclass_transform

from msgspec import Meta, Struct, StructMeta, field
from msgspec.structs import replace

from k8slab.errors import K8sLabError

Quantity = str | int | float
"""A resource amount as it was written (`500m`, `1Gi`, `2`); see `k8slab.api.quantity`."""
Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Double = int | float
"""A float64; whole numbers stay ints, as they are written without a point."""
IntOrString = Int32 | str
Time = str
"""An RFC 3339 time with whole seconds, in UTC; see `k8slab.api.timestamps`."""
MicroTime = str
"""An RFC 3339 time with microseconds, in UTC."""
JSON = Any
"""Any JSON value, kept as it is."""
Boolean = bool


def constant(text: str) -> Callable[[], str]:
    """A default factory for a fixed text: unlike a plain default, its value is written even with `omit_defaults`."""
    return partial(str, text)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class _FriendlyMeta(StructMeta):
    """Puts our refusal in place of msgspec's "immutable type", which does not say what to do instead."""

    def __init__(cls, name: str, bases: Any, namespace: Any, **config: Any) -> None:  # noqa: N805
        super().__init__(name, bases, namespace)
        type.__setattr__(cls, "__setattr__", _refuse_set)
        type.__setattr__(cls, "__delattr__", _refuse_set)
        _ease(cls.__annotations__)


def _ease(annotations: dict[str, Any]) -> None:
    """Spare msgspec and typing most of the work when they look at a class: they evaluate each text of an annotation
    anew for every subclass. Constants need no evaluation once the class is made, and usual types are known."""
    for name, text in list(annotations.items()):
        if isinstance(text, str):
            if text.startswith("ClassVar["):
                del annotations[name]
            elif text in _USUAL:
                annotations[name] = _USUAL[text]


_USUAL: dict[str, Any] = {
    "str": str,
    "str | None": str | None,
    "bool | None": bool | None,
    "Boolean | None": bool | None,
    "Int32 | None": Int32 | None,
    "Int64 | None": Int64 | None,
    "IntOrString | None": IntOrString | None,
    "Quantity | None": Quantity | None,
    "Time | None": str | None,
    "MicroTime | None": str | None,
    "JSON | None": Any | None,
    "tuple[str, ...] | None": tuple[str, ...] | None,
    "dict[str, str] | None": dict[str, str] | None,
    "dict[str, Quantity] | None": dict[str, Quantity] | None,
}


class SnapshotError(K8sLabError, AttributeError):
    """An attempt to change an object in place."""


def _refuse_set(target: Any, field: str, *_: Any) -> NoReturn:
    kind = type(target).__name__
    raise SnapshotError(
        f"cannot set {field!r}: a {kind} is a snapshot of what the API server stores and never changes. "
        f"Change the object in the cluster with lab.patch(...), lab.apply(...) or %kubectl edit, "
        f"or make a changed copy with {kind.lower()}.replace({field}=...)"
    )


class KubeStruct(
    Struct,
    metaclass=_FriendlyMeta,
    frozen=True,
    gc=False,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    repr_omit_defaults=True,
):
    """Base of all API types. Lists are tuples, absent fields are None, and a changed object is a new one.

    The class constants are facts of the OpenAPI schema, keyed by the JSON name of the field.
    """

    GO_TYPE: ClassVar[str] = ""
    """Name of the Go type in the server's error messages, such as `v1.PodSpec`."""
    ATOMIC: ClassVar[bool] = False
    """Server-side apply treats the whole object as one value (`x-kubernetes-map-type: atomic`)."""
    REQUIRED: ClassVar[tuple[str, ...]] = ()
    PATCH_MERGE_KEY: ClassVar[dict[str, str]] = {}
    PATCH_STRATEGY: ClassVar[dict[str, tuple[str, ...]]] = {}
    LIST_TYPE: ClassVar[dict[str, str]] = {}
    LIST_MAP_KEYS: ClassVar[dict[str, tuple[str, ...]]] = {}
    MAP_TYPE: ClassVar[dict[str, str]] = {}
    FORMAT: ClassVar[dict[str, str]] = {}
    """int32, int64, double, byte, time, micro-time, quantity or int-or-string, of the field or of its elements."""

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed; everything else is shared with the original."""
        return replace(self, **changes)


class KubeObject(KubeStruct):
    """Base of the kinds that the API serves: they carry apiVersion, kind and metadata."""

    def __repr__(self) -> str:
        metadata = self.metadata  # type: ignore[attr-defined]
        name = metadata.name or f"{metadata.generateName or ''}*"
        return f"<{type(self).__name__} {metadata.namespace + '/' if metadata.namespace else ''}{name}>"

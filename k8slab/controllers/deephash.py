"""Dumps an object as Go's controllers do before they hash it (DeepHashObject: go-spew's `%#v`, keys sorted)."""

from __future__ import annotations

from functools import cache
from typing import Any

from msgspec.structs import fields as struct_fields

from k8slab.api import quantity
from k8slab.controllers import gofields
from k8slab.controllers.gofields import Field

NUMBERS = ("int32", "int64")
TIME = "{Time:(time.Time){wall:(uint64)0 ext:(int64)0 loc:(*time.Location)<nil>}}"


def dump(obj: Any) -> str:
    """The dump of an API struct that `gofields` knows."""
    return _typed(f"v1.{type(obj).__name__}", obj)


def _typed(type_: str, value: Any) -> str:
    return f"({type_}){_value(type_, value)}"


def _value(type_: str, value: Any) -> str:
    """A value without its type; the type decides how absent values look."""
    if type_.startswith("*"):
        return "<nil>" if value is None else _value(type_[1:], value)
    if type_.startswith("[]"):
        return "<nil>" if value is None else "[" + " ".join(_value(type_[2:], entry) for entry in value) + "]"
    if type_.startswith("map["):
        return "<nil>" if value is None else _map(value, "string")
    if type_ == "v1.ResourceList":
        return "<nil>" if value is None else _map(value, "resource.Quantity")
    if type_ == "resource.Quantity":
        return _quantity(value)
    if type_ == "intstr.IntOrString":
        return _int_or_string(value)
    if type_ == "v1.Time":
        return TIME
    if type_ == "bool":
        return "true" if value else "false"
    if type_ in NUMBERS:
        return str(value or 0)
    name = type_.removeprefix("v1.")
    if type_.startswith("v1.") and name in gofields.fields():
        return _struct(name, value)
    return str(value or "")


def _map(values: dict[str, Any], type_: str) -> str:
    return "map[" + " ".join(f"{key}:{_value(type_, values[key])}" for key in sorted(values)) + "]"


def _struct(name: str, value: Any) -> str:
    return "{" + " ".join(f"{field.name}:{_field(field, value)}" for field in gofields.fields()[name]) + "}"


def _field(field: Field, owner: Any) -> str:
    if field.inline:
        return _typed(field.type, owner)
    return _typed(field.type, _get(owner, field.json))


def _get(owner: Any, json: str) -> Any:
    if owner is None:
        return None
    cls: type = type(owner)
    attribute = _attributes(cls).get(json)
    return getattr(owner, attribute) if attribute is not None else None


@cache
def _attributes(cls: type) -> dict[str, str]:
    return {field.encode_name.lower(): field.name for field in struct_fields(cls)}


def _quantity(value: Any) -> str:
    """A resource.Quantity as it is after decoding: a scaled integer, and the text of one without a binary suffix."""
    number, scale, form = _decimal(value)
    text = "" if value is None or form == "BinarySI" else str(value)
    return (
        f"{{i:(resource.int64Amount){{value:(int64){number} scale:(resource.Scale){scale}}} "
        f"d:(resource.infDecAmount){{Dec:(*inf.Dec)<nil>}} s:(string){text} Format:(resource.Format){form}}}"
    )


def _decimal(value: Any) -> tuple[int, int, str]:
    text = "0" if value is None else str(value)
    if text.endswith("i"):
        return int(quantity.value(text)), 0, "BinarySI"
    if text.endswith("m"):
        return quantity.milli(text), -3, "DecimalSI"
    return int(quantity.value(text)), 0, "DecimalSI"


def _int_or_string(value: Any) -> str:
    if isinstance(value, str):
        return f"{{Type:(intstr.Type)1 IntVal:(int32)0 StrVal:(string){value}}}"
    return f"{{Type:(intstr.Type)0 IntVal:(int32){value or 0} StrVal:(string)}}"

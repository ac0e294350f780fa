"""Plain JSON data into typed objects: the careful way, which finds everything that is wrong and says it in Go's words.

`msgspec` does the normal case quickly but stops at its first complaint. When it refuses, `Walk` goes over the data with
the schema of the class in hand, as Kubernetes' JSON decoder does: it drops unknown fields and nulls, collects strict
errors with their paths, and remembers the first value of a wrong type.
"""

from __future__ import annotations

import types
import typing
from functools import cache
from typing import Any

from msgspec import Struct

from k8slab.api import gojson, timestamps
from k8slab.api.base import KubeStruct
from k8slab.api.gotypes import FIELD_TYPES
from k8slab.api.quantity import QuantityError, parse
from k8slab.errors import K8sLabError, go_number

NO_KIND = "couldn't get version/kind; json parse error: "
TYPE_META = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
"""What is said of a text that does not even tell its kind, and the type by which it is asked for that."""


class DecodeError(K8sLabError):
    """Data that does not fit the kind: the text that follows `... cannot be handled as a Pod: `."""


class Shape(Struct, frozen=True):
    """What a field may hold: struct, list, map, str, bool, number, any, or one of the special formats."""

    kind: str
    go: str = ""
    element: Any = None
    cls: Any = None


_ZERO: dict[str, Any] = {"struct": {}, "list": None, "map": None, "str": "", "bool": False, "int32": 0, "int64": 0}
_ANY = Shape("any")


@cache
def shapes(cls: Any) -> dict[str, Shape]:
    """JSON field name -> Shape, for a generated class."""
    hints = typing.get_type_hints(cls)
    names = zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True)
    return {name: _shape(hints[field], cls, name) for field, name in names}


def _shape(hint: Any, cls: Any, name: str) -> Shape:
    form = cls.FORMAT.get(name, "")
    options = [option for option in typing.get_args(hint) if option is not types.NoneType]
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        hint = options[0] if len(options) == 1 else hint
    origin = typing.get_origin(hint)
    if origin is tuple:
        element = _shape(typing.get_args(hint)[0], cls, name)
        return Shape("list", _renamed(cls, name, f"[]{element.go}"), element)
    if origin is dict:
        value = typing.get_args(hint)[1]
        element = _ANY if value is Any else _shape(value, cls, name)
        named = "v1.ResourceList" if element.kind == "quantity" else f"map[string]{element.go}"
        return Shape("map", _renamed(cls, name, named), element)
    if isinstance(hint, type) and issubclass(hint, KubeStruct):
        return Shape("struct", hint.GO_TYPE, None, hint)
    return _scalar_shape(hint, form, cls, name)


def _scalar_shape(hint: Any, form: str, cls: Any, name: str) -> Shape:
    if form in ("quantity", "time", "micro-time", "int-or-string"):
        return Shape(form)
    if form == "byte":
        return Shape("byte", "[]uint8")
    if form in ("int32", "int64"):
        return Shape(form, form)
    if form == "double":
        return Shape("float", "float64")
    if hint is str:
        return Shape("str", _renamed(cls, name, "string"))
    return Shape("bool", "bool") if hint is bool else _ANY


def _renamed(cls: Any, name: str, plain: str) -> str:
    return FIELD_TYPES.get(f"{cls.__name__}.{name}", plain)


class Walk:
    """One pass over the data of one object. `strict` collects unknown and repeated fields, `fault` is a wrong type."""

    def __init__(self) -> None:
        self.strict: list[str] = []
        self.fault: str = ""

    def object(self, cls: Any, data: Any) -> Any:
        """The data with unknown fields and nulls left out."""
        return self._struct(cls, data, "", "")

    def _struct(self, cls: Any, data: dict[str, Any], path: str, go_path: str) -> dict[str, Any]:
        fields = shapes(cls)
        repeated = data.repeated if isinstance(data, gojson.Repeated) else ()
        result = {}
        for name, value in data.items():
            place = f"{path}.{name}" if path else name
            shape = fields.get(name)
            if shape is None:
                self.strict.append(f'unknown field "{place}"')
                continue
            self.strict += [f'duplicate field "{place}"'] * repeated.count(name)
            if value is not None:
                go_place = f"{go_path}.{name}" if go_path else name
                result[name] = self._value(shape, value, place, go_place, cls.__name__)
        return result

    def _value(self, shape: Shape, value: Any, path: str, go_path: str, owner: str) -> Any:
        kind = shape.kind
        if kind == "any":
            return value
        if value is None:
            return _ZERO.get(kind)
        if kind in _CONTAINERS and isinstance(value, _CONTAINERS[kind]):
            return getattr(self, f"_{kind}_value")(shape, value, path, go_path, owner)
        problem = _problem(shape, value)
        if problem and not self.fault:
            self.fault = problem.format(f"Go struct field {owner}.{go_path}")
        return value

    def _struct_value(self, shape: Shape, value: Any, path: str, go_path: str, owner: str) -> Any:
        return self._struct(shape.cls, value, path, go_path)

    def _list_value(self, shape: Shape, value: Any, path: str, go_path: str, owner: str) -> Any:
        return [
            self._value(shape.element, item, f"{path}[{index}]", go_path, owner) for index, item in enumerate(value)
        ]

    def _map_value(self, shape: Shape, value: Any, path: str, go_path: str, owner: str) -> Any:
        if isinstance(value, gojson.Repeated):
            self.strict += [f'duplicate field "{path}.{key}"' for key in value.repeated]
        return {key: self._value(shape.element, item, f"{path}.{key}", go_path, owner) for key, item in value.items()}


_CONTAINERS: dict[str, Any] = {"struct": dict, "list": (list, tuple), "map": dict}


def _problem(shape: Shape, value: Any) -> str:
    """What Go says about a value that does not fit; `{}` stands for the name of the field. Empty when it fits."""
    kind = shape.kind
    checker = _CHECKS.get(kind)
    if checker is not None:
        return checker(value)
    if kind == "str" and isinstance(value, str):
        return ""
    if kind == "bool" and isinstance(value, bool):
        return ""
    if kind in _RANGES and _is_number(value):
        return _number_problem(kind, value)
    return f"json: cannot unmarshal {go_kind(value)} into {{}} of type {shape.go}"


_RANGES = {"int32": 2**31, "int64": 2**63, "float": 0}


def _number_problem(kind: str, value: Any) -> str:
    limit = _RANGES[kind]
    if not limit or (isinstance(value, int) and -limit <= value < limit):
        return ""
    return f"json: cannot unmarshal number {go_number(value)} into {{}} of type {kind}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def go_kind(value: Any) -> str:
    """What Go's JSON decoder calls a value."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, (list, tuple)):
        return "array"
    return "object" if isinstance(value, dict) else "number"


def _quantity_problem(value: Any) -> str:
    text = value if isinstance(value, str) else go_number(value) if _is_number(value) else "?"
    try:
        parse(text)
    except QuantityError as error:
        return _literal(str(error))
    return ""


def _time_problem(value: Any, micro: bool = False) -> str:
    if not isinstance(value, str):
        return f"json: cannot unmarshal {go_kind(value)} into Go value of type string"
    try:
        timestamps.parse(value, micro)
    except timestamps.TimeError as error:
        return _literal(str(error))
    return ""


def _micro_time_problem(value: Any) -> str:
    return _time_problem(value, micro=True)


def _int_or_string_problem(value: Any) -> str:
    if isinstance(value, str) or (_is_number(value) and not _number_problem("int32", value)):
        return ""
    shown = f" {go_number(value)}" if _is_number(value) else ""
    return f"json: cannot unmarshal {go_kind(value)}{shown} into Go value of type int32"


def _byte_problem(value: Any) -> str:
    if not isinstance(value, str):
        return f"json: cannot unmarshal {go_kind(value)} into {{}} of type []uint8"
    place = corrupt_base64(value)
    return "" if place is None else f"illegal base64 data at input byte {place}"


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


_CHECKS: dict[str, Any] = {
    "quantity": _quantity_problem,
    "time": _time_problem,
    "micro-time": _micro_time_problem,
    "int-or-string": _int_or_string_problem,
    "byte": _byte_problem,
}
_ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


def corrupt_base64(text: str) -> int | None:
    """Where Go's decoder stumbles over a base64 text: the offset in its message, None when the text is fine."""
    group = 0
    for place, sign in enumerate(text):
        if sign in "\r\n":
            continue
        if sign in _ALPHABET:
            group = (group + 1) % 4
            continue
        return place if sign != "=" or group < 2 else _corrupt_padding(text, place, group)
    return len(text) - group if group else None


def _corrupt_padding(text: str, place: int, group: int) -> int | None:
    rest = [index for index in range(place + 1, len(text)) if text[index] not in "\r\n"]
    if group == 2:
        if not rest:
            return len(text)
        if text[rest[0]] != "=":
            return rest[0] - 1
        rest = rest[1:]
    return rest[0] if rest else None


@cache
def _formatted(cls: Any) -> tuple[tuple[str, Shape], ...]:
    """The attributes of a class which hold formatted texts at some depth: (attribute, Shape)."""
    fields = zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True)
    table = shapes(cls)
    return tuple((field, table[name]) for field, name in fields if _has_format(table[name], frozenset({cls})))


def _has_format(shape: Shape, above: frozenset[type]) -> bool:
    if shape.kind in _CHECKS:
        return True
    if shape.element is not None:
        return _has_format(shape.element, above)
    if shape.cls is None or shape.cls in above:
        return False
    return any(_has_format(field, above | {shape.cls}) for field in shapes(shape.cls).values())


def formats_fit(obj: Any) -> bool:
    """Whether all quantities, times and base64 texts of an object can be read."""
    for field, shape in _formatted(obj.__class__):
        value = getattr(obj, field)
        if value is not None and not _fits(shape, value):
            return False
    return True


def _fits(shape: Shape, value: Any) -> bool:
    kind = shape.kind
    if kind == "struct":
        return formats_fit(value)
    if kind == "list":
        return all(_fits(shape.element, item) for item in value)
    if kind == "map":
        return all(_fits(shape.element, item) for item in value.values())
    return not _CHECKS[kind](value)

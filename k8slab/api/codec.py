"""Objects from and to JSON, YAML and plain data.

Decoding is strict where asked: every unknown field is named with its path (`strict decoding error: unknown field
"spec.replica"`), a wrong type is told in the words of Kubernetes' decoder, and nothing is dropped in silence: what a
lenient reading leaves out is reported as a warning.
"""

from __future__ import annotations

from typing import Any

import msgspec

from k8slab.api import documents, gojson
from k8slab.api.base import KubeStruct
from k8slab.api.decoding import DecodeError, Walk, formats_fit
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.scheme import SCHEME, NoMatch, Scheme
from k8slab.api.unstructured import Unstructured

__all__ = [
    "DecodeError",
    "NoMatch",
    "convert",
    "decode_json",
    "decode_yaml",
    "encode_json",
    "encode_yaml",
    "from_dict",
    "load_documents",
    "to_dict",
]

_JSON = msgspec.json.Encoder()
_PLAIN = msgspec.json.Decoder()


def from_dict(
    data: dict[str, Any],
    strict: bool = True,
    warnings: list[str] | None = None,
    scheme: Scheme = SCHEME,
    unstructured: bool = False,
) -> Any:
    """The object that plain data describes, in the class of its apiVersion and kind.

    Args:
        data: what a JSON or YAML text holds; not kept, except inside fields that may hold anything.
        strict: refuse unknown and repeated fields; otherwise they are left out and named in `warnings`.
        warnings: a list to which `unknown field "spec.replica"` and the like are appended.
        scheme: the known kinds.
        unstructured: make an `Unstructured` of an unknown kind.

    Raises:
        NoMatch: `no matches for kind "X" in version "Y"`.
        DecodeError: all unknown fields, or the first value of a wrong type.
    """
    api_version, kind = type_of(data)
    try:
        cls = scheme.class_of(api_version, kind)
    except NoMatch:
        if not unstructured:
            raise
        cls = Unstructured
    if cls is Unstructured:
        return _to_unstructured(data, strict, warnings)
    return convert(data, cls, strict, warnings)


def type_of(data: Any) -> tuple[str, str]:
    """apiVersion and kind of plain data. Raises DecodeError where they are missing or no texts."""
    if not isinstance(data, dict):
        raise DecodeError("Object 'Kind' is missing in '" + encode_json(data).decode() + "'")
    kind, api_version = data.get("kind"), data.get("apiVersion")
    for name, value in (("kind", kind), ("apiVersion", api_version)):
        if value is not None and not isinstance(value, str):
            raise DecodeError(f"{name} must be a string, not {value!r}")
    if not kind:
        raise DecodeError(f"Object 'Kind' is missing in '{encode_json(data).decode()}'")
    if not api_version:
        raise DecodeError(f"Object 'apiVersion' is missing in '{encode_json(data).decode()}'")
    return api_version, kind


def convert(data: dict[str, Any], cls: Any, strict: bool = True, warnings: list[str] | None = None) -> Any:
    """The object of a known class that plain data describes. Arguments and errors as for `from_dict`."""
    if not isinstance(data, gojson.Repeated):
        try:
            obj = msgspec.convert(data, cls)
        except (msgspec.ValidationError, TypeError):
            return _convert_carefully(data, cls, strict, warnings)
        if formats_fit(obj):
            return obj
    return _convert_carefully(data, cls, strict, warnings)


def _convert_carefully(data: dict[str, Any], cls: Any, strict: bool, warnings: list[str] | None) -> Any:
    walk = Walk()
    cleaned = walk.object(cls, data)
    if walk.fault:
        raise DecodeError(walk.fault)
    _report(walk.strict, strict, warnings)
    try:
        return msgspec.convert(cleaned, cls)
    except msgspec.ValidationError as error:
        raise DecodeError(str(error)) from None


def _report(problems: list[str], strict: bool, warnings: list[str] | None) -> None:
    if problems and strict:
        raise DecodeError(f"strict decoding error: {', '.join(problems)}")
    if warnings is not None:
        warnings += problems


def _to_unstructured(data: dict[str, Any], strict: bool, warnings: list[str] | None) -> Unstructured:
    problems: list[str] = []
    metadata = data.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise DecodeError("metadata must be an object")
    typed = convert(metadata or {}, ObjectMeta, False, problems)
    problems = [problem.replace('field "', 'field "metadata.', 1) for problem in problems]
    _repeats(data, "", problems)
    _report(problems, strict, warnings)
    content = {name: value for name, value in data.items() if name not in ("apiVersion", "kind", "metadata")}
    return Unstructured(apiVersion=data["apiVersion"], kind=data["kind"], metadata=typed, content=content)


def _repeats(value: Any, path: str, found: list[str]) -> None:
    if isinstance(value, dict):
        for name, item in value.items():
            place = f"{path}.{name}" if path else name
            if isinstance(value, gojson.Repeated):
                found += [f'duplicate field "{place}"'] * value.repeated.count(name)
            if place != "metadata":
                _repeats(item, place, found)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _repeats(item, f"{path}[{index}]", found)


def decode_json(
    text: str | bytes,
    strict: bool = True,
    warnings: list[str] | None = None,
    scheme: Scheme = SCHEME,
    unstructured: bool = False,
) -> Any:
    """The object of a JSON text; as `from_dict`, and `gojson.SyntaxFault` for a text that is not JSON."""
    return from_dict(gojson.loads(text), strict, warnings, scheme, unstructured)


def decode_yaml(
    text: str,
    strict: bool = True,
    warnings: list[str] | None = None,
    scheme: Scheme = SCHEME,
    unstructured: bool = False,
) -> list[Any]:
    """The objects of a YAML (or JSON) text with any number of documents; lists are taken apart.

    As `from_dict`, and `documents.DocumentError` for a text that is not YAML.
    """
    repeats: list[str] = []
    values = load_documents(text, repeats)
    _report(repeats, strict, warnings)
    return [from_dict(value, strict, warnings, scheme, unstructured) for value in values]


def load_documents(text: str, repeats: list[str] | None = None) -> list[dict[str, Any]]:
    """The plain data of all objects in a YAML or JSON text, with `List` kinds taken apart."""
    result: list[dict[str, Any]] = []
    for value in documents.load_all(text, repeats):
        result += _items(value)
    return result


def _items(value: Any) -> list[Any]:
    is_list = isinstance(value, dict) and str(value.get("kind", "")).endswith("List")
    if not is_list or not isinstance(value.get("items"), list):
        return [value]
    return [item for entry in value["items"] for item in _items(_with_type(entry, value))]


def _with_type(item: Any, owner: dict[str, Any]) -> Any:
    """Items of a `PodList` need not repeat apiVersion and kind."""
    kind = str(owner["kind"]).removesuffix("List")
    if not kind or not isinstance(item, dict) or item.get("kind"):
        return item
    return {"apiVersion": owner.get("apiVersion"), "kind": kind} | item


def to_dict(obj: Any) -> dict[str, Any]:
    """An object as plain JSON data: a fresh copy, keys in the order of the API server."""
    return _PLAIN.decode(encode_json(obj))


def encode_json(obj: Any) -> bytes:
    """An object (or plain data that may contain objects) as compact JSON."""
    return _JSON.encode(_flat(obj))


def encode_yaml(obj: Any) -> str:
    """An object as kubectl's `-o yaml` writes it: sorted keys, lists not indented."""
    return documents.dump(to_dict(obj))


def _flat(value: Any) -> Any:
    """`Unstructured` objects, at any depth of lists and dicts, as the data they stand for."""
    if isinstance(value, Unstructured):
        head = {"apiVersion": value.apiVersion, "kind": value.kind, "metadata": value.metadata}
        return head | value.content
    if isinstance(value, KubeStruct):
        return value
    if isinstance(value, dict):
        return {key: _flat(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_flat(item) for item in value]
    return value

"""What a schema must be like so that the server can prune, default and validate with it: structural.

Follows `apiextensions-apiserver/pkg/apiserver/schema` (validation.go, complete.go) and
`pkg/apis/apiextensions/validation` for what is not supported at all.
"""

from __future__ import annotations

from typing import Any

import re2  # type: ignore[import-untyped]

from k8slab.api.apiextensions_v1 import JSONSchemaProps
from k8slab.api.codec import DecodeError, convert
from k8slab.apiserver.crd.structural import EMBEDDED, PRESERVE, Schema, prune
from k8slab.apiserver.crd.values import compiled, validate
from k8slab.errors import FieldError, Verbatim, go_json

Errors = list[FieldError]
TYPES = ("array", "boolean", "integer", "number", "object", "string")
INT_OR_STRING = "x-kubernetes-int-or-string"
CHOICES = ("allOf", "anyOf", "oneOf", "not")
UNSUPPORTED = ("$ref", "definitions", "dependencies", "additionalItems", "patternProperties", "id", "$schema")
ONLY_OUTSIDE = (
    *("type", "default", "description", "title", "nullable", "additionalProperties"),
    *(EMBEDDED, PRESERVE, INT_OR_STRING, "x-kubernetes-list-type", "x-kubernetes-list-map-keys"),
)


def schema_errors(schema: Schema, path: str) -> Errors:
    """What is wrong with the schema of a version."""
    errors = _misshapen(schema, path)
    if errors:
        return errors
    _root(schema, path, errors)
    _node(schema, path, errors)
    return errors


def _misshapen(schema: Schema, path: str) -> Errors:
    """Schemas at any depth that are none: those of items and of map values come undecoded."""
    errors: Errors = []
    for name in ("items", "additionalProperties"):
        inner = schema.get(name)
        if inner is None or (isinstance(inner, bool) and name != "items"):
            continue
        try:
            convert(inner if isinstance(inner, dict) else {name: inner}, JSONSchemaProps, not isinstance(inner, dict))
        except DecodeError as error:
            errors.append(FieldError.invalid(f"{path}.{name}", inner, str(error)))
            continue
        if not isinstance(inner, dict):
            errors.append(FieldError.invalid(f"{path}.{name}", inner, "must be a schema"))
            continue
        errors += _misshapen(inner, f"{path}.{name}")
    for name, inner in (schema.get("properties") or {}).items():
        errors += _misshapen(inner, f"{path}.properties[{name}]")
    for name in CHOICES:
        found = schema.get(name) or ()
        for inner in found if isinstance(found, (list, tuple)) else (found,):
            errors += _misshapen(inner, f"{path}.{name}")
    return errors


def _root(schema: Schema, path: str, errors: Errors) -> None:
    kind = schema.get("type")
    if not kind:
        errors.append(FieldError.required(f"{path}.type", "must not be empty at the root"))
    elif kind != "object":
        errors.append(FieldError.invalid(f"{path}.type", kind, "must be object at the root"))
    metadata = (schema.get("properties") or {}).get("metadata") or {}
    others = {key for key in metadata if key not in ("type", "properties", "description")}
    if others or set(metadata.get("properties") or ()) - {"name", "generateName"}:
        text = "must not specify anything other than name and generateName, but metadata is implicitly specified"
        errors.append(FieldError.forbidden(f"{path}.properties[metadata]", text))


def _node(schema: Any, path: str, errors: Errors) -> None:
    if not isinstance(schema, dict):
        return
    _unsupported(schema, path, errors)
    _types(schema, path, errors)
    _lists(schema, path, errors)
    _pattern(schema, path, errors)
    _default(schema, path, errors)
    _rules(schema, path, errors)
    for name, inner in (schema.get("properties") or {}).items():
        _typed(inner, f"{path}.properties[{name}]", "must not be empty for specified object fields", errors)
        _node(inner, f"{path}.properties[{name}]", errors)
    _inner(schema, path, errors)
    for name in CHOICES:
        found = schema.get(name)
        for index, inner in enumerate(found if isinstance(found, list) else [found] if found else ()):
            place = f"{path}.{name}[{index}]" if isinstance(found, list) else f"{path}.{name}"
            _choice(inner, schema, place, errors)


def _inner(schema: Schema, path: str, errors: Errors) -> None:
    """The schemas of a list's items and of a map's values."""
    items, others = schema.get("items"), schema.get("additionalProperties")
    if isinstance(items, list):
        errors.append(FieldError.forbidden(f"{path}.items", "items must be a schema object and not an array"))
    elif items is not None:
        _typed(items, f"{path}.items", "must not be empty for specified array items", errors)
        _node(items, f"{path}.items", errors)
    elif schema.get("type") == "array":
        errors.append(FieldError.required(f"{path}.items", "must be specified"))
    if isinstance(others, dict):
        text = "must not be empty for specified object fields"
        _typed(others, f"{path}.additionalProperties", text, errors)
        _node(others, f"{path}.additionalProperties", errors)


def _typed(schema: Any, path: str, text: str, errors: Errors) -> None:
    if not isinstance(schema, dict) or schema.get("type") or schema.get(INT_OR_STRING) or schema.get(PRESERVE):
        return
    errors.append(FieldError.required(f"{path}.type", text))


def _unsupported(schema: Schema, path: str, errors: Errors) -> None:
    for name in UNSUPPORTED:
        if schema.get(name):
            errors.append(FieldError.forbidden(f"{path}.{name}", f"{name} is not supported"))
    if schema.get("uniqueItems"):
        text = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        errors.append(FieldError.forbidden(f"{path}.uniqueItems", text))
    others = schema.get("additionalProperties")
    if others is False:
        text = "additionalProperties cannot be set to false"
        errors.append(FieldError.forbidden(f"{path}.additionalProperties", text))
    if others is not None and schema.get("properties"):
        text = "additionalProperties and properties are mutual exclusive"
        errors.append(FieldError.forbidden(f"{path}.additionalProperties", text))


def _types(schema: Schema, path: str, errors: Errors) -> None:
    kind = schema.get("type")
    if kind and kind not in TYPES:
        errors.append(FieldError.not_supported(f"{path}.type", kind, TYPES))
    if schema.get(INT_OR_STRING) and kind:
        errors.append(FieldError.forbidden(f"{path}.type", f"must be empty if {INT_OR_STRING} is true"))
    if not schema.get(EMBEDDED):
        return
    if kind != "object":
        text = f"must be object if {EMBEDDED} is true"
        make = FieldError.invalid(f"{path}.type", kind, text) if kind else FieldError.required(f"{path}.type", text)
        errors.append(make)
    if not schema.get("properties") and not schema.get(PRESERVE):
        text = f"must not be empty if {EMBEDDED} is true without {PRESERVE}"
        errors.append(FieldError.required(f"{path}.properties", text))


def _lists(schema: Schema, path: str, errors: Errors) -> None:
    kind, keys = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys") or ()
    if kind and schema.get("type") != "array":
        shown = schema.get("type") or ""
        errors.append(FieldError.invalid(f"{path}.type", shown, "must be array if x-kubernetes-list-type is specified"))
    if kind and kind not in ("atomic", "set", "map"):
        errors.append(FieldError.not_supported(f"{path}.x-kubernetes-list-type", kind, ("atomic", "set", "map")))
    if kind != "map":
        return
    if not keys:
        text = "must not be empty if x-kubernetes-list-type is map"
        errors.append(FieldError.required(f"{path}.x-kubernetes-list-map-keys", text))
    _map_keys(schema.get("items"), keys, path, errors)


def _map_keys(items: Any, keys: Any, path: str, errors: Errors) -> None:
    items = items if isinstance(items, dict) else {}
    properties = items.get("properties") or {}
    for index, key in enumerate(keys):
        if key not in properties:
            place = f"{path}.x-kubernetes-list-map-keys[{index}]"
            text = "entries must all be names of item properties"
            errors.append(FieldError.invalid(place, key, text))
        elif key not in (items.get("required") or ()) and "default" not in properties[key]:
            text = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
            errors.append(FieldError.required(f"{path}.items.properties[{key}].default", text))


def _pattern(schema: Schema, path: str, errors: Errors) -> None:
    pattern = schema.get("pattern")
    if not pattern:
        return
    try:
        compiled(pattern)
    except re2.error as error:
        why = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        text = f"must be a valid regular expression, but isn't: error parsing regexp: {why}"
        errors.append(FieldError.invalid(f"{path}.pattern", pattern, text))


def _default(schema: Schema, path: str, errors: Errors) -> None:
    if "default" not in schema:
        return
    place, value = f"{path}.default", schema["default"]
    if prune(value, schema)[1]:
        errors.append(FieldError.invalid(place, value, "must not have unknown fields"))
    for found in validate(value, {key: item for key, item in schema.items() if key != "default"}):
        inner = "" if found.field == "<nil>" else f".{found.field}"
        errors.append(FieldError(found.type, place + inner, found.value, found.detail.lstrip(), found.reason))


def _rules(schema: Schema, path: str, errors: Errors) -> None:
    rules = schema.get("x-kubernetes-validations") or ()
    if not rules:
        return
    from k8slab.apiserver.crd.rules import RuleError, check, check_message

    is_root = path.endswith("openAPIV3Schema")
    for index, rule in enumerate(rules):
        place = f"{path}.x-kubernetes-validations[{index}]"
        if not rule.get("rule", "").strip():
            errors.append(FieldError.required(f"{place}.rule", "rule is not specified"))
            continue
        for name, compiles in (("rule", check), ("messageExpression", check_message)):
            text = (rule.get(name) or "").strip()
            try:
                if text:
                    compiles(text, schema, is_root, bool(rule.get("optionalOldSelf")))
            except RuleError as error:
                errors.append(FieldError.invalid(f"{place}.{name}", _shown(rule), str(error)))
        if "\n" in rule.get("message", ""):
            errors.append(
                FieldError.invalid(f"{place}.message", rule["message"], "message must not contain line breaks")
            )


def _shown(rule: dict[str, Any]) -> Verbatim:
    names = ("Rule", "Message", "MessageExpression", "Reason", "FieldPath", "OptionalOldSelf")
    absent = {"Reason": None, "OptionalOldSelf": None}
    fields = (f'"{name}":{go_json(rule.get(name[0].lower() + name[1:], absent.get(name, "")))}' for name in names)
    return Verbatim("{" + ",".join(fields) + "}")


def _choice(schema: Any, owner: Schema, path: str, errors: Errors) -> None:
    """A schema inside allOf, anyOf, oneOf or not only restricts what the schema around it has described."""
    if not isinstance(schema, dict):
        return
    for name in ONLY_OUTSIDE:
        allowed = owner.get(INT_OR_STRING) and name == "type" and schema.get(name) in ("integer", "string")
        if schema.get(name) not in (None, "", False) and not allowed:
            errors.append(FieldError.forbidden(f"{path}.{name}", "must be empty to be structural"))
    _pattern(schema, path, errors)
    known = owner.get("properties") or {}
    for name, inner in (schema.get("properties") or {}).items():
        place = path.partition(".allOf")[0].partition(".anyOf")[0].partition(".oneOf")[0].partition(".not")[0]
        if name not in known:
            text = f"because it is defined in {path}.properties[{name}]"
            errors.append(FieldError.required(f"{place}.properties[{name}]", text))
        _choice(inner, known.get(name, {}), f"{path}.properties[{name}]", errors)
    for name in CHOICES:
        found = schema.get(name)
        for index, inner in enumerate(found if isinstance(found, list) else [found] if found else ()):
            place = f"{path}.{name}[{index}]" if isinstance(found, list) else f"{path}.{name}"
            _choice(inner, owner, place, errors)

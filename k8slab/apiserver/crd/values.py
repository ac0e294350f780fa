"""Custom objects against their schema, in the words of the API server.

Follows `kube-openapi/pkg/validation/validate` for the checks and their texts, and
`apiextensions-apiserver/pkg/apiserver/validation` for how they become field errors. Values that an update leaves as
they were are not checked again (ratcheting).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import re2  # type: ignore[import-untyped]

from k8slab.apiserver.crd.correlation import MISSING, old_item, same
from k8slab.apiserver.crd.formats import fits
from k8slab.apiserver.crd.structural import Schema
from k8slab.errors import FieldError, go_json, go_number

ROOT = "<nil>"
Errors = list[FieldError]


def validate(value: Any, schema: Schema, old: Any = MISSING, path: str = "") -> Errors:
    """What is wrong with a value; what equals `old` is taken as it is."""
    if old is not MISSING and same(value, old):
        return []
    errors: Errors = []
    _check_type(value, schema, path, errors)
    if value is None:
        _check_enum(value, schema, path, errors)
        return errors
    _check_combinations(value, schema, old, path, errors)
    if isinstance(value, str):
        _check_text(value, schema, path, errors)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        _check_number(value, schema, path, errors)
    elif isinstance(value, list):
        _check_list(value, schema, old, path, errors)
    _check_enum(value, schema, path, errors)
    if isinstance(value, dict):
        _check_object(value, schema, old, path, errors)
    return errors


def _invalid(path: str, value: Any, what: str) -> FieldError:
    return FieldError.invalid(path or ROOT, value, f"{path} in body {what}")


def type_name(value: Any) -> str:
    """The JSON type of a value as errors name it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def _check_type(value: Any, schema: Schema, path: str, errors: Errors) -> None:
    wanted = ("integer", "string") if schema.get("x-kubernetes-int-or-string") else (schema.get("type"),)
    found = type_name(value)
    if wanted == (None,) or found in wanted or (value is None and schema.get("nullable")):
        return
    if found == "integer" and "number" in wanted:
        return
    if found == "number" and "integer" in wanted and float(value).is_integer():
        return
    text = f'{path} in body must be of type {",".join(map(str, wanted))}: "{found}"'
    errors.append(FieldError.type_invalid(path or ROOT, found, text))


def _check_enum(value: Any, schema: Schema, path: str, errors: Errors) -> None:
    allowed = schema.get("enum")
    if not allowed or any(same(value, each) for each in allowed):
        return
    shown = [each if isinstance(each, str) else go_json(each) for each in allowed]
    errors.append(FieldError.not_supported(path or ROOT, value, shown))


def _check_text(value: str, schema: Schema, path: str, errors: Errors) -> None:
    longest, shortest, pattern = schema.get("maxLength"), schema.get("minLength"), schema.get("pattern")
    if longest is not None and len(value) > longest:
        errors.append(FieldError.too_long(path or ROOT, int(longest)))
    if shortest is not None and len(value) < shortest:
        errors.append(_invalid(path, value, f"should be at least {int(shortest)} chars long"))
    if pattern and not compiled(pattern).search(value):
        errors.append(_invalid(path, value, f"should match '{pattern}'"))
    name = schema.get("format")
    if name and not fits(value, name):
        text = f'{path} in body must be of type {name}: "{value}"'
        errors.append(FieldError.type_invalid(path or ROOT, value, text))


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> Any:
    """A pattern as Go understands it: RE2, whose time does not explode. Raises `re2.error`."""
    return re2.compile(pattern, _quiet())


def _quiet() -> Any:
    options = re2.Options()
    options.log_errors = False
    return options


def _check_number(value: float, schema: Schema, path: str, errors: Errors) -> None:
    factor, highest, lowest = schema.get("multipleOf"), schema.get("maximum"), schema.get("minimum")
    if factor and not math.isclose(value / factor, round(value / factor), abs_tol=1e-9):
        errors.append(_invalid(path, value, f"should be a multiple of {go_number(factor)}"))
    if highest is not None:
        exclusive = schema.get("exclusiveMaximum")
        if value > highest or (exclusive and value == highest):
            words = "less than" if exclusive else "less than or equal to"
            errors.append(_invalid(path, value, f"should be {words} {go_number(highest)}"))
    if lowest is not None:
        exclusive = schema.get("exclusiveMinimum")
        if value < lowest or (exclusive and value == lowest):
            words = "greater than" if exclusive else "greater than or equal to"
            errors.append(_invalid(path, value, f"should be {words} {go_number(lowest)}"))
    _check_range(value, schema.get("format"), path, errors)


def _check_range(value: float, name: str | None, path: str, errors: Errors) -> None:
    limit = {"int32": 2**31, "int64": 2**63}.get(name or "")
    if limit is not None and not -limit <= value < limit:
        errors.append(_invalid(path, value, f"must be of type integer with format {name}"))


def _check_list(value: list[Any], schema: Schema, old: Any, path: str, errors: Errors) -> None:
    items = schema.get("items")
    if isinstance(items, dict):
        for index, item in enumerate(value):
            errors += validate(item, items, old_item(old, item, schema), f"{path}[{index}]")
    most, least = schema.get("maxItems"), schema.get("minItems")
    if least is not None and len(value) < least:
        errors.append(_invalid(path, len(value), f"should have at least {int(least)} items"))
    if most is not None and len(value) > most:
        errors.append(FieldError.too_many(path or ROOT, len(value), int(most)))
    if schema.get("uniqueItems") and any(same(a, b) for i, a in enumerate(value) for b in value[:i]):
        errors.append(FieldError.invalid(path or ROOT, "", f"{path} in body shouldn't contain duplicates"))


def _check_object(value: dict[str, Any], schema: Schema, old: Any, path: str, errors: Errors) -> None:
    most, least = schema.get("maxProperties"), schema.get("minProperties")
    if least is not None and len(value) < least:
        errors.append(_invalid(path, len(value), f"should have at least {int(least)} properties"))
    if most is not None and len(value) > most:
        errors.append(FieldError.too_many(path or ROOT, len(value), int(most)))
    for name in schema.get("required") or ():
        if name not in value:
            errors.append(FieldError.required(_child(path, name)))
    properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
    before = old if isinstance(old, dict) else {}
    for name in sorted(value):
        known = properties.get(name, others if isinstance(others, dict) else None)
        if known is not None:
            errors += validate(value[name], known, before.get(name, MISSING), _child(path, name))
        elif others is False and name not in properties:
            text = f"{path}.{name} in body is a forbidden property"
            errors.append(FieldError.invalid(_child(path, name), "", text))


def _child(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _check_combinations(value: Any, schema: Schema, old: Any, path: str, errors: Errors) -> None:
    """allOf, anyOf, oneOf and not; a failed choice also shows why its best alternative failed."""
    any_of = [validate(value, each, old, path) for each in schema.get("anyOf") or ()]
    if any_of and all(any_of):
        errors.append(_composite(path, "must validate at least one schema (anyOf)"))
        errors += sorted(any_of, key=len)[0]
    one_of = [validate(value, each, old, path) for each in schema.get("oneOf") or ()]
    fitting = sum(not found for found in one_of)
    if one_of and fitting != 1:
        count = f"Found {fitting} valid alternatives" if fitting else "Found none valid"
        errors.append(_composite(path, f"must validate one and only one schema (oneOf). {count}"))
        errors += [] if fitting else sorted(one_of, key=len)[0]
    all_of = [validate(value, each, old, path) for each in schema.get("allOf") or ()]
    for found in all_of:
        errors += found
    if any(all_of):
        none = "" if not all(all_of) else ". None validated"
        errors.append(_composite(path, f"must validate all the schemas (allOf){none}"))
    if schema.get("not") is not None and not validate(value, schema["not"], MISSING, path):
        errors.append(_composite(path, "must not validate the schema (not)"))


def _composite(path: str, what: str) -> FieldError:
    return FieldError.invalid(ROOT, "", f'"{path}" {what}')

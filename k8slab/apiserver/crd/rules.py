"""`x-kubernetes-validations`: rules in the Common Expression Language, evaluated on custom objects.

Follows `apiextensions-apiserver/pkg/apiserver/schema/cel`. Expressions are parsed when a definition is validated; types
are found out when a rule runs, so that a rule with a wrong type or an unknown function fails for the object rather
than for the definition. Optional types, and the libraries for quantities, URLs and addresses are not there.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import celpy
from celpy import celtypes
from celpy.adapter import json_to_cel
from celpy.celparser import CELParseError
from celpy.evaluation import CELEvalError

from k8slab.apiserver.crd.correlation import MISSING, old_item, same
from k8slab.apiserver.crd.functions import FUNCTIONS
from k8slab.apiserver.crd.names import escaped
from k8slab.apiserver.crd.structural import Schema
from k8slab.errors import OMITTED, FieldError

ROOT = "<nil>"
NAMES = "x-kubernetes-validations"
MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})
BUDGET = 200_000
"""Steps that a rule may take on one value, so that no object keeps the server busy for long."""
TOO_DEAR = "call cost exceeds limit for rule"
REASONS = {
    "FieldValueForbidden": "Forbidden",
    "FieldValueRequired": "Required value",
    "FieldValueDuplicate": "Duplicate value",
}


class RuleError(Exception):
    """An expression that cannot be parsed: the compiler's words."""


def program(expression: str) -> Any:
    """The runnable form of an expression. Raises RuleError."""
    return _parsed(expression)[0]


@lru_cache(maxsize=1024)
def _parsed(expression: str) -> tuple[Any, int]:
    """The runnable form of an expression, and how deep its loops are nested."""
    environment = celpy.Environment()
    try:
        tree = environment.compile(expression)
        return environment.program(tree, functions=FUNCTIONS), _loops(tree)
    except RecursionError:
        raise RuleError("compilation failed: ERROR: <input>:1:1: expression recursion limit exceeded: 250") from None
    except CELParseError as error:
        line, column = error.line or 1, error.column or 1
        shown = expression.splitlines()[line - 1] if expression else ""
        raise RuleError(
            f"compilation failed: ERROR: <input>:{line}:{column}: Syntax error: mismatched input\n"
            f" | {shown}\n | {'.' * (column - 1)}^"
        ) from None


def _loops(tree: Any) -> int:
    """How deep the macros of an expression are nested, each of which goes over a list or map."""
    children = getattr(tree, "children", ())
    deepest = max((_loops(child) for child in children), default=0)
    if any(str(child) in MACROS for child in children if not hasattr(child, "children")):
        return 1 + deepest
    return deepest


def _nodes(value: Any) -> int:
    """How many values there are in a value."""
    if isinstance(value, dict):
        return 1 + sum(map(_nodes, value.values()))
    return 1 + sum(map(_nodes, value)) if isinstance(value, list) else 1


def has_rules(schema: Any) -> bool:
    """Whether there is a rule anywhere in the schema."""
    if not isinstance(schema, dict):
        return False
    inner = [*(schema.get("properties") or {}).values(), schema.get("items"), schema.get("additionalProperties")]
    return bool(schema.get(NAMES)) or any(has_rules(each) for each in inner)


def violations(value: Any, schema: Any, old: Any = MISSING, path: str = "", is_root: bool = True) -> list[FieldError]:
    """The rules that a value breaks; rules about a change (`oldSelf`) only count where there is an old value."""
    if not has_rules(schema) or value is None:
        return []
    errors = []
    for rule in schema.get(NAMES) or ():
        found = _broken(rule, value, schema, old, path, is_root)
        if found is not None:
            errors.append(found)
    if isinstance(value, list):
        items = schema.get("items")
        for index, item in enumerate(value):
            errors += violations(item, items, old_item(old, item, schema), f"{path}[{index}]", False)
    elif isinstance(value, dict):
        errors += _in_object(value, schema, old, path)
    return errors


def _in_object(value: dict[str, Any], schema: Schema, old: Any, path: str) -> list[FieldError]:
    properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
    before = old if isinstance(old, dict) else {}
    errors = []
    for name in sorted(value):
        former = before.get(name, MISSING)
        if name in properties:
            child = f"{path}.{name}" if path else name
            errors += violations(value[name], properties[name], former, child, False)
        elif isinstance(others, dict):
            errors += violations(value[name], others, former, f"{path}[{name}]", False)
    return errors


def _broken(rule: dict[str, Any], value: Any, schema: Schema, old: Any, path: str, is_root: bool) -> FieldError | None:
    about_change = "oldSelf" in rule["rule"]
    if about_change and old is MISSING:
        return None
    if not about_change and old is not MISSING and same(value, old):
        # An update that leaves a value alone need not mend it.
        return None
    place = (path + rule.get("fieldPath", "")).lstrip(".") or ROOT
    if _cost(rule["rule"].strip(), value) > BUDGET:
        return FieldError("Invalid value", place, OMITTED, f"{TOO_DEAR}: {_message(rule)}")
    activation = {"self": to_cel(value, schema, is_root)}
    if about_change:
        activation["oldSelf"] = to_cel(old, schema, is_root)
    try:
        if program(rule["rule"].strip()).evaluate(activation):
            return None
    except (CELEvalError, RuleError, RecursionError, TypeError, ValueError) as error:
        return FieldError("Invalid value", place, OMITTED, f"{_words(error)} evaluating rule: {_message(rule)}")
    kind = REASONS.get(rule.get("reason", ""), "Invalid value")
    return FieldError(kind, place, OMITTED, _explained(rule, activation))


def _cost(expression: str, value: Any) -> int:
    """About how many steps a rule may take on a value."""
    try:
        loops = _parsed(expression)[1]
    except RuleError:
        return 0
    return int(_nodes(value) ** loops) if loops else 0


def _words(error: Exception) -> str:
    text = str(error.args[0]) if error.args else str(error)
    return text.partition(" (in activation")[0]


def _explained(rule: dict[str, Any], activation: dict[str, Any]) -> str:
    expression = rule.get("messageExpression")
    if not expression:
        return _message(rule)
    try:
        found = str(program(expression.strip()).evaluate(activation)).strip()
    except (CELEvalError, RuleError, RecursionError, TypeError, ValueError):
        return _message(rule)
    return found if found and "\n" not in found else _message(rule)


def _message(rule: dict[str, Any]) -> str:
    return rule.get("message", "").strip() or f"failed rule: {rule['rule'].strip()}"


def to_cel(value: Any, schema: Any, is_resource: bool = False) -> Any:
    """A JSON value as its schema types it, with field names as expressions write them."""
    schema = schema if isinstance(schema, dict) else {}
    if isinstance(value, dict):
        return _map(value, schema, is_resource or bool(schema.get("x-kubernetes-embedded-resource")))
    if isinstance(value, list):
        return celtypes.ListType([to_cel(item, schema.get("items")) for item in value])
    if isinstance(value, str):
        return _text(value, schema.get("format"))
    if schema.get("type") == "number" and isinstance(value, int) and not isinstance(value, bool):
        return celtypes.DoubleType(value)
    if schema.get("type") == "integer" and isinstance(value, float):
        return celtypes.IntType(int(value))
    return json_to_cel(value)


def _map(value: dict[str, Any], schema: Schema, is_resource: bool) -> Any:
    properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
    found = {}
    for name, item in value.items():
        if is_resource and name == "metadata":
            kept = {key: item[key] for key in ("name", "generateName") if item.get(key)}
            found[celtypes.StringType(name)] = json_to_cel(kept)
        elif name in properties:
            found[celtypes.StringType(escaped(name))] = to_cel(item, properties[name])
        elif isinstance(others, dict):
            found[celtypes.StringType(name)] = to_cel(item, others)
        elif is_resource and name in ("apiVersion", "kind"):
            found[celtypes.StringType(name)] = json_to_cel(item)
    return celtypes.MapType(found)


def _text(value: str, name: str | None) -> Any:
    try:
        if name in ("date", "date-time", "datetime"):
            return celtypes.TimestampType(value)
        if name == "duration":
            return celtypes.DurationType(value)
    except ValueError:
        pass
    return celtypes.StringType(value)

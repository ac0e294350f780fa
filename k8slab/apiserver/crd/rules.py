"""`x-kubernetes-validations`: rules in the Common Expression Language, evaluated on custom objects.

Follows `apiextensions-apiserver/pkg/apiserver/schema/cel` (compilation.go, validation.go).
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from k8slab.api.cel import BOOL, DYN, STRING, CelError, CompileError, CostExceeded, Meter, Program, compile_expression
from k8slab.api.cel.kinds import Kind, optional_of
from k8slab.api.cel.values import NONE, Optional
from k8slab.apiserver.crd.correlation import MISSING, old_item, same
from k8slab.apiserver.crd.expressions import kind_of, to_cel
from k8slab.apiserver.crd.structural import Schema
from k8slab.errors import OMITTED, FieldError

ROOT = "<nil>"
NAMES = "x-kubernetes-validations"
PER_CALL, BUDGET = 1_000_000, 10_000_000
"""What one rule on one value may cost, and all rules on an object together (`apis/cel/config.go`)."""
LONGEST_MESSAGE = 5 * 1024
NO_BUDGET = "validation failed due to running out of cost budget, no further validation rules will be run"
NO_OVERLOAD = "call arguments did not match a supported operator, function or macro signature for rule"
TOO_DEAR = "no further validation rules will be run due to call cost exceeds limit for rule"
REASONS = {
    "FieldValueForbidden": "Forbidden",
    "FieldValueRequired": "Required value",
    "FieldValueDuplicate": "Duplicate value",
}


class OutOfBudget(Exception):
    """The rules of an object cost too much: none is evaluated any more."""


class RuleError(Exception):
    """A rule that cannot be compiled: the compiler's words."""


def check(text: str, schema: Schema, is_root: bool, optional_old: bool, wanted: Kind = BOOL) -> None:
    """Compile an expression for the values of a schema. Raises RuleError where that fails, or its type is another."""
    program = _compiled(text, schema, is_root, optional_old)
    if program.kind not in (wanted, DYN):
        what = (
            "cel expression must evaluate to a bool"
            if wanted == BOOL
            else "messageExpression must evaluate to a string"
        )
        raise RuleError(what)


def _compiled(text: str, schema: Schema, is_root: bool, optional_old: bool) -> Program:
    own = kind_of(schema, is_root)
    try:
        return compile_expression(text, {"self": own, "oldSelf": optional_of(own) if optional_old else own})
    except CompileError as error:
        raise RuleError(f"compilation failed: {error}") from None


def check_message(text: str, schema: Schema, is_root: bool, optional_old: bool) -> None:
    """As `check`, for a messageExpression."""
    check(text, schema, is_root, optional_old, STRING)


def has_rules(schema: Any) -> bool:
    """Whether there is a rule anywhere in the schema."""
    if not isinstance(schema, dict):
        return False
    inner = [*(schema.get("properties") or {}).values(), schema.get("items"), schema.get("additionalProperties")]
    return bool(schema.get(NAMES)) or any(has_rules(each) for each in (*inner, *(schema.get("allOf") or ())))


def violations(value: Any, schema: Any, old: Any = MISSING) -> tuple[list[FieldError], list[FieldError]]:
    """The rules that an object breaks: those that count, and those that an update need not mend.

    Rules about a change (`oldSelf`) only count where there is an old value.
    """
    found = _Evaluation()
    with suppress(OutOfBudget):
        found.visit(value, schema, old, "", True)
    return found.errors, found.tolerated


class _Evaluation:
    """One walk through an object, with the budget that all its rules share."""

    def __init__(self) -> None:
        self.left = BUDGET
        self.errors: list[FieldError] = []
        self.tolerated: list[FieldError] = []

    def visit(self, value: Any, schema: Any, old: Any, path: str, is_root: bool) -> None:
        if value is None or not has_rules(schema):
            return
        for rule in schema.get(NAMES) or ():
            self.rule(rule, value, schema, old, path, is_root)
        for part in schema.get("allOf") or ():
            if isinstance(part, dict) and has_rules(part):
                # What a part leaves out about the value's type, the schema around it says.
                whole = {key: item for key, item in schema.items() if key not in (NAMES, "allOf")}
                self.visit(value, whole | {NAMES: part.get(NAMES)}, old, path, is_root)
        if isinstance(value, list):
            for index, item in enumerate(value):
                self.visit(item, schema.get("items"), old_item(old, item, schema), f"{path}[{index}]", False)
        elif isinstance(value, dict):
            self.fields(value, schema, old, path)

    def fields(self, value: dict[str, Any], schema: Schema, old: Any, path: str) -> None:
        properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
        before = old if isinstance(old, dict) else {}
        for name in sorted(value):
            former = before.get(name, MISSING)
            if name in properties:
                child = f"{path}.{name}" if path else name
                self.visit(value[name], properties[name], former, child, False)
            elif isinstance(others, dict):
                self.visit(value[name], others, former, f"{path}[{name}]", False)

    def rule(self, rule: dict[str, Any], value: Any, schema: Schema, old: Any, path: str, is_root: bool) -> None:
        optional = bool(rule.get("optionalOldSelf"))
        about_change = "oldSelf" in rule["rule"]
        if about_change and old is MISSING and not optional:
            return
        place = path.lstrip(".") or ROOT
        names = _names(value, schema, old, is_root, optional)
        try:
            program = _compiled(rule["rule"].strip(), schema, is_root, optional)
            holds = self.run(program, names, place)
        except RuleError as error:
            self.errors.append(_invalid(place, f"rule compile error: {error}"))
            return
        except CelError as error:
            self.failed(error, rule, place)
            return
        if holds is True:
            return
        place = (path + rule.get("fieldPath", "")).lstrip(".") or ROOT
        kind = REASONS.get(rule.get("reason") or "", "Invalid value")
        broken = FieldError(kind, place, OMITTED, self.message(rule, names, schema, is_root, optional))
        untouched = not about_change and old is not MISSING and same(value, old)
        (self.tolerated if untouched else self.errors).append(broken)

    def run(self, program: Program, names: dict[str, Any], place: str) -> Any:
        if self.left <= 0:
            self.errors.append(_invalid(place, NO_BUDGET))
            raise OutOfBudget
        meter = Meter(min(PER_CALL, self.left))
        try:
            return program.run(names, meter)
        finally:
            self.left -= meter.used

    def failed(self, error: CelError, rule: dict[str, Any], place: str) -> None:
        about = _about(rule)
        if isinstance(error, CostExceeded):
            self.errors.append(_invalid(place, f"'{error}': {TOO_DEAR}: {about}"))
            raise OutOfBudget
        if str(error).startswith("no such overload"):
            self.errors.append(_invalid(place, f"'{error}': {NO_OVERLOAD}: {about}"))
        else:
            self.errors.append(_invalid(place, f"{error} evaluating rule: {about}"))

    def message(self, rule: dict[str, Any], names: Any, schema: Schema, is_root: bool, optional: bool) -> str:
        expression = (rule.get("messageExpression") or "").strip()
        if expression:
            try:
                found = self.run(_compiled(expression, schema, is_root, optional), names, ROOT)
            except (CelError, RuleError):
                found = ""
            text = found.strip() if isinstance(found, str) else ""
            if text and "\n" not in text and len(text.encode()) <= LONGEST_MESSAGE:
                return text
        return (rule.get("message") or "").strip() or f"failed rule: {rule['rule'].strip()}"


def _invalid(place: str, text: str) -> FieldError:
    return FieldError("Invalid value", place, OMITTED, text)


def _about(rule: dict[str, Any]) -> str:
    return (rule.get("message") or rule["rule"]).strip()


def _names(value: Any, schema: Schema, old: Any, is_root: bool, optional: bool) -> dict[str, Any]:
    names = {"self": to_cel(value, schema, is_root)}
    if optional:
        names["oldSelf"] = NONE if old is MISSING or old is None else Optional(to_cel(old, schema, is_root))
    elif old is not MISSING:
        names["oldSelf"] = to_cel(old, schema, is_root)
    return names

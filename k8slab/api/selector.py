"""Selectors: by labels, by fields, by properties of nodes.

Follows apimachinery's `pkg/labels/selector.go` and `pkg/fields/selector.go` and component-helpers' `scheduling/corev1`.
Mistakes in a text are ApiErrors (BadRequest) with the server's words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from k8slab.api import labels as label_rules
from k8slab.api.core_v1 import Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodSpec
from k8slab.api.meta_v1 import LabelSelector
from k8slab.errors import ApiError, FieldError, aggregate, bad_request

IN, NOT_IN, EXISTS, DOES_NOT_EXIST = "In", "NotIn", "Exists", "DoesNotExist"
EQUAL, NOT_EQUAL, GREATER, LESS = "=", "!=", "Gt", "Lt"
_SINGLE = {EQUAL: "=", "==": "==", NOT_EQUAL: "!=", GREATER: ">", LESS: "<"}
_INTEGER = re.compile(r"[+-]?[0-9]+\Z")


class Requirement:
    """One condition on one label. `values` are sorted; Gt and Lt compare integers."""

    __slots__ = ("_number", "_set", "key", "operator", "values")

    def __init__(self, key: str, operator: str, values: tuple[str, ...] = ()) -> None:
        self.key = key
        self.operator = operator
        self.values = tuple(sorted(set(values)))
        self._set = frozenset(values)
        self._number = _int64(values[0]) if operator in (GREATER, LESS) and values else None

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether a set of labels fulfils it."""
        value = labels.get(self.key)
        operator = self.operator
        if operator in (EQUAL, "==", IN):
            return value is not None and value in self._set
        if operator in (NOT_EQUAL, NOT_IN):
            return value is None or value not in self._set
        if operator == EXISTS:
            return value is not None
        if operator == DOES_NOT_EXIST:
            return value is None
        return self._compares(value)

    def _compares(self, value: str | None) -> bool:
        number = None if value is None else _int64(value)
        if number is None or self._number is None:
            return False
        return number > self._number if self.operator == GREATER else number < self._number

    def __str__(self) -> str:
        if self.operator == EXISTS:
            return self.key
        if self.operator == DOES_NOT_EXIST:
            return f"!{self.key}"
        if self.operator in (IN, NOT_IN):
            return f"{self.key} {self.operator.lower()} ({','.join(self.values)})"
        return f"{self.key}{_SINGLE[self.operator]}{self.values[0]}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Requirement) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[str, str, tuple[str, ...]]:
        return (self.key, self.operator, self.values)

    def __reduce__(self) -> Any:
        return (Requirement, self._identity())


def _is_exact(requirement: Requirement) -> bool:
    return requirement.operator in (EQUAL, "==", IN) and len(requirement.values) == 1


class Selector:
    """All of some requirements. Without any it selects everything; `NOTHING` selects nothing."""

    __slots__ = ("_exact", "_others", "is_nothing", "requirements")

    def __init__(self, requirements: tuple[Requirement, ...] = (), is_nothing: bool = False) -> None:
        self.requirements = tuple(sorted(requirements, key=lambda each: each.key))
        self.is_nothing = is_nothing
        self._exact = tuple((each.key, each.values[0]) for each in self.requirements if _is_exact(each))
        self._others = tuple(each for each in self.requirements if not _is_exact(each))

    def matches(self, labels: Mapping[str, str] | None) -> bool:
        """Whether an object with these labels is selected."""
        if self.is_nothing:
            return False
        labels = labels or {}
        for key, value in self._exact:
            if labels.get(key) != value:
                return False
        return all(each.matches(labels) for each in self._others)

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Selector):
            return NotImplemented
        return self.requirements == other.requirements and self.is_nothing == other.is_nothing

    def __hash__(self) -> int:
        return hash((self.requirements, self.is_nothing))

    def __reduce__(self) -> Any:
        return (Selector, (self.requirements, self.is_nothing))


EVERYTHING = Selector()
NOTHING = Selector(is_nothing=True)


def _int64(text: str) -> int | None:
    number = int(text) if _INTEGER.match(text) else None
    return number if number is not None and -(2**63) <= number < 2**63 else None


# --- label selectors as text ---------------------------------------------------------------------------------------

_TOKEN = re.compile(r"\s*(?:(==|=|!=|!|\(|\)|,|>|<)|([^\s=!(),<>]+)|\Z)")
_OPERATORS = {"=": EQUAL, "==": "==", "!=": NOT_EQUAL, "in": IN, "notin": NOT_IN, ">": GREATER, "<": LESS}
_EXPECTED = "in, notin, =, ==, !=, gt, lt"


@lru_cache(maxsize=4096)
def parse_labels(text: str) -> Selector:
    """The selector that a text such as `app=web,tier in (a, b),!legacy` describes.

    Raises ApiError (BadRequest), for instance `unable to parse requirement: found '' expected: '('`.
    """
    return _Parser(text).parse()


def _tokens(text: str) -> list[tuple[str, str]]:
    """(kind, text): kind is the symbol itself, `id` for a word, `end` at the end."""
    result: list[tuple[str, str]] = []
    place = 0
    while True:
        found = _TOKEN.match(text, place)
        symbol, word = found[1], found[2]
        if symbol is None and word is None:
            return [*result, ("end", "")]
        result.append((symbol, symbol) if symbol else ("id", word))
        place = found.end()


class _Parser:
    """Recursive descent over the tokens, with the messages of `labels.Parse`."""

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.place = 0

    def _peek(self) -> tuple[str, str]:
        return self.tokens[self.place]

    def _take(self) -> tuple[str, str]:
        token = self.tokens[self.place]
        self.place = min(self.place + 1, len(self.tokens) - 1)
        return token

    def parse(self) -> Selector:
        """The whole text."""
        requirements: list[Requirement] = []
        while True:
            kind, literal = self._peek()
            if kind == "end":
                return Selector(tuple(requirements))
            if kind not in ("id", "!"):
                raise bad_request(f"found '{literal}', expected: !, identifier, or 'end of string'")
            requirements.append(self._requirement())
            if not self._continues():
                return Selector(tuple(requirements))

    def _continues(self) -> bool:
        kind, literal = self._take()
        if kind == "end":
            return False
        if kind != ",":
            raise bad_request(f"found '{literal}', expected: ',' or 'end of string'")
        kind, literal = self._peek()
        if kind not in ("id", "!"):
            raise bad_request(f"found '{literal}', expected: identifier after ','")
        return True

    def _requirement(self) -> Requirement:
        kind, key = self._take()
        is_absent = kind == "!"
        if is_absent:
            kind, key = self._take()
        if kind != "id":
            raise _unparsable(f"found '{key}', expected: identifier")
        _check(_key_errors(key))
        if is_absent or self._peek()[0] in ("end", ","):
            return Requirement(key, DOES_NOT_EXIST if is_absent else EXISTS)
        return self._comparison(key)

    def _comparison(self, key: str) -> Requirement:
        _, literal = self._take()
        operator = _OPERATORS.get(literal)
        if operator is None:
            raise _unparsable(f"found '{literal}', expected: {_EXPECTED}")
        values = self._values() if operator in (IN, NOT_IN) else [self._value()]
        _check(_value_errors(key, operator, sorted(set(values))))
        return Requirement(key, operator, tuple(values))

    def _value(self) -> str:
        kind, literal = self._peek()
        if kind in ("end", ","):
            return ""
        self._take()
        if kind != "id":
            raise _unparsable(f"found '{literal}', expected: identifier")
        return literal

    def _values(self) -> list[str]:
        kind, literal = self._take()
        if kind != "(":
            raise _unparsable(f"found '{literal}' expected: '('")
        kind, literal = self._peek()
        if kind == ")":
            self._take()
            return [""]
        if kind not in ("id", ","):
            raise _unparsable(f"found '{literal}', expected: ',', ')' or identifier")
        return self._list()

    def _list(self) -> list[str]:
        """Values up to the closing parenthesis; an empty place between commas is the empty value."""
        values: list[str] = []
        while True:
            kind, literal = self._take()
            if kind == "id":
                values.append(literal)
                kind, literal = self._peek()
                if kind not in (",", ")"):
                    raise _unparsable(f"found '{literal}', expected: ',' or ')'")
            elif kind == ",":
                if not values or self._peek()[0] in (",", ")"):
                    values.append("")
            elif kind == ")":
                return values
            else:
                raise _unparsable(f"found '{literal}', expected: ',', or identifier")


def _unparsable(why: str) -> ApiError:
    return bad_request(f"unable to parse requirement: {why}")


def _check(errors: list[FieldError]) -> None:
    if errors:
        raise _unparsable(aggregate(errors))


def _key_errors(key: str) -> list[FieldError]:
    problems = label_rules.key_problems(key)
    return [FieldError.invalid("<nil>", key, "; ".join(problems))] if problems else []


def _value_errors(key: str, operator: str, values: list[str]) -> list[FieldError]:
    errors = []
    for index, value in enumerate(values):
        if operator in (GREATER, LESS) and _int64(value) is None:
            detail = "for 'Gt', 'Lt' operators, the value must be an integer"
            errors.append(FieldError.invalid(f"values[{index}]", value, detail))
        problems = label_rules.value_problems(value)
        if problems:
            errors.append(FieldError.invalid(f"values[{index}][{key}]", value, "; ".join(problems)))
    return errors


# --- LabelSelector objects -----------------------------------------------------------------------------------------


def from_label_selector(selector: LabelSelector | None) -> Selector:
    """The selector of a `LabelSelector` object: None selects nothing, an empty one everything.

    Raises ApiError (BadRequest) for an operator that does not exist.
    """
    if selector is None:
        return NOTHING
    requirements = [Requirement(key, EQUAL, (value,)) for key, value in (selector.matchLabels or {}).items()]
    for expression in selector.matchExpressions or ():
        if expression.operator not in (IN, NOT_IN, EXISTS, DOES_NOT_EXIST):
            raise bad_request(f'"{expression.operator}" is not a valid label selector operator')
        requirements.append(Requirement(expression.key, expression.operator, expression.values or ()))
    return Selector(tuple(requirements)) if requirements else EVERYTHING


def selector_text(selector: LabelSelector | Mapping[str, str] | None) -> str:
    """A selector as text, as in a scale's status and kubectl's SELECTOR column; empty for everything and nothing."""
    if selector is None or isinstance(selector, LabelSelector):
        return str(from_label_selector(selector))
    return str(from_labels(selector))


def from_labels(labels: Mapping[str, str] | None) -> Selector:
    """The selector of a plain map such as a Service's: every label must be equal; an empty map selects everything."""
    return Selector(tuple(Requirement(key, EQUAL, (value,)) for key, value in (labels or {}).items()))


# --- field selectors -----------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def parse_fields(text: str) -> tuple[tuple[str, str, str], ...]:
    """The terms (path, operator, value) of a field selector; the operator is `=` or `!=`.

    Raises ApiError (BadRequest): `invalid selector: 'status.phase'; can't understand 'status.phase'`.
    """
    terms = []
    for part in _split_unescaped(text):
        if not part:
            continue
        found = _TERM.match(part)
        if found is None:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        terms.append((found[1], NOT_EQUAL if found[2] == "!=" else EQUAL, _unescaped(found[3])))
    return tuple(terms)


_TERM = re.compile(r"((?:\\.|[^\\])*?)(!=|==|=)(.*)\Z", re.DOTALL)
_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)


def _split_unescaped(text: str) -> list[str]:
    return [found[0] for found in re.finditer(r"(?:\\.|[^\\,])+", text, re.DOTALL)]


def _unescaped(value: str) -> str:
    for found in _ESCAPE.finditer(value):
        if found[1] not in ("\\", ",", "=") or not found[1]:
            raise bad_request(f"invalid field selector: invalid escape sequence: \\{found[1]}")
    plain = _ESCAPE.sub("", value)
    if "=" in plain or "," in plain:
        raise bad_request(f"invalid field selector: unescaped character in field value: {'=' if '=' in plain else ','}")
    return _ESCAPE.sub(r"\1", value)


def escape_field(value: str) -> str:
    """A value as it has to be written in a field selector."""
    return re.sub(r"([\\,=])", r"\\\1", value)


# --- node selectors ------------------------------------------------------------------------------------------------


def node_matches(spec: PodSpec, node: Node) -> bool:
    """Whether a node has what `nodeSelector` and required node affinity ask for (GetRequiredNodeAffinity)."""
    labels = node.metadata.labels or {}
    if any(labels.get(key) != value for key, value in (spec.nodeSelector or {}).items()):
        return False
    affinity = spec.affinity.nodeAffinity if spec.affinity is not None else None
    return affinity is None or matches_node(affinity.requiredDuringSchedulingIgnoredDuringExecution, node)


def matches_node(selector: NodeSelector | None, node: Node) -> bool:
    """Whether a node fulfils one of the terms; None asks for nothing."""
    return selector is None or any(matches_term(term, node) for term in selector.nodeSelectorTerms or ())


def matches_term(term: NodeSelectorTerm, node: Node) -> bool:
    """Whether a node fulfils all of a term; an empty term matches no node."""
    if not term.matchExpressions and not term.matchFields:
        return False
    labels, fields = node.metadata.labels or {}, {"metadata.name": node.metadata.name}
    return all(matches_requirement(each, labels) for each in term.matchExpressions or ()) and all(
        matches_requirement(each, fields) for each in term.matchFields or ()
    )


def matches_requirement(requirement: NodeSelectorRequirement, values: Mapping[str, str]) -> bool:
    """Whether labels (or fields) fulfil one node selector requirement."""
    return Requirement(requirement.key, requirement.operator, requirement.values or ()).matches(values)

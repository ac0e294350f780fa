"""Which type an expression has, and what is wrong with it before it ever runs (cel-go, `checker/checker.go`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8slab.api.cel import tree
from k8slab.api.cel.functions import FUNCTIONS, TYPES
from k8slab.api.cel.kinds import (
    BOOL,
    BYTES,
    DOUBLE,
    DYN,
    INT,
    NULL,
    STRING,
    TYPE,
    UINT,
    Kind,
    common,
    filled,
    fits,
    list_of,
    map_of,
    name_of,
    optional_of,
)

LITERALS = {
    "bool": BOOL,
    "int": INT,
    "uint": UINT,
    "double": DOUBLE,
    "string": STRING,
    "bytes": BYTES,
    "null_type": NULL,
}
PREDICATES = frozenset({"all", "exists", "exists_one", "existsOne", "filter"})
Names = Mapping[str, Kind]


class Problem(Exception):
    """One thing that is wrong, and where."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.message = message
        self.at = at


class Checker:
    """Finds the type of an expression; `problems` collects what is wrong with it.

    Args:
        names: the variables and their types.
        messages: objects that expressions may make, by the name of their type; None where they may not.
    """

    def __init__(self, names: Names, messages: Any = None) -> None:
        self.names = dict(names)
        self.messages = messages
        self.problems: list[Problem] = []

    def kind(self, node: Any) -> Kind:
        """The type of an expression; dyn where something is wrong with it."""
        return _RULES[type(node)](self, node)

    def _wrong(self, message: str, at: int) -> Kind:
        self.problems.append(Problem(message, at))
        return DYN

    def _literal(self, node: tree.Literal) -> Kind:
        return LITERALS[name_of(node.value)]

    def _ident(self, node: tree.Ident) -> Kind:
        if node.name in self.names:
            return self.names[node.name]
        if node.name in TYPES:
            return TYPE
        return self._wrong(f"undeclared reference to '{node.name}' (in container '')", node.at)

    def _select(self, node: tree.Select) -> Kind:
        if isinstance(node.operand, tree.Ident):
            qualified = f"{node.operand.name}.{node.field}"
            if qualified in self.names:
                return self.names[qualified]
        owner = self.kind(node.operand)
        optional = node.optional or owner.name == "optional_type"
        owner = owner.params[0] if owner.name == "optional_type" and owner.params else owner
        found = self._field(owner, node)
        if node.test:
            return BOOL
        return optional_of(found) if optional else found

    def _field(self, owner: Kind, node: tree.Select) -> Kind:
        if owner.name == "map":
            return owner.params[1] if owner.params else DYN
        if owner.fields is not None:
            found = owner.fields.get(node.field)
            return found if found is not None else self._wrong(f"undefined field '{node.field}'", node.at)
        if owner.name in ("dyn", "optional_type"):
            return DYN
        return self._wrong(f"type '{owner}' does not support field selection", node.at)

    def _index(self, node: tree.Index) -> Kind:
        owner, key = self.kind(node.operand), self.kind(node.key)
        optional = node.optional or owner.name == "optional_type"
        owner = owner.params[0] if owner.name == "optional_type" and owner.params else owner
        if owner.name == "list" and fits(INT, key, {}):
            found = owner.params[0] if owner.params else DYN
        elif owner.name == "map" and (not owner.params or fits(owner.params[0], key, {})):
            found = owner.params[1] if owner.params else DYN
        elif owner.name == "dyn":
            found = DYN
        else:
            return self._unmatched("_[_]", (owner, key), node.at)
        return optional_of(found) if optional else found

    def _unmatched(self, name: str, kinds: tuple[Kind, ...], at: int, target: Kind | None = None) -> Kind:
        given = ", ".join(map(str, kinds))
        shown = f"'{target}.({given})'" if target is not None else f"'({given})'"
        return self._wrong(f"found no matching overload for '{name}' applied to {shown}", at)

    def _call(self, node: tree.Call) -> Kind:
        name, target = node.name, node.target
        if isinstance(target, tree.Ident) and target.name not in self.names:
            qualified = f"{target.name}.{name}"
            if (qualified, False) in FUNCTIONS:
                name, target = qualified, None
        owner = self.kind(target) if target is not None else None
        args = tuple(self.kind(each) for each in node.args)
        overloads = FUNCTIONS.get((name, target is not None))
        if overloads is None:
            return self._wrong(f"undeclared reference to '{name}' (in container '')", node.at)
        return self._overload(name, overloads, owner, args, node.at)

    def _overload(self, name: str, overloads: Any, owner: Kind | None, args: tuple[Kind, ...], at: int) -> Kind:
        results = []
        for each in overloads:
            wanted = each.args if owner is None else (each.target, *each.args)
            given = args if owner is None else (owner, *args)
            bound: dict[str, Kind] = {}
            if len(wanted) == len(given) and all(
                fits(left, right, bound) for left, right in zip(wanted, given, strict=True)
            ):
                results.append(filled(each.result, bound))
        return common(results) if results else self._unmatched(name, args, at, owner)

    def _items(self, node: tree.Items) -> Kind:
        kinds = [self.kind(each) for each in node.items]
        return list_of(self._same(kinds, node.items))

    def _same(self, kinds: list[Kind], nodes: Any) -> Kind:
        """Lists and maps hold values of one type (HomogeneousAggregateLiterals)."""
        for kind, node in zip(kinds[1:], nodes[1:], strict=True):
            if not fits(kinds[0], kind, {}) and not fits(kind, kinds[0], {}):
                self._wrong(f"expected type '{kinds[0]}' but found '{kind}'", node.at)
                return DYN
        return common(kinds)

    def _entries(self, node: tree.Entries) -> Kind:
        keys = [self.kind(each[0]) for each in node.entries]
        values = [self.kind(each[1]) for each in node.entries]
        key = self._same(keys, [each[0] for each in node.entries])
        return map_of(key, self._same(values, [each[1] for each in node.entries]))

    def _message(self, node: tree.Message) -> Kind:
        declared = self.messages(node.name) if self.messages is not None else None
        if declared is None:
            return self._wrong(f"undeclared reference to '{node.name}' (in container '')", node.at)
        for name, value, _ in node.fields:
            kind = self.kind(value)
            wanted = declared.fields.get(name) if declared.fields is not None else DYN
            if wanted is None:
                self._wrong(f"undefined field '{name}'", value.at)
            elif not fits(wanted, kind, {}):
                self._wrong(f"expected type of field '{name}' is '{wanted}' but provided type is '{kind}'", value.at)
        return declared

    def _fold(self, node: tree.Fold) -> Kind:
        over = self.kind(node.over)
        if over.name not in ("list", "map", "dyn"):
            text = "expression of type '{}' cannot be range of a comprehension (must be list, map, or dynamic)"
            self._wrong(text.format(over), node.over.at)
            over = DYN
        kinds = _ranged(over, len(node.names))
        inner = Checker(self.names | dict(zip(node.names, kinds, strict=True)), self.messages)
        steps = [inner.kind(each) for each in node.steps]
        self.problems += inner.problems
        predicates = len(node.steps) if node.macro in PREDICATES else len(node.steps) - 1
        for kind, step in zip(steps[:predicates], node.steps, strict=False):
            if not fits(BOOL, kind, {}):
                self._wrong(f"expected type 'bool' but found '{kind}'", step.at)
        return _folded(node.macro, over, kinds, steps)

    def _bind(self, node: tree.Bind) -> Kind:
        return self._within(node.name, self.kind(node.value), node.body)

    def _opt(self, node: tree.Opt) -> Kind:
        target = self.kind(node.target)
        found = self._within(node.name, target.params[0] if target.params else DYN, node.body)
        return found if node.flat else optional_of(found)

    def _within(self, name: str, kind: Kind, body: Any) -> Kind:
        inner = Checker(self.names | {name: kind}, self.messages)
        found = inner.kind(body)
        self.problems += inner.problems
        return found


def _ranged(over: Kind, names: int) -> list[Kind]:
    """The types of a macro's variables."""
    params = over.params or (DYN, DYN)
    if over.name == "list":
        return [params[0]] if names == 1 else [INT, params[0]]
    if over.name == "map":
        return list(params[:names])
    return [DYN] * names


def _folded(macro: str, over: Kind, kinds: list[Kind], steps: list[Kind]) -> Kind:
    if macro == "filter":
        return list_of(kinds[0])
    if macro in ("map", "transformList"):
        return list_of(steps[-1])
    if macro == "transformMap":
        return map_of(kinds[0], steps[-1])
    return steps[-1] if macro == "transformMapEntry" else BOOL


_RULES: dict[type, Any] = {
    tree.Literal: Checker._literal,
    tree.Ident: Checker._ident,
    tree.Select: Checker._select,
    tree.Index: Checker._index,
    tree.Call: Checker._call,
    tree.Items: Checker._items,
    tree.Entries: Checker._entries,
    tree.Message: Checker._message,
    tree.Fold: Checker._fold,
    tree.Bind: Checker._bind,
    tree.Opt: Checker._opt,
}

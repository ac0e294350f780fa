"""What an expression comes to (cel-go, `interpreter`), counting what it costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from k8slab.api.cel import tree, values
from k8slab.api.cel.functions import FUNCTIONS, TYPES
from k8slab.api.cel.kinds import Kind, is_variable, name_of
from k8slab.api.cel.values import NONE, CelError, CostExceeded, Optional, Record, TypeValue

LIST_COST, MAP_COST, MESSAGE_COST = 10, 30, 40
_MISSING = object()


class Meter:
    """Counts the cost of an evaluation."""

    __slots__ = ("limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def spend(self, cost: int) -> None:
        """Count a cost. Raises CostExceeded where the limit is passed."""
        self.used += cost
        if self.used > self.limit:
            raise CostExceeded


class Lazy:
    """An object whose fields are worked out when first asked for, such as the variables of a policy."""

    kind = "map"

    def __init__(self, find: Callable[[str], Any], names: Mapping[str, Any]) -> None:
        self.find = find
        self.names = names


def evaluate(node: Any, names: Mapping[str, Any], meter: Meter) -> Any:
    """The value of an expression with these variables. Raises CelError."""
    return _RULES[type(node)](node, names, meter)


def _literal(node: tree.Literal, names: Mapping[str, Any], meter: Meter) -> Any:
    return node.value


def _ident(node: tree.Ident, names: Mapping[str, Any], meter: Meter) -> Any:
    meter.spend(1)
    found = names.get(node.name, _MISSING)
    if found is not _MISSING:
        return found
    if node.name in TYPES:
        return TypeValue(TYPES[node.name])
    raise CelError(f"no such attribute(s): {node.name}")


def _select(node: tree.Select, names: Mapping[str, Any], meter: Meter) -> Any:
    meter.spend(1)
    operand = node.operand
    if type(operand) is tree.Ident and (qualified := f"{operand.name}.{node.field}") in names:
        return names[qualified]
    owner = evaluate(operand, names, meter)
    return _member(owner, node.field, node.test, node.optional)


def _member(owner: Any, field: str, test: bool, optional: bool) -> Any:
    if type(owner) is Optional:
        if test:
            return owner.present and _member(owner.value, field, True, False)
        return _member(owner.value, field, False, True) if owner.present else NONE
    if type(owner) is Lazy:
        return field in owner.names if test else owner.find(field)
    if isinstance(owner, dict):
        if test:
            return field in owner
        if field in owner:
            return Optional(owner[field]) if optional else owner[field]
    elif test:
        return False
    if optional:
        return NONE
    raise CelError(f"no such key: {field}")


def _index(node: tree.Index, names: Mapping[str, Any], meter: Meter) -> Any:
    meter.spend(1)
    owner, key = evaluate(node.operand, names, meter), evaluate(node.key, names, meter)
    if type(owner) is Optional:
        return _optional_at(owner.value, key) if owner.present else NONE
    if type(owner) is Lazy and isinstance(key, str):
        return owner.find(key)
    return _optional_at(owner, key) if node.optional else values.at(owner, key)


def _optional_at(owner: Any, key: Any) -> Optional:
    try:
        return Optional(values.at(owner, key))
    except CelError:
        return NONE


def _and_or(node: tree.Call, names: Mapping[str, Any], meter: Meter, decisive: bool) -> bool:
    return _decided((partial(evaluate, each, names, meter) for each in node.args), decisive)


def _decided(answers: Iterable[Callable[[], Any]], decisive: bool) -> bool:
    """What several answers come to: one that decides alone makes up for the errors of others."""
    error = None
    for answer in answers:
        try:
            found = answer()
        except CostExceeded:
            raise
        except CelError as fault:
            error = error or fault
            continue
        if found is decisive:
            return decisive
        if not isinstance(found, bool):
            error = error or CelError("no such overload")
    if error is not None:
        raise error
    return not decisive


def _call(node: tree.Call, names: Mapping[str, Any], meter: Meter) -> Any:
    name = node.name
    special = _SPECIAL.get(name)
    if special is not None:
        return special(node, names, meter)
    operator = _OPERATORS.get(name)
    if operator is not None:
        args = [evaluate(each, names, meter) for each in node.args]
        meter.spend(1 + sum(len(each) // 10 for each in args if isinstance(each, (str, list))))
        return operator(*args)
    return _function(node, names, meter)


def _function(node: tree.Call, names: Mapping[str, Any], meter: Meter) -> Any:
    name, target = node.name, node.target
    is_plain = isinstance(target, tree.Ident) and target.name not in names
    if is_plain and (f"{target.name}.{name}", False) in FUNCTIONS:
        name, target = f"{target.name}.{name}", None
    args = [evaluate(each, names, meter) for each in ((target, *node.args) if target is not None else node.args)]
    if target is not None and name in ("or", "orValue") and type(args[0]) is Optional:
        return args[0] if args[0].present and name == "or" else args[0].value if args[0].present else args[1]
    for each in FUNCTIONS.get((name, target is not None), ()):
        wanted = each.args if each.target is None else (each.target, *each.args)
        if len(wanted) == len(args) and all(map(_accepts, wanted, args)) and each.run is not None:
            meter.spend(each.cost + sum(len(arg) // 10 for arg in args if isinstance(arg, (str, list))))
            return each.run(*args)
    raise CelError(f"no such overload: {name}({', '.join(name_of(arg) for arg in args)})")


def _accepts(kind: Kind, value: Any) -> bool:
    return kind.name == "dyn" or is_variable(kind) or kind.name == name_of(value)


def _either(node: tree.Call, names: Mapping[str, Any], meter: Meter) -> Any:
    chosen = evaluate(node.args[0], names, meter)
    if not isinstance(chosen, bool):
        raise CelError("no such overload")
    return evaluate(node.args[1 if chosen else 2], names, meter)


def _or(node: tree.Call, names: Mapping[str, Any], meter: Meter) -> bool:
    return _and_or(node, names, meter, True)


def _and(node: tree.Call, names: Mapping[str, Any], meter: Meter) -> bool:
    return _and_or(node, names, meter, False)


def _not(value: Any) -> bool:
    if not isinstance(value, bool):
        raise CelError("no such overload")
    return not value


def _different(left: Any, right: Any) -> bool:
    return not values.equal(left, right)


def _less(left: Any, right: Any) -> bool:
    return values.order(left, right) < 0


def _at_most(left: Any, right: Any) -> bool:
    return values.order(left, right) <= 0


def _greater(left: Any, right: Any) -> bool:
    return values.order(left, right) > 0


def _at_least(left: Any, right: Any) -> bool:
    return values.order(left, right) >= 0


def _items(node: tree.Items, names: Mapping[str, Any], meter: Meter) -> list[Any]:
    meter.spend(LIST_COST)
    found = []
    for index, each in enumerate(node.items):
        value = evaluate(each, names, meter)
        if index in node.optional:
            if value.present:
                found.append(value.value)
        else:
            found.append(value)
    return found


def _entries(node: tree.Entries, names: Mapping[str, Any], meter: Meter) -> dict[Any, Any]:
    meter.spend(MAP_COST)
    found: dict[Any, Any] = {}
    for key, item, optional in node.entries:
        name, value = evaluate(key, names, meter), evaluate(item, names, meter)
        if name_of(name) not in ("string", "int", "uint", "bool"):
            raise CelError(f"unsupported key type: {name_of(name)}")
        if name in found:
            raise CelError(f"Failed with repeated key {values.printed(name)}")
        if not optional:
            found[name] = value
        elif value.present:
            found[name] = value.value
    return found


def _message(node: tree.Message, names: Mapping[str, Any], meter: Meter) -> Record:
    meter.spend(MESSAGE_COST)
    fields: dict[str, Any] = {}
    for name, item, optional in node.fields:
        value = evaluate(item, names, meter)
        if not optional:
            fields[name] = value
        elif value.present:
            fields[name] = value.value
    return Record(node.name, fields)


def _pairs(over: Any, count: int) -> list[tuple[Any, ...]]:
    """What a macro's variables are, one after the other."""
    if isinstance(over, (list, tuple)):
        return list(enumerate(over)) if count == 2 else [(each,) for each in over]
    if isinstance(over, dict):
        return list(over.items()) if count == 2 else [(each,) for each in over]
    raise CelError(f"got '{name_of(over)}', expected iterable type")


def _fold(node: tree.Fold, names: Mapping[str, Any], meter: Meter) -> Any:
    pairs = _pairs(evaluate(node.over, names, meter), len(node.names))
    scopes = ({**names, **dict(zip(node.names, pair, strict=True))} for pair in pairs)
    return _MACROS[node.macro](node, scopes, pairs, meter)


def _quantified(node: tree.Fold, scopes: Any, meter: Meter, decisive: bool) -> bool:
    def holds(scope: Mapping[str, Any]) -> Any:
        meter.spend(2)
        return evaluate(node.steps[0], scope, meter)

    return _decided((partial(holds, scope) for scope in scopes), decisive)


def _all(node: tree.Fold, scopes: Any, pairs: Any, meter: Meter) -> bool:
    return _quantified(node, scopes, meter, False)


def _exists(node: tree.Fold, scopes: Any, pairs: Any, meter: Meter) -> bool:
    return _quantified(node, scopes, meter, True)


def _holds(step: Any, scope: Mapping[str, Any], meter: Meter) -> bool:
    meter.spend(2)
    found = evaluate(step, scope, meter)
    if not isinstance(found, bool):
        raise CelError("no such overload")
    return found


def _exists_one(node: tree.Fold, scopes: Any, pairs: Any, meter: Meter) -> bool:
    return sum(_holds(node.steps[0], scope, meter) for scope in scopes) == 1


def _filter(node: tree.Fold, scopes: Any, pairs: Any, meter: Meter) -> list[Any]:
    return [pair[0] for pair, scope in zip(pairs, scopes, strict=True) if _holds(node.steps[0], scope, meter)]


def _transformed(node: tree.Fold, scopes: Any, pairs: Any, meter: Meter) -> list[tuple[Any, Any]]:
    """Keys and results for what passes the filter, where there is one."""
    found = []
    for pair, scope in zip(pairs, scopes, strict=True):
        meter.spend(2)
        if len(node.steps) == 1 or _holds(node.steps[0], scope, meter):
            found.append((pair[0], evaluate(node.steps[-1], scope, meter)))
    return found


def _map(node: tree.Fold, scopes: Any, pairs: Any, meter: Meter) -> list[Any]:
    return [value for _, value in _transformed(node, scopes, pairs, meter)]


def _transform_map(node: tree.Fold, scopes: Any, pairs: Any, meter: Meter) -> dict[Any, Any]:
    return dict(_transformed(node, scopes, pairs, meter))


def _transform_entries(node: tree.Fold, scopes: Any, pairs: Any, meter: Meter) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for _, entries in _transformed(node, scopes, pairs, meter):
        for key, value in entries.items():
            if key in found:
                raise CelError(f"insert failed: key {values.printed(key)} already exists")
            found[key] = value
    return found


def _bind(node: tree.Bind, names: Mapping[str, Any], meter: Meter) -> Any:
    return evaluate(node.body, {**names, node.name: evaluate(node.value, names, meter)}, meter)


def _opt(node: tree.Opt, names: Mapping[str, Any], meter: Meter) -> Any:
    target = evaluate(node.target, names, meter)
    if not target.present:
        return NONE
    found = evaluate(node.body, {**names, node.name: target.value}, meter)
    return found if node.flat else Optional(found)


_SPECIAL: dict[str, Any] = {"_||_": _or, "_&&_": _and, "_?_:_": _either}
_OPERATORS: dict[str, Callable[..., Any]] = {
    "_==_": values.equal,
    "_!=_": _different,
    "_<_": _less,
    "_<=_": _at_most,
    "_>_": _greater,
    "_>=_": _at_least,
    "_+_": values.add,
    "_-_": values.subtract,
    "_*_": values.multiply,
    "_/_": values.divide,
    "_%_": values.remainder,
    "@in": values.contains,
    "!_": _not,
    "-_": values.negate,
}
_MACROS: dict[str, Any] = {
    "all": _all,
    "exists": _exists,
    "exists_one": _exists_one,
    "existsOne": _exists_one,
    "filter": _filter,
    "map": _map,
    "transformList": _map,
    "transformMap": _transform_map,
    "transformMapEntry": _transform_entries,
}
_RULES: dict[type, Any] = {
    tree.Literal: _literal,
    tree.Ident: _ident,
    tree.Select: _select,
    tree.Index: _index,
    tree.Call: _call,
    tree.Items: _items,
    tree.Entries: _entries,
    tree.Message: _message,
    tree.Fold: _fold,
    tree.Bind: _bind,
    tree.Opt: _opt,
}

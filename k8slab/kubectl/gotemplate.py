"""`-o go-template`: the part of Go's text/template which commands with kubectl use.

Fields, variables, pipelines, `range` (with `else` and two variables), `if`/`else if`/`else`, `with`, `index`, `len`,
`printf`, `print`, `println`, `eq ne lt le gt ge and or not`, `base64decode`, comments and trimming (`{{-`, `-}}`).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from k8slab.kubectl.columns import go_sprint

_ACTION = re.compile(r"\{\{(- )?(.*?)( -)?\}\}", re.DOTALL)
_TOKEN = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|`[^`]*`|\(|\)|\||:=|=|,|[^\s()|,"`=:]+)""")
_MISSING = object()


class TemplateError(ValueError):
    """A template that cannot be parsed or executed."""


class GoTemplate:
    """A parsed template. Raises TemplateError when the text is no template."""

    def __init__(self, text: str, allow_missing: bool = True) -> None:
        self.allow_missing = allow_missing
        pieces = list(_pieces(text))
        self.body, _, closed = _block(pieces, 0)
        if closed:
            raise TemplateError("template: output:1: unexpected {{" + closed.split()[0] + "}}")

    def text(self, data: Any) -> str:
        """The template filled in. Raises TemplateError."""
        out: list[str] = []
        self._run(self.body, data, {"$": data}, out)
        return "".join(out)

    def _run(self, body: list[Any], dot: Any, names: dict[str, Any], out: list[str]) -> None:
        for node in body:
            kind = node[0]
            if kind == "text":
                out.append(node[1])
            elif kind == "action":
                self._action(node[1], dot, names, out)
            else:
                getattr(self, f"_{kind}")(node, dot, names, out)

    def _action(self, source: str, dot: Any, names: dict[str, Any], out: list[str]) -> None:
        match = re.match(r"(\$\w*)\s*:?=\s*(.*)", source, re.DOTALL)
        if match:
            names[match.group(1)] = self._value(match.group(2), dot, names)
            return
        value = self._value(source, dot, names)
        out.append("<no value>" if value is _MISSING or value is None else go_sprint(value))

    def _if(self, node: Any, dot: Any, names: dict[str, Any], out: list[str]) -> None:
        branch = node[2] if _truth(self._value(node[1], dot, names)) else node[3]
        self._run(branch, dot, names, out)

    def _with(self, node: Any, dot: Any, names: dict[str, Any], out: list[str]) -> None:
        value = self._value(node[1], dot, names)
        self._run(*((node[2], value) if _truth(value) else (node[3], dot)), names, out)

    def _range(self, node: Any, dot: Any, names: dict[str, Any], out: list[str]) -> None:
        match = re.match(r"(?:(\$\w+)\s*,\s*)?(\$\w+)\s*:=\s*(.*)", node[1], re.DOTALL)
        value = self._value(match.group(3) if match else node[1], dot, names)
        pairs = _pairs(value)
        if not pairs:
            return self._run(node[3], dot, names, out)
        for key, each in pairs:
            inner = dict(names)
            if match:
                inner |= {name: part for name, part in ((match.group(1), key), (match.group(2), each)) if name}
            self._run(node[2], each, inner, out)

    def _value(self, source: str, dot: Any, names: dict[str, Any]) -> Any:
        tokens = _TOKEN.findall(source)
        value, rest = self._pipeline(tokens, dot, names)
        if rest:
            raise TemplateError(f"template: output:1: unexpected {rest[0]!r} in command")
        return value

    def _pipeline(self, tokens: list[str], dot: Any, names: dict[str, Any]) -> tuple[Any, list[str]]:
        value: Any = _MISSING
        first = True
        while True:
            operands, tokens, function = self._operands(tokens, dot, names)
            if not first:
                operands.append(value)
            value = _call(function, operands) if function else (operands[0] if operands else _MISSING)
            first = False
            if not tokens or tokens[0] != "|":
                return value, tokens
            tokens = tokens[1:]

    def _operands(self, tokens: list[str], dot: Any, names: dict[str, Any]) -> tuple[list[Any], list[str], str]:
        function = ""
        operands: list[Any] = []
        while tokens and tokens[0] not in ("|", ")"):
            token, tokens = tokens[0], tokens[1:]
            if token == "(":
                value, tokens = self._pipeline(tokens, dot, names)
                tokens = tokens[1:]
                if tokens and tokens[0].startswith("."):
                    value, tokens = self._path(value, tokens[0][1:]), tokens[1:]
                operands.append(value)
            elif not operands and not function and token in _FUNCTIONS:
                function = token
            else:
                operands.append(self._operand(token, dot, names))
        return operands, tokens, function

    def _operand(self, token: str, dot: Any, names: dict[str, Any]) -> Any:
        if token == ".":
            return dot
        if token.startswith("."):
            return self._path(dot, token[1:])
        if token.startswith("$"):
            name, _, path = token.partition(".")
            if name not in names:
                raise TemplateError(f'template: output:1: undefined variable "{name}"')
            return self._path(names[name], path) if path else names[name]
        if token[0] in '"`':
            return json.loads(token, strict=False) if token[0] == '"' else token[1:-1]
        if token in ("true", "false", "nil"):
            return {"true": True, "false": False, "nil": None}[token]
        try:
            return float(token) if "." in token else int(token, 0)
        except ValueError:
            raise TemplateError(f'template: output:1: function "{token}" not defined') from None

    def _path(self, value: Any, path: str) -> Any:
        for name in path.split("."):
            if isinstance(value, dict):
                if name not in value and not self.allow_missing:
                    raise TemplateError(f'template: output:1: map has no entry for key "{name}"')
                value = value.get(name, _MISSING)
            elif value is _MISSING or value is None:
                return _MISSING
            else:
                raise TemplateError(f"can't evaluate field {name} in type {type(value).__name__}")
        return value


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    position, trim = 0, False
    for match in _ACTION.finditer(text):
        before = text[position : match.start()]
        before = before.lstrip() if trim else before
        yield "text", before.rstrip() if match.group(1) else before
        if not match.group(2).strip().startswith("/*"):
            yield "action", match.group(2).strip()
        position, trim = match.end(), bool(match.group(3))
    rest = text[position:]
    if "{{" in rest:
        raise TemplateError("template: output:1: unclosed action")
    yield "text", rest.lstrip() if trim else rest


def _block(pieces: list[tuple[str, str]], index: int) -> tuple[list[Any], int, str]:
    """Nodes up to the `end` or `else` that closes this block, the index behind it, and what closed it."""
    body: list[Any] = []
    while index < len(pieces):
        kind, source = pieces[index]
        word = source.split(None, 1)[0] if kind == "action" and source else ""
        index += 1
        if word in ("end", "else"):
            return body, index, source
        if word in ("if", "range", "with"):
            node, index = _structure(word, source, pieces, index)
            body.append(node)
        else:
            body.append((kind, source))
    return body, index, ""


def _structure(word: str, source: str, pieces: list[tuple[str, str]], index: int) -> tuple[Any, int]:
    body, index, closed = _block(pieces, index)
    otherwise: list[Any] = []
    if closed.startswith("else"):
        condition = closed[4:].strip()
        if condition.startswith("if"):
            node, index = _structure("if", condition, pieces, index)
            return (word, source[len(word) :].strip(), body, [node]), index
        otherwise, index, closed = _block(pieces, index)
    if closed != "end":
        raise TemplateError("template: output:1: unexpected EOF")
    return (word, source[len(word) :].strip(), body, otherwise), index


def _truth(value: Any) -> bool:
    return value is not _MISSING and bool(value)


def _pairs(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return [(key, value[key]) for key in sorted(value)]
    return list(enumerate(value)) if isinstance(value, (list, tuple)) else []


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if isinstance(value, dict):
            value = value.get(key, _MISSING)
        elif isinstance(value, (list, tuple)):
            if not 0 <= key < len(value):
                raise TemplateError(f"error calling index: index out of range: {key}")
            value = value[key]
        else:
            raise TemplateError("error calling index: index of untyped nil")
    return value


def _format(pattern: str, *values: Any) -> str:
    parts = [
        value if isinstance(value, (str, int, float)) and not isinstance(value, bool) else go_sprint(value)
        for value in values
    ]
    return re.sub(r"%v", "%s", pattern).replace("%q", '"%s"') % tuple(parts)


def _all(*values: Any) -> Any:
    return next((value for value in values if not _truth(value)), values[-1])


def _any(*values: Any) -> Any:
    return next((value for value in values if _truth(value)), values[-1])


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "index": _index,
    "len": len,
    "printf": _format,
    "print": lambda *values: "".join(go_sprint(value) for value in values),
    "println": lambda *values: " ".join(go_sprint(value) for value in values) + "\n",
    "eq": lambda first, *others: any(first == other for other in others),
    "ne": lambda first, other: first != other,
    "lt": lambda first, other: first < other,
    "le": lambda first, other: first <= other,
    "gt": lambda first, other: first > other,
    "ge": lambda first, other: first >= other,
    "and": _all,
    "or": _any,
    "not": lambda value: not _truth(value),
    "base64decode": lambda value: base64.b64decode(value).decode(errors="replace"),
    "exists": lambda value, *keys: _index(value, *keys) is not _MISSING,
}


def _call(function: str, operands: list[Any]) -> Any:
    try:
        return _FUNCTIONS[function](*operands)
    except (TypeError, ValueError) as error:
        if isinstance(error, TemplateError):
            raise
        raise TemplateError(f"template: output:1: error calling {function}: {error}") from None

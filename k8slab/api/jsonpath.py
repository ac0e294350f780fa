"""JSONPath templates (`{range .items[*]}{.metadata.name}{"\\n"}{end}`), as kubectl and printer columns use them.

Follows k8s.io/client-go/util/jsonpath: its grammar, its quirks and its error texts.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

_SLICE = re.compile(r"(-?\d*)(:-?\d*)?(:-?\d*)?")
_QUOTED = re.compile(r"^'([^'\\]|\\.)*'$")
_RELAXED = re.compile(r"^\{\.?([^{}]+)\}$|^\.?([^{}]+)$")
_OPERATORS = ("==", "!=", "<=", ">=", "<", ">")


class PathError(ValueError):
    """A template that cannot be parsed or cannot be applied to an object."""


@dataclass
class Node:
    """One step. `kind`: text, field, array, filter, wildcard, recursive, union, number, bool, range, list."""

    kind: str
    value: Any = None
    nodes: list[Node] = field(default_factory=list)


def relaxed(expression: str) -> str:
    """`.a.b`, `a.b`, `{a.b}` and `{.a.b}` all mean `{.a.b}`. Raises PathError for anything else."""
    if not expression:
        return expression
    match = _RELAXED.match(expression)
    if match is None:
        raise PathError(
            f"unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{{name1.name2}}' "
            f"or '{{.name1.name2}}', but got '{expression}'"
        )
    return "{." + (match.group(1) or match.group(2)) + "}"


class JSONPath:
    """A parsed template. `allow_missing`: a field which an object lacks counts as no result instead of an error."""

    def __init__(self, template: str, allow_missing: bool = True) -> None:
        self.template = template
        self.allow_missing = allow_missing
        self.nodes = _Parser(template).parse()

    def find(self, data: Any) -> list[list[Any]]:
        """Results per action of the template. Raises PathError."""
        return self._run(self.nodes, data)

    def text(self, data: Any) -> str:
        """The template filled in."""
        return "".join(" ".join(show(value) for value in group) for group in self.find(data))

    def first(self, data: Any) -> list[Any]:
        """All results in one list, those of text nodes left out."""
        return [
            value for node in self.nodes if node.kind != "text" for group in self._run([node], data) for value in group
        ]

    def _run(self, nodes: list[Node], data: Any) -> list[list[Any]]:
        results: list[list[Any]] = []
        for node in nodes:
            if node.kind == "range":
                for value in self._walk([data], node.value):
                    results += self._run(node.nodes, value)
            else:
                results.append(self._walk([data], node))
        return results

    def _walk(self, values: list[Any], node: Node) -> list[Any]:
        if node.kind == "list":
            for child in node.nodes:
                values = self._walk(values, child)
            return values
        if node.kind in ("text", "number", "bool"):
            return [node.value]
        if node.kind == "union":
            return [result for child in node.nodes for result in self._walk(values, child)]
        step = getattr(self, f"_{node.kind}")
        return [result for value in values for result in step(value, node)]

    def _field(self, value: Any, node: Node) -> list[Any]:
        if isinstance(value, dict) and node.value in value:
            return [value[node.value]]
        if value is None or self.allow_missing:
            return []
        raise PathError(f"{node.value} is not found")

    def _array(self, value: Any, node: Node) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, (list, tuple)):
            raise PathError(f"{_go_type(value)} is not array or slice")
        return _slice(value, node.value)

    def _wildcard(self, value: Any, node: Node) -> list[Any]:
        return _children(value)

    def _recursive(self, value: Any, node: Node) -> list[Any]:
        found = [value]
        for child in _children(value):
            found += self._recursive(child, node)
        return found if node.value else [each for each in found if not isinstance(each, str) or each is value]

    def _filter(self, value: Any, node: Node) -> list[Any]:
        if not isinstance(value, (list, tuple, dict)):
            raise PathError(f"{show(value)} is not array or slice and cannot be filtered")
        left, operator, right = node.value
        candidates = _children(value)
        return [each for each in candidates if self._matches(each, left, operator, right)]

    def _matches(self, value: Any, left: Node, operator: str, right: Node | None) -> bool:
        lenient = JSONPath.__new__(JSONPath)
        lenient.allow_missing = True
        lefts = lenient._walk([value], left)
        if operator == "exists":
            return bool(lefts)
        if not lefts:
            return False
        if len(lefts) > 1:
            raise PathError("can only compare one element at a time")
        rights = lenient._walk([value], right)
        if not rights:
            return False
        if len(rights) > 1:
            raise PathError("can only compare one element at a time")
        return _compare(lefts[0], operator, rights[0])


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value[key] for key in sorted(value)]
    return list(value) if isinstance(value, (list, tuple)) else []


def _compare(left: Any, operator: str, right: Any) -> bool:
    if isinstance(left, bool) != isinstance(right, bool) or isinstance(left, str) != isinstance(right, str):
        if operator in ("==", "!="):
            raise PathError("incompatible types for comparison")
        return False
    if operator == "==":
        return left == right
    if operator == "!=":
        return left != right
    return {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[operator]


def _slice(values: Any, params: tuple[Any, Any, Any, bool]) -> list[Any]:
    start, stop, step, single = params
    length = len(values)
    first = 0 if start is None else start + length if start < 0 else start
    if single:
        last = first + 1
    else:
        last = length if stop is None else stop + length if stop < 0 else stop
    if first == last:
        return []
    if first >= length or first < 0:
        raise PathError(f"array index out of bounds: index {first}, length {length}")
    if last > length or last < 0:
        raise PathError(f"array index out of bounds: index {last - 1}, length {length}")
    if first > last:
        raise PathError(f"starting index {first} is greater than ending index {last}")
    if step is not None and step <= 0:
        raise PathError("step must be > 0")
    return list(values[first : last : step or 1])


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def parse(self) -> list[Node]:
        root: list[Node] = []
        open_ranges: list[list[Node]] = []
        current = root
        for kind, body in self._pieces():
            if kind == "text":
                current.append(Node("text", body))
            elif body.strip() == "end":
                current = open_ranges.pop() if open_ranges else current
            elif body.strip().startswith("range"):
                node = Node("range", _action(body.strip()[5:].strip()))
                current.append(node)
                open_ranges.append(current)
                current = node.nodes
            else:
                current.append(_action(body.strip()))
        return root

    def _pieces(self) -> list[tuple[str, str]]:
        pieces: list[tuple[str, str]] = []
        text, position = self.text, 0
        while position < len(text):
            opening = text.find("{", position)
            if opening < 0:
                pieces.append(("text", text[position:]))
                break
            if opening > position:
                pieces.append(("text", text[position:opening]))
            closing = _closing(text, opening)
            pieces.append(("action", text[opening + 1 : closing]))
            position = closing + 1
        return pieces


def _closing(text: str, opening: int) -> int:
    quote, brackets = "", 0
    index = opening + 1
    while index < len(text):
        char = text[index]
        if not quote:
            brackets += (char == "[") - (char == "]")
        if quote:
            if char == "\\":
                index += 1
            elif char == quote:
                quote = ""
        elif char in "'\"":
            quote = char
        elif char == "}":
            return index
        index += 1
    if brackets > 0:
        raise PathError("unterminated array")
    raise PathError("unterminated quoted string" if quote else "unclosed action")


def _action(text: str) -> Node:
    """The steps between braces. They may also be a quoted text, a number or a bool."""
    steps: list[Node] = []
    position = 0
    while position < len(text):
        position = _step(text, position, steps)
    return Node("list", nodes=steps)


def _step(text: str, position: int, steps: list[Node]) -> int:
    char = text[position]
    if char.isspace() or char in "@$":
        return position + 1
    if char in "'\"":
        end = _string_end(text, position)
        steps.append(Node("text", _unquote(text[position:end])))
        return end
    if char == "[":
        return _bracket(text, position, steps)
    if char == "*":
        steps.append(Node("wildcard"))
        return position + 1
    if char == ".":
        return _dotted(text, position, steps)
    if char.isdigit() or char in "+-":
        match = re.compile(r"[-+]?[\d.]+").match(text, position)
        if match is None:
            raise PathError(f"cannot parse number {char}")
        steps.append(Node("number", float(match.group()) if "." in match.group() else int(match.group())))
        return match.end()
    if char.isalpha() or char == "_":
        return _identifier(text, position, steps)
    raise PathError(f"unrecognized character in action: U+{ord(char):04X} '{char}'")


def _dotted(text: str, position: int, steps: list[Node]) -> int:
    following = text[position + 1 : position + 2]
    if following == ".":
        steps.append(Node("recursive", True))
        if text[position + 2 : position + 3] in ("[", "*", ""):
            return position + 2
        return _field_name(text, position + 2, steps)
    if following == "*":
        steps.append(Node("wildcard"))
        return position + 2
    if following == "[":
        return position + 1
    return _field_name(text, position + 1, steps)


def _field_name(text: str, position: int, steps: list[Node]) -> int:
    name, index = [], position
    while index < len(text):
        char = text[index]
        if char == "\\" and index + 1 < len(text):
            name.append(text[index + 1])
            index += 2
            continue
        if char.isspace() or char in ".,[]$@{}()<>=!*":
            break
        name.append(char)
        index += 1
    steps.append(Node("field", "".join(name)))
    return index


def _identifier(text: str, position: int, steps: list[Node]) -> int:
    word = re.compile(r"\w+").match(text, position).group()
    if word in ("true", "false"):
        steps.append(Node("bool", word == "true"))
        return position + len(word)
    raise PathError(f"unrecognized identifier {word}")


def _bracket(text: str, position: int, steps: list[Node]) -> int:
    if text.startswith("[?(", position):
        return _filter_bracket(text, position, steps)
    end = _bracket_end(text, position)
    steps.append(_index(text[position + 1 : end]))
    return end + 1


def _bracket_end(text: str, position: int) -> int:
    index = position + 1
    while index < len(text):
        if text[index] in "'\"":
            index = _string_end(text, index)
            continue
        if text[index] == "]":
            return index
        index += 1
    raise PathError("unterminated array")


def _string_end(text: str, position: int) -> int:
    index = position + 1
    while index < len(text):
        if text[index] == "\\":
            index += 1
        elif text[index] == text[position]:
            return index + 1
        index += 1
    raise PathError("unterminated quoted string")


def _index(body: str) -> Node:
    if body == "*":
        # A wildcard in brackets selects elements of lists only.
        return Node("array", (None, None, None, False))
    parts = _split(body)
    if len(parts) > 1:
        return Node("union", nodes=[Node("list", nodes=[_index(part.strip())]) for part in parts])
    if _QUOTED.match(body.strip()):
        # The text between the quotes is read as a path: dots in a key need a backslash here too.
        return _action("." + body.strip()[1:-1])
    match = _SLICE.fullmatch(body)
    if match is None or not body:
        raise PathError(f"invalid array index {body}")
    start, stop, step = (_maybe(part) for part in match.groups())
    return Node("array", (start, stop, step, ":" not in body))


def _maybe(part: str | None) -> int | None:
    digits = (part or "").lstrip(":")
    return int(digits) if digits else None


def _split(body: str) -> list[str]:
    parts, start, index = [], 0, 0
    while index < len(body):
        if body[index] in "'\"":
            index = _string_end(body, index)
            continue
        if body[index] == ",":
            parts.append(body[start:index])
            start = index + 1
        index += 1
    return [*parts, body[start:]]


def _filter_bracket(text: str, position: int, steps: list[Node]) -> int:
    depth, index = 1, position + 3
    while index < len(text) and depth:
        if text[index] in "'\"":
            index = _string_end(text, index)
            continue
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        index += 1
    if depth or text[index : index + 1] != "]":
        raise PathError("unterminated filter")
    steps.append(Node("filter", _condition(text[position + 3 : index - 1])))
    return index + 1


def _condition(body: str) -> tuple[Node, str, Node | None]:
    index = 0
    while index < len(body):
        if body[index] in "'\"":
            index = _string_end(body, index)
            continue
        for operator in _OPERATORS:
            if body.startswith(operator, index):
                return _action(body[:index].strip()), operator, _action(body[index + len(operator) :].strip())
        index += 1
    return _action(body.strip()), "exists", None


def _unquote(text: str) -> str:
    body = text[1:-1]
    if text[0] == "'":
        body = body.replace('"', '\\"').replace("\\'", "'")
    try:
        return json.loads(f'"{body}"', strict=False)
    except ValueError:
        return body.replace("\\", "")


def show(value: Any) -> str:
    """A result as the template prints it: text as it is, maps and lists as compact JSON."""
    if isinstance(value, (dict, list, tuple)):
        return compact(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def compact(value: Any) -> str:
    """JSON as Go's encoder writes it: no blanks, sorted keys, `<`, `>` and `&` escaped."""
    text = json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _go_type(value: Any) -> str:
    if isinstance(value, dict):
        return "map[string]interface {}"
    return {str: "string", bool: "bool", int: "int64", float: "float64"}.get(type(value), "interface {}")


def go_syntax(value: Any) -> str:
    """A value in Go's `%#v` notation, which kubectl shows when a template fails."""
    if isinstance(value, dict):
        inside = ", ".join(f"{json.dumps(key)}:{go_syntax(value[key])}" for key in sorted(value))
        return "map[string]interface {}{" + inside + "}"
    if isinstance(value, (list, tuple)):
        return "[]interface {}{" + ", ".join(go_syntax(each) for each in value) + "}"
    if value is None:
        return "interface {}(nil)"
    return json.dumps(value, ensure_ascii=False)

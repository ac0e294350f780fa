"""YAML manifests as kubectl reads and writes them: sigs.k8s.io/yaml, which goes through JSON.

Scalars follow YAML 1.1 as go-yaml has it: `yes`, `on` and `y` are booleans, `0777` is octal, but dates and `1:30`
stay texts. Whole numbers such as `1.0` become ints, as they do on the way through JSON. Uses
libyaml where present.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from functools import cmp_to_key
from typing import Any

import yaml
from yaml.composer import Composer, ComposerError
from yaml.error import Mark, MarkedYAMLError, YAMLError
from yaml.events import CollectionEndEvent, CollectionStartEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.scanner import Scanner, ScannerError

from k8slab.api import gojson
from k8slab.errors import K8sLabError, go_number, quote

#: Levels of lists and maps that a document may have. go-yaml allows 10000, which no kind of object comes near.
MAX_DEPTH = 100
_INDENT = re.compile(r"^[-?: \t]+", re.MULTILINE)
_PLAIN = "plain"
_TAG = "tag:yaml.org,2002:"
_STR = _TAG + "str"
_SEQ = _TAG + "seq"
_MAP = _TAG + "map"


class DocumentError(K8sLabError):
    """A text that is no YAML. Shown as `error converting YAML to JSON: yaml: line 3: ...`."""

    def __init__(self, problem: str, line: int = 0, column: int = 0) -> None:
        place = f"line {line}: " if line else ""
        reason = problem if problem.startswith("json:") else f"yaml: {place}{problem}"
        super().__init__(f"error converting YAML to JSON: {reason}")
        self.reason = reason
        self.problem = f"{place}{problem}"
        self.line_number = line
        self.column_number = column
        self._given = (problem, line, column)

    def __reduce__(self) -> Any:
        return (DocumentError, self._given)


class _Tags:
    """Stands in for PyYAML's resolver: only tells plain scalars from quoted ones, the rest is ours."""

    def resolve(self, kind: type, value: Any, implicit: Any) -> str:
        if kind is ScalarNode:
            return _PLAIN if implicit[0] else _STR
        return _SEQ if kind is SequenceNode else _MAP

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        """Needed by the composer; paths do not matter here."""

    def ascend_resolver(self) -> None:
        """Needed by the composer."""


class _PythonParser(Reader, Scanner, Parser, Composer):
    """PyYAML's own parser, for installations without libyaml."""

    def __init__(self, stream: str) -> None:
        Reader.__init__(self, stream)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)


_AnyParser: Any = yaml.cyaml.CParser if yaml.__with_libyaml__ else _PythonParser  # type: ignore[attr-defined]
_AnyDumper: Any = yaml.CSafeDumper if yaml.__with_libyaml__ else yaml.SafeDumper


class _Nodes(_AnyParser, _Tags):
    """The documents of a text as trees of nodes."""


def split(text: str) -> list[str]:
    """The documents of a file, cut at lines that consist of `---` as apimachinery's YAMLReader does."""
    documents: list[list[str]] = [[]]
    for line in text.split("\n"):
        if line.startswith("---") and (not line[3:].strip() or line[3:].lstrip().startswith("#")):
            documents.append([])
        else:
            documents[-1].append(line)
    return ["\n".join(lines) for lines in documents if any(line.strip() for line in lines)]


def load_all(text: str, repeats: list[str] | None = None) -> list[Any]:
    """The JSON values of all documents of a YAML (or JSON) text; empty ones are left out.

    With `repeats`, messages about repeated keys are appended to it. Raises DocumentError.
    """
    values = [load(document, repeats) for document in split(text)]
    return [value for value in values if value is not None]


def load(document: str, repeats: list[str] | None = None) -> Any:
    """The JSON value of one YAML document (further ones in the same text are not read). Raises DocumentError."""
    if document.lstrip()[:1] == "{":
        try:
            value = gojson.loads(document)
            if repeats is None or not isinstance(value, gojson.Repeated):
                return value
        except gojson.SyntaxFault:
            pass
    node = _compose(document)
    if node is None:
        return None
    _refuse_bombs(node, document)
    found: list[str] = []
    value = _Builder(found).build(node)
    if found and repeats is not None:
        repeats.append("yaml: unmarshal errors:\n" + "\n".join(f"  {entry}" for entry in found))
    return value


def _compose(document: str) -> Node | None:
    _refuse_depth(document)
    try:
        nodes = _Nodes(document)
        return nodes.get_node() if nodes.check_node() else None
    except (ReaderError, UnicodeEncodeError):
        raise DocumentError("control characters are not allowed") from None
    except ComposerError as error:
        raise _undefined_alias(document, error) from None
    except MarkedYAMLError as error:
        raise _explained(error) from None


def _refuse_depth(document: str) -> None:
    """No deep nesting: libyaml's composer calls itself for each level, and would take the process down.

    A level needs a bracket or deeper indentation, so that most documents need no count.
    """
    brackets = document.count("[") + document.count("{")
    if brackets <= MAX_DEPTH and max(map(len, _INDENT.findall(document)), default=0) <= MAX_DEPTH:
        return
    depth = 0
    try:
        for event in yaml.parse(document, Loader=_Nodes):
            depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise DocumentError(f"exceeded max depth of {MAX_DEPTH}")
    except (YAMLError, UnicodeEncodeError):
        return  # Told by the composer, which stops at the same place.


def _explained(error: MarkedYAMLError) -> DocumentError:
    """go-yaml names the line where it noticed; its scanner counts lines from one, its parser from zero."""
    mark = error.problem_mark
    line = mark.line + isinstance(error, ScannerError) if mark is not None and mark.line else 0
    column = mark.column + 1 if line else 0
    return DocumentError(error.problem or "unknown problem parsing YAML content", line, column)


def _undefined_alias(document: str, error: ComposerError) -> DocumentError:
    return DocumentError(f"unknown anchor '{_name_at(document, error.problem_mark)}' referenced")


def _name_at(document: str, mark: Mark) -> str:
    """The name of the anchor or alias at a place in the text."""
    found = re.search(r"[*&]([^\s,\[\]{}]+)", document.split("\n")[mark.line][mark.column :])
    return found[1] if found else ""


def _refuse_bombs(root: Node, document: str) -> None:
    """go-yaml's protection: a document may not consist mostly of expanded aliases, nor contain itself."""
    sizes: dict[int, int] = {}
    total = _expanded(root, sizes, set(), document)
    aliased = total - len(sizes)
    if aliased > 100 and total > 1000 and aliased / total > _allowed_ratio(total):
        raise DocumentError("document contains excessive aliasing")


def _expanded(node: Node, sizes: dict[int, int], above: set[int], document: str) -> int:
    key = id(node)
    if key in sizes:
        return sizes[key]
    if key in above:
        raise DocumentError(f"anchor '{_name_at(document, node.start_mark)}' value contains itself")
    above.add(key)
    size = 1 + sum(_expanded(child, sizes, above, document) for child in _children(node))
    above.discard(key)
    sizes[key] = size
    return size


def _children(node: Node) -> Iterator[Node]:
    if isinstance(node, SequenceNode):
        yield from node.value
    elif isinstance(node, MappingNode):
        for key, value in node.value:
            yield key
            yield value


def _allowed_ratio(count: int) -> float:
    if count <= 400_000:
        return 0.99
    if count >= 4_000_000:
        return 0.10
    return 0.99 - 0.89 * (count - 400_000) / 3_600_000


class _Builder:
    """Makes JSON values of nodes and notes repeated keys."""

    def __init__(self, repeats: list[str]) -> None:
        self.repeats = repeats

    def build(self, node: Node) -> Any:
        """The value of a node."""
        if isinstance(node, ScalarNode):
            return _scalar(node)
        if isinstance(node, SequenceNode):
            return [self.build(child) for child in node.value]
        return self._mapping(node) if isinstance(node, MappingNode) else None

    def _mapping(self, node: MappingNode) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _PLAIN and key_node.value == "<<":
                merged = self._merge(value_node) | merged
                continue
            key = _key(key_node)
            if key in result:
                self.repeats.append(f"line {key_node.start_mark.line + 1}: key {quote(key)} already set in map")
            result[key] = self.build(value_node)
        return merged | result if merged else result

    def _merge(self, node: Node) -> dict[str, Any]:
        value = self.build(node)
        sources = value if isinstance(value, list) else [value]
        if not all(isinstance(source, dict) for source in sources):
            raise DocumentError("map merge requires map or sequence of maps as the value")
        result: dict[str, Any] = {}
        for source in sources:
            result = source | result
        return result


def _key(node: Node) -> str:
    if not isinstance(node, ScalarNode):
        raise DocumentError(f"invalid map key: {_go_syntax(node)}")
    value = _scalar(node)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        raise DocumentError("json: unsupported map key of type: nil")
    return value if isinstance(value, str) else go_number(value)


def _go_syntax(node: Node) -> str:
    """A value as Go's `%#v` prints it; seen where a template such as `{{ .Values.x }}` was not filled in."""
    if isinstance(node, SequenceNode):
        return f"[]interface {{}}{{{', '.join(map(_go_syntax, node.value))}}}"
    if isinstance(node, MappingNode):
        pairs = ", ".join(f"{_go_syntax(key)}:{_go_syntax(value)}" for key, value in node.value)
        return f"map[interface {{}}]interface {{}}{{{pairs}}}"
    value = _scalar(node)
    if value is None:
        return "interface {}(nil)"
    return (
        str(value).lower() if isinstance(value, bool) else quote(value) if isinstance(value, str) else go_number(value)
    )


_WORDS: dict[str, Any] = {
    **dict.fromkeys(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"], True),
    **dict.fromkeys(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"], False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
_UNSUPPORTED = {
    **dict.fromkeys([".nan", ".NaN", ".NAN"], "NaN"),
    **dict.fromkeys([".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"], "+Inf"),
    **dict.fromkeys(["-.inf", "-.Inf", "-.INF"], "-Inf"),
}
_INT = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_BASE60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}.*)?\Z")


def _scalar(node: Node) -> Any:
    tag = node.tag
    if tag == _PLAIN:
        return resolve(node.value)
    if tag == _TAG + "binary":
        try:
            return base64.b64decode(node.value).decode("utf-8", "replace")
        except binascii.Error:
            raise DocumentError("!!binary value contains invalid base64 data", node.start_mark.line + 1) from None
    if tag in (_TAG + "int", _TAG + "float", _TAG + "bool", _TAG + "null"):
        return resolve(node.value)
    return node.value


def resolve(text: str) -> Any:
    """The JSON value of a plain scalar (go-yaml's `resolve`)."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if text in _UNSUPPORTED:
        raise DocumentError(f"json: unsupported value: {_UNSUPPORTED[text]}")
    plain = text.replace("_", "") if text[0] != "." else text
    if _INT.match(plain):
        return _integer(plain)
    return _float(plain) if _FLOAT.match(plain) else text


def _integer(text: str) -> int | float:
    digits = text.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits[1] not in "xXbBoO":
        text = text.replace(digits, f"0o{digits}")
    value = int(text, 0)
    return value if -(2**63) <= value < 2**64 else _whole(float(value))


def _float(text: str) -> int | float:
    return _whole(float(text))


def _whole(value: float) -> int | float:
    return int(value) if abs(value) < 1e21 and value.is_integer() else value


def dump(value: Any) -> str:
    """A JSON value as sigs.k8s.io/yaml writes it: sorted keys, lists not indented, texts quoted only where needed."""
    return yaml.dump(value, Dumper=_Dumper, default_flow_style=False, allow_unicode=True, width=80)


class _Dumper(_AnyDumper):
    """Writes go-yaml's styles; never anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: Any, text: str) -> Node:
    if "\n" in text:
        style = "|"
    else:
        style = None if _stays_text(text) else '"'
    return dumper.represent_scalar(_STR, text, style=style)


def _stays_text(text: str) -> bool:
    if text in _UNSUPPORTED or text in ("<<", "=") or _BASE60.match(text) or _DATE.match(text):
        return False
    return resolve(text) == text if text else False


def _represent_dict(dumper: Any, value: dict[str, Any]) -> Node:
    return dumper.represent_mapping(_MAP, [(key, value[key]) for key in sorted(value, key=_natural)])


def _represent_float(dumper: Any, value: float) -> Node:
    return dumper.represent_scalar(_TAG + "float", go_number(value))


def _represent_tuple(dumper: Any, value: tuple[Any, ...]) -> Node:
    return dumper.represent_sequence(_SEQ, list(value))


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(dict, _represent_dict)
_Dumper.add_representer(gojson.Repeated, _represent_dict)
_Dumper.add_representer(float, _represent_float)
_Dumper.add_representer(tuple, _represent_tuple)


def _compare(left: str, right: str) -> int:
    """go-yaml's order of keys: letters after everything else, runs of digits by their value."""
    if left == right:
        return 0
    for index, (a, b) in enumerate(zip(left, right, strict=False)):
        if a == b:
            continue
        if a.isalpha() or b.isalpha():
            before = a < b if a.isalpha() and b.isalpha() else b.isalpha()
            return -1 if before else 1
        lead = "1" if "0" in (a, b) and re.search(r"[1-9][0-9]*\Z", left[:index]) else "0"
        first, second = _digits(left, index), _digits(right, index)
        return -1 if (int(lead + first), len(first), a) < (int(lead + second), len(second), b) else 1
    return -1 if len(left) < len(right) else 1


def _digits(text: str, start: int) -> str:
    return _DIGITS.match(text, start)[0]


_DIGITS = re.compile(r"[0-9]*")
_natural = cmp_to_key(_compare)

"""YAML as kubectl writes and reads it (sigs.k8s.io/yaml on go-yaml v2): key order, quoting, folding, error texts."""

from __future__ import annotations

import re
from functools import cmp_to_key
from typing import Any

import yaml

from k8slab.api import documents

_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

_TRUE = frozenset(["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"])
_FALSE = frozenset(["n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"])
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_INT = re.compile(r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]+|[0-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([Tt ]+\d{1,2}:\d{1,2}:\d{1,2}(\.\d*)?( *(Z|[-+]\d{1,2}(:?\d{2})?))?)?")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")


def resolve(text: str) -> Any:
    """The value of a plain scalar as go-yaml v2 reads it into an untyped target."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INT.fullmatch(text) and not text.endswith("_"):
        return _integer(text)
    if _FLOAT.fullmatch(text) or _SPECIAL_FLOAT.fullmatch(text):
        return float(text.replace(".inf", "inf").replace(".nan", "nan"))
    return text


def _integer(text: str) -> int | str:
    plain = text.replace("_", "")
    try:
        digits = plain.lstrip("+-")
        if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
            return int(plain, 8)
        return int(plain, 0)
    except ValueError:
        return text


def _needs_quotes(text: str) -> bool:
    """Whether a text would be read as something else if it stood without quotes."""
    return not isinstance(resolve(text), str) or bool(_DATE.fullmatch(text) or _SEXAGESIMAL.fullmatch(text))


class _Writer(_Dumper):
    """Everything is represented as a text scalar whose style is chosen here, so that no resolver interferes."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def ignore_aliases(self, data: Any) -> bool:
        return True


_TEXT = "tag:yaml.org,2002:str"


def _write_text(writer: Any, text: str) -> Any:
    if "\n" in text:
        return writer.represent_scalar(_TEXT, text, style="|")
    return writer.represent_scalar(_TEXT, text, style='"' if _needs_quotes(text) else None)


def _write_map(writer: Any, value: dict[str, Any]) -> Any:
    pairs = [(key, value[key]) for key in sorted(value, key=_natural)]
    return writer.represent_mapping("tag:yaml.org,2002:map", pairs, flow_style=False)


def _plain(writer: Any, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return writer.represent_scalar(_TEXT, {None: "null", True: "true", False: "false"}[value])
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        value = int(value)
    return writer.represent_scalar(_TEXT, str(value))


def _write_list(writer: Any, value: Any) -> Any:
    return writer.represent_sequence("tag:yaml.org,2002:seq", list(value), flow_style=False)


_Writer.add_representer(str, _write_text)
_Writer.add_representer(dict, _write_map)
_Writer.add_representer(list, _write_list)
_Writer.add_representer(tuple, _write_list)
for _kind in (bool, int, float, type(None)):
    _Writer.add_representer(_kind, _plain)


def dump(value: Any) -> str:
    """One YAML document with sorted keys, ending in a newline."""
    text = yaml.dump(value, Dumper=_Writer, allow_unicode=True, width=80, default_flow_style=False)
    # Newer emitters close a document after a text with trailing blank lines, go-yaml's does not.
    return text.removesuffix("...\n")


def _compare_keys(one: str, other: str) -> int:
    """go-yaml's order of map keys: numbers inside names compare as numbers, letters come after other characters."""
    digits = False
    for index, (a, b) in enumerate(zip(one, other, strict=False)):
        if a == b:
            digits = a.isdigit()
            continue
        if a.isalpha() and b.isalpha():
            return -1 if a < b else 1
        if a.isalpha() or b.isalpha():
            return -1 if (a.isalpha() if digits else b.isalpha()) else 1
        return _compare_numbers(one, other, index)
    return len(one) - len(other)


def _compare_numbers(one: str, other: str, index: int) -> int:
    first, second = (re.match(r"\d*", text[index:]).group() for text in (one, other))
    before = re.search(r"\d*$", one[:index]).group()
    # Zeros after other digits count: 10 and 100 must differ, 1 and 01 must not.
    lead = "1" if (one[index] == "0" or other[index] == "0") and before.strip("0") else "0"
    a, b = int(lead + first), int(lead + second)
    if a != b:
        return -1 if a < b else 1
    if len(first) != len(second):
        return len(first) - len(second)
    return -1 if one[index] < other[index] else 1


_natural = cmp_to_key(_compare_keys)


class YamlError(ValueError):
    """A text which is not YAML; the message is go-yaml's (`yaml: line 2: ...`)."""


def load(text: str) -> Any:
    """The JSON value of one YAML document. Raises YamlError."""
    try:
        return documents.load(text)
    except documents.DocumentError as error:
        raise YamlError(error.reason) from None

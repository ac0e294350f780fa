"""JSON texts as Go's decoder sees them: repeated keys are noticed, and syntax errors have its words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from k8slab.errors import K8sLabError

#: Levels of arrays and objects that a text may have. Go allows 10000, which no kind of object comes near.
MAX_DEPTH = 100


class SyntaxFault(K8sLabError):
    """A text that is not JSON, in the words of Go's `encoding/json`."""


class Repeated(dict[str, Any]):
    """An object in which some keys came more than once; the last value counts."""

    repeated: tuple[str, ...] = ()


def loads(text: str | bytes) -> Any:
    """The value of a JSON text. Raises SyntaxFault.

    Objects with repeated keys come as `Repeated`, and so does the outermost one when there is such an object inside.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    if _SURROGATE.search(text):
        text = _ESCAPE.sub(_paired, text)
    objects = _Objects()
    try:
        value = json.loads(text, object_pairs_hook=objects.make, parse_constant=_constant)
    except ValueError:
        raise SyntaxFault(_Scanner(text).fault()) from None
    except RecursionError:
        raise SyntaxFault("exceeded max depth") from None
    refuse_depth(value, text)
    return Repeated(value) if objects.some_repeat and type(value) is dict else value


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)


def _paired(found: re.Match[str]) -> str:
    """An escape as it is; half of a surrogate pair alone is no character, and Go puts a replacement for it."""
    return r"\ufffd" if found.group(1) else found.group()


def refuse_depth(value: Any, text: str) -> None:
    """Raise SyntaxFault where the value of a JSON text is nested deeper than is sensible."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH + 1:
            raise SyntaxFault("exceeded max depth")
        level = [item for each in level for item in _items(each)]


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


class _Objects:
    """Makes the objects of one text and notes whether any of them repeats a key."""

    def __init__(self) -> None:
        self.some_repeat = False

    def make(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """The object of some members."""
        plain = dict(pairs)
        if len(plain) == len(pairs):
            return plain
        self.some_repeat = True
        names = [name for name, _ in pairs]
        result = Repeated(plain)
        result.repeated = tuple(name for place, name in enumerate(names) if name in names[:place])
        return result


def duplicates(value: Any, path: str = "") -> list[str]:
    """What a strict decoder says about the repeated keys of a value that `loads` has read, in the text's order."""
    found: list[str] = []
    if isinstance(value, list):
        for index, item in enumerate(value):
            found += duplicates(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        repeated = value.repeated if isinstance(value, Repeated) else ()
        for key, item in value.items():
            place = f"{path}.{key}" if path else key
            found += [f'duplicate field "{place}"'] * repeated.count(key)
            found += duplicates(item, place)
    return found


def _constant(name: str) -> Any:
    raise ValueError(name)


class _Scanner:
    """Finds the first wrong character and what Go's scanner says about it."""

    NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
    SPACE = re.compile(r"[ \t\r\n]*")

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def fault(self) -> str:
        """The message; empty when the text is fine."""
        try:
            self._value("looking for beginning of value")
            self._space()
            if self.place < len(self.text):
                self._wrong("after top-level value")
        except SyntaxFault as fault:
            return str(fault)
        return "invalid JSON"

    def _space(self) -> str:
        self.place = self.SPACE.match(self.text, self.place).end()
        return self.text[self.place : self.place + 1]

    def _wrong(self, where: str) -> None:
        if self.place >= len(self.text):
            raise SyntaxFault("unexpected end of JSON input")
        # Go looks at bytes.
        first = chr(self.text[self.place].encode("utf-8", "replace")[0])
        raise SyntaxFault(f"invalid character {_character(first)} {where}")

    def _value(self, where: str) -> None:
        sign = self._space()
        if sign == "{":
            self._items("}", self._member, "object key:value pair")
        elif sign == "[":
            self._items("]", self._element, "array element")
        elif sign == '"':
            self._string()
        elif sign and sign in "-0123456789":
            self._number()
        else:
            self._literal({"t": "true", "f": "false", "n": "null"}.get(sign, ""), where)

    def _items(self, end: str, item: Any, name: str) -> None:
        self.place += 1
        first = True
        while True:
            if self._space() == end and first:
                break
            item(first)
            first = False
            if self._space() == end:
                break
            if self.text[self.place : self.place + 1] != ",":
                self._wrong(f"after {name}")
            self.place += 1
        self.place += 1

    def _member(self, first: bool) -> None:
        if self._space() != '"':
            self._wrong("looking for beginning of object key string")
        self._string()
        if self._space() != ":":
            self._wrong("after object key")
        self.place += 1
        self._value("looking for beginning of value")

    def _element(self, first: bool) -> None:
        self._value("looking for beginning of value")

    def _string(self) -> None:
        self.place += 1
        while self.text[self.place : self.place + 1] != '"':
            sign = self.text[self.place : self.place + 1]
            if not sign or sign < " ":
                self._wrong("in string literal")
            self.place += 1
            if sign == "\\":
                self._escape()
        self.place += 1

    def _escape(self) -> None:
        sign = self.text[self.place : self.place + 1]
        if not sign or sign not in 'bfnrt\\/"u':
            self._wrong("in string escape code")
        self.place += 1
        for _ in range(4 if sign == "u" else 0):
            if self.text[self.place : self.place + 1] not in tuple("0123456789abcdefABCDEF"):
                self._wrong("in \\u hexadecimal character escape")
            self.place += 1

    def _number(self) -> None:
        found = self.NUMBER.match(self.text, self.place)
        if found is None:
            self.place += 1
            self._wrong("in numeric literal")
        self.place = found.end()
        rest = self.text[self.place : self.place + 1]
        if rest == ".":
            self.place += 1
            self._wrong("after decimal point in numeric literal")
        if rest and rest in "eE":
            self.place += 2 if self.text[self.place + 1 : self.place + 2] in ("+", "-") else 1
            self._wrong("in exponent of numeric literal")

    def _literal(self, word: str, where: str) -> None:
        if not word:
            self._wrong(where)
        for index, letter in enumerate(word):
            if self.text[self.place : self.place + 1] != letter:
                self._wrong(f"in literal {word} (expecting {_character(word[index])})")
            self.place += 1


def _character(sign: str) -> str:
    if sign == "'":
        return "'\\''"
    if sign == '"':
        return "'\"'"
    escaped = json.dumps(sign, ensure_ascii=False)[1:-1]
    if sign < " " and escaped.startswith("\\u"):
        escaped = f"\\x{ord(sign):02x}"
    return f"'{escaped}'"

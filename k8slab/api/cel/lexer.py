"""Expressions into words: the Common Expression Language's tokens (cel-spec, `doc/langdef.md`)."""

from __future__ import annotations

import re
from typing import Any, NamedTuple


class Token(NamedTuple):
    """A word: `kind` is its own text for operators and key words, else `int`, `string`, `name` and so on."""

    kind: str
    text: str
    at: int
    value: Any = None


class SyntaxFault(Exception):
    """Text that is no expression: the parser's words, and where."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.message = message
        self.at = at


class Unsigned(int):
    """An unsigned integer: another type than int."""

    __slots__ = ()


RESERVED = frozenset(
    [
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    ]
)
_QUOTED = (
    r"\"\"\"(?:[^\\]|\\.)*?\"\"\""
    r"|'''(?:[^\\]|\\.)*?'''"
    r'|"(?:[^"\\\n\r]|\\.)*"'
    r"|'(?:[^'\\\n\r]|\\.)*'"
)
_STRING = rf"(?:[bB][rR]?|[rR][bB]?)?(?:{_QUOTED})"
_RAW = r"""(?:[bB][rR]|[rR][bB]?)(?:\"\"\".*?\"\"\"|'''.*?'''|"[^"\n\r]*"|'[^'\n\r]*')"""
_WORDS = re.compile(
    rf"""(?P<space>[ \t\r\n\f]+|//[^\n]*)
    |(?P<raw>{_RAW})
    |(?P<string>{_STRING})
    |(?P<float>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)
    |(?P<int>0x[0-9a-fA-F]+[uU]?|\d+[uU]?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*|`[A-Za-z0-9_.\-/ ]+`)
    |(?P<sign>==|!=|<=|>=|&&|\|\||[-+*/%<>!?:.,()\[\]{{}}])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|X[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}|.)", re.DOTALL)


def tokens(text: str) -> list[Token]:
    """The words of an expression, closed by one of kind `<EOF>`. Raises SyntaxFault."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _WORDS.match(text, at)
        if match is None:
            raise SyntaxFault(f"Syntax error: token recognition error at: '{text[at]}'", at)
        if match.lastgroup != "space":
            found.append(_token(match.lastgroup or "", match.group(), at))
        at = match.end()
    return [*found, Token("<EOF>", "<EOF>", len(text))]


def _token(group: str, text: str, at: int) -> Token:
    if group in ("raw", "string"):
        return Token("literal", text, at, _unquoted(text, at))
    if group == "float":
        return Token("literal", text, at, float(text))
    if group == "int":
        return Token("literal", text, at, _integer(text, at))
    if group == "name":
        return _name(text, at)
    return Token(text, text, at)


def _name(text: str, at: int) -> Token:
    if text in ("true", "false", "null"):
        return Token("literal", text, at, {"true": True, "false": False}.get(text))
    if text == "in":
        return Token("in", text, at)
    return Token("name", text, at, text.strip("`"))


def _integer(text: str, at: int) -> int:
    unsigned = text[-1] in "uU"
    digits = text.rstrip("uU")
    value = int(digits, 16 if digits.startswith("0x") else 10)
    if value >= 2 ** (64 if unsigned else 63) and not (value == 2**63 and not unsigned):
        raise SyntaxFault(f"invalid {'uint' if unsigned else 'int'} literal", at)
    return Unsigned(value) if unsigned else value


def _unquoted(text: str, at: int) -> str | bytes:
    prefix = re.match("[bBrR]*", text).group().lower()
    body = text[len(prefix) :]
    quotes = 3 if body[:3] in ('"""', "'''") else 1
    body = body[quotes:-quotes]
    if "b" in prefix:
        return body.encode() if "r" in prefix else _bytes(body, at)
    return body if "r" in prefix else _ESCAPE.sub(lambda match: _escape(match, at), body)


def _escape(match: re.Match[str], at: int) -> str:
    code = match.group(1)
    if code[0] in "xXuU" and len(code) > 1:
        return chr(int(code[1:], 16))
    if code.isdigit() and len(code) == 3:
        return chr(int(code, 8))
    if code in _ESCAPES:
        return _ESCAPES[code]
    if code in "\\'\"`?":
        return code
    raise SyntaxFault(f"Syntax error: token recognition error at: '\\{code}'", at + match.start())


def _bytes(body: str, at: int) -> bytes:
    found, last = bytearray(), 0
    for match in _ESCAPE.finditer(body):
        found += body[last : match.start()].encode()
        text = _escape(match, at)
        found += bytes((ord(text),)) if match.group(1)[0] in "xX0123" else text.encode()
        last = match.end()
    return bytes(found + body[last:].encode())

"""Words into trees: the grammar of the Common Expression Language, with its macros (cel-go, `parser/parser.go`)."""

from __future__ import annotations

from typing import Any

from k8slab.api.cel.lexer import RESERVED, SyntaxFault, Token, tokens
from k8slab.api.cel.tree import Bind, Call, Entries, Fold, Ident, Index, Items, Literal, Message, Node, Opt, Select

LEVELS = (
    {"||": "_||_"},
    {"&&": "_&&_"},
    {"<": "_<_", "<=": "_<=_", ">": "_>_", ">=": "_>=_", "==": "_==_", "!=": "_!=_", "in": "@in"},
    {"+": "_+_", "-": "_-_"},
    {"*": "_*_", "/": "_/_", "%": "_%_"},
)
"""Binary operators, those that bind least first."""
STARTS = (
    "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
)
MAX_DEPTH = 250
FOLDS = {
    "all": (2, 3),
    "exists": (2, 3),
    "exists_one": (2,),
    "existsOne": (2, 3),
    "filter": (2,),
    "map": (2, 3),
    "transformList": (3, 4),
    "transformMap": (3, 4),
    "transformMapEntry": (3, 4),
}
"""Macros that go over lists and maps, and how many arguments they take."""
TWO_NAMES = frozenset({"transformList", "transformMap", "transformMapEntry"})


def parse(text: str) -> Node:
    """The tree of an expression. Raises SyntaxFault."""
    parser = _Parser(tokens(text))
    node = parser.expression()
    if parser.word.kind != "<EOF>":
        shown = parser.word.text
        raise SyntaxFault(f"Syntax error: extraneous input '{shown}' expecting <EOF>", parser.word.at)
    return node


class _Parser:
    def __init__(self, words: list[Token]) -> None:
        self.words = words
        self.place = 0
        self.depth = 0

    @property
    def word(self) -> Token:
        return self.words[self.place]

    def next(self) -> Token:
        word = self.words[self.place]
        self.place += 1
        return word

    def take(self, kind: str) -> Token | None:
        return self.next() if self.word.kind == kind else None

    def need(self, kind: str) -> Token:
        if self.word.kind != kind:
            wanted = "IDENTIFIER" if kind == "name" else f"'{kind}'"
            text = f"Syntax error: mismatched input '{self.word.text}' expecting {wanted}"
            raise SyntaxFault(text, self.word.at)
        return self.next()

    def expression(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise SyntaxFault(f"expression recursion limit exceeded: {MAX_DEPTH}", self.word.at)
        node = self.binary(0)
        mark = self.take("?")
        if mark is not None:
            yes = self.binary(0)
            self.need(":")
            node = Call(mark.at, "_?_:_", None, (node, yes, self.expression()))
        self.depth -= 1
        return node

    def binary(self, level: int) -> Node:
        if level == len(LEVELS):
            return self.unary()
        node = self.binary(level + 1)
        while self.word.kind in LEVELS[level]:
            sign = self.next()
            node = Call(sign.at, LEVELS[level][sign.kind], None, (node, self.binary(level + 1)))
        return node

    def unary(self) -> Node:
        sign = self.take("!") or self.take("-")
        if sign is None:
            return self.member(self.primary())
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise SyntaxFault(f"expression recursion limit exceeded: {MAX_DEPTH}", sign.at)
        operand = self.unary()
        self.depth -= 1
        is_number = isinstance(operand, Literal) and isinstance(operand.value, (int, float))
        if sign.kind == "-" and is_number and not isinstance(operand.value, bool):
            return Literal(sign.at, -operand.value)
        return Call(sign.at, "!_" if sign.kind == "!" else "-_", None, (operand,))

    def member(self, node: Node) -> Node:
        while True:
            if dot := self.take("."):
                node = self.field(node, dot)
            elif bracket := self.take("["):
                optional = self.take("?") is not None
                key = self.expression()
                self.need("]")
                node = Index(bracket.at, node, key, optional)
            elif self.word.kind == "{" and (name := _qualified(node)):
                node = self.message(name, self.next())
            else:
                return node

    def field(self, node: Node, dot: Token) -> Node:
        optional = self.take("?") is not None
        name = self.need("name")
        if optional:
            return Select(dot.at, node, name.value, optional=True)
        bracket = self.take("(")
        if bracket is None:
            return Select(dot.at, node, name.value)
        return _method(bracket.at, name.value, node, self.arguments(")"))

    def primary(self) -> Node:
        word = self.next()
        if word.kind == "literal":
            return Literal(word.at, word.value)
        if word.kind == "(":
            node = self.expression()
            self.need(")")
            return node
        if word.kind == "[":
            return self.list_of(word)
        if word.kind == "{":
            return self.map_of(word)
        if word.kind == "." and self.word.kind == "name":
            word = self.next()
        if word.kind != "name":
            raise SyntaxFault(f"Syntax error: mismatched input '{word.text}' expecting {STARTS}", word.at)
        if word.text in RESERVED:
            raise SyntaxFault(f"reserved identifier: {word.text}", word.at)
        bracket = self.take("(")
        if bracket is None:
            return Ident(word.at, word.value)
        return _function(bracket.at, word.value, self.arguments(")"))

    def arguments(self, closing: str) -> tuple[Node, ...]:
        found: list[Node] = []
        while not self.take(closing):
            found.append(self.expression())
            if not self.take(","):
                self.need(closing)
                break
        return tuple(found)

    def list_of(self, bracket: Token) -> Items:
        items: list[Node] = []
        optional = set()
        while not self.take("]"):
            if self.take("?"):
                optional.add(len(items))
            items.append(self.expression())
            if not self.take(","):
                self.need("]")
                break
        return Items(bracket.at, tuple(items), frozenset(optional))

    def map_of(self, brace: Token) -> Entries:
        entries = []
        while not self.take("}"):
            optional = self.take("?") is not None
            key = self.expression()
            self.need(":")
            entries.append((key, self.expression(), optional))
            if not self.take(","):
                self.need("}")
                break
        return Entries(brace.at, tuple(entries))

    def message(self, name: str, brace: Token) -> Message:
        fields = []
        while not self.take("}"):
            optional = self.take("?") is not None
            field = self.need("name").value
            self.need(":")
            fields.append((field, self.expression(), optional))
            if not self.take(","):
                self.need("}")
                break
        return Message(brace.at, name, tuple(fields))


def _qualified(node: Node) -> str:
    """`a.b.c` as a name; empty for anything else."""
    if isinstance(node, Ident):
        return node.name
    if isinstance(node, Select) and not node.optional and not node.test:
        before = _qualified(node.operand)
        return f"{before}.{node.field}" if before else ""
    return ""


def _function(at: int, name: str, args: tuple[Node, ...]) -> Node:
    if name != "has" or len(args) != 1:
        return Call(at, name, None, args)
    if not isinstance(args[0], Select) or args[0].optional:
        raise SyntaxFault("invalid argument to has() macro", at)
    return args[0]._replace(test=True)


def _method(at: int, name: str, target: Node, args: tuple[Node, ...]) -> Node:
    if name in FOLDS and len(args) in FOLDS[name]:
        return _fold(at, name, target, args)
    if name == "bind" and isinstance(target, Ident) and target.name == "cel" and len(args) == 3:
        return Bind(at, _variable(args[0], "cel.bind() variable names must be simple identifiers"), args[1], args[2])
    if name in ("optMap", "optFlatMap") and len(args) == 2:
        text = f"{name}() variable name must be a simple identifier"
        return Opt(at, target, _variable(args[0], text), args[1], name == "optFlatMap")
    return Call(at, name, target, args)


def _fold(at: int, name: str, target: Node, args: tuple[Node, ...]) -> Node:
    # `map` with three arguments filters first; the others take a second variable.
    two = name in TWO_NAMES or (len(args) == 3 and name != "map")
    names = tuple(_variable(each, "argument must be a simple name") for each in args[: 2 if two else 1])
    if len(set(names)) < len(names):
        raise SyntaxFault(f"duplicate variable name: {names[0]}", args[1].at)
    return Fold(at, name, target, names, args[len(names) :])


def _variable(node: Any, text: str) -> str:
    if not isinstance(node, Ident):
        raise SyntaxFault(text, node.at)
    return node.name

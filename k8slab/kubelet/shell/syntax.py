"""Parses the shell language as far as one-liners and small scripts in manifests use it.

A script becomes nested tuples, which are plain data: `("seq", nodes)`, `("and", a, b)`, `("or", a, b)`, `("not", a)`,
`("pipe", nodes)`, `("bg", node)`, `("cmd", assignments, words, redirections)`, `("while", condition, body, wanted)`,
`("for", name, words, body)`,
`("if", ((condition, body), ...), otherwise)`, `("case", word, ((patterns, body), ...))`,
`("group", node)`, `("subshell", node)`, `("function", name, body)`.

A word is a tuple of pieces `(kind, value, quoted)` with kind `text`, `variable` (name, operator, default word),
`command` (a node) or `arithmetic` (text).
"""

from __future__ import annotations

import re
from typing import Any

Node = tuple[Any, ...]
Word = tuple[tuple[str, Any, bool], ...]

RESERVED = frozenset(
    ["if", "then", "elif", "else", "fi", "while", "until", "do", "done", "for", "in", "case", "esac", "{", "}", "!"]
)
_ENDS = {";", "&", "|", "(", ")", "<", ">", "\n", " ", "\t"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ASSIGN = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_BRACED = re.compile(r"(#(?=.))?([A-Za-z_]\w*|\d+|[?#@*!$])(:?[-=+?]|%%?|##?)?(.*)", re.S)
_REDIRECT = re.compile(r"(\d?)(>>|>&|<&|>|<)")


class ShellSyntaxError(ValueError):
    """The script cannot be parsed; the text is what `sh` prints."""


class UnfinishedScript(ShellSyntaxError):
    """The script ends too early: more lines could complete it."""


def parse(script: str) -> Node:
    """The script as nested tuples. Raises ShellSyntaxError."""
    parser = _Parser(script)
    node = parser.sequence(())
    if parser.rest():
        raise ShellSyntaxError(f'syntax error: unexpected "{parser.rest()[0]}"')
    return node


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def rest(self) -> str:
        self.blank()
        return self.text[self.at :]

    def blank(self, newlines: bool = False) -> None:
        text = self.text
        while self.at < len(text):
            here = text[self.at]
            if here in " \t\r" or (newlines and here == "\n"):
                self.at += 1
            elif text.startswith("\\\n", self.at):
                self.at += 2
            elif here == "#" and (self.at == 0 or text[self.at - 1] in " \t\n;"):
                end = text.find("\n", self.at)
                self.at = len(text) if end < 0 else end
            else:
                return

    def peek_word(self) -> str:
        self.blank()
        found = re.compile(r"[^\s;&|()<>]+").match(self.text, self.at)
        return found[0] if found else ""

    def take(self, token: str) -> bool:
        self.blank()
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def keyword(self, word: str) -> None:
        self.blank(newlines=True)
        if self.peek_word() != word:
            got = self.peek_word() or "end of file"
            raise self.fault(f'syntax error: unexpected {got} (expecting "{word}")')
        self.at += len(word)

    def fault(self, message: str) -> ShellSyntaxError:
        """The error here: at the end of the script, more could make it good."""
        return (UnfinishedScript if self.at >= len(self.text) else ShellSyntaxError)(message)

    def sequence(self, until: tuple[str, ...]) -> Node:
        nodes: list[Node] = []
        while True:
            self.blank(newlines=True)
            while not self.text.startswith(";;", self.at) and self.take(";"):
                self.blank(newlines=True)
            if self.at >= len(self.text) or self.text[self.at] == ")" or self.text.startswith(";;", self.at):
                break
            if self.peek_word() in until:
                break
            nodes.append(self.and_or())
            self.blank()
            if self.text.startswith("&", self.at) and not self.text.startswith("&&", self.at):
                self.at += 1
                nodes[-1] = ("bg", nodes[-1])
            elif self.text.startswith(";;", self.at):
                break
            elif not self._ended():
                raise ShellSyntaxError(f'syntax error: unexpected "{self.text[self.at]}"')
        return nodes[0] if len(nodes) == 1 else ("seq", tuple(nodes))

    def _ended(self) -> bool:
        """A separator, a closing bracket or the end follows."""
        return self.take(";") or self.text.startswith("\n", self.at) or not self.rest() or self.text[self.at] == ")"

    def and_or(self) -> Node:
        node = self.pipeline()
        while True:
            if self.take("&&"):
                self.blank(newlines=True)
                node = ("and", node, self.pipeline())
            elif self.take("||"):
                self.blank(newlines=True)
                node = ("or", node, self.pipeline())
            else:
                return node

    def pipeline(self) -> Node:
        if self.peek_word() == "!":
            self.at += 1
            return ("not", self.pipeline())
        nodes = [self.command()]
        while True:
            self.blank()
            if not self.text.startswith("|", self.at) or self.text.startswith("||", self.at):
                return nodes[0] if len(nodes) == 1 else ("pipe", tuple(nodes))
            self.at += 1
            self.blank(newlines=True)
            nodes.append(self.command())

    def command(self) -> Node:
        word = self.peek_word()
        compound = {
            "if": self.conditional,
            "while": self.loop,
            "until": self.loop,
            "for": self.iteration,
            "case": self.selection,
            "{": self.group,
        }.get(word)
        if compound:
            self.at += len(word)
            return self.redirected(compound(word))
        if self.take("("):
            node = self.sequence(())
            self.expect(")")
            return self.redirected(("subshell", node))
        if word in RESERVED:
            raise ShellSyntaxError(f'syntax error: unexpected "{word}"')
        return self.simple()

    def redirected(self, node: Node) -> Node:
        redirections = []
        while found := self.redirection():
            redirections.append(found)
        return ("redirect", node, tuple(redirections)) if redirections else node

    def expect(self, token: str) -> None:
        self.blank(newlines=True)
        if not self.take(token):
            raise self.fault(f'syntax error: unexpected end of file (expecting "{token}")')

    def conditional(self, _word: str) -> Node:
        branches = []
        while True:
            condition = self.sequence(("then",))
            self.keyword("then")
            branches.append((condition, self.sequence(("elif", "else", "fi"))))
            if self.peek_word() != "elif":
                break
            self.at += 4
        otherwise: Node = ("seq", ())
        if self.peek_word() == "else":
            self.at += 4
            otherwise = self.sequence(("fi",))
        self.keyword("fi")
        return ("if", tuple(branches), otherwise)

    def loop(self, word: str) -> Node:
        condition = self.sequence(("do",))
        return ("while", condition, self.body(), word == "while")

    def body(self) -> Node:
        self.keyword("do")
        node = self.sequence(("done",))
        self.keyword("done")
        return node

    def iteration(self, _word: str) -> Node:
        name = self.peek_word()
        self.at += len(name)
        words: list[Word] = []
        self.blank(newlines=True)
        if self.peek_word() == "in":
            self.at += 2
            while (word := self.word()) is not None:
                words.append(word)
        self.take(";")
        return ("for", name, tuple(words), self.body())

    def selection(self, _word: str) -> Node:
        subject = self.word()
        self.keyword("in")
        arms = []
        self.blank(newlines=True)
        while self.peek_word() != "esac":
            self.take("(")
            patterns = [self.word()]
            while self.take("|"):
                patterns.append(self.word())
            self.expect(")")
            arms.append((tuple(patterns), self.sequence(("esac",))))
            self.take(";;")
            self.blank(newlines=True)
            if self.at >= len(self.text):
                break
        self.keyword("esac")
        return ("case", subject, tuple(arms))

    def group(self, _word: str) -> Node:
        node = self.sequence(("}",))
        self.keyword("}")
        return ("group", node)

    def simple(self) -> Node:
        assignments: list[tuple[str, Word]] = []
        words: list[Word] = []
        redirections = []
        while True:
            if found := self.redirection():
                redirections.append(found)
                continue
            assign = _ASSIGN.match(self.text, self.at) if not words else None
            if assign:
                self.at = assign.end()
                assignments.append((assign[1], self.word(glued=True) or ()))
                continue
            word = self.word()
            if word is None:
                break
            words.append(word)
            if len(words) == 1 and self.text.startswith("()", self.at):
                self.at += 2
                self.blank(newlines=True)
                return ("function", word[0][1], self.command())
        if not (assignments or words or redirections):
            got = self.text[self.at] if self.at < len(self.text) else "end of file"
            raise self.fault(f'syntax error: unexpected "{got}"')
        return ("cmd", tuple(assignments), tuple(words), tuple(redirections))

    def redirection(self) -> tuple[str, str, Word] | None:
        self.blank()
        found = _REDIRECT.match(self.text, self.at)
        if not found:
            return None
        self.at = found.end()
        target = self.word()
        if target is None:
            raise ShellSyntaxError("syntax error: unexpected newline")
        return (found[1] or ("0" if found[2][0] == "<" else "1"), found[2], target)

    def word(self, glued: bool = False) -> Word | None:
        """The next word, or None where a separator follows; `glued`: right here, maybe empty."""
        if not glued:
            self.blank()
        start, pieces, text = self.at, [], self.text
        while self.at < len(text) and text[self.at] not in _ENDS:
            here = text[self.at]
            if here == "'":
                end = self.closing("'")
                pieces.append(("text", text[self.at + 1 : end], True))
                self.at = end + 1
            elif here == '"':
                self.at += 1
                pieces.extend(self.double())
            elif here == "\\":
                pieces.append(("text", text[self.at + 1 : self.at + 2], True))
                self.at += 2
            elif here in "$`":
                pieces.append(self.expansion(False))
            else:
                end = self.at
                while end < len(text) and text[end] not in _ENDS and text[end] not in "'\"\\$`":
                    end += 1
                pieces.append(("text", text[self.at : end], False))
                self.at = end
        return tuple(pieces) if self.at > start else None

    def closing(self, quote: str) -> int:
        end = self.text.find(quote, self.at + 1)
        if end < 0:
            raise UnfinishedScript("syntax error: unterminated quoted string")
        return end

    def double(self) -> list[tuple[str, Any, bool]]:
        pieces: list[tuple[str, Any, bool]] = [("text", "", True)]
        text = self.text
        while self.at < len(text) and text[self.at] != '"':
            here = text[self.at]
            if here == "\\" and text[self.at + 1 : self.at + 2] in ('"', "$", "\\", "`", "\n"):
                pieces.append(("text", text[self.at + 1].replace("\n", ""), True))
                self.at += 2
            elif here in "$`":
                pieces.append(self.expansion(True))
            else:
                end = self.at + 1
                while end < len(text) and text[end] not in '"\\$`':
                    end += 1
                pieces.append(("text", text[self.at : end], True))
                self.at = end
        if self.at >= len(text):
            raise UnfinishedScript("syntax error: unterminated quoted string")
        self.at += 1
        return pieces

    def expansion(self, quoted: bool) -> tuple[str, Any, bool]:
        text = self.text
        if text[self.at] == "`":
            end = self.closing("`")
            inner = text[self.at + 1 : end]
            self.at = end + 1
            return ("command", parse(inner), quoted)
        if text.startswith("$((", self.at):
            end = text.find("))", self.at)
            if end < 0:
                raise UnfinishedScript("syntax error: unterminated arithmetic")
            inner = text[self.at + 3 : end]
            self.at = end + 2
            return ("arithmetic", inner, quoted)
        if text.startswith("$(", self.at):
            self.at += 2
            node = self.sequence(())
            self.expect(")")
            return ("command", node, quoted)
        if text.startswith("${", self.at):
            return self.braced(quoted)
        found = _NAME.match(text, self.at + 1) or re.compile(r"[0-9?$#@*!]").match(text, self.at + 1)
        if not found:
            self.at += 1
            return ("text", "$", quoted)
        self.at = found.end()
        return ("variable", (found[0], "", ()), quoted)

    def braced(self, quoted: bool) -> tuple[str, Any, bool]:
        """`${...}`, the reader standing on its dollar sign."""
        end, depth = self.at + 2, 1
        while depth and end < len(self.text):
            depth += {"{": 1, "}": -1}.get(self.text[end], 0)
            end += 1
        found = _BRACED.fullmatch(self.text[self.at + 2 : end - 1])
        if depth or not found:
            raise ShellSyntaxError("bad substitution")
        self.at = end
        rest = found[4].replace('"', "")
        default = _Parser(f'"{rest}"').word() if rest else ()
        operator = "length" if found[1] else (found[3] or "")
        return ("variable", (found[2], operator, default or ()), quoted)

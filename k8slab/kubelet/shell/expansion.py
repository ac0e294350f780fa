"""What the words of a script stand for: variables, `$(...)`, `$((...))`, patterns of file names."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

from k8slab.kubelet.shell.outcome import Leave
from k8slab.kubelet.shell.surroundings import Surroundings
from k8slab.kubelet.shell.syntax import Node, Word


class Expansion(Surroundings):
    """A running script that knows what its words stand for."""

    def capture(self, node: Node) -> str:
        """Run a node in a subshell and return what it prints."""
        raise NotImplementedError

    def fields(self, words: tuple[Word, ...]) -> list[str]:
        """Expand words into arguments: unquoted expansions split at blanks, a pattern becomes the files it matches."""
        found: list[str] = []
        for word in words:
            found.extend(self.field(word))
        return found

    def field(self, word: Word) -> list[str]:
        """Expand one word."""
        parts: list[str | None] = []
        kept = False
        for kind, value, quoted in word:
            text = self.piece(kind, value)
            kept = kept or quoted or kind == "text"
            if quoted or kind == "text":
                parts.append(text)
                continue
            pieces = re.split(r"[ \t\n]+", text)
            for index, piece in enumerate(pieces):
                if index:
                    parts.append(None)
                parts.append(piece)
        fields = _joined(parts)
        if not kept:
            fields = [field for field in fields if field]
        if len(word) == 1 and word[0][0] == "text" and not word[0][2] and re.search(r"[*?]", word[0][1]):
            return sorted(path for path in self.files if fnmatchcase(path, word[0][1])) or fields
        return fields

    def text(self, word: Word) -> str:
        """A word as one text, without splitting."""
        return "".join(self.piece(kind, value) for kind, value, _ in word)

    def piece(self, kind: str, value: Any) -> str:
        """Expand one piece of a word."""
        if kind == "text":
            return value
        if kind == "command":
            return self.capture(value).rstrip("\n")
        if kind == "arithmetic":
            return str(self.arithmetic(value))
        return self.variable(*value)

    def variable(self, name: str, operator: str, default: Word) -> str:
        """The value of `$name` or `${name:-default}` and its relatives."""
        special = {"?": str(self.status), "$": str(self.pid), "#": "0", "!": "7", "0": "sh", "@": "", "*": ""}
        value = special.get(name, self.vars.get(name))
        if operator == "length":
            return str(len(value or ""))
        missing = value is None or (operator.startswith(":") and value == "")
        action = operator.lstrip(":")
        if action == "+":
            return "" if missing else self.text(default)
        if action in ("%", "%%", "#", "##"):
            return _trimmed(value or "", action, self.text(default))
        if not missing or not action:
            return value or ""
        if action == "=":
            self.vars[name] = self.text(default)
        elif action == "?":
            self.complain(f"sh: {name}: {self.text(default) or 'parameter not set'}")
            raise Leave(2)
        return self.text(default)

    def arithmetic(self, text: str) -> int:
        """The value of `$((...))`; unknown names are 0."""
        expanded = re.sub(r"\$?\{?([A-Za-z_]\w*)\}?", self._number, text).replace("/", "//")
        # Nothing whose result could be huge: scripts are not trusted.
        if not re.fullmatch(r"[\d\s+\-*/%()<>=!&|]*", expanded) or re.search(r"\*\*|<<|>>|\d{19}", expanded):
            self.complain("sh: arithmetic syntax error")
            raise Leave(2)
        expanded = expanded.replace("&&", " and ").replace("||", " or ")
        try:
            return int(eval(expanded, {"__builtins__": {}}))
        except (SyntaxError, ZeroDivisionError, TypeError, OverflowError) as error:
            self.complain(
                "sh: divide by zero" if isinstance(error, ZeroDivisionError) else "sh: arithmetic syntax error"
            )
            raise Leave(2) from None

    def _number(self, found: re.Match[str]) -> str:
        value = self.vars.get(found[1], "0")
        return value if re.fullmatch(r"-?\d+", value) else "0"


def _joined(parts: list[str | None]) -> list[str]:
    fields = [""]
    for part in parts:
        if part is None:
            fields.append("")
        else:
            fields[-1] += part
    return fields


def _trimmed(value: str, action: str, pattern: str) -> str:
    cuts = range(len(value) + 1)
    if action[0] == "#":
        hits = [i for i in cuts if fnmatchcase(value[:i], pattern)]
        return value[(max if action == "##" else min)(hits) :] if hits else value
    hits = [i for i in cuts if fnmatchcase(value[i:], pattern)]
    return value[: (min if action == "%%" else max)(hits)] if hits else value

"""Breaking text into lines as kubectl does it (github.com/mitchellh/go-wordwrap): blanks within a line stay."""

from __future__ import annotations

import re

_PIECES = re.compile(r"\n|[^\S\n]+|\S+")


def wrap(text: str, width: int) -> str:
    """The text in lines of at most `width` characters; a longer word has a line of its own."""
    out: list[str] = []
    column, blanks = 0, ""
    for piece in _PIECES.findall(text):
        if piece == "\n":
            out.append(blanks if column + len(blanks) <= width and not (out and out[-1].strip()) else "")
            out.append("\n")
            column, blanks = 0, ""
        elif piece.isspace():
            blanks = piece
        else:
            column = _add_word(out, column, blanks, piece, width)
            blanks = ""
    return "".join(out)


def _add_word(out: list[str], column: int, blanks: str, word: str, width: int) -> int:
    """Add a word to the line or to the next one; the column after it."""
    too_far = column + len(blanks) + min(len(word), width - 1) > width
    if too_far:
        out.append("\n")
        column, blanks = 0, ""
    out.append(blanks + word)
    return column + len(blanks) + len(word)


def indent(text: str, depth: int) -> str:
    """Each line, also an empty one, with blanks before it."""
    blanks = " " * depth
    return "\n".join(blanks + line for line in text.split("\n"))

"""Standard input that arrives while a script runs, and the line discipline of a terminal (`tty`, n_tty.c).

What was typed is plain data with its time, so that a script can be run again and reads the same at the same moments.
"""

from __future__ import annotations

import re
from typing import NamedTuple

TEXT, EOF, INTERRUPT, SIZE = "text", "eof", "interrupt", "size"
_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|O[A-Za-z]|.)", re.S)
_CONTROL_C, _CONTROL_D, _CONTROL_U, _CONTROL_W, _QUIT = "\x03", "\x04", "\x15", "\x17", "\x1c"
_ERASE = ("\x7f", "\b")
#: Characters that a line may have before the terminal takes no more of it.
MAX_LINE = 4096


class Arrival(NamedTuple):
    """Something that reached standard input.

    Attributes:
        at: offset in microseconds from the start of the script.
        kind: TEXT, EOF, INTERRUPT (Ctrl-C) or SIZE (of the window, as `rows columns`).
        text: what was typed.
        echo: what the terminal shows of it.
    """

    at: int
    kind: str
    text: str = ""
    echo: str = ""


class Terminal:
    """The line discipline: keys in, whole lines out, with echo, erasing and the control characters."""

    __slots__ = ("line", "pending")

    def __init__(self) -> None:
        self.line = ""
        self.pending = ""

    def type(self, keys: str, at: int) -> list[Arrival]:
        """What keys become. A line that is not finished stays here and is only echoed."""
        found: list[Arrival] = []
        keys, self.pending = self.pending + keys, ""
        if re.search(r"\x1b(\[[0-9;?]*)?$", keys) and len(keys) > 1:
            # The rest of an escape sequence is still on its way.
            keys, self.pending = keys[: keys.rindex("\x1b")], keys[keys.rindex("\x1b") :]
        for key in _ESCAPE.sub("", keys):
            found.append(self._key(key, at))
        return found

    def _key(self, key: str, at: int) -> Arrival:
        if key in "\r\n":
            line, self.line = self.line, ""
            return Arrival(at, TEXT, line + "\n", "\n")
        if key == _CONTROL_D:
            line, self.line = self.line, ""
            return Arrival(at, TEXT, line) if line else Arrival(at, EOF)
        if key in (_CONTROL_C, _QUIT):
            self.line = ""
            return Arrival(at, INTERRUPT, "", "^C" if key == _CONTROL_C else "^\\")
        if key in (*_ERASE, _CONTROL_U, _CONTROL_W):
            return self._erase(key, at)
        if (key < " " and key != "\t") or len(self.line) >= MAX_LINE:
            return Arrival(at, TEXT)
        self.line += key
        return Arrival(at, TEXT, "", key)

    def _erase(self, key: str, at: int) -> Arrival:
        kept = {_CONTROL_U: "", _CONTROL_W: re.sub(r"\S*\s*$", "", self.line)}.get(key, self.line[:-1])
        gone = len(self.line) - len(kept)
        self.line = kept
        return Arrival(at, TEXT, "", "\b \b" * gone)


class Input:
    """A reader's place in what arrived.

    Args:
        arrivals: everything that is known to arrive, in order of time.
        terminal: whether Ctrl-D ends one reading only, as at a terminal.
    """

    __slots__ = ("arrivals", "at", "buffer", "ended", "index", "terminal")

    def __init__(self, arrivals: list[Arrival], terminal: bool) -> None:
        self.arrivals = arrivals
        self.terminal = terminal
        self.index = 0
        self.buffer = ""
        self.at = 0
        self.ended = False

    def line(self) -> str | None:
        """The next line if there is one in what was taken so far, "" at the end, None where more has to come."""
        start, end = self.at, self.buffer.find("\n", self.at)
        if end >= 0:
            self.at = end + 1
            return self.buffer[start : self.at]
        if self.ended:
            rest, self.buffer, self.at = self.buffer[start:], "", 0
            self.ended = not self.terminal
            return rest
        return None

    def following(self) -> Arrival | None:
        """The next arrival that brings text or the end; None: nothing is known to come."""
        while self.index < len(self.arrivals):
            arrival = self.arrivals[self.index]
            if arrival.kind == EOF or (arrival.kind == TEXT and arrival.text):
                return arrival
            self.index += 1
        return None

    def take(self, arrival: Arrival) -> None:
        """Let the arrival that `following` told of be read."""
        self.index += 1
        if arrival.kind == EOF:
            self.ended = True
        else:
            self.buffer, self.at = self.buffer[self.at :] + arrival.text, 0

    def interrupts(self) -> list[int]:
        """The offsets at which Ctrl-C was pressed."""
        return [arrival.at for arrival in self.arrivals if arrival.kind == INTERRUPT]

    def size(self, now: int) -> tuple[int, int]:
        """Rows and columns of the window."""
        sizes = [arrival.text for arrival in self.arrivals if arrival.kind == SIZE and arrival.at <= now]
        rows, _, columns = (sizes[-1] if sizes else "24 80").partition(" ")
        return int(rows), int(columns)

"""`kubectl get pods | grep web`: the few filters that people put behind kubectl, and a word about all others.

A notebook has no shell: what stands behind `|` is done here, with the options that matter.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence

from k8slab.kubectl.failure import CommandError

_SHELL = {">": "redirection", ">>": "redirection", "<": "redirection", "&&": "chains", "||": "chains", ";": "chains"}


def commands(line: str) -> list[list[str]]:
    """The words of each command of a pipe. Raises ValueError for quotes that do not close, CommandError for more."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split, lexer.commenters = True, ""
    words = list(lexer)
    found: list[list[str]] = [[]]
    for word in words:
        if word == "|":
            found.append([])
        else:
            found[-1].append(word)
    return found if len(found) > 1 else [shlex.split(line)]


def filtered(text: str, pipe: Sequence[list[str]]) -> tuple[str, int]:
    """What comes out of the filters, and the exit code of the last one. Raises CommandError for wrong options."""
    lines, code = text.splitlines(), 0
    for name, *options in pipe:
        lines, code = _FILTERS[name](lines, options)
    return "".join(f"{line}\n" for line in lines), code


def check(pipe: Sequence[list[str]]) -> None:
    """Raise CommandError for what is no filter: before the command is run whose output it would get."""
    for words in pipe:
        stray = next((_SHELL[word] for word in words if word in _SHELL), None)
        if words and words[0] in _FILTERS and not stray:
            continue
        what = stray or (words[0] if words else "an empty command")
        raise CommandError(
            f"{what}: not understood behind kubectl, for there is no shell here, only the filters "
            f"{', '.join(sorted(_FILTERS))}; in Python, lab.kubectl(..., echo=False).text is the output"
        )


def _options(words: Sequence[str], with_value: str = "") -> tuple[dict[str, str], list[str]]:
    flags: dict[str, str] = {}
    rest: list[str] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if not word.startswith("-") or word == "-":
            rest.append(word)
        elif word[1:].isdigit():
            flags["n"] = word[1:]
        else:
            _letters(word[1:], with_value, flags, queue)
    return flags, rest


def _letters(letters: str, with_value: str, flags: dict[str, str], queue: list[str]) -> None:
    """Flags written together; the value of the first that has one is what follows it, or the next word."""
    for index, letter in enumerate(letters):
        if letter in with_value:
            flags[letter] = letters[index + 1 :] or (queue.pop(0) if queue else "")
            return
        flags[letter] = ""


def _grep(lines: list[str], words: Sequence[str]) -> tuple[list[str], int]:
    flags, rest = _options(words, "e")
    patterns = [flags["e"]] if "e" in flags else rest[:1]
    if not patterns:
        raise CommandError("usage: grep [-ivcEFw] PATTERN")
    text = re.escape(patterns[0]) if "F" in flags else patterns[0].replace("\\|", "|")
    try:
        pattern = re.compile(rf"\b(?:{text})\b" if "w" in flags else text, re.IGNORECASE if "i" in flags else 0)
    except re.error as error:
        raise CommandError(f"grep: {patterns[0]}: {error}") from None
    found = [line for line in lines if bool(pattern.search(line)) != ("v" in flags)]
    return ([str(len(found))] if "c" in flags else found), 0 if found else 1


def _count(flags: dict[str, str]) -> int:
    given = flags.get("n", "10")
    if not re.fullmatch(r"\+?\d+", given):
        raise CommandError(f"invalid number of lines: {given!r}")
    return int(given)


def _head(lines: list[str], words: Sequence[str]) -> tuple[list[str], int]:
    return lines[: _count(_options(words, "n")[0])], 0


def _tail(lines: list[str], words: Sequence[str]) -> tuple[list[str], int]:
    flags, _ = _options(words, "n")
    count = _count(flags)
    if flags.get("n", "").startswith("+"):
        return lines[max(count - 1, 0) :], 0
    return lines[-count:] if count else [], 0


def _wc(lines: list[str], words: Sequence[str]) -> tuple[list[str], int]:
    flags, _ = _options(words)
    counts = {
        "l": len(lines),
        "w": sum(len(line.split()) for line in lines),
        "c": sum(len(line.encode()) + 1 for line in lines),
    }
    chosen = [str(value) for name, value in counts.items() if name in flags]
    return [chosen[0] if len(chosen) == 1 else " ".join(chosen or map(str, counts.values()))], 0


def _sort(lines: list[str], words: Sequence[str]) -> tuple[list[str], int]:
    flags, _ = _options(words, "k")
    column = flags.get("k", "").partition(",")[0]
    index = int(column) - 1 if column.isdigit() else None

    def key(line: str) -> tuple[float, str]:
        cells = line.split()
        text = line if index is None else " ".join(cells[index:])
        number = re.match(r"\s*-?\d+(\.\d+)?", text) if "n" in flags else None
        return (float(number.group()) if number else 0.0), text

    found = sorted(lines, key=key, reverse="r" in flags)
    return (list(dict.fromkeys(found)) if "u" in flags else found), 0


def _uniq(lines: list[str], words: Sequence[str]) -> tuple[list[str], int]:
    flags, _ = _options(words)
    runs: list[tuple[str, int]] = []
    for line in lines:
        if runs and runs[-1][0] == line:
            runs[-1] = (line, runs[-1][1] + 1)
        else:
            runs.append((line, 1))
    return [f"{count:7d} {line}" if "c" in flags else line for line, count in runs], 0


_FILTERS: dict[str, Callable[[list[str], Sequence[str]], tuple[list[str], int]]] = {
    "grep": _grep,
    "head": _head,
    "sort": _sort,
    "tail": _tail,
    "uniq": _uniq,
    "wc": _wc,
}

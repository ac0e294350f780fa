"""The tree of commands: finding the one that was meant, reading its flags, suggesting what may have been meant.

Follows spf13/cobra as kubectl configures it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from k8slab.kubectl.failure import CommandError, FlagError, UsageError
from k8slab.kubectl.flags import GLOBAL, Flag


@dataclass(frozen=True)
class Command:
    """One command (or group of commands, when it has no `run`).

    `about` is its line in the list of commands, `usage` what follows `kubectl ` in its usage line.
    """

    name: str
    about: str
    usage: str
    run: Callable[[Any], None] | None = None
    flags: tuple[Flag, ...] = ()
    aliases: tuple[str, ...] = ()
    commands: tuple[Command, ...] = ()
    hidden: bool = False
    details: str = ""
    examples: str = ""

    def answers_to(self, name: str) -> bool:
        """Whether this is the command's name or one of its aliases."""
        return name == self.name or name in self.aliases


@dataclass
class Parsed:
    """A command line after parsing. `dash` is the number of arguments before `--`, or -1 without it."""

    command: Command
    path: str
    flags: dict[str, Any] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=dict)
    args: list[str] = field(default_factory=list)
    dash: int = -1


def find(root: Command, argv: list[str]) -> tuple[Command, str, list[str]]:
    """The command meant by `argv`, its path (`kubectl rollout status`) and the arguments left for it."""
    command, path, rest = root, root.name, list(argv)
    while True:
        index = _first_word(command, rest)
        found = _child(command, rest[index]) if index is not None else None
        if found is None:
            return command, path, rest
        command, path, rest = found, f"{path} {found.name}", rest[:index] + rest[index + 1 :]


def _child(command: Command, name: str) -> Command | None:
    return next((child for child in command.commands if child.answers_to(name)), None)


def _first_word(command: Command, argv: list[str]) -> int | None:
    """Index of the first argument that is neither a flag nor the value of one."""
    skip = False
    for index, word in enumerate(argv):
        if skip:
            skip = False
        elif word == "--":
            return None
        elif word.startswith("-") and len(word) > 1:
            skip = _takes_next(command, word)
        else:
            return index
    return None


def _takes_next(command: Command, word: str) -> bool:
    """Whether the next word is this flag's value; cobra assumes so of flags that it does not know."""
    if "=" in word:
        return False
    if word.startswith("--"):
        flag = _by_name(command).get(word[2:])
    elif len(word) == 2:
        flag = _by_short(command).get(word[1:])
    else:
        return False
    return flag is None or flag.implied is None


def _by_name(command: Command) -> dict[str, Flag]:
    return {flag.name: flag for flag in (*GLOBAL, *command.flags)}


def _by_short(command: Command) -> dict[str, Flag]:
    return {flag.short: flag for flag in (*GLOBAL, *command.flags) if flag.short}


def parse(command: Command, path: str, argv: list[str]) -> Parsed:
    """Read flags and arguments. Raises FlagError in pflag's words."""
    reader = _Reader(command, path)
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word == "--":
            reader.result.dash = len(reader.result.args)
            reader.result.args += rest
            break
        if word.startswith("--"):
            reader.long(word[2:], rest)
        elif word.startswith("-") and len(word) > 1:
            reader.shorts(word[1:], rest)
        else:
            reader.result.args.append(word)
    return reader.finish()


class _Reader:
    def __init__(self, command: Command, path: str) -> None:
        self.names, self.letters, self.path = _by_name(command), _by_short(command), path
        self.result = Parsed(command, path)

    def long(self, word: str, rest: list[str]) -> None:
        name, equals, value = word.partition("=")
        flag = self.names.get(name)
        if not name or name.startswith(("-", "=")):
            raise FlagError(f"bad flag syntax: --{word}", self.path)
        if flag is None:
            raise FlagError(f"unknown flag: --{name}", self.path)
        if equals:
            self._set(flag, value)
        elif flag.implied is not None:
            self._set(flag, flag.implied)
        elif rest:
            self._set(flag, rest.pop(0))
        else:
            raise FlagError(f"flag needs an argument: --{name}", self.path)

    def shorts(self, word: str, rest: list[str]) -> None:
        letters = word
        while letters:
            letter, letters = letters[0], letters[1:]
            flag = self.letters.get(letter)
            if flag is None:
                raise FlagError(f"unknown shorthand flag: '{letter}' in -{word}", self.path)
            if letters.startswith("="):
                return self._set(flag, letters[1:])
            if flag.implied is not None:
                self._set(flag, flag.implied)
            elif letters:
                return self._set(flag, letters)
            elif rest:
                return self._set(flag, rest.pop(0))
            else:
                raise FlagError(f"flag needs an argument: '{letter}' in -{word}", self.path)

    def _set(self, flag: Flag, text: str) -> None:
        try:
            self.result.given[flag.name] = flag.read(text, self.result.given.get(flag.name))
        except ValueError as error:
            raise FlagError(f'invalid argument "{text}" for "{flag.label}" flag: {error}', self.path) from None

    def finish(self) -> Parsed:
        result = self.result
        for flag in self.names.values():
            default = list(flag.default) if flag.kind in ("slice", "array") else flag.default
            result.flags[flag.name] = result.given.get(flag.name, default)
        missing = [flag.name for flag in self.names.values() if flag.required and flag.name not in result.given]
        if missing and not result.flags["help"]:
            names = '", "'.join(missing)
            raise CommandError(f'required flag(s) "{names}" not set')
        return result


def unknown_command(root: Command, name: str) -> CommandError:
    """The error for a first word that is no command, with cobra's suggestions."""
    text = f'Error: unknown command "{name}" for "{root.name}"'
    close = suggestions(root, name)
    if close:
        text += "\n\nDid you mean this?\n" + "".join(f"\t{each}\n" for each in close)
    return CommandError(text, plain=True)


def unknown_subcommand(path: str, args: list[str]) -> CommandError:
    """The error for a word that is no command of a group such as `rollout`."""
    return UsageError('unknown command "{}"'.format(" ".join(args)), path)


def suggestions(root: Command, name: str) -> list[str]:
    """Commands at a distance of at most two edits, or that begin with what was typed."""
    typed = name.lower()
    return [
        child.name
        for child in root.commands
        if not child.hidden and (distance(typed, child.name) <= 2 or child.name.startswith(typed))
    ]


def distance(one: str, other: str) -> int:
    """Levenshtein distance."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]

"""Binding the placeholders of recordings (`<uid:1>`) to the values of a run.

Equal placeholders are equal values, different placeholders of one kind are different values, and a placeholder in a
request stands for the value that was seen under it before.
"""

from __future__ import annotations

import re
from typing import Any

NUMBERED = re.compile(r"<(uid|rv|clusterIP|nodePort|cont):(\d+)>")
ANY = {
    "<time>": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"),
    "<age>": re.compile(r"<unknown>|<invalid>|(?:\d+[ydhms])+"),
    "<rand5>": re.compile(r"[bcdfghjklmnpqrstvwxz2456789]{5}"),
    "<token>": re.compile(r"[\w\-]+\.[\w\-]+\.[\w\-]+"),
    "<rv>": re.compile(r"\d+"),
}
FRACTION = re.compile(r"<[a-zA-Z][a-zA-Z0-9]*(?::\d+)?>")
REPEATED = re.compile(r"<(.)\*(\d+)>")


class Bindings:
    """What the placeholders of one case stand for."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.names: dict[tuple[str, str], str] = {}

    def fill(self, value: Any) -> Any:
        """A recorded request with this run's values."""
        if isinstance(value, str):
            value = expand(value)
            return FRACTION.sub(self._filled, value)
        if isinstance(value, dict):
            return {self.fill(key): self._filled_value(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._filled_value(item) for item in value]
        return value

    def _filled_value(self, value: Any) -> Any:
        filled = self.fill(value)
        if isinstance(value, str) and value.startswith("<nodePort:") and filled.isdigit():
            return int(filled)
        return filled

    def _filled(self, match: re.Match[str]) -> str:
        text = match.group(0)
        return self.values.get(text, "2026-01-01T00:00:00Z" if text == "<time>" else text)

    def fits(self, wanted: str, got: Any) -> bool:
        """Whether a recorded text describes a value; binds the placeholders that are new."""
        wanted = expand(wanted)
        if not FRACTION.search(wanted):
            return wanted == got
        parts, kinds = [], []
        position = 0
        for match in FRACTION.finditer(wanted):
            parts.append(re.escape(wanted[position : match.start()]))
            text = match.group(0)
            numbered = NUMBERED.fullmatch(text)
            if text in self.values:
                parts.append(re.escape(self.values[text]))
            elif numbered:
                kinds.append(text)
                parts.append(r"([\w.\-=]+?)")
            elif text in ANY:
                parts.append(f"(?:{ANY[text].pattern})")
            else:
                parts.append(re.escape(text))
            position = match.end()
        parts.append(re.escape(wanted[position:]))
        found = re.fullmatch("".join(parts), str(got), re.DOTALL)
        if found is None:
            return False
        return all(self._bind(text, value) for text, value in zip(kinds, found.groups(), strict=True))

    def _bind(self, text: str, value: str) -> bool:
        kind = text[1:].partition(":")[0]
        if self.values.get(text, value) != value or self.names.get((kind, value), text) != text:
            return False
        self.values[text] = value
        self.names[kind, value] = text
        return True


def expand(text: str) -> str:
    """`<x*5>` as `xxxxx`."""
    return REPEATED.sub(lambda match: match.group(1) * int(match.group(2)), text)


def differences(wanted: Any, got: Any, bindings: Bindings, path: str = "") -> list[str]:
    """Where two JSON values differ, each as `path: recorded ... got ...`; null and absent are the same."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        keys = dict.fromkeys([*wanted, *got])
        found = []
        for key in keys:
            place = f"{path}.{key}" if path else str(key)
            found += differences(wanted.get(key), got.get(key), bindings, place)
        return found
    if isinstance(wanted, list) and isinstance(got, (list, tuple)):
        if len(wanted) != len(got):
            return [f"{path}: recorded {wanted!r} got {list(got)!r}"]
        pairs = zip(wanted, got, strict=True)
        return [each for i, (w, g) in enumerate(pairs) for each in differences(w, g, bindings, f"{path}[{i}]")]
    if isinstance(wanted, str):
        return [] if bindings.fits(wanted, got) else [f"{path}: recorded {expand(wanted)!r} got {got!r}"]
    same = wanted == got and isinstance(wanted, bool) is isinstance(got, bool)
    return [] if same else [f"{path}: recorded {wanted!r} got {got!r}"]

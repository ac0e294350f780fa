"""Recorded scenarios: their lines, the names in them, and the states of their objects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

GENERATED = re.compile(r"^(.*)-<(\d+)>$")
ABSENT = "<absent>"


@dataclass
class History:
    """One object: its states (flat: path -> value) with times, and when it was deleted."""

    kind: str
    name: str
    states: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    deleted: float | None = None


@dataclass
class Scenario:
    """One recorded or replayed scenario."""

    name: str
    namespace: str
    seconds: float
    hashes: dict[str, str]
    lines: list[dict[str, Any]]
    problems: list[str] = field(default_factory=list)

    def histories(self) -> dict[str, list[History]]:
        """By kind/name, all objects that had that name one after the other."""
        found: dict[str, list[History]] = {}
        for line in self.lines:
            if line["type"] not in ("ADDED", "MODIFIED", "DELETED"):
                continue
            key = f"{line['kind']}/{line['name']}"
            lives = found.setdefault(key, [])
            if line["type"] == "ADDED":
                lives.append(History(line["kind"], line["name"], [(line["t"], flatten(line["object"]))]))
            elif not lives:
                lives.append(History(line["kind"], line["name"], [(0.0, {})]))
            if line["type"] == "MODIFIED":
                lives[-1].states.append((line["t"], changed(lives[-1].states[-1][1], line["changes"])))
            elif line["type"] == "DELETED":
                lives[-1].deleted = line["t"]
        return found

    def events(self) -> Iterator[dict[str, Any]]:
        """The lines of type EVENT."""
        return (line for line in self.lines if line["type"] == "EVENT")


def load(path: Path) -> Iterator[Scenario]:
    """The scenarios of a file, with generated names counted per kind and prefix."""
    lines: list[dict[str, Any]] = []
    for text in path.read_text().splitlines():
        line = json.loads(text)
        if line["type"] == "SCENARIO" and lines:
            yield _scenario(lines)
            lines = []
        lines.append(line)
    if lines:
        yield _scenario(lines)


def _scenario(lines: list[dict[str, Any]]) -> Scenario:
    head = lines[0]
    renamed = json.loads(rename(json.dumps(lines[1:]), aliases(lines)))
    return Scenario(head["scenario"], head["namespace"], head["seconds"], head["hashes"], renamed)


def aliases(lines: list[dict[str, Any]]) -> dict[str, str]:
    """New names for generated ones: the recorder counted all kinds together, which depends on who was faster."""
    counts: dict[tuple[str, str], int] = {}
    result: dict[str, str] = {}
    for line in lines:
        found = GENERATED.match(line.get("name", "")) if line["type"] == "ADDED" else None
        if found is None or line["name"] in result:
            continue
        key = (line["kind"], found[1])
        counts[key] = counts.get(key, 0) + 1
        result[line["name"]] = f"{found[1]}-({counts[key]})"
    return result


def rename(text: str, names: dict[str, str]) -> str:
    """Replace all names in a text."""
    for old, new in names.items():
        text = text.replace(json.dumps(old)[1:-1], json.dumps(new)[1:-1])
    return text


def flatten(value: Any, path: str = "") -> dict[str, Any]:
    """Path -> value, as the recorder wrote paths: conditions by type, containers by name, other entries by index."""
    if isinstance(value, dict) and value:
        result: dict[str, Any] = {}
        for key, entry in value.items():
            result |= flatten(entry, f"{path}.{key}" if path else key)
        return result
    if isinstance(value, list) and value:
        result = {}
        for index, entry in enumerate(value):
            result |= flatten(entry, f"{path}[{_label(path, index, entry)}]")
        return result
    return {path: value}


def _label(path: str, index: int, entry: Any) -> str:
    if isinstance(entry, dict):
        if path.endswith("onditions") and "type" in entry:
            return entry["type"]
        if path.rsplit(".", 1)[-1].lower().endswith(("containers", "containerstatuses")) and "name" in entry:
            return entry["name"]
    return str(index)


def changed(state: dict[str, Any], changes: list[dict[str, Any]]) -> dict[str, Any]:
    """The state after recorded changes."""
    result = dict(state)
    for change in changes:
        if "to" in change:
            result[change["path"]] = change["to"]
        else:
            result.pop(change["path"], None)
    return result

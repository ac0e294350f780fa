"""metadata.managedFields as sets of fields by manager (`managedfields/internal/managedfields.go`, `conflict.go`)."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any, NamedTuple

from k8slab.api.apply.fieldset import Path, decode, encode, text_of
from k8slab.api.meta_v1 import ManagedFieldsEntry
from k8slab.errors import ApiError

APPLY, UPDATE = "Apply", "Update"
MAX_UPDATERS = 10
ANCIENT = "ancient-changes"


class Manager(NamedTuple):
    """Who owns fields: entries of equal managers are one. An applier's API version does not tell it apart."""

    name: str
    operation: str
    api_version: str = ""
    subresource: str = ""

    def __str__(self) -> str:
        text = f'"{self.name}"'
        if self.subresource:
            text += f' with subresource "{self.subresource}"'
        return f"{text} using {self.api_version}" if self.operation == UPDATE else text


class Owned(NamedTuple):
    """What a manager owns."""

    fields: AbstractSet[Path]
    api_version: str
    time: str | None
    text: dict[str, Any] | None = None
    """The fields as FieldsV1, where they are known in that form."""


class Managers(dict[Manager, Owned]):
    """All managers of an object."""

    @classmethod
    def read(cls, entries: Iterable[ManagedFieldsEntry] | None, stored: bool = False) -> Managers:
        """Those of metadata.managedFields; `stored` ones were written here, and are not written anew if they stay."""
        found = cls()
        for entry in entries or ():
            operation = entry.operation or ""
            version = "" if operation == APPLY else entry.apiVersion or ""
            manager = Manager(entry.manager or "", operation, version, entry.subresource or "")
            fields = _decoded(_Identical(entry.fieldsV1)) if stored else decode(entry.fieldsV1)
            found[manager] = Owned(fields, entry.apiVersion or "", entry.time, entry.fieldsV1 if stored else None)
        return found

    def entries(self) -> tuple[ManagedFieldsEntry, ...] | None:
        """As metadata.managedFields: appliers first, then by time and name."""
        self._forget_old_updaters()
        return tuple(_entry(manager, owned) for manager, owned in sorted(self.items(), key=_order)) or None

    def _forget_old_updaters(self) -> None:
        """Too many updaters share one entry: the oldest go into `ancient-changes`."""
        updaters = sorted((pair for pair in self.items() if pair[0].operation == UPDATE), key=_order)
        for manager, owned in updaters[: max(0, len(updaters) - MAX_UPDATERS)]:
            ancient = Manager(ANCIENT, UPDATE, manager.api_version)
            before = self.get(ancient)
            del self[manager]
            self[ancient] = Owned(owned.fields | (before.fields if before else set()), owned.api_version, owned.time)

    def own(self, manager: Manager, fields: AbstractSet[Path], api_version: str, time: str | None) -> None:
        """Make these fields the manager's."""
        before = self.get(manager)
        text = before.text if before is not None and before.fields == fields else None
        self[manager] = Owned(fields, api_version, time, text)

    def disown(self, paths: set[Path], besides: Manager) -> None:
        """Take fields from all managers but one; who owns nothing any more is forgotten."""
        for manager, owned in list(self.items()):
            if manager == besides or not owned.fields & paths:
                continue
            left = owned.fields - paths
            if left:
                self[manager] = owned._replace(fields=left, text=None)
            else:
                del self[manager]

    def owners(self, paths: set[Path], besides: Manager) -> list[tuple[Manager, Path]]:
        """Which of these fields belong to others."""
        return [
            (manager, path)
            for manager, owned in sorted(self.items(), key=lambda pair: pair[0])
            if manager != besides
            for path in sorted(owned.fields & paths)
        ]


def _entry(manager: Manager, owned: Owned) -> ManagedFieldsEntry:
    return ManagedFieldsEntry(
        manager=manager.name,
        operation=manager.operation,
        apiVersion=owned.api_version,
        time=owned.time,
        fieldsType="FieldsV1",
        fieldsV1=owned.text if owned.text is not None else encode(owned.fields),
        subresource=manager.subresource or None,
    )


def _order(pair: tuple[Manager, Owned]) -> tuple[str, str, str, str, str]:
    manager, owned = pair
    return manager.operation, owned.time or "", manager.name, owned.api_version, manager.subresource


class _Identical:
    """A key for one and the same object, whatever is in it."""

    __slots__ = ("obj",)

    def __init__(self, obj: Any) -> None:
        self.obj = obj

    def __hash__(self) -> int:
        return id(self.obj)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identical) and other.obj is self.obj


@lru_cache(maxsize=256)
def _decoded(key: _Identical) -> frozenset[Path]:
    """Of stored entries, which never change and are looked at again and again."""
    return frozenset(decode(key.obj))


def same_but_times(
    entries: tuple[ManagedFieldsEntry, ...] | None, others: tuple[ManagedFieldsEntry, ...] | None
) -> bool:
    """Whether two managedFields say the same, apart from when."""
    if len(entries or ()) != len(others or ()):
        return _timeless(entries) == _timeless(others)
    pairs = zip(entries or (), others or (), strict=True)
    return all(_same_but_time(*pair) for pair in pairs) or _timeless(entries) == _timeless(others)


def _same_but_time(one: ManagedFieldsEntry, other: ManagedFieldsEntry) -> bool:
    return one == other or one.replace(time=None) == other.replace(time=None)


def _timeless(entries: tuple[ManagedFieldsEntry, ...] | None) -> Any:
    return [(manager, owned.fields, owned.api_version) for manager, owned in sorted(Managers.read(entries).items())]


class Conflicted(ApiError):
    """409: others own fields that an applied configuration would change."""

    def __init__(self, conflicts: list[tuple[Manager, Path]]) -> None:
        self.conflicts = conflicts
        causes = [
            {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": text_of(path)}
            for manager, path in conflicts
        ]
        super().__init__(409, "Conflict", _message(conflicts), None, causes)


def _message(conflicts: list[tuple[Manager, Path]]) -> str:
    if len(conflicts) == 1:
        manager, path = conflicts[0]
        return f"Apply failed with 1 conflict: conflict with {manager}: {text_of(path)}"
    lines, previous = [], None
    for manager, path in conflicts:
        if manager != previous:
            lines.append(f"conflicts with {manager}:")
        previous = manager
        lines.append(f"- {text_of(path)}")
    return f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines)

"""What was, when, and by whom: every revision of every object, readable at any time."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, NamedTuple

from k8slab.api.codec import encode_json, to_dict
from k8slab.api.scheme import SCHEME, Scheme
from k8slab.apiserver.registry.endpoint import storage_prefix
from k8slab.errors import K8sLabError
from k8slab.etcd.store import CompactedError, Store
from k8slab.sim.clock import SECOND, Clock
from k8slab.sim.duration import format_duration
from k8slab.sim.trace import Trace, Write


class Change(NamedTuple):
    """One entry of the history: the write, and the object before and after it (None: was not there)."""

    write: Write
    type: str
    before: Any
    after: Any

    @property
    def object(self) -> Any:
        """The object as it was after the change, or before its deletion."""
        return self.after if self.after is not None else self.before


class Snapshot:
    """The cluster as it was at one revision; cheap, since it reads the store's history.

    ``time`` is lab time in microseconds, ``revision`` the store's.
    """

    def __init__(self, store: Store, scheme: Scheme, time: int, revision: int) -> None:
        self._store, self._scheme = store, scheme
        self.time = time
        self.revision = revision

    def __repr__(self) -> str:
        use = ".list('pods'), .get('pods', 'default', name)"
        return f"<Snapshot at {seconds(self.time)}, revision {self.revision}: {use}>"

    def list(self, resource: str, namespace: str | None = None) -> tuple[Any, ...]:
        """All objects of a resource (any name that kubectl takes), sorted by namespace and name."""
        prefix = storage_prefix(self._scheme.resource(resource))
        if namespace:
            prefix += namespace + "/"
        return tuple(kv.value for kv in self._store.range(prefix, revision=self.revision))

    def get(self, resource: str, namespace: str | None, name: str) -> Any:
        """One object, or None where there was none."""
        found = self._scheme.resource(resource)
        key = storage_prefix(found) + (f"{namespace or 'default'}/" if found.namespaced else "") + name
        kv = self._store.get(key, revision=self.revision)
        return kv.value if kv else None


class History:
    """All changes of a cluster, from its boot on."""

    def __init__(self, clock: Clock, store: Store, trace: Trace, scheme: Scheme = SCHEME) -> None:
        self._clock, self._store, self._trace, self._scheme = clock, store, trace, scheme

    @property
    def revision(self) -> int:
        """The newest revision."""
        return self._store.revision

    def __len__(self) -> int:
        return len(self._trace.writes) + self._store.renewal_count

    def __repr__(self) -> str:
        now = format_duration(self._clock.now)
        return f"<History of {len(self)} changes up to revision {self.revision}, {now}: iterate, or changes(since=...)>"

    def __iter__(self) -> Iterator[Change]:
        return self.changes()

    def known(self, key: str) -> bool:
        """Whether there was ever an object under a key of the store, as far as it remembers."""
        return any(write.key == key for write in self._trace.writes.values())

    def changes(self, since: int = 0, until: int | None = None) -> Iterator[Change]:
        """The changes after revision ``since``, up to and including ``until``."""
        for event in self._store.events(max(since + 1, self._store.compacted, 2)):
            revision = event.kv.mod_revision
            if until is not None and revision > until:
                return
            before = event.prev.value if event.prev else None
            yield Change(self._write(revision, event.kv.key), event.type, before, event.kv.value)

    def _write(self, revision: int, key: str) -> Write:
        return self._trace.write(revision) or Write(revision, self._clock.now, "", (), "", key, "")

    def revision_at(self, time: int) -> int:
        """The newest revision that existed at lab time ``time`` (microseconds)."""
        return 1 + bisect_right(range(2, self._store.revision + 1), time, key=self._time_of)

    def _time_of(self, revision: int) -> int:
        write = self._trace.write(revision)
        # What is not known any more was long ago.
        return write.time if write is not None else -(1 << 62)

    def snapshot(self, time: int | None = None, revision: int | None = None) -> Snapshot:
        """The cluster at a lab time, at a revision, or now. Raises K8sLabError where that is not known (any more)."""
        if time is not None:
            revision = self.revision_at(time)
        if revision is None:
            revision, time = self._store.revision, self._clock.now
        elif time is None:
            write = self._trace.write(revision)
            time = write.time if write else self._clock.now
        if revision > self._store.revision:
            raise K8sLabError(f"revision {revision} has not happened yet: the newest is {self._store.revision}")
        if revision < self._store.compacted:
            raise CompactedError(revision, self._store.compacted)
        return Snapshot(self._store, self._scheme, time, revision)

    def diff(self, before: Snapshot, after: Snapshot) -> list[tuple[str, str, list[str]]]:
        """What differs: ``(key, "added"|"removed"|"changed", lines)``, lines as ``path: old -> new``, sorted by key."""
        old = {kv.key: kv for kv in self._store.range("/registry/", revision=before.revision)}
        new = {kv.key: kv for kv in self._store.range("/registry/", revision=after.revision)}
        rows: list[tuple[str, str, list[str]]] = []
        for key in sorted(old.keys() | new.keys()):
            if key not in new:
                rows.append((key, "removed", []))
            elif key not in old:
                rows.append((key, "added", []))
            elif old[key].mod_revision != new[key].mod_revision:
                rows.append((key, "changed", list(_differences(to_dict(old[key].value), to_dict(new[key].value)))))
        return rows

    def digest(self) -> str:
        """SHA-256 over every change with its time, actor and causes: equal histories, equal digests."""
        total = hashlib.sha256()
        for change in self.changes():
            write = change.write
            facts = (write.revision, write.time, write.actor, write.causes, write.verb, write.key, change.type)
            total.update(repr(facts).encode())
            if change.after is not None:
                total.update(encode_json(change.after))
        return total.hexdigest()


def seconds(time: int) -> str:
    """A lab time for people: ``12.5s``."""
    return f"{time / SECOND:g}s"


def _differences(old: Any, new: Any, path: str = "") -> Iterator[str]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            yield from _differences(old.get(key), new.get(key), f"{path}.{key}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (left, right) in enumerate(zip(old, new, strict=True)):
            yield from _differences(left, right, f"{path}[{index}]")
    else:
        yield f"{path}: {_short(old)} -> {_short(new)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."

"""The MVCC store: every revision of every key, watched and read at any revision.

Follows etcd's data model (etcd.io/docs: "Data model", server/storage/mvcc): one counter of revisions for the whole
store, and per key create_revision, mod_revision and version, which start anew after a deletion. Values are references
to immutable objects, so keeping history costs no copies, and time travel is a read at an old revision.

This class is one member's state machine. The interface (``get``, ``range``, ``put``, ``delete``, ``watch``, ``compact``
and the leases) is what a Raft cluster of members offers as well, so callers do not change when there are several.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from k8slab.errors import K8sLabError
from k8slab.etcd.lease import Leases
from k8slab.etcd.renewal import Make, Pulse, Renewal, event_of, is_renewal
from k8slab.etcd.watch import Watcher, WatchHub

if TYPE_CHECKING:
    from k8slab.sim.clock import Clock


class KeyValue(Struct, frozen=True, gc=False):
    """One version of a key, as etcd's mvccpb.KeyValue; ``value`` is None in a tombstone."""

    key: str
    value: Any
    create_revision: int
    mod_revision: int
    version: int
    lease: int = 0


class Event(Struct, frozen=True, gc=False):
    """A change: ``PUT`` with the new version, or ``DELETE`` with a tombstone; ``prev`` is the version before."""

    type: str
    kv: KeyValue
    prev: KeyValue | None


Stamp = Callable[[Any, int, "KeyValue | None"], Any]
"""``stamp(value, revision, previous) -> value``: lets a caller write the revision into what is stored."""


class CompareFailed(K8sLabError):
    """A put or delete expected another version of the key; ``kv`` is what is there (None: nothing)."""

    def __init__(self, kv: KeyValue | None) -> None:
        super().__init__(kv)
        self.kv = kv


class CompactedError(K8sLabError):
    """etcdserver: mvcc: required revision has been compacted."""

    def __init__(self, revision: int, compacted: int) -> None:
        super().__init__(revision, compacted)
        self.revision, self.compacted = revision, compacted

    def __str__(self) -> str:
        return "etcdserver: mvcc: required revision has been compacted"


class FutureRevisionError(K8sLabError):
    """etcdserver: mvcc: required revision is a future revision."""

    def __init__(self, revision: int, current: int) -> None:
        super().__init__(revision, current)
        self.revision, self.current = revision, current

    def __str__(self) -> str:
        return "etcdserver: mvcc: required revision is a future revision"


class Store:
    """One member's multi-version key-value state.

    >>> store = Store()
    >>> store.put("/a", "x").mod_revision, store.put("/a", "y").version
    (2, 2)
    >>> store.get("/a").value, store.get("/a", revision=2).value
    ('y', 'x')
    """

    def __init__(self) -> None:
        #: The newest revision, without renewals that are due but have not been asked for (see ``revision``).
        #: Revision 1 is the empty store, as in etcd.
        self.settled_revision = 1
        self.compacted = 0
        #: One entry a revision, from ``_log_start`` on: the event, or the Renewal that it was a part of.
        self.log: list[Any] = []
        self._keys: list[str] = []  # sorted: all keys that have any version left
        self._current: dict[str, KeyValue] = {}
        self._versions: dict[str, list[KeyValue]] = {}  # oldest first, tombstones included, renewals not
        self._log_start = 2
        self._hub = WatchHub()
        self._leases = Leases()
        self._pulse: Pulse | None = None

    # -- reading ------------------------------------------------------------------------------------------------

    @property
    def revision(self) -> int:
        """The newest revision."""
        if self._pulse is not None:
            self._pulse.settle()
        return self.settled_revision

    def settle(self) -> None:
        """Give renewals that are due their revisions; whatever reads or writes does so first."""
        if self._pulse is not None:
            self._pulse.settle()

    def get(self, key: str, revision: int = 0) -> KeyValue | None:
        """The key's version now, or as it was at ``revision``; None where there was none."""
        if not revision or revision == self.revision:
            if self._pulse is not None and key in self._pulse.open:
                self._pulse.settle()
                return self._pulse.open[key].latest()
            return self._current.get(key)
        self._check_revision(revision)
        return self._at(key, revision)

    def range(self, prefix: str, revision: int = 0, start: str = "", limit: int = 0) -> list[KeyValue]:
        """All live keys that begin with ``prefix``, sorted, from ``start`` on, at most ``limit`` (0: all)."""
        keys = self._span(prefix, start)
        if revision and revision != self.revision:
            self._check_revision(revision)
            found: Iterable[KeyValue | None] = (self._at(key, revision) for key in keys)
        elif not keys:
            return []
        elif self._pulse is not None and self._pulse.touches(prefix):
            found = (self.get(key) for key in keys)
        else:
            found = map(self._current.get, keys)
        live = (kv for kv in found if kv is not None)
        if not limit:
            return list(live)
        return [kv for kv, _ in zip(live, range(limit), strict=False)]

    def count(self, prefix: str, revision: int = 0, start: str = "") -> int:
        """How many keys ``range`` would return."""
        return len(self.range(prefix, revision, start))

    def events(self, start_revision: int) -> Iterator[Event]:
        """The changes from ``start_revision`` on, in order. Raises CompactedError where they are gone."""
        if start_revision < self.compacted:
            raise CompactedError(start_revision, self.compacted)
        if self._pulse is None:
            return iter(self.log[max(0, start_revision - self._log_start) :])
        self._pulse.settle()
        return self._events(max(start_revision, self._log_start), self.settled_revision)

    def _events(self, first: int, last: int) -> Iterator[Event]:
        for revision in range(first, last + 1):
            entry = self.log[revision - self._log_start]
            yield event_of(entry, revision, Event) if is_renewal(entry) else entry

    @property
    def renewal_count(self) -> int:
        """How many revisions were made by renewals."""
        if self._pulse is None:
            return 0
        self._pulse.settle()
        return self._pulse.count

    def renewal_at(self, revision: int) -> Renewal | None:
        """The renewal that made a revision; None where it was a write of its own."""
        if self._pulse is None or not self._log_start <= revision <= self.revision:
            return None
        entry = self.log[revision - self._log_start]
        return entry if is_renewal(entry) else None

    def entries(self, first: int) -> list[Event | Renewal]:
        """What made each revision from ``first`` on, without working out what renewals wrote.

        Raises CompactedError where that is gone.
        """
        if first < self.compacted:
            raise CompactedError(first, self.compacted)
        if self._pulse is not None:
            self._pulse.settle()
        return self.log[max(0, first - self._log_start) :]

    def renewal_after(self, key: str, revision: int) -> Renewal | None:
        """What goes on, or went on, from the version of a key that ``revision`` made; None where nothing does."""
        if self._pulse is None:
            return None
        self._pulse.settle()
        return self._pulse.after(key, revision)

    def _span(self, prefix: str, start: str) -> list[str]:
        keys = self._keys
        low = bisect_left(keys, start if start > prefix else prefix)
        if low == len(keys) or not keys[low].startswith(prefix):
            return []
        high = bisect_right(keys, prefix + "\U0010ffff", low)
        return keys[low:high]

    def _at(self, key: str, revision: int) -> KeyValue | None:
        versions = self._versions.get(key)
        if not versions:
            return None
        index = bisect_right(versions, revision, key=_mod_revision) - 1
        if index < 0 or versions[index].version == 0:
            return None
        found = versions[index]
        renewal = self._pulse.after(key, found.mod_revision) if self._pulse is not None else None
        return found if renewal is None else renewal.version(renewal.number_of(revision))

    def _check_revision(self, revision: int) -> None:
        if revision > self.revision:
            raise FutureRevisionError(revision, self.revision)
        if revision < self.compacted:
            raise CompactedError(revision, self.compacted)

    # -- writing ------------------------------------------------------------------------------------------------

    def put(
        self, key: str, value: Any, expect: int | None = None, stamp: Stamp | None = None, lease: int = 0
    ) -> KeyValue:
        """Store a value under a key and return the new version.

        ``expect`` is the mod_revision which the key must have (0: it must not exist; None: whatever). ``stamp`` may
        write the revision into the value. Raises CompareFailed where the expectation is wrong, LeaseNotFound where
        ``lease`` is not granted.
        """
        prev = self.get(key)
        if expect is not None and (prev.mod_revision if prev else 0) != expect:
            raise CompareFailed(prev)
        broken = self._break(key)
        if lease or (prev and prev.lease):
            self._leases.move(key, prev.lease if prev else 0, lease)
        revision = self.revision + 1
        if stamp is not None:
            value = stamp(value, revision, prev)
        if prev:
            kv = KeyValue(key, value, prev.create_revision, revision, prev.version + 1, lease)
        else:
            kv = KeyValue(key, value, revision, revision, 1, lease)
        versions = self._versions.get(key)
        if versions is None:
            insort(self._keys, key)
            versions = self._versions[key] = []
        versions.append(kv)
        self._current[key] = kv
        self._commit(revision, Event("PUT", kv, prev))
        if broken is not None and broken.on_break is not None:
            broken.on_break()
        return kv

    def delete(self, key: str, expect: int | None = None, stamp: Stamp | None = None) -> Event | None:
        """Remove a key; None where it was not there. ``expect`` and ``stamp`` as in ``put``.

        ``stamp`` here gets the last value, and what it returns becomes the ``prev`` value of the event: the API
        server reports a deleted object with the revision of its deletion.
        """
        prev = self.get(key)
        if expect is not None and (prev.mod_revision if prev else 0) != expect:
            raise CompareFailed(prev)
        if prev is None:
            return None
        broken = self._break(key)
        if prev.lease:
            self._leases.move(key, prev.lease, 0)
        revision = self.revision + 1
        tombstone = KeyValue(key, None, 0, revision, 0)
        self._versions[key].append(tombstone)
        del self._current[key]
        if stamp is not None:
            prev = replace(prev, value=stamp(prev.value, revision, prev))
        event = Event("DELETE", tombstone, prev)
        self._commit(revision, event)
        if broken is not None and broken.on_break is not None:
            broken.on_break()
        return event

    def _commit(self, revision: int, event: Event) -> None:
        self.settled_revision = revision
        self.log.append(event)
        self._hub.publish(event)

    # -- renewals (see ``renewal.py``) --------------------------------------------------------------------------

    def renew(
        self,
        clock: Clock,
        key: str,
        first: int,
        period: int,
        order: int,
        make: Make,
        mark: tuple[str, str, str] = ("", "", ""),
        on_break: Callable[[], None] | None = None,
    ) -> Renewal:
        """Write a key anew every ``period`` microseconds from ``first`` (lab time) on, until ``rest`` or another write.

        ``make`` is a bound method or plain function (see ``Make``), ``order`` decides among renewals of one instant,
        ``mark`` is who, verb and note for the trace, ``on_break`` is called when another write has ended this.
        Raises KeyError where the key is not there, ValueError where it is renewed already or ``first`` has passed.
        """
        if self._pulse is None:
            self._pulse = Pulse(self, clock)
        base = self.get(key)
        if base is None:
            raise KeyError(key)
        if key in self._pulse.open or first <= clock.now:
            raise ValueError(f"{key} is renewed already, or should have been at {first}")
        renewal = Renewal(base, first, period, order, make, mark, on_break)
        self._pulse.begin(renewal)
        return renewal

    def rest(self, renewal: Renewal) -> None:
        """Renew a key no more."""
        if self._pulse is not None and not renewal.closed:
            self._pulse.end(renewal)
            self._current[renewal.base.key] = renewal.latest()

    def _break(self, key: str) -> Renewal | None:
        renewal = self._pulse.open.get(key) if self._pulse is not None else None
        if renewal is not None:
            self.rest(renewal)
        return renewal

    def is_heard(self, parent: str) -> bool:
        """Whether anybody wants to be told of each renewal in that folder."""
        return any(watcher.heeds for watcher in self._hub.watchers(parent))

    def publish_renewals(self, since: int) -> None:
        """Tell those who want to know of the renewals after revision ``since``."""
        for revision in range(since + 1, self.settled_revision + 1):
            entry = self.log[revision - self._log_start]
            if is_renewal(entry) and self.is_heard(entry.parent):
                self._hub.publish_renewal(event_of(entry, revision, Event))

    def listening(self) -> None:
        """A watcher's ``heeds`` has changed."""
        if self._pulse is not None:
            self._pulse.listen()

    # -- watching -----------------------------------------------------------------------------------------------

    def watch(
        self,
        prefix: str,
        sink: Callable[[Event], object],
        start_revision: int = 0,
        on_renewal: Callable[[Event], object] | None = None,
    ) -> Watcher:
        """Call ``sink(event)`` for every change under ``prefix``, in order of revision, until cancelled.

        Renewals go to ``on_renewal`` where it is given, and only while the watcher ``heeds`` them (which it then does
        not at first; call ``listening`` after changing it).

        With ``start_revision`` the changes since then come first, at once: no gap, no duplicate. Raises
        CompactedError where they are gone.
        """
        current = self.revision
        if start_revision and start_revision <= current:
            for event in self.events(start_revision):
                if event.kv.key.startswith(prefix):
                    sink(event)
        watcher = self._hub.subscribe(prefix, sink, start_revision, on_renewal)
        if watcher.heeds:
            self.listening()
        return watcher

    # -- compaction ---------------------------------------------------------------------------------------------

    def compact(self, revision: int) -> None:
        """Forget what was superseded at or before ``revision``; reads and watches below it then fail.

        Raises CompactedError where that is done already, FutureRevisionError where it has not happened yet.
        """
        if revision <= self.compacted:
            raise CompactedError(revision, self.compacted)
        if revision > self.revision:
            raise FutureRevisionError(revision, self.revision)
        self.compacted = revision
        for key in self._keys:
            self._compact_key(key, revision)
        self._keys = [key for key in self._keys if key in self._versions]
        if self._pulse is not None:
            self._pulse.forget(self._is_kept)
        cut = revision - self._log_start
        if cut > 0:
            del self.log[:cut]
            self._log_start = revision

    def _is_kept(self, renewal: Renewal) -> bool:
        return renewal.base in self._versions.get(renewal.base.key, ())

    def _compact_key(self, key: str, revision: int) -> None:
        versions = self._versions[key]
        index = bisect_right(versions, revision, key=_mod_revision) - 1
        if index < 0:
            return
        keep = versions[index + 1 :] if versions[index].version == 0 else versions[index:]
        if keep:
            self._versions[key] = keep
        else:
            del self._versions[key]

    # -- leases -------------------------------------------------------------------------------------------------

    def grant(self, ttl: int, now: int, lease_id: int = 0) -> int:
        """Grant a lease of ``ttl`` microseconds from lab time ``now``; returns its id."""
        return self._leases.grant(ttl, now, lease_id)

    def keep_alive(self, lease_id: int, now: int) -> int:
        """Start the lease's time anew; returns its TTL. Raises LeaseNotFound."""
        return self._leases.keep_alive(lease_id, now)

    def revoke(self, lease_id: int) -> list[str]:
        """End a lease and delete its keys; returns them. Raises LeaseNotFound."""
        keys = self._leases.revoke(lease_id)
        for key in keys:
            self.delete(key)
        return keys

    def expire(self, now: int) -> list[int]:
        """Revoke the leases whose time is over at lab time ``now``; returns their ids."""
        expired = self._leases.expired(now)
        for lease_id in expired:
            self.revoke(lease_id)
        return expired

    def lease_keys(self, lease_id: int) -> list[str]:
        """The keys attached to a lease, sorted. Raises LeaseNotFound."""
        return self._leases.keys(lease_id)


def _mod_revision(kv: KeyValue) -> int:
    return kv.mod_revision

"""Keys that their owners write anew at a steady pace, such as node Leases: each write counts, but none is made.

A thousand nodes renew a hundred Leases a second, and nothing follows from it as long as they go on. So a writer may
say once how it will go on: from when, how often, and what each new value is. What the store then does is exactly what
it would have done for as many single writes: each takes its revision, in order of time, and can be read at any
revision, watched, and iterated over. Only the values are worked out when somebody reads them.

**What "looking" changes: nothing.** A renewal has happened when its time is not after the clock's; that is a function
of the clock alone. Reading makes no revision, and no reading can come before the renewals that are due have taken
theirs: whoever asks the store for anything makes them take it first (``Pulse.settle``). So revisions, versions, values
and times are the same whether anybody looks or not, and the same as if each had been written by a timer. All that a
live watch of renewed keys adds is timers, so that it is told in time; ``run_until``'s predicate may then be asked at
more instants.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from k8slab.etcd.store import Event, KeyValue, Store
    from k8slab.sim.clock import Clock

Make = Callable[[Any, int, int], Any]
"""``make(value, time, revision) -> value``: the renewed value; ``time`` is lab time in microseconds."""

LAST = (1 << 62, 0)


class Renewal:
    """How one key is renewed from one of its versions on, until ``closed``.

    Attributes:
        base: the version from which it goes on.
        first, period: when the first renewal is due, and how often the next; lab time, microseconds.
        order: who goes first among renewals of one instant.
        make: works out a value.
        mark: who renews, with which verb, and why (for the trace).
        on_break: called (a bound method) after somebody else has written the key.
        revisions: of the renewals so far.
    """

    __slots__ = ("_made", "base", "closed", "first", "make", "mark", "on_break", "order", "period", "revisions")

    def __init__(
        self,
        base: KeyValue,
        first: int,
        period: int,
        order: int,
        make: Make,
        mark: tuple[str, str, str],
        on_break: Callable[[], None] | None,
    ) -> None:
        self.base = base
        self.first = first
        self.period = period
        self.order = order
        self.make = make
        self.mark = mark
        self.on_break = on_break
        self.revisions: list[int] = []
        self.closed = False
        self._made: tuple[int, KeyValue | None] = (0, None)

    @property
    def parent(self) -> str:
        """The key's folder, with its slash."""
        key = self.base.key
        return key[: key.rfind("/") + 1]

    @property
    def last_time(self) -> int | None:
        """When it was renewed last; None where it was not yet."""
        return self.time_of(len(self.revisions)) if self.revisions else None

    def time_of(self, number: int) -> int:
        """When the renewal of that number (from 1) is due, in lab time."""
        return self.first + (number - 1) * self.period

    def number_at(self, time: int) -> int:
        """How many renewals there were at a lab time."""
        if time < self.first:
            return 0
        return min(len(self.revisions), (time - self.first) // self.period + 1)

    def number_of(self, revision: int) -> int:
        """How many renewals there were at a revision."""
        return bisect_right(self.revisions, revision)

    def version(self, number: int) -> KeyValue:
        """The key's version after so many renewals."""
        if number == 0:
            return self.base
        known, made = self._made
        if known != number or made is None:
            base, revision = self.base, self.revisions[number - 1]
            value = self.make(base.value, self.time_of(number), revision)
            made = type(base)(base.key, value, base.create_revision, revision, base.version + number, base.lease)
            self._made = (number, made)
        return made

    def latest(self) -> KeyValue:
        """The newest version."""
        return self.version(len(self.revisions))


class Ring:
    """The renewals of one folder and period, in the order in which they come due, and the next of them."""

    __slots__ = ("heard", "index", "keys", "latest_first", "period", "renewals", "start")

    def __init__(self, period: int) -> None:
        self.period = period
        self.keys: list[tuple[int, int]] = []  # when in the period, and the order
        self.renewals: list[Renewal] = []
        self.index = 0
        self.start = 0
        self.latest_first = -(1 << 62)
        self.heard = False

    def next(self) -> tuple[int, int]:
        """When the next renewal is due, and its order."""
        if not self.keys:
            return LAST
        phase, order = self.keys[self.index]
        return self.start + phase, order

    def add(self, renewal: Renewal, now: int) -> None:
        """Take one more; what is due up to now has been taken."""
        key = (renewal.first % self.period, renewal.order)
        self.latest_first = max(self.latest_first, renewal.first)
        at = bisect_left(self.keys, key)
        self.keys.insert(at, key)
        self.renewals.insert(at, renewal)
        self._point(now)

    def remove(self, renewal: Renewal, now: int) -> None:
        """Take no more of it."""
        at = bisect_left(self.keys, (renewal.first % self.period, renewal.order))
        while self.renewals[at] is not renewal:
            at += 1
        del self.keys[at], self.renewals[at]
        self._point(now)

    def _point(self, now: int) -> None:
        phase = now % self.period
        self.start = now - phase
        self.index = bisect_right(self.keys, (phase, LAST[0]))
        if self.index >= len(self.keys):
            self.index = 0
            self.start += self.period

    def take(self, until: tuple[int, int], log: list[Any], revision: int) -> int:
        """Give their revisions to those that are due before ``until`` (a time and order); returns the newest one."""
        limit, order = until
        while self.keys:
            end = bisect_left(self.keys, (limit - self.start, order), self.index)
            due = self.renewals[self.index : end]
            if self.latest_first > self.start:
                due = [each for each in due if each.first <= self.start + each.first % self.period]
            log += due
            for renewal in due:
                revision += 1
                renewal.revisions.append(revision)
            self.index = end
            if end < len(self.keys):
                break
            self.index = 0
            self.start += self.period
        return revision


class Pulse:
    """All renewals of a store, brought up to date whenever anybody asks the store for anything.

    Attributes:
        next: when the next renewal is due (lab time, microseconds).
        open: the running renewals by key.
        count: how many renewals there were.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.next = LAST[0]
        self.open: dict[str, Renewal] = {}
        self.count = 0
        self._past: dict[str, list[Renewal]] = {}
        self._rings: dict[tuple[str, int], Ring] = {}
        self._timer: Any = None

    def settle(self) -> None:
        """Let everything that is due by now have its revision; tell those who listen."""
        now = self.clock.now
        if now < self.next:
            return
        store = self.store
        before = store.settled_revision
        store.settled_revision = self._take(now, before)
        self.count += store.settled_revision - before
        self._look_ahead()
        if any(ring.heard for ring in self._rings.values()):
            store.publish_renewals(before)

    def _take(self, now: int, revision: int) -> int:
        rings, log = list(self._rings.values()), self.store.log
        while True:
            following = min(rings, key=Ring.next)
            if following.next()[0] > now:
                return revision
            until = min((ring.next() for ring in rings if ring is not following), default=LAST)
            revision = following.take(min(until, (now, LAST[0])), log, revision)

    def touches(self, prefix: str) -> bool:
        """Whether any key under a prefix is or was renewed."""
        return any(parent.startswith(prefix) or prefix.startswith(parent) for parent, _ in self._rings)

    def begin(self, renewal: Renewal) -> None:
        """Renew a key from now on."""
        self.settle()
        key, now = renewal.base.key, self.clock.now
        self.open[key] = renewal
        self._past.setdefault(key, []).append(renewal)
        place = (renewal.parent, renewal.period)
        ring = self._rings.get(place)
        if ring is None:
            ring = self._rings[place] = Ring(renewal.period)
            ring.heard = self.store.is_heard(renewal.parent)
        ring.add(renewal, now)
        self._look_ahead()

    def end(self, renewal: Renewal) -> None:
        """Renew a key no more; what was due by now still is."""
        self.settle()
        renewal.closed = True
        del self.open[renewal.base.key]
        self._rings[renewal.parent, renewal.period].remove(renewal, self.clock.now)
        self._look_ahead()

    def after(self, kv_key: str, revision: int) -> Renewal | None:
        """What renewed a key from the version on which ``revision`` made (that may be a renewal itself)."""
        known = self._past.get(kv_key)
        if known is None:
            return None
        at = bisect_right(known, revision, key=_base_revision)
        if not at:
            return None
        renewal = known[at - 1]
        number = renewal.number_of(revision)
        last = renewal.revisions[number - 1] if number else renewal.base.mod_revision
        return renewal if last == revision else None

    def forget(self, keep: Callable[[Renewal], bool]) -> None:
        """Drop what goes on from versions that are compacted away."""
        for key, renewals in list(self._past.items()):
            kept = [renewal for renewal in renewals if not renewal.closed or keep(renewal)]
            if kept:
                self._past[key] = kept
            else:
                del self._past[key]

    def listen(self) -> None:
        """Somebody began or ceased to listen: timers are needed only where somebody does."""
        if not self._rings:
            return
        self.settle()
        for (parent, _), ring in self._rings.items():
            ring.heard = self.store.is_heard(parent)
        self._look_ahead()

    def _look_ahead(self) -> None:
        rings = self._rings.values()
        self.next = min((ring.next()[0] for ring in rings), default=LAST[0])
        heard = min((ring.next()[0] for ring in rings if ring.heard), default=LAST[0])
        if self._timer is not None and self._timer[0] != heard:
            self.clock.cancel(self._timer)
            self._timer = None
        if self._timer is None and heard < LAST[0]:
            self._timer = self.clock.call_at(heard, self._beat)

    def _beat(self) -> None:
        self._timer = None
        self.settle()
        self.listen()


def _base_revision(renewal: Renewal) -> int:
    return renewal.base.mod_revision


def is_renewal(entry: Any) -> bool:
    """Whether an entry of the store's log stands for a renewal."""
    return entry.__class__ is Renewal


def event_of(renewal: Renewal, revision: int, event: type[Event]) -> Event:
    """The change which one of the renewals was; ``event`` makes it."""
    number = renewal.number_of(revision)
    before = renewal.version(number - 1)
    return event("PUT", renewal.version(number), before)

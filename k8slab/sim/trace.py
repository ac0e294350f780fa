"""Who did what, and because of what.

Whoever works sets itself as the actor, with the revisions that made it work; the API server records each committed
write under that name. The records form a graph: a write's causes are earlier writes.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

from msgspec import Struct

from k8slab.sim.clock import Clock


class Write(Struct, frozen=True, gc=False):
    """One committed write: the revision it made, when (lab time, microseconds), by whom and because of what."""

    revision: int
    time: int
    actor: str
    causes: tuple[int, ...]
    verb: str
    key: str
    note: str


class Trace:
    """The running actor with its causes, and the record of all writes by revision.

    >>> trace = Trace(Clock())
    >>> with trace.acting("deployment-controller", causes=(4,), note="no ReplicaSet yet"):
    ...     trace.record(5, "/registry/replicasets/default/web", "create")
    >>> trace.writes[5].actor, trace.writes[5].causes, trace.actor
    ('deployment-controller', (4,), '')
    """

    __slots__ = ("actor", "causes", "clock", "note", "renewal_at", "writes")

    def __init__(self, clock: Clock) -> None:
        """Record with the times of this clock.

        ``writes`` has all that was written one by one; ``write`` also knows what a store renewed by itself.
        """
        self.clock = clock
        self.actor = ""
        self.causes: tuple[int, ...] = ()
        self.note = ""
        self.writes: dict[int, Write] = {}
        #: Finds the renewal that made a revision (``etcd.store.Store.renewal_at``), where there is such a store.
        self.renewal_at: Callable[[int], Any] | None = None

    def write(self, revision: int) -> Write | None:
        """The write that made a revision; None where it is not known."""
        found = self.writes.get(revision)
        if found is None and self.renewal_at is not None:
            renewal = self.renewal_at(revision)
            if renewal is not None:
                actor, verb, note = renewal.mark
                time = renewal.time_of(renewal.number_of(revision))
                return Write(revision, time, actor, (), verb, renewal.base.key, note)
        return found

    def acting(self, actor: str, causes: tuple[int, ...] = (), note: str = "") -> Acting:
        """In a ``with`` block, writes are ``actor``'s, because of ``causes``; ``note`` says why in words."""
        return Acting(self, actor, causes, note)

    def record(self, revision: int, key: str, verb: str) -> None:
        """Record the write that made ``revision`` (called by the API server after its commit)."""
        self.writes[revision] = Write(revision, self.clock.now, self.actor, self.causes, verb, key, self.note)


class Acting:
    """The ``with`` block of ``Trace.acting``: sets and restores who acts."""

    __slots__ = ("_new", "_old", "_trace")

    def __init__(self, trace: Trace, actor: str, causes: tuple[int, ...], note: str) -> None:
        self._trace = trace
        self._new = (actor, causes, note)
        self._old: tuple[str, tuple[int, ...], str] = ("", (), "")

    def __enter__(self) -> None:
        trace = self._trace
        self._old = (trace.actor, trace.causes, trace.note)
        trace.actor, trace.causes, trace.note = self._new

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        trace = self._trace
        trace.actor, trace.causes, trace.note = self._old

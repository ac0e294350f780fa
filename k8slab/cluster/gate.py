"""The one door into a running cluster: one writer at a time, and everything that comes in is journalled.

Requests from outside (notebook cells, widgets, HTTP), faults and advances of time enter here; components inside the
cluster talk to the API server directly. Replaying the journal on a cluster of the same set-up repeats its history.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from k8slab.api.codec import to_dict
from k8slab.api.request import Options, Request, Response
from k8slab.cluster.patience import Patience
from k8slab.sim.clock import Clock
from k8slab.sim.journal import Journal
from k8slab.sim.trace import Trace

if TYPE_CHECKING:
    from k8slab.apiserver import APIServer

#: Verbs that change nothing are not worth a line in the journal.
READ_VERBS = frozenset({"get", "list", "watch"})
#: Subresources in which something happens, whatever the verb: a WebSocket is opened with GET.
SESSIONS = frozenset({"exec", "attach"})


class Gate:
    """Lets one writer in at a time.

    ``lock`` may be held over several calls by who needs them to be one step (it is re-entrant).
    """

    def __init__(self, clock: Clock, server: APIServer, journal: Journal, trace: Trace) -> None:
        self.clock, self.server, self.journal, self.trace = clock, server, journal, trace
        self._accounted = (clock.now, clock.fired)
        self.lock = threading.RLock()

    def __getstate__(self) -> dict[str, Any]:
        # A lock belongs to the running process: a copy gets its own.
        return {name: value for name, value in self.__dict__.items() if name != "lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.lock = threading.RLock()

    def handle(self, request: Request) -> Response:
        """Pass a request from outside to the API server."""
        with self.lock, Patience(self.clock):
            if request.verb not in READ_VERBS or request.subresource in SESSIONS:
                plain = dump_request(request)
                self.record("request", plain)
                # What a replay will see is what counts: a typed body is decoded like one from the journal.
                request = msgspec.structs.replace(request, body=plain.get("body"))
            with self.trace.acting(request.user.name, note=request.user_agent):
                return self.server.handle(request)

    def fault(self, act: Callable[..., object], verb: str, *targets: str) -> None:
        """Do ``act(*targets)`` to the cluster itself (not through its API), journalled as ``verb``."""
        with self.lock, Patience(self.clock):
            self.record("fault", {"verb": verb, "targets": list(targets)})
            with self.trace.acting("fault", note=" ".join((verb, *targets))):
                act(*targets)

    def record(self, kind: str, data: dict[str, Any]) -> None:
        """Write an input into the journal, after the time that has passed since the last one."""
        self.account()
        self.journal.append(self.clock.now, kind, data)

    def account(self) -> None:
        """Write the time that has passed since the last entry into the journal, and let due renewals have happened.

        Callbacks that fired at the same instant count as well: they must not fire later in a replay.
        """
        self.server.store.settle()
        reached = (self.clock.now, self.clock.fired)
        if reached != self._accounted:
            self.journal.append(self._accounted[0], "advance", {"until": self.clock.now})
            self._accounted = reached

    def start(self) -> None:
        """Forget what happened so far: the boot follows from the set-up, and inputs count from here."""
        self._accounted = (self.clock.now, self.clock.fired)

    def advance(self, until: int) -> None:
        """Let virtual time pass up to ``until`` (lab time, microseconds)."""
        with self.lock:
            try:
                self._run_until(until)
            finally:
                self.account()

    def _run_until(self, until: int) -> None:
        with Patience(self.clock):
            self.clock.run_until(until)

    def advance_until(self, predicate: Callable[[], object], deadline: int) -> bool:
        """Let time pass until ``predicate()`` is true, at most to ``deadline``; returns whether it became true.

        It is asked between instants, never in the middle of one, so that a replay stops at the same place.
        """
        with self.lock:
            try:
                return self._search(predicate, deadline)
            finally:
                self.account()

    def _search(self, predicate: Callable[[], object], deadline: int) -> bool:
        clock = self.clock
        with Patience(clock):
            while not predicate():
                following = clock.next_time()
                if following is None or following > deadline:
                    clock.run_until(deadline)
                    return bool(predicate())
                clock.run_until(following)
        return True


def dump_request(request: Request) -> dict[str, Any]:
    """A request as plain data; what has its default value is left out."""
    plain: dict[str, Any] = {}
    for field in _FIELDS:
        value = getattr(request, field.name)
        if field.name in ("sink", "note") or (field.default is not msgspec.NODEFAULT and value == field.default):
            continue
        plain[field.name] = value
    if "body" in plain:
        plain["body"] = _plain_body(plain["body"])
    return {name: _builtin(value) for name, value in plain.items()}


def load_request(plain: dict[str, Any]) -> Request:
    """The request that ``dump_request`` wrote. Raises msgspec.ValidationError where the data is none."""
    return msgspec.convert({**plain, "options": plain.get("options", {})}, Request)


def _plain_body(body: Any) -> Any:
    if isinstance(body, bytes):
        return body.decode(errors="surrogateescape")
    if isinstance(body, msgspec.Struct):
        return to_dict(body)
    # The caller may go on changing its dict; the journal must not.
    return _copied(body)


def _copied(value: Any) -> Any:
    """As copy.deepcopy, many times faster for plain data."""
    kind = type(value)
    if kind is dict:
        return {key: _copied(item) for key, item in value.items()}
    if kind is list:
        return [_copied(item) for item in value]
    return value if kind in (str, int, bool, float, type(None)) else copy.deepcopy(value)


def _builtin(value: Any) -> Any:
    if isinstance(value, Options):
        return {
            name: msgspec.to_builtins(part)
            for name, part in msgspec.structs.asdict(value).items()
            if part != getattr(_DEFAULT_OPTIONS, name)
        }
    return msgspec.to_builtins(value) if isinstance(value, msgspec.Struct) else value


_DEFAULT_OPTIONS = Options()
_FIELDS = msgspec.structs.fields(Request)

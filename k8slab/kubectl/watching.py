"""Following changes while virtual time passes: `get -w`, `events -w`, `logs -f`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8slab.api.request import Request, WatchEvent
from k8slab.api.scheme import Resource
from k8slab.apiserver.printing import table_of
from k8slab.kubectl import duration
from k8slab.sim.clock import MINUTE, SECOND

QUIET = 30 * SECOND
"""A watch ends when nothing has happened for this long: there is no Ctrl-C in a notebook cell."""
LONGEST = 10 * MINUTE


class Collector:
    """The sink of a watch: keeps the events until they are printed."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def receive(self, event: Any) -> None:
        """Called by the server for each change."""
        self.events.append(event)


class RowCollector(Collector):
    """Keeps each object as the Table of the moment at which it changed: ages must not be those of the end."""

    def __init__(self, inv: Any, resource: Resource) -> None:
        super().__init__()
        self.maker = _TableMaker(inv.session.clock, resource)

    def receive(self, event: Any) -> None:
        """Called by the server for each change."""
        obj = event.object if isinstance(event.object, dict) else self.maker.table(event.object)
        self.events.append(WatchEvent(event.type, obj, event.revision))


class _TableMaker:
    """What the server's printing needs to know: the time, and the resource."""

    def __init__(self, clock: Any, resource: Resource) -> None:
        self.clock, self.resource = clock, resource
        self.request = Request(verb="get", resource=resource.plural, group=resource.group, version=resource.version)

    def endpoint(self, *_: str) -> _TableMaker:
        """The only endpoint there is: of this resource."""
        return self

    def table(self, obj: Any) -> dict[str, Any]:
        """The Table of one object."""
        return table_of(self, self.request, obj)  # type: ignore[arg-type]


def follow(inv: Any, progress: Callable[[], int]) -> None:
    """Let time pass until `progress()` (a count) has stood still for `QUIET`, at most for `LONGEST`.

    `--request-timeout` sets an exact period instead.
    """
    exact = inv.flags.get("request-timeout", "0")
    if exact not in ("", "0"):
        inv.let_pass(_period(exact))
        return
    clock = inv.session.clock
    seen, since = progress(), clock.now
    end = clock.now + LONGEST

    def still() -> bool:
        nonlocal seen, since
        count = progress()
        if count != seen:
            seen, since = count, clock.now
        return clock.now - since >= QUIET

    while clock.now < end and not still():
        inv.let_pass(SECOND)


def _period(text: str) -> int:
    return int(text) * SECOND if text.isdigit() else duration.parse(text)

"""Events about objects, correlated so that repetitions raise a count instead of filling the store.

`Recorder` follows client-go/tools/record (core/v1 style: aggregation, counts, spam filter), `SeriesRecorder`
client-go/tools/events (events.k8s.io style: series), which the scheduler uses.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from k8slab.api.core_v1 import Event, EventSeries, EventSource, ObjectReference
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.client.client import STRATEGIC_PATCH, Client
from k8slab.errors import ApiError

SECOND = 1_000_000
AGGREGATE_MAX = 10
"""So many similar events (same but for the message) in the interval are combined."""
AGGREGATE_INTERVAL = 600 * SECOND
COMBINED = "(combined from similar events): "
SPAM_BURST = 25
SPAM_REFILL = 300 * SECOND
"""A source may send 25 events about one object, then one per 5 minutes."""
CACHE_SIZE = 4096
SERIES_FINISH = 360 * SECOND
MAX_NOTE = 1024


class Similar(Struct):
    """Events which differ in their messages only: the messages seen, and when the last came."""

    messages: dict[str, None]
    last: int


class Seen(Struct):
    """What was written for one kind of event: the object's name, its count and first time."""

    name: str
    count: int
    first: str


class Bucket(Struct):
    """Tokens left for events about one object."""

    tokens: float
    filled: int


class Recorder:
    """Writes core/v1 Events in a component's name. Never fails: an event that cannot be written is dropped.

    Args:
        client: whose identity writes.
        clock: the lab's clock.
        trace: unused by itself; kept so that all parts are made alike.
        component: the event's source, such as `replicaset-controller`.
        host: the node, for kubelets.
    """

    def __init__(self, client: Client, clock: Any, trace: Any, component: str, host: str = "") -> None:
        self.client = client
        self.clock = clock
        self.trace = trace
        self.component = component
        self.host = host
        self._names = Names(clock)
        self._similar: dict[tuple, Similar] = {}
        self._seen: dict[tuple, Seen] = {}
        self._buckets: dict[tuple, Bucket] = {}

    def event(self, obj: Any, type_: str, reason: str, message: str, field_path: str = "") -> None:
        """Report `reason` about `obj` (an API object or an ObjectReference); `type_` is Normal or Warning."""
        reference = reference_to(obj, field_path, self.client.scheme)
        about = (reference.kind, reference.namespace, reference.name, reference.uid, reference.apiVersion)
        similar_key = (*about, reference.fieldPath, type_, reason)
        key: tuple
        message, key = self._aggregate(similar_key, message)
        if not self._allowed(about):
            return
        self._write(key, reference, type_, reason, message)

    def _aggregate(self, similar_key: tuple, message: str) -> tuple[str, tuple]:
        now = self.clock.now
        similar = self._similar.get(similar_key)
        if similar is None or now - similar.last > AGGREGATE_INTERVAL:
            _trim(self._similar)
            similar = self._similar[similar_key] = Similar({}, now)
        similar.messages[message] = None
        similar.last = now
        if len(similar.messages) < AGGREGATE_MAX:
            return message, (*similar_key, message)
        similar.messages.pop(next(iter(similar.messages)))
        return COMBINED + message, similar_key

    def _allowed(self, about: tuple) -> bool:
        now = self.clock.now
        bucket = self._buckets.get(about)
        if bucket is None:
            _trim(self._buckets)
            bucket = self._buckets[about] = Bucket(float(SPAM_BURST), now)
        bucket.tokens = min(float(SPAM_BURST), bucket.tokens + (now - bucket.filled) / SPAM_REFILL)
        bucket.filled = now
        if bucket.tokens < 1.0:
            return False
        bucket.tokens -= 1.0
        return True

    def _write(self, key: tuple, reference: ObjectReference, type_: str, reason: str, message: str) -> None:
        seen = self._seen.get(key)
        try:
            if seen is not None and self._repeat(seen, reference, message):
                return
            _trim(self._seen)
            event = self._make(reference, type_, reason, message)
            created = create_event(self.client, self.clock, event, self._names)
            self._seen[key] = Seen(created.metadata.name, 1, created.firstTimestamp)
        except ApiError:
            return

    def _repeat(self, seen: Seen, reference: ObjectReference, message: str) -> bool:
        patch = {"count": seen.count + 1, "lastTimestamp": self.clock.rfc3339(), "message": message}
        try:
            self.client.patch("events", seen.name, patch, reference.namespace or "default", patch_type=STRATEGIC_PATCH)
        except ApiError as error:
            if error.code == 404:
                return False
            raise
        seen.count += 1
        return True

    def _make(self, reference: ObjectReference, type_: str, reason: str, message: str) -> Event:
        now = self.clock.rfc3339()
        return Event(
            metadata=ObjectMeta(namespace=reference.namespace or "default"),
            involvedObject=reference,
            reason=reason,
            message=message,
            source=EventSource(component=self.component, host=self.host or None),
            firstTimestamp=now,
            lastTimestamp=now,
            count=1,
            type=type_,
            reportingComponent=self.component,
            reportingInstance=self.host or "",
        )


class SeriesRecorder:
    """Writes Events in the style of events.k8s.io/v1: with an action, a microsecond time, and a series if repeated.

    Args:
        client: whose identity writes.
        clock: the lab's clock.
        trace: unused by itself; kept so that all parts are made alike.
        component: the reporting controller, such as `default-scheduler`.
        host: where it runs; the reporting instance is `<component>-<host>`.
    """

    def __init__(self, client: Client, clock: Any, trace: Any, component: str, host: str = "") -> None:
        self.client = client
        self.clock = clock
        self.trace = trace
        self.component = component
        self.instance = f"{component}-{host}" if host else component
        self._names = Names(clock)
        self._series: dict[tuple, tuple[str, int, int]] = {}

    def event(
        self, obj: Any, type_: str, reason: str, message: str, action: str = "Scheduling", related: Any = None
    ) -> None:
        """Report `reason` about `obj`. The same again, about the unchanged object, within 6 minutes is a series."""
        reference = reference_to(obj, "", self.client.scheme)
        other = reference_to(related, "", self.client.scheme) if related is not None else None
        key = (type_, action, reason, reference, other)
        name, count, last = self._series.get(key, ("", 0, 0))
        try:
            if count and self.clock.now - last <= SERIES_FINISH:
                self._repeat(key, name, count, reference)
            else:
                self._first(key, reference, other, type_, reason, message, action)
        except ApiError:
            return

    def _first(
        self, key: tuple, reference: ObjectReference, other: Any, type_: str, reason: str, message: str, action: str
    ) -> None:
        event = Event(
            metadata=ObjectMeta(namespace=reference.namespace or "default"),
            involvedObject=reference,
            related=other,
            reason=reason,
            message=message if len(message) <= MAX_NOTE else message[: MAX_NOTE - 4] + " ...",
            source=EventSource(),
            type=type_,
            eventTime=self.clock.rfc3339_micro(),
            action=action,
            reportingComponent=self.component,
            reportingInstance=self.instance,
        )
        created = create_event(self.client, self.clock, event, self._names)
        _trim(self._series)
        self._series[key] = (created.metadata.name, 1, self.clock.now)

    def _repeat(self, key: tuple, name: str, count: int, reference: ObjectReference) -> None:
        self._series[key] = (name, count + 1, self.clock.now)
        if count > 1:
            return  # a running series is only counted here; it would be written when it ends or after 30 minutes
        series = EventSeries(count=count + 1, lastObservedTime=self.clock.rfc3339_micro())
        patch = {"series": {"count": series.count, "lastObservedTime": series.lastObservedTime}}
        self.client.patch("events", name, patch, reference.namespace or "default")


class Names:
    """Names new Events `<object>.<nanoseconds in hex>`; two about one object in the same instant are neighbours."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self._instant = -1
        self._used: dict[str, int] = {}

    def next(self, name: str) -> str:
        """A name that was not given yet."""
        now = self.clock.unix_us
        if now != self._instant:
            self._instant = now
            self._used.clear()
        count = self._used.get(name, 0)
        self._used[name] = count + 1
        return f"{name}.{now * 1000 + count:x}"


def create_event(client: Client, clock: Any, event: Event, names: Names) -> Event:
    """Create an Event under the next name that nobody else has taken."""
    for _ in range(1000):
        metadata = event.metadata.replace(name=names.next(event.involvedObject.name))
        try:
            return client.create(event.replace(metadata=metadata))
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
    raise ApiError(409, "AlreadyExists", f"too many events about {event.involvedObject.name} at {clock.rfc3339()}")


def reference_to(obj: Any, field_path: str, scheme: Any) -> ObjectReference:
    """What an event says about its object (client-go/tools/reference)."""
    if isinstance(obj, ObjectReference):
        return obj.replace(fieldPath=field_path) if field_path else obj
    metadata = obj.metadata
    return ObjectReference(
        kind=obj.kind,
        apiVersion=obj.apiVersion,
        name=metadata.name,
        namespace=metadata.namespace,
        uid=metadata.uid,
        resourceVersion=metadata.resourceVersion,
        fieldPath=field_path or None,
    )


def _trim(cache: dict) -> None:
    # Oldest first: close to the least recently used entry, and bounded.
    while len(cache) >= CACHE_SIZE:
        del cache[next(iter(cache))]

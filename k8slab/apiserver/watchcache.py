"""Watches: who is told about which change, and when.

One `Broadcaster` per stored resource listens to the store and finds the watchers concerned by looking them up (by
namespace, by name, and Pods by node), never by asking each. A change reaches a watcher through the clock, after the
server's watch latency; changes of one instant arrive together. Follows apiserver's `storage/cacher`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from k8slab.api.request import ADDED, BOOKMARK, DELETED, ERROR, MODIFIED, WatchEvent
from k8slab.apiserver.meta import stamp
from k8slab.errors import ApiError
from k8slab.sim.clock import MINUTE, SECOND

if TYPE_CHECKING:
    from k8slab.apiserver.selection import Selection
    from k8slab.etcd.store import Event, KeyValue, Store
    from k8slab.sim.clock import Clock

BOOKMARK_PERIOD = MINUTE
BOOKMARK_BEFORE_TIMEOUT = 2 * SECOND

Bucket = tuple[str, str]
EVERYTHING: Bucket = ("", "")


class Watcher:
    """An open watch. `stop` ends it; nothing is delivered any more."""

    __slots__ = (
        "_batch",
        "_batch_at",
        "_timers",
        "broadcaster",
        "bucket",
        "clock",
        "closed",
        "convert",
        "empty",
        "latency",
        "selection",
        "sink",
        "start_revision",
        "steady",
    )

    def __init__(
        self,
        broadcaster: Broadcaster,
        sink: Callable[[WatchEvent], None],
        bucket: Bucket,
        selection: Selection | None,
        start_revision: int,
    ) -> None:
        self.broadcaster = broadcaster
        self.clock: Clock = broadcaster.clock
        self.latency = broadcaster.latency
        self.sink = sink
        self.bucket = bucket
        self.selection = selection
        self.start_revision = start_revision
        self.convert: Callable[[Any], Any] | None = None
        self.empty: Any = None
        self.closed = False
        self.steady = False
        self._batch: list[WatchEvent] | None = None
        self._batch_at = 0
        self._timers: list[Any] = []

    def stop(self) -> None:
        """End the watch; stopping twice is harmless."""
        if not self.closed:
            self.closed = True
            self.broadcaster.remove(self)
            for timer in self._timers:
                self.clock.cancel(timer)

    def push(self, event: WatchEvent) -> None:
        """Have an event delivered after the latency, together with the others of this instant."""
        batch = self.take(event)
        if batch is not None:
            self.clock.call_after(self.latency, self.deliver, batch)

    def take(self, event: WatchEvent) -> list[WatchEvent] | None:
        """Note an event; returns the batch that it begins, which is then to be delivered after the latency."""
        now = self.clock.now
        if self._batch is not None and self._batch_at == now:
            self._batch.append(event)
            return None
        self._batch, self._batch_at = [event], now
        return self._batch

    def deliver(self, batch: list[WatchEvent]) -> None:
        """Hand a batch to the sink."""
        if batch is self._batch:
            self._batch = None
        for event in batch:
            if self.closed:
                return
            if self.convert is not None and event.type != ERROR:
                event = self._converted(event)
            self.sink(event)

    def _converted(self, event: WatchEvent) -> WatchEvent:
        """The event in the version of the request; an error where its object cannot be converted."""
        try:
            return WatchEvent(event.type, self.convert(event.object), event.revision)
        except ApiError as error:
            return WatchEvent(ERROR, error.status(), event.revision)

    def newest(self, obj: Any, time: int | None = None) -> Any:
        """A delivered object with the renewals that had arrived by now, or by lab time `time`."""
        renewal = self._renewal(obj)
        if renewal is None:
            return obj
        number = renewal.number_at((self.clock.now if time is None else time) - self.latency)
        return renewal.version(number).value if number else obj

    def arrival(self, obj: Any, time: int) -> int | None:
        """When the last of the renewals that a delivered object had by a lab time arrived; None where none had."""
        renewal = self._renewal(obj)
        number = renewal.number_at(time - self.latency) if renewal is not None else 0
        return renewal.time_of(number) + self.latency if number else None

    def pace(self, obj: Any) -> Any:
        """What renews a delivered object now, or None."""
        renewal = self._renewal(obj)
        return None if renewal is None or renewal.closed else renewal

    def _renewal(self, obj: Any) -> Any:
        metadata, broadcaster = obj.metadata, self.broadcaster
        name = f"{metadata.namespace}/{metadata.name}" if broadcaster.namespaced else metadata.name
        return broadcaster.store.renewal_after(broadcaster.prefix + name, int(metadata.resourceVersion))

    def offer(self, new: Any, old: Any, revision: int) -> None:
        """Deliver a change as this watcher's selector sees it: objects come and go as they begin and cease to match."""
        matches = self.selection.matches
        is_in = new is not None and matches(new)
        was_in = old is not None and matches(old)
        if is_in:
            self.push(WatchEvent(MODIFIED if was_in else ADDED, new, revision))
        elif was_in:
            self.push(WatchEvent(DELETED, stamp(old, revision, None), revision))

    def bookmark(self, repeat: int = 0, **metadata: Any) -> None:
        """Tell the watcher how far it is, and again after `repeat` microseconds."""
        if self.closed:
            return
        revision = self.broadcaster.store.revision
        meta = type(self.empty.metadata)(resourceVersion=str(revision), **metadata)
        self.push(WatchEvent(BOOKMARK, self.empty.replace(metadata=meta), revision))
        if repeat:
            self._timers = [*self._timers[-1:], self.clock.call_after(repeat, self.bookmark, repeat)]

    def keep_posted(self, period: int = BOOKMARK_PERIOD) -> None:
        """Send bookmarks regularly."""
        self._timers.append(self.clock.call_after(period, self.bookmark, period))

    def limit(self, timeout: int, bookmarks: bool) -> None:
        """Close after `timeout` microseconds, with a bookmark shortly before where they are wanted."""
        self._timers.append(self.clock.call_after(timeout, self.stop))
        if bookmarks and timeout > BOOKMARK_BEFORE_TIMEOUT:
            self._timers.append(self.clock.call_after(timeout - BOOKMARK_BEFORE_TIMEOUT, self.bookmark))


class Broadcaster:
    """Passes the changes below one prefix of the store on to the watchers they concern.

    Args:
        store: where the changes come from.
        clock: delivers events, `latency` microseconds after the change.
        prefix: the keys of one resource, `/registry/pods/`.
        namespaced: keys are `<prefix><namespace>/<name>` rather than `<prefix><name>`.
        by_node: keep Pods indexed by `spec.nodeName`.
    """

    __slots__ = (
        "buckets",
        "by_node",
        "clock",
        "heeding",
        "latency",
        "namespaced",
        "nodes",
        "prefix",
        "store",
        "subscription",
    )

    def __init__(
        self, store: Store, clock: Clock, prefix: str, namespaced: bool, latency: int, by_node: bool = False
    ) -> None:
        self.store = store
        self.clock = clock
        self.prefix = prefix
        self.namespaced = namespaced
        self.latency = latency
        self.by_node = by_node
        self.buckets: dict[Bucket, list[Watcher]] = {}
        self.nodes: dict[str, dict[str, None]] = {}
        if by_node:
            for kv in store.range(prefix):
                self._place(kv.key, None, node_of(kv.value))
        self.heeding = 0
        self.subscription = store.watch(prefix, self.publish, on_renewal=self.publish_renewal)

    def publish(self, event: Event) -> None:
        """Hand a change of the store to the watchers that it concerns."""
        kv, prev = event.kv, event.prev
        new, old = kv.value, prev.value if prev is not None else None
        if self.by_node:
            self._publish_by_node(kv.key, new, old, kv.mod_revision)
        if not self.buckets:
            return
        everyone = self.buckets.get(EVERYTHING)
        if everyone is not None:
            _tell(everyone, new, old, kv.mod_revision)
        if len(self.buckets) > (everyone is not None):
            self._publish_narrow(kv.key, new, old, kv.mod_revision)

    def publish_renewal(self, event: Event) -> None:
        """Hand a renewal to the watchers that want each."""
        kv, concerned = event.kv, []
        namespace, _, name = kv.key[len(self.prefix) :].rpartition("/")
        for bucket in (EVERYTHING, ("namespace", namespace), ("name", name)):
            concerned += [watcher for watcher in self.buckets.get(bucket, ()) if not watcher.steady]
        _tell(concerned, kv.value, event.prev.value if event.prev is not None else None, kv.mod_revision)

    def _heed(self, more: int) -> None:
        self.heeding += more
        if self.subscription.heeds != (self.heeding > 0):
            self.subscription.heeds = self.heeding > 0
            self.store.listening()

    def _publish_narrow(self, key: str, new: Any, old: Any, revision: int) -> None:
        namespace, _, name = key[len(self.prefix) :].rpartition("/")
        buckets = self.buckets
        if self.namespaced:
            found = buckets.get(("namespace", namespace))
            if found:
                _tell(found, new, old, revision)
        found = buckets.get(("name", name))
        if found:
            _tell(found, new, old, revision)

    def _publish_by_node(self, key: str, new: Any, old: Any, revision: int) -> None:
        node = node_of(new) if new is not None else None
        before = node_of(old) if old is not None else None
        if node != before:
            self._place(key, before, node)
            self._tell_node(before, new, old, revision)
        self._tell_node(node, new, old, revision)

    def _tell_node(self, node: str | None, new: Any, old: Any, revision: int) -> None:
        found = self.buckets.get(("node", node)) if node is not None else None
        if found:
            _tell(found, new, old, revision)

    def _place(self, key: str, before: str | None, node: str | None) -> None:
        if before is not None:
            keys = self.nodes[before]
            keys.pop(key, None)
            if not keys:
                del self.nodes[before]
        if node is not None:
            self.nodes.setdefault(node, {})[key] = None

    def on_node(self, node: str) -> list[KeyValue]:
        """The Pods of a node, sorted by key."""
        return [self.store.get(key) for key in sorted(self.nodes.get(node, ()))]

    def deliver(self, batches: list[tuple[Watcher, list[WatchEvent]]]) -> None:
        """Hand several watchers what they are to be told at this instant: one timer instead of one for each."""
        for index, (watcher, batch) in enumerate(batches):
            try:
                watcher.deliver(batch)
            except BaseException:
                # One of them failed; the others are told nevertheless.
                self.clock.call_soon(self.deliver, batches[index + 1 :])
                raise

    def bucket(self, namespace: str | None, selection: Selection | None) -> Bucket:
        """Where a watcher of this namespace and selection is kept."""
        if selection is not None:
            node = selection.exact.get("spec.nodeName")
            if self.by_node and node is not None:
                return ("node", node)
            name = selection.exact.get("metadata.name")
            if name:
                return ("name", name)
        return ("namespace", namespace) if namespace else EVERYTHING

    def add(self, watcher: Watcher) -> None:
        """Tell a watcher about the changes from its start revision on: first those that are past, then what comes."""
        start = watcher.start_revision
        if start <= self.store.revision:
            replay = Replay(self, watcher)
            self.store.watch(self.prefix, replay.publish, start).cancel()
        self.buckets.setdefault(watcher.bucket, []).append(watcher)
        if not watcher.steady:
            self._heed(1)

    def remove(self, watcher: Watcher) -> None:
        """Forget a watcher."""
        watchers = self.buckets.get(watcher.bucket, [])
        if watcher in watchers:
            watchers.remove(watcher)
            if not watcher.steady:
                self._heed(-1)
        if not watchers:
            self.buckets.pop(watcher.bucket, None)


class Replay:
    """Shows one watcher the changes that happened before it came."""

    __slots__ = ("broadcaster", "watcher")

    def __init__(self, broadcaster: Broadcaster, watcher: Watcher) -> None:
        self.broadcaster, self.watcher = broadcaster, watcher

    def publish(self, event: Event) -> None:
        """Offer a past change, if it concerns the watcher."""
        kv, prev = event.kv, event.prev
        new, old = kv.value, prev.value if prev is not None else None
        if self._concerns(kv.key, new, old):
            _tell([self.watcher], new, old, kv.mod_revision)

    def _concerns(self, key: str, new: Any, old: Any) -> bool:
        kind, wanted = self.watcher.bucket
        namespace, _, name = key[len(self.broadcaster.prefix) :].rpartition("/")
        if kind == "node":
            return any(obj is not None and node_of(obj) == wanted for obj in (new, old))
        return kind == "" or wanted == (name if kind == "name" else namespace)


def _tell(watchers: list[Watcher], new: Any, old: Any, revision: int) -> None:
    plain = None
    begun: list[tuple[Watcher, list[WatchEvent]]] = []
    for watcher in watchers:
        if revision < watcher.start_revision:
            continue
        if watcher.selection is not None:
            # Deliveries happen in the order of the watchers.
            _plan(begun)
            begun = []
            watcher.offer(new, old, revision)
            continue
        if plain is None:
            if new is None:
                plain = WatchEvent(DELETED, old, revision)
            else:
                plain = WatchEvent(ADDED if old is None else MODIFIED, new, revision)
        batch = watcher.take(plain)
        if batch is not None:
            begun.append((watcher, batch))
    _plan(begun)


def _plan(begun: list[tuple[Watcher, list[WatchEvent]]]) -> None:
    if len(begun) > 1:
        broadcaster = begun[0][0].broadcaster
        broadcaster.clock.call_after(broadcaster.latency, broadcaster.deliver, begun)
    elif begun:
        watcher, batch = begun[0]
        watcher.clock.call_after(watcher.latency, watcher.deliver, batch)


def node_of(pod: Any) -> str:
    """The node that a Pod is bound to; empty where it is not."""
    spec = pod.spec
    return (spec.nodeName or "") if spec is not None else ""

"""Who watches what: subscribers by key prefix, called in commit order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from k8slab.etcd.store import Event


class Watcher:
    """A subscription to the changes under a prefix; ``cancel`` ends it.

    While it ``heeds`` renewals (``renewal.py``), ``on_renewal`` is called with each as it happens.
    """

    __slots__ = ("_hub", "heeds", "on_renewal", "prefix", "sink", "start_revision")

    def __init__(
        self,
        hub: WatchHub,
        prefix: str,
        sink: Callable[[Event], object],
        start_revision: int,
        on_renewal: Callable[[Event], object] | None = None,
    ) -> None:
        self._hub = hub
        self.prefix = prefix
        self.sink = sink
        self.start_revision = start_revision
        self.on_renewal = on_renewal or sink
        self.heeds = on_renewal is None

    def cancel(self) -> None:
        """Stop calling the sink; more than once is fine."""
        self._hub.unsubscribe(self)


class WatchHub:
    """Watchers by prefix.

    A key's possible prefixes are few (its path's ancestors), so publishing looks them up instead of trying every
    watcher; prefixes that do not end at a ``/`` are tried one by one.
    """

    __slots__ = ("_by_path", "_cache", "_others")

    def __init__(self) -> None:
        self._by_path: dict[str, list[Watcher]] = {}
        self._others: list[Watcher] = []
        self._cache: dict[str, tuple[Watcher, ...]] = {}  # parent path of a key -> watchers, until one comes or goes

    def subscribe(
        self,
        prefix: str,
        sink: Callable[[Event], object],
        start_revision: int,
        on_renewal: Callable[[Event], object] | None = None,
    ) -> Watcher:
        """Add a watcher; ``prefix`` is a path that ends in ``/``, or any other beginning of keys."""
        watcher = Watcher(self, prefix, sink, start_revision, on_renewal)
        if prefix.endswith("/"):
            self._by_path.setdefault(prefix, []).append(watcher)
        else:
            self._others.append(watcher)
        self._cache = {}
        return watcher

    def unsubscribe(self, watcher: Watcher) -> None:
        """Remove a watcher if it is still there."""
        watchers = self._by_path.get(watcher.prefix, self._others) if watcher.prefix.endswith("/") else self._others
        if watcher in watchers:
            watchers.remove(watcher)
        self._cache = {}

    def publish(self, event: Event) -> None:
        """Call the sinks of all watchers whose prefix the key has."""
        key, revision = event.kv.key, event.kv.mod_revision
        parent = key[: key.rfind("/") + 1]
        watchers = self._cache.get(parent)
        if watchers is None:
            watchers = self._cache[parent] = self._for_parent(parent)
        for watcher in watchers:
            if revision >= watcher.start_revision:
                watcher.sink(event)
        for watcher in tuple(self._others):
            if key.startswith(watcher.prefix) and revision >= watcher.start_revision:
                watcher.sink(event)

    def publish_renewal(self, event: Event) -> None:
        """Call those whose prefix the key has and who heed renewals."""
        key, revision = event.kv.key, event.kv.mod_revision
        for watcher in self.watchers(key[: key.rfind("/") + 1]):
            if watcher.heeds and revision >= watcher.start_revision and key.startswith(watcher.prefix):
                watcher.on_renewal(event)

    def watchers(self, parent: str) -> tuple[Watcher, ...]:
        """All watchers whom a key in that folder may concern."""
        found = self._cache.get(parent)
        if found is None:
            found = self._cache[parent] = self._for_parent(parent)
        return (*found, *self._others)

    def _for_parent(self, parent: str) -> tuple[Watcher, ...]:
        found: list[Watcher] = []
        end = parent.find("/")
        while end >= 0:
            found.extend(self._by_path.get(parent[: end + 1], ()))
            end = parent.find("/", end + 1)
        return tuple(found)

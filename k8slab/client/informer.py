"""Informers: a local view of one resource, kept current by list and watch, with indexes and handlers.

Follows client-go/tools/cache (reflector, shared informer, indexer). The cache holds references to the store's
immutable objects: it costs no copies.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any

from msgspec import Struct

from k8slab.api.scheme import NoMatch
from k8slab.client.client import Client
from k8slab.errors import ApiError

FIRST_BACKOFF = 800_000
LAST_BACKOFF = 30_000_000
"""Bounds of the pause before the next try to list, in microseconds (client-go reflector)."""

Key = tuple[str, str]
Objects = list[Any]
Keys = list[Key]
Values = list[Hashable]
Handler = Callable[..., None]


class Handlers(Struct):
    """One listener: bound methods called with (obj), (old, new) and (obj)."""

    on_add: Handler | None = None
    on_update: Handler | None = None
    on_delete: Handler | None = None


class Index:
    """Objects by the values that a function draws from each of them."""

    __slots__ = ("_by_value", "values_of")

    def __init__(self, values_of: Callable[[Any], Iterable[Hashable]]) -> None:
        self.values_of = values_of
        self._by_value: dict[Hashable, dict[Key, Any]] = {}

    def change(self, key: Key, old: Any, new: Any) -> None:
        """Put `new` in the place of `old`; either may be None."""
        before = tuple(self.values_of(old)) if old is not None else ()
        after = tuple(self.values_of(new)) if new is not None else ()
        for value in before:
            if value not in after:
                self._remove(value, key)
        for value in after:
            self._by_value.setdefault(value, {})[key] = new

    def find(self, value: Hashable) -> list[Any]:
        """The objects with that value, in the order in which they came to have it."""
        found = self._by_value.get(value)
        return list(found.values()) if found else []

    def values(self) -> list[Hashable]:
        """All values that some object has."""
        return list(self._by_value)

    def clear(self) -> None:
        """Forget all objects."""
        self._by_value.clear()

    def _remove(self, value: Hashable, key: Key) -> None:
        objects = self._by_value[value]
        del objects[key]
        if not objects:
            del self._by_value[value]


class Informer:
    """The current objects of one resource, with indexes; tells its handlers what changes.

    Args:
        client: whose user and connection list and watch.
        clock: the lab's clock.
        resource: such as `pods` or `deployments.apps`.
        namespace: only objects of that namespace; None for all.
        field_selector: only objects which match, such as `spec.nodeName=worker-1`.
        label_selector: only objects whose labels match.
        steady: handlers do not hear of renewals that change nothing but times; what is read has them nevertheless.
    """

    def __init__(
        self,
        client: Client,
        clock: Any,
        resource: str,
        namespace: str | None = None,
        field_selector: str = "",
        label_selector: str = "",
        steady: bool = False,
    ) -> None:
        self.steady = steady
        self.client = client
        self.clock = clock
        self.trace = client.trace
        self.resource = resource
        self.namespace = namespace
        self.field_selector = field_selector
        self.label_selector = label_selector
        self.synced = False
        self.running = False
        self.revision = 0
        self._objects: dict[Key, Any] = {}
        self._indexes: dict[str, Any] = {}
        self._handlers: list[Handlers] = []
        self._watch: Any = None
        self._timer: Any = None
        self._failures = 0

    def start(self) -> None:
        """List, and watch from there. If the API server does not answer, try again later."""
        if not self.running:
            self.running = True
            self._list_and_watch()

    def stop(self) -> None:
        """Stop watching and forget what was seen; handlers and index functions stay for the next start."""
        self.running = False
        self.synced = False
        self._disconnect()
        self._objects.clear()
        for index in self._indexes.values():
            index.clear()

    def get(self, namespace: str | None, name: str) -> Any:
        """The object, or None. `namespace` is None or "" for resources without."""
        found = self._objects.get((namespace or "", name))
        return found if found is None or not self.steady else self.newest(found)

    def items(self) -> Objects:
        """All objects."""
        found = list(self._objects.values())
        return found if not self.steady else [self.newest(obj) for obj in found]

    def names(self) -> Keys:
        """Namespace (or "") and name of all objects."""
        return list(self._objects)

    def held(self, namespace: str | None, name: str) -> Any:
        """The object as its last event brought it, without renewals since; None where there is none."""
        return self._objects.get((namespace or "", name))

    def newest(self, obj: Any, time: int | None = None) -> Any:
        """A held object with the renewals that had arrived by now, or by lab time `time`."""
        return obj if self._watch is None else self._watch.newest(obj, time)

    def arrival(self, obj: Any, time: int) -> int | None:
        """When the last of the renewals that a held object had by lab time `time` arrived; None where there is none."""
        return None if self._watch is None else self._watch.arrival(obj, time)

    def pace(self, obj: Any) -> Any:
        """What renews a held object now (it has `closed`), or None."""
        return None if self._watch is None else self._watch.pace(obj)

    def __len__(self) -> int:
        return len(self._objects)

    def list(self, namespace: str) -> Objects:
        """The objects of one namespace."""
        if "namespace" not in self._indexes:
            self.add_index("namespace", by_namespace)
        return self.by_index("namespace", namespace)

    def add_index(self, name: str, values_of: Callable[[Any], Iterable[Hashable]]) -> None:
        """Find objects by the values that a bound method or plain function gives for each (a tuple, often of one)."""
        if name in self._indexes:
            return
        index = self._indexes[name] = Index(values_of)
        for key, obj in self._objects.items():
            index.change(key, None, obj)

    def add_view(self, name: str, view: Any) -> Any:
        """Keep `view` up to date: it has `change(key, old, new)` and `clear()`. Returns the one known by that name."""
        known = self._indexes.get(name)
        if known is not None:
            return known
        self._indexes[name] = view
        for key, obj in self._objects.items():
            view.change(key, None, obj)
        return view

    def by_index(self, name: str, value: Hashable) -> Objects:
        """The objects with that value in that index."""
        found = self._indexes[name].find(value)
        return found if not self.steady else [self.newest(obj) for obj in found]

    def index_values(self, name: str) -> Values:
        """All values in that index."""
        return self._indexes[name].values()

    def add_handler(
        self, on_add: Handler | None = None, on_update: Handler | None = None, on_delete: Handler | None = None
    ) -> None:
        """Call these bound methods with (obj), (old, new), (obj); what is known already is reported as added now."""
        handlers = Handlers(on_add, on_update, on_delete)
        self._handlers.append(handlers)
        if on_add is not None:
            for obj in self.items():
                self._tell((on_add,), revision_of(obj), obj)

    # --- list and watch

    def _list_and_watch(self) -> None:
        self._timer = None
        try:
            found = self.client.list(self.resource, self.namespace, self.label_selector, self.field_selector)
            self._watch = self.client.watch(
                self.resource,
                self._on_event,
                self.namespace,
                self.label_selector,
                self.field_selector,
                resource_version=found.resourceVersion,
                steady=self.steady,
            )
        except (ApiError, NoMatch):
            # NoMatch: the definition of a custom resource may come (again) later.
            self._retry()
            return
        self._failures = 0
        self.revision = int(found.resourceVersion)
        self._replace(found.items)
        self.synced = True

    def _retry(self) -> None:
        self._disconnect()
        delay = min(FIRST_BACKOFF << min(self._failures, 10), LAST_BACKOFF)
        self._failures += 1
        self._timer = self.clock.call_after(delay, self._list_and_watch)

    def _disconnect(self) -> None:
        self.clock.cancel(self._timer)
        self._timer = None
        if self._watch is not None:
            self._watch.stop()
            self._watch = None

    def _on_event(self, event: Any) -> None:
        if not self.running:
            return
        kind = event.type
        if kind == "ERROR":
            self._retry()
            return
        self.revision = event.revision
        if kind == "BOOKMARK":
            return
        if kind == "DELETED":
            self._forget(event.object, event.revision)
        else:
            self._put(event.object, event.revision)

    def _replace(self, items: Iterable[Any]) -> None:
        fresh = {key_of(obj): obj for obj in items}
        for key, old in list(self._objects.items()):
            new = fresh.get(key)
            if new is None or new.metadata.uid != old.metadata.uid:
                self._forget(old, self.revision)
        for new in fresh.values():
            self._put(new, revision_of(new))

    def _put(self, new: Any, revision: int) -> None:
        key = key_of(new)
        old = self._objects.get(key)
        if old is new or (old is not None and old.metadata.resourceVersion == new.metadata.resourceVersion):
            return
        self._objects[key] = new
        for index in self._indexes.values():
            index.change(key, old, new)
        if old is None:
            self._tell([each.on_add for each in self._handlers], revision, new)
        else:
            self._tell([each.on_update for each in self._handlers], revision, old, new)

    def _forget(self, obj: Any, revision: int) -> None:
        key = key_of(obj)
        old = self._objects.pop(key, None)
        if old is None:
            return
        for index in self._indexes.values():
            index.change(key, old, None)
        self._tell([each.on_delete for each in self._handlers], revision, obj)

    def _tell(self, handlers: Iterable[Handler | None], revision: int, *args: Any) -> None:
        # As `with trace.acting(...)` around each handler, without its cost: this is the busiest place of all.
        trace, actor, causes = self.trace, self.client.user_agent, (revision,)
        before = (trace.actor, trace.causes, trace.note)
        try:
            for handler in handlers:
                if handler is not None:
                    trace.actor, trace.causes, trace.note = actor, causes, ""
                    handler(*args)
        finally:
            trace.actor, trace.causes, trace.note = before


STEADY = ("nodes", "leases.coordination.k8s.io")
"""What kubelets renew all the time; the control plane's components need not be told of each heartbeat."""


class Informers:
    """The informers that one component shares between its parts, made when first asked for.

    Those of the resources in `steady` leave out renewals (see `Informer`).
    """

    def __init__(self, client: Client, clock: Any, steady: tuple[str, ...] = ()) -> None:
        self.steady = steady
        self.client = client
        self.clock = clock
        self.running = False
        self._informers: dict[tuple[str, str | None, str, str], Informer] = {}

    def of(
        self, resource: str, namespace: str | None = None, field_selector: str = "", label_selector: str = ""
    ) -> Informer:
        """The shared informer of that resource and selection."""
        key = (resource, namespace, field_selector, label_selector)
        informer = self._informers.get(key)
        if informer is None:
            informer = self._informers[key] = Informer(
                self.client, self.clock, resource, namespace, field_selector, label_selector, resource in self.steady
            )
            if self.running:
                informer.start()
        return informer

    def start(self) -> None:
        """Start all, in the order in which they were asked for."""
        self.running = True
        for informer in list(self._informers.values()):
            informer.start()

    def drop(self, resource: str) -> None:
        """Stop and forget the informers of a resource that is not served any more."""
        for key in [key for key in self._informers if key[0] == resource]:
            self._informers.pop(key).stop()

    def stop(self) -> None:
        """Stop all."""
        self.running = False
        for informer in self._informers.values():
            informer.stop()

    @property
    def synced(self) -> bool:
        """Whether each has listed."""
        return all(informer.synced for informer in self._informers.values())

    def all(self) -> list[Informer]:
        """Every informer made so far."""
        return list(self._informers.values())


def key_of(obj: Any) -> Key:
    """(namespace or "", name) of an object."""
    metadata = obj.metadata
    return (metadata.namespace or "", metadata.name)


def revision_of(obj: Any) -> int:
    """The store revision of an object as read from the API server."""
    return int(obj.metadata.resourceVersion)


def by_namespace(obj: Any) -> tuple[str, ...]:
    """Index function: an object's namespace."""
    return (obj.metadata.namespace or "",)

"""GET with watch=true: the changes of a resource as they happen."""

from __future__ import annotations

from k8slab.api.request import ADDED, ERROR, Options, Response, WatchEvent
from k8slab.apiserver.call import Call
from k8slab.apiserver.selection import selection_for
from k8slab.apiserver.storage import parse_revision
from k8slab.apiserver.verbs.read import invalid_options
from k8slab.apiserver.watchcache import Broadcaster, Watcher
from k8slab.errors import FieldError, expired
from k8slab.sim.clock import SECOND

INITIAL_END = "k8s.io/initial-events-end"


def watch(call: Call) -> Response:
    """Open a watch: current state first where no resourceVersion is given, then every change, without gap or repeat."""
    endpoint, options, server = call.endpoint, call.options, call.server
    broadcaster = server.broadcaster(endpoint)
    selection = selection_for(endpoint.resource, options.label_selector, options.field_selector)
    _check(options)
    bucket = broadcaster.bucket(call.namespace, selection)
    if selection is not None and call.namespace and bucket[0] != "namespace":
        selection.namespace = call.namespace
    start = parse_revision(options.resource_version)
    watcher = Watcher(broadcaster, call.request.sink, bucket, selection, 0)
    watcher.steady = options.steady
    watcher.convert = endpoint.from_storage
    watcher.empty = endpoint.resource.empty()
    if start and start < max(server.store.compacted, server.watch_floor):
        _refuse(watcher, start, server.store.revision)
    else:
        _begin(call, watcher, broadcaster, start)
    _time(watcher, options)
    return Response(200, watcher)


def _begin(call: Call, watcher: Watcher, broadcaster: Broadcaster, start: int) -> None:
    options = call.options
    initial = options.send_initial_events if options.send_initial_events is not None else not start
    if not initial:
        watcher.start_revision = (start or call.server.store.revision) + 1
        broadcaster.add(watcher)
        return
    watcher.start_revision = call.server.store.revision + 1
    body = call.server.storage.list_objects(call.endpoint, call.namespace, watcher.selection, Options(), broadcaster)
    for item in body.items:
        watcher.push(WatchEvent(ADDED, item, int(item.metadata.resourceVersion)))
    if options.send_initial_events and options.allow_watch_bookmarks:
        watcher.bookmark(annotations={INITIAL_END: "true"})
    broadcaster.add(watcher)


def _refuse(watcher: Watcher, start: int, current: int) -> None:
    status = expired(f"too old resource version: {start} ({current})").status()
    watcher.push(WatchEvent(ERROR, status, current))


def _time(watcher: Watcher, options: Options) -> None:
    if options.allow_watch_bookmarks:
        watcher.keep_posted()
    if options.timeout_seconds:
        watcher.limit(options.timeout_seconds * SECOND, options.allow_watch_bookmarks)


def _check(options: Options) -> None:
    match, initial, field = options.resource_version_match, options.send_initial_events, "resourceVersionMatch"
    errors: list[FieldError] = []
    if initial is not None and match != "NotOlderThan":
        detail = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        errors.append(FieldError.forbidden(field, detail))
    if match:
        if initial is None:
            detail = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            errors.append(FieldError.forbidden(field, detail))
        if match != "NotOlderThan":
            errors.append(FieldError.not_supported(field, match, ("NotOlderThan",)))
        if options.continue_:
            detail = "resourceVersionMatch is forbidden when continue is provided"
            errors.append(FieldError.forbidden(field, detail))
    if errors:
        raise invalid_options("ListOptions", errors)

"""Objects in the store: keys, optimistic concurrency, revisions and pages.

Follows apiserver's `storage/etcd3/store.go` and `storage/continue.go`.
"""

from __future__ import annotations

import base64
import json
import posixpath
import re
from typing import Any

from k8slab.api import gojson
from k8slab.api.decoding import go_kind
from k8slab.api.request import ListBody, Options
from k8slab.apiserver.meta import stamp
from k8slab.apiserver.registry.endpoint import Endpoint
from k8slab.apiserver.selection import Selection
from k8slab.apiserver.watchcache import Broadcaster
from k8slab.errors import (
    ApiError,
    already_exists,
    bad_request,
    conflict,
    expired,
    not_found,
    too_large_resource_version,
    unexpected,
)
from k8slab.etcd.store import CompactedError, CompareFailed, KeyValue, Store
from k8slab.sim.trace import Trace

TOKEN_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. "
    "You can start a new list without the continue parameter, or use the continue token in this response to "
    "retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - "
    "objects that were created, modified, or deleted between the time the first chunk was returned and now may show "
    "up in the list."
)


class Storage:
    """Reads and writes objects, and records each write."""

    __slots__ = ("store", "trace")

    def __init__(self, store: Store, trace: Trace) -> None:
        self.store = store
        self.trace = trace

    def find(self, endpoint: Endpoint, namespace: str | None, name: str) -> Any:
        """The object, or None."""
        kv = self.store.get(endpoint.key(namespace, name))
        return None if kv is None else kv.value

    def read(self, endpoint: Endpoint, namespace: str | None, name: str) -> KeyValue:
        """The object with its revisions. Raises NotFound."""
        kv = self.store.get(endpoint.key(namespace, name))
        if kv is None:
            raise not_found(endpoint.group_resource, name)
        return kv

    def create(self, endpoint: Endpoint, obj: Any) -> Any:
        """Store a new object. Raises AlreadyExists."""
        metadata = obj.metadata
        key = endpoint.key(metadata.namespace, metadata.name)
        try:
            kv = self.store.put(key, obj, expect=0, stamp=stamp)
        except CompareFailed:
            raise already_exists(endpoint.group_resource, metadata.name) from None
        self.trace.record(kv.mod_revision, key, "create")
        return kv.value

    def update(self, endpoint: Endpoint, obj: Any, old: KeyValue, verb: str = "update") -> Any:
        """Store a changed object in place of `old`. Raises Conflict where something else is there by now."""
        try:
            kv = self.store.put(old.key, obj, expect=old.mod_revision, stamp=stamp)
        except CompareFailed:
            raise conflict(endpoint.group_resource, obj.metadata.name) from None
        self.trace.record(kv.mod_revision, old.key, verb)
        return kv.value

    def delete(self, endpoint: Endpoint, old: KeyValue) -> Any:
        """Remove an object; returns it with the revision of the deletion."""
        try:
            event = self.store.delete(old.key, expect=old.mod_revision, stamp=stamp)
        except CompareFailed:
            raise conflict(endpoint.group_resource, old.value.metadata.name) from None
        self.trace.record(event.kv.mod_revision, old.key, "delete")
        return event.prev.value

    def list_objects(
        self,
        endpoint: Endpoint,
        namespace: str | None,
        selection: Selection | None,
        options: Options,
        index: Broadcaster | None = None,
    ) -> ListBody:
        """The objects of a resource, or one page of them."""
        prefix = endpoint.prefix_of(namespace)
        # Version "0" is served from the watch cache, which knows no pages.
        limit = 0 if options.resource_version == "0" else max(options.limit, 0)
        revision, start = self._position(prefix, options)
        at = revision or self.store.revision
        if selection is not None and not revision and not start:
            looked_up = self._look_up(endpoint, namespace, selection, index)
            if looked_up is not None:
                items = tuple(kv.value for kv in looked_up if selection.matches(kv.value))
                return _body(endpoint, items, at)
        found = self._range(prefix, revision, start)
        if not limit:
            return _body(
                endpoint, tuple(kv.value for kv in found if selection is None or selection.matches(kv.value)), at
            )
        return _page(endpoint, found, selection, limit, at, prefix)

    def _look_up(
        self, endpoint: Endpoint, namespace: str | None, selection: Selection, index: Broadcaster | None
    ) -> list[KeyValue] | None:
        name = selection.exact.get("metadata.name")
        if name and (namespace or not endpoint.namespaced):
            kv = self.store.get(endpoint.key(namespace, name))
            return [kv] if kv is not None else []
        node = selection.exact.get("spec.nodeName")
        if node and index is not None and index.by_node:
            prefix = endpoint.prefix_of(namespace)
            return [kv for kv in index.on_node(node) if kv.key.startswith(prefix)]
        return None

    def _range(self, prefix: str, revision: int, start: str) -> list[KeyValue]:
        try:
            return self.store.range(prefix, revision, start)
        except CompactedError:
            if start:
                raise expired(TOKEN_TOO_OLD) from None
            raise expired(f"too old resource version: {revision} ({self.store.compacted})") from None

    def _position(self, prefix: str, options: Options) -> tuple[int, str]:
        """At which revision (0: now) and from which key to list."""
        if options.continue_:
            revision, start = decode_continue(options.continue_, prefix)
            return (revision if revision > 0 else 0), start
        wanted = parse_revision(options.resource_version)
        if wanted > self.store.revision:
            raise too_large_resource_version(wanted, self.store.revision)
        match = options.resource_version_match
        exact = match == "Exact" or (not match and options.limit > 0)
        return (wanted if wanted and exact else 0), ""


def _body(endpoint: Endpoint, items: tuple[Any, ...], revision: int) -> ListBody:
    return ListBody(
        items=items,
        resourceVersion=str(revision),
        kind=endpoint.list_kind,
        apiVersion=endpoint.api_version,
        custom=endpoint.custom,
    )


def _page(
    endpoint: Endpoint, found: list[KeyValue], selection: Selection | None, limit: int, revision: int, prefix: str
) -> ListBody:
    items: list[Any] = []
    last = ""
    for index, kv in enumerate(found):
        if selection is not None and not selection.matches(kv.value):
            continue
        if len(items) == limit:
            token = encode_continue(revision, last, prefix)
            remaining = None if selection is not None else len(found) - index
            return ListBody(
                items=tuple(items),
                resourceVersion=str(revision),
                continue_=token,
                remainingItemCount=remaining,
                kind=endpoint.list_kind,
                apiVersion=endpoint.api_version,
                custom=endpoint.custom,
            )
        items.append(kv.value)
        last = kv.key
    return _body(endpoint, tuple(items), revision)


def parse_revision(text: str | None) -> int:
    """A resourceVersion parameter as a number; absent and "0" are 0. Raises ApiError as the server does."""
    if not text:
        return 0
    if not text.isascii() or not text.isdigit():
        raise unexpected(
            f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        )
    return int(text)


def encode_continue(revision: int, last_key: str, prefix: str) -> str:
    """The token with which a list goes on after `last_key`, at the same revision."""
    start = last_key[len(prefix) :] + "\x00"
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": revision, "start": start}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_continue(token: str, prefix: str) -> tuple[int, str]:
    """Revision and key of a continue token. Raises BadRequest where it is none."""
    wrong = _ENCODED.match(token).end()
    if wrong < len(token) or len(token) % 4 == 1:
        place = wrong if wrong < len(token) else len(token) - 1
        raise _bad_token(f"illegal base64 data at input byte {place}")
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    try:
        found = gojson.loads(raw.decode())
    except gojson.SyntaxFault as fault:
        raise _bad_token(str(fault)) from None
    except UnicodeDecodeError:
        raise _bad_token(f"invalid character {_go_byte(raw)} looking for beginning of value") from None
    if not isinstance(found, dict):
        raise _bad_token(f"json: cannot unmarshal {go_kind(found)} into Go value of type storage.continueToken")
    start, why = found.get("start", ""), ""
    if found.get("v") != "meta.k8s.io/v1":
        why = f"server does not recognize this encoded version {json.dumps(found.get('v', ''))}"
    elif not found.get("rv"):
        why = "incorrect encoded start resourceVersion (version meta.k8s.io/v1)"
    elif not start:
        why = "encoded start key empty (version meta.k8s.io/v1)"
    elif posixpath.normpath(f"/{start.removeprefix('/')}") != f"/{start.removeprefix('/')}":
        # A key that climbs out of the collection by dots or slashes.
        why = start
    if why:
        raise _bad_token(why)
    return found["rv"], prefix + start.removeprefix("/")


_ENCODED = re.compile(r"[A-Za-z0-9_-]*")


def _bad_token(why: str) -> ApiError:
    return bad_request(f"invalid continue token: continue key is not valid: {why}")


def _go_byte(raw: bytes) -> str:
    if not raw:
        return "end of JSON input"
    first = raw[0]
    return f"'{chr(first)}'" if 0x20 <= first < 0x7F else f"'\\x{first:02x}'"

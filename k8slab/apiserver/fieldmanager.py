"""Who manages which fields of the objects that come from outside (`apiserver/pkg/endpoints/handlers/fieldmanager`).

Objects that a client outside made, or that were applied, carry managedFields, and every write to them is accounted for.
Objects which the control plane's own components create are not tracked: nobody applies them, and the work would be
done for each of thousands of Pods.
"""

from __future__ import annotations

from collections.abc import Set
from functools import lru_cache
from typing import Any

import msgspec
from msgspec.structs import replace

from k8slab.api.apply import (
    Managers,
    Shape,
    TypedError,
    changes,
    created,
    custom_shape,
    same_but_times,
    shape_of,
    update,
)
from k8slab.api.apply.fieldset import Path, encode, is_valid
from k8slab.api.apply.managers import APPLY, UPDATE, Manager, Owned
from k8slab.api.base import KubeStruct
from k8slab.api.meta_v1 import ManagedFieldsEntry
from k8slab.api.request import LOOPBACK
from k8slab.apiserver.call import Call
from k8slab.apiserver.meta import has_field
from k8slab.errors import FieldError

MAX_NAME = 128
MAX_ALIKE = 8192
"""Larger objects are hardly created many times alike: their fields are worked out each time. Bytes of JSON."""
_ENCODE = msgspec.json.Encoder().encode
COMPONENT_SUFFIX = "-controller"
SERVER = "kube-apiserver"
MANAGER_OF_CONTROLLERS = "kube-controller-manager"
SERVERS_OWN = frozenset(
    ("f:metadata", f"f:{name}")
    for name in (
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    )
) | {("f:apiVersion",), ("f:kind",), ("f:metadata",)}


def manager_of(call: Call, operation: str = UPDATE) -> Manager:
    """Under which name a request's fields are kept: its fieldManager, else the beginning of its user agent."""
    name = call.options.field_manager or component((call.request.user_agent or call.user.name).partition("/")[0])
    if call.user is LOOPBACK:
        name = SERVER
    version = "" if operation == APPLY else call.endpoint.api_version
    return Manager(name[:MAX_NAME], operation, version, call.subresource)


def component(name: str) -> str:
    """The program that asks under a name: all controllers are one."""
    return MANAGER_OF_CONTROLLERS if name.endswith(COMPONENT_SUFFIX) else name


def time_of(call: Call) -> str | None:
    """The time of an entry; those of the scale subresource have none."""
    return None if call.subresource == "scale" else call.now


def option_errors(call: Call, must_be_given: bool) -> list[FieldError]:
    """What is wrong with the fieldManager parameter."""
    name = call.options.field_manager
    if not name and must_be_given:
        return [FieldError.required("fieldManager", "is required for apply patch")]
    if len(name.encode()) > MAX_NAME:
        return [FieldError.too_long("fieldManager", MAX_NAME)]
    if not name.isprintable():
        return [FieldError.invalid("fieldManager", name, "should only contain printable characters")]
    return []


def shape_for(call: Call, cls: type) -> Shape:
    """The shape of the objects of a request."""
    resource = call.endpoint.resource
    version = call.server.custom.versions.get((resource.group, resource.version, resource.plural))
    return shape_of(cls) if version is None else custom_shape(version.schema)


def ownable(call: Call, paths: set[Path], kind: Any) -> set[Path]:
    """Without what the server itself manages, and what a write to this (sub)resource does not touch."""
    kept = paths - SERVERS_OWN
    if call.subresource == "status":
        return {path for path in kept if path[0] in ("f:status", "f:metadata")}
    if not call.subresource and has_field(kind, "status") and call.endpoint.resource.subresource("status"):
        return {path for path in kept if path[0] != "f:status"}
    return kept


def for_created(call: Call, obj: Any) -> tuple[ManagedFieldsEntry, ...] | None:
    """managedFields of a new object, as its creator sent it."""
    if call.managed is not None:
        return call.managed or None
    if isinstance(call.request.body, KubeStruct) and not call.options.field_manager and call.user is not LOOPBACK:
        return None
    try:
        paths, text = _created_fields(call, obj)
    except TypedError:
        # Validation has its say about such an object later.
        return None
    managers = Managers()
    if paths:
        managers[manager_of(call)] = Owned(paths, call.endpoint.api_version, time_of(call), text)
    return managers.entries()


def _created_fields(call: Call, obj: Any) -> tuple[Set[Path], dict[str, Any] | None]:
    """The fields that a new object's creator owns, and their text where it is known.

    Alike objects have the same fields: thousands of Pods that differ in their names share one set, and one text.
    """
    if call.subresource or call.endpoint.custom or obj.metadata.managedFields is not None:
        return ownable(call, created(obj, shape_for(call, type(obj))), obj), None
    metadata = obj.metadata
    # The names are the server's own (SERVERS_OWN), a generateName's value is in no path.
    bare = metadata.replace(
        name="-", namespace="-" if metadata.namespace else None, generateName="-" if metadata.generateName else None
    )
    alike = obj.replace(metadata=bare)
    text = _ENCODE(alike)
    if len(text) > MAX_ALIKE:
        return ownable(call, created(obj, shape_of(type(obj))), obj), None
    drops_status = call.endpoint.resource.subresource("status") is not None
    cls: Any = type(obj)
    return _fields_of(cls, text, drops_status)


@lru_cache(maxsize=512)
def _fields_of(cls: Any, text: bytes, drops_status: bool) -> tuple[frozenset[Path], dict[str, Any]]:
    obj = msgspec.json.decode(text, type=cls)
    paths = created(obj, shape_of(cls)) - SERVERS_OWN
    if drops_status and has_field(obj, "status"):
        paths = {path for path in paths if path[0] != "f:status"}
    return frozenset(paths), encode(paths)


def carried_over(call: Call, sent: tuple[ManagedFieldsEntry, ...] | None, before: Any) -> Any:
    """managedFields before this write: the stored ones, unless the client sends others; an empty list forgets all."""
    if call.managed is not None:
        return call.managed or None
    if sent is None or sent is before:
        return before
    if not sent or sent == (ManagedFieldsEntry(),):
        return None
    is_sane = all(entry.operation in (APPLY, UPDATE) and is_valid(entry.fieldsV1) for entry in sent)
    return sent if is_sane else before


def accounted(call: Call, obj: Any, old: Any) -> Any:
    """A changed object with managedFields that tell of this write."""
    metadata = obj.metadata
    if call.managed is None and metadata.managedFields is not None:
        managers = Managers.read(metadata.managedFields, stored=metadata.managedFields is old.metadata.managedFields)
        try:
            shape = shape_for(call, type(obj))
            added, removed, modified = (paths - SERVERS_OWN for paths in changes(old, obj, shape))
        except TypedError:
            # List items without keys cannot be told apart: such writes are not accounted for, as in a real server.
            return obj
        if not (added or removed or modified):
            return obj
        update(managers, manager_of(call), added, removed, modified, call.endpoint.api_version, time_of(call))
        metadata = replace(metadata, managedFields=managers.entries())
    before = old.metadata.managedFields
    if metadata.managedFields is not before and same_but_times(metadata.managedFields, before):
        unchanged = replace(obj, metadata=replace(metadata, managedFields=before))
        if unchanged == old:
            return unchanged
    return obj if metadata is obj.metadata else replace(obj, metadata=metadata)

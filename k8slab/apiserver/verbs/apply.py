"""PATCH with an applied configuration: server-side apply (`handlers/patch.go`, applyPatcher)."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from k8slab.api import documents
from k8slab.api.apply import Conflicted, Managers, TypedError, apply, field_set, shape_of
from k8slab.api.apply.leaves import validate
from k8slab.api.apply.managers import APPLY, UPDATE, Manager
from k8slab.api.codec import DecodeError, to_dict
from k8slab.api.request import Response
from k8slab.apiserver.attribution import attributed
from k8slab.apiserver.call import Call
from k8slab.apiserver.clientside import KUBECTL, check_taken_over, sync_last_applied
from k8slab.apiserver.decoding import convert_data, each_repeat, with_defaults
from k8slab.apiserver.fieldmanager import manager_of, option_errors, ownable, shape_for, time_of
from k8slab.apiserver.verbs.create import create_object
from k8slab.apiserver.verbs.read import invalid_options
from k8slab.apiserver.verbs.update import check_name, update_object
from k8slab.errors import ApiError, bad_request, conflict, not_found
from k8slab.etcd.store import KeyValue

FIRST = "before-first-apply"


def check_apply_options(call: Call) -> None:
    """Refuse an apply without the name of a manager. Raises Invalid."""
    errors = option_errors(call, must_be_given=True)
    if errors:
        raise invalid_options("PatchOptions", errors)


def apply_patch(call: Call) -> Response:
    """Apply the body to the object of that name, or create it."""
    check_apply_options(call)
    kv = call.server.store.get(call.endpoint.key(call.namespace, call.name))
    if kv is None:
        return _create(call)
    current = kv.value if call.endpoint.from_storage is None else call.endpoint.from_storage(kv.value)
    repeats: list[str] = []
    applied = read_configuration(call, repeats)
    merged = merge_into(call, current, applied)
    obj = _decoded(call, merged, type(current), repeats)
    check_name(call, obj)
    return Response(200, update_object(call, with_defaults(call, obj), kv, must_match=False))


def _create(call: Call) -> Response:
    resource = call.endpoint.resource
    repeats: list[str] = []
    applied = read_configuration(call, repeats)
    if call.subresource:
        raise not_found(call.endpoint.group_resource, call.name)
    owned = ownable(call, field_set(applied, shape_for(call, resource.cls)), resource.cls)
    managers = Managers()
    if owned:
        managers.own(manager_of(call, APPLY), owned, resource.api_version, time_of(call))
    call.managed = managers.entries() or ()
    obj = _decoded(call, applied, resource.cls, repeats)
    if obj.metadata is not None and obj.metadata.uid:
        why = f"uid mismatch: the provided object specified uid {obj.metadata.uid}, and no existing object was found"
        raise conflict(call.endpoint.group_resource, call.name, why)
    check_name(call, obj)
    obj = obj.replace(metadata=replace(obj.metadata, resourceVersion=None))
    return Response(201, create_object(call, with_defaults(call, obj)))


def read_configuration(call: Call, repeats: list[str]) -> dict[str, Any]:
    """The body of an apply as plain data that fits the kind; messages about repeated keys are appended to `repeats`.

    Raises ApiError with the server's words.
    """
    resource = call.endpoint.resource
    data = _read(call.request.body, repeats)
    check_configuration(data, resource.api_version, resource.kind)
    _check_schema(data, shape_for(call, resource.cls))
    return data


def _read(body: Any, repeats: list[str] | None = None) -> dict[str, Any]:
    if isinstance(body, (str, bytes)):
        try:
            body = documents.load(body.decode("utf-8", "replace") if isinstance(body, bytes) else body, repeats)
        except documents.DocumentError as error:
            raise bad_request(f"error decoding YAML: error converting YAML to JSON: yaml: {error.problem}") from None
    elif not isinstance(body, dict):
        body = to_dict(body)
    if body is not None and not isinstance(body, dict):
        shown = "array" if isinstance(body, list) else "string" if isinstance(body, str) else "number"
        why = f"json: cannot unmarshal {shown} into Go value of type map[string]interface {{}}"
        raise bad_request(f"error decoding YAML: error unmarshaling JSON: while decoding JSON: {why}")
    return body or {}


def check_configuration(data: dict[str, Any], api_version: str, kind: str) -> None:
    """Refuse a configuration of another kind, or one that says who manages what. Raises BadRequest."""
    given_version, given_kind = (_text(data.get(name)) for name in ("apiVersion", "kind"))
    if (given_version, given_kind) != (api_version, kind):
        group, _, version = given_version.rpartition("/")
        raise bad_request(f"invalid object type: {group}/{version}, Kind={given_kind}")
    metadata = data.get("metadata")
    if isinstance(metadata, dict) and metadata.get("managedFields") is not None:
        raise bad_request("metadata.managedFields must be nil")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _check_schema(data: dict[str, Any], shape: Any) -> None:
    try:
        validate(data, shape)
    except TypedError as error:
        raise ApiError(500, "", f"failed to create typed patch object ({_described(data)}): {error}") from None


def _described(data: dict[str, Any]) -> str:
    metadata = data.get("metadata") if isinstance(data.get("metadata"), dict) else {}
    group, _, version = data["apiVersion"].rpartition("/")
    name = f"{_text(metadata.get('namespace'))}/{_text(metadata.get('name'))}"
    return f"{name}; {group}/{version}, Kind={data['kind']}"


def merge_into(call: Call, current: Any, applied: dict[str, Any]) -> dict[str, Any]:
    """The stored object with the configuration merged in; `call.managed` says who owns what then.

    Raises Conflicted.
    """
    shape, live = shape_for(call, type(current)), to_dict(current)
    managers = Managers.read(current.metadata.managedFields)
    live["metadata"].pop("managedFields", None)
    if not managers and call.endpoint.from_storage is None:
        managers = attributed(call.server, current, call.endpoint.key(call.namespace, call.name))
    if not managers:
        _owned_before(call, managers, current, live, shape)
    owned = ownable(call, field_set(applied, shape), current)
    who, version = manager_of(call, APPLY), call.endpoint.api_version

    def attempt(force: bool) -> dict[str, Any]:
        return apply(live, applied, shape, managers, who, owned, version, time_of(call), force)

    before = Managers(managers)
    try:
        merged = attempt(call.options.force)
    except Conflicted as error:
        check_taken_over(call, error, live, shape)
        managers = before
        merged = attempt(True)
    except TypedError as error:
        raise ApiError(500, "", f"failed to create typed live object ({_described(live)}): {error}") from None
    call.managed = managers.entries() or ()
    if call.options.field_manager == KUBECTL and not call.subresource:
        sync_last_applied(merged, applied, live)
    return merged


def _owned_before(call: Call, managers: Managers, current: Any, live: dict[str, Any], shape: Any) -> None:
    """What an object held that nobody was known to manage belongs to one manager."""
    owned = ownable(call, field_set(live, shape), current)
    if owned:
        version = call.endpoint.api_version
        managers.own(Manager(FIRST, UPDATE, version), owned, version, call.now)


def apply_to_replicas(call: Call, kv: KeyValue) -> int:
    """Apply a Scale: checks who manages the replicas, and returns how many are wanted."""
    check_apply_options(call)
    data = _read(call.request.body)
    check_configuration(data, "autoscaling/v1", "Scale")
    from k8slab.api.autoscaling_v1 import Scale

    _check_schema(data, shape_of(Scale))
    replicas = (data.get("spec") or {}).get("replicas") or 0
    merge_into(call, kv.value, {"metadata": {"name": call.name}, "spec": {"replicas": replicas}})
    return replicas


def _decoded(call: Call, data: dict[str, Any], cls: type, repeats: list[str]) -> Any:
    mode = call.options.field_validation or "Warn"
    if repeats and mode == "Strict":
        raise bad_request(f"error strict decoding YAML: error converting YAML to JSON: {repeats[0]}")
    warnings: list[str] = []
    try:
        obj = convert_data(data, cls, mode == "Strict", warnings, call)
    except DecodeError as error:
        raise ApiError(500, "", f"failed to convert merged object to typed: {error}") from None
    if mode == "Warn":
        call.warn(*each_repeat(repeats), *warnings)
    return obj

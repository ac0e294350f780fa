"""Request bodies into objects with defaults.

In-process clients send typed objects, which are taken as they are; text and plain data are read with the rules and the
words of the API server (`apimachinery/pkg/runtime/serializer`, `apiserver/pkg/endpoints/handlers/create.go`).
"""

from __future__ import annotations

from typing import Any

from k8slab.api import documents, gojson
from k8slab.api.base import KubeStruct
from k8slab.api.codec import DecodeError, convert, from_dict
from k8slab.api.defaults import set_defaults, set_status_defaults
from k8slab.api.request import JSON, YAML
from k8slab.api.scheme import SCHEME, NoMatch
from k8slab.api.unstructured import Unstructured
from k8slab.apiserver.call import Call
from k8slab.apiserver.crd.strategy import pruned
from k8slab.apiserver.crd.strategy import with_defaults as with_schema_defaults
from k8slab.apiserver.meta import has_field
from k8slab.apiserver.pruning import prune
from k8slab.errors import bad_request, quote, unsupported_media_type

ACCEPTED = (JSON, YAML, "application/vnd.kubernetes.protobuf")
NO_SUCH_KIND = (
    'no kind "{}" is registered for version "{}" in scheme "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"'
)


def decode_object(call: Call) -> Any:
    """The object in the body of a create or update, with defaults. Raises BadRequest, UnsupportedMediaType."""
    body, resource = call.request.body, call.endpoint.resource
    if isinstance(body, KubeStruct):
        obj = _typed(call, body)
        if call.endpoint.custom:
            obj = pruned(obj, call.strategy.version)[0]
        if call.subresource == "status" and _has_stored_spec(call, obj):
            return set_status_defaults(obj)
    else:
        obj = decode_data(call, read_data(call, body, resource.kind), resource.api_version, resource.kind, resource.cls)
    return with_defaults(call, obj)


def _has_stored_spec(call: Call, obj: Any) -> bool:
    """Whether the spec is the very one that is stored, as when a component writes back what it has read."""
    if call.endpoint.from_storage is not None or not has_field(obj, "spec") or obj.spec is None:
        return False
    kv = call.server.store.get(call.endpoint.key(call.namespace, call.name))
    return kv is not None and kv.value.spec is obj.spec


def _typed(call: Call, body: Any) -> Any:
    resource = call.endpoint.resource
    if body.kind != resource.kind or body.apiVersion != resource.api_version:
        raise wrong_type(body.apiVersion, body.kind, resource.api_version, resource.kind)
    return body


def with_defaults(call: Call, obj: Any) -> Any:
    """The object as the server sees it: without a status that does not count, and with all defaults."""
    is_new = call.request.verb == "create" and not call.subresource
    if is_new and not call.strategy.keeps_status_on_create and has_field(obj, "status") and obj.status is not None:
        obj = obj.replace(status=None)
    return with_schema_defaults(obj, call.strategy.version) if call.endpoint.custom else set_defaults(obj)


def read_data(call: Call, body: Any, kind: str) -> Any:
    """The plain data of a body that may be text. Raises BadRequest where it cannot be read."""
    if not isinstance(body, (str, bytes)):
        return {} if body is None else body
    content_type = call.request.content_type.partition(";")[0].strip()
    try:
        if content_type == YAML:
            return documents.load(body.decode() if isinstance(body, bytes) else body)
        if content_type in (JSON, ""):
            return gojson.loads(body)
    except gojson.SyntaxFault as error:
        raise unrecognized(kind, f"couldn't get version/kind; json parse error: {error}", body) from None
    except documents.DocumentError as error:
        raise unrecognized(kind, f"yaml: {error.problem}", body) from None
    except UnicodeDecodeError:
        raise unrecognized(kind, "yaml: invalid leading UTF-8 octet", body) from None
    raise unsupported_media_type(ACCEPTED)


def unrecognized(kind: str, why: str, body: str | bytes) -> Any:
    """400 for a body that is no object."""
    return bad_request(f"the object provided is unrecognized (must be of type {kind}): {why} ({_excerpt(body)})")


def _excerpt(body: str | bytes) -> str:
    """The beginning of a body as the server quotes it: in hexadecimal, unless it looks like JSON."""
    raw = body.encode() if isinstance(body, str) else body
    if not raw:
        return "<empty>"
    start = raw[:30]
    text = start.decode("utf-8", "replace") if start.lstrip().startswith(b"{") else start.hex()
    return text + (" ..." if len(raw) > 30 else "")


def decode_data(call: Call, data: Any, api_version: str, kind: str, cls: type) -> Any:
    """Plain data as an object of the wanted kind, in the mood of `fieldValidation`. Raises BadRequest."""
    if data is None:
        data = {}
    if not isinstance(data, dict):
        found = "array" if isinstance(data, list) else "number" if isinstance(data, (int, float)) else "string"
        shape = (
            'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
        )
        why = (
            f"couldn't get version/kind; json parse error: json: cannot unmarshal {found} into Go value of type {shape}"
        )
        raise unrecognized(kind, why, call.request.body if isinstance(call.request.body, (str, bytes)) else b"")
    given_version, given_kind = data.get("apiVersion") or api_version, data.get("kind") or kind
    if (given_version, given_kind) != (api_version, kind):
        raise wrong_type(given_version, given_kind, api_version, kind, call)
    data = data if data.get("apiVersion") and data.get("kind") else data | {"apiVersion": api_version, "kind": kind}
    mode = call.options.field_validation or "Warn"
    warnings: list[str] = []
    try:
        obj = convert_data(data, cls, mode == "Strict", warnings, call)
    except DecodeError as error:
        version = api_version.rpartition("/")[2]
        raise bad_request(f"{kind} in version {quote(version)} cannot be handled as a {kind}: {error}") from None
    if mode == "Warn":
        call.warn(*warnings)
    return obj


def convert_data(data: dict[str, Any], cls: type, strict: bool, warnings: list[str], call: Call) -> Any:
    """Plain data as an object of a class. Raises DecodeError."""
    if cls is Unstructured:
        return _custom(from_dict(data, False, warnings, unstructured=True), strict, warnings, call)
    return convert(prune(cls, data), cls, strict, warnings)


def _custom(obj: Any, strict: bool, warnings: list[str], call: Call) -> Any:
    """A custom object without the fields that its schema does not know."""
    obj, unknown = pruned(obj, call.strategy.version)
    warnings += unknown
    if strict and warnings:
        raise DecodeError(f"strict decoding error: {', '.join(warnings)}")
    return obj


def wrong_type(given_version: str, given_kind: str, api_version: str, kind: str, call: Call | None = None) -> Any:
    """400 for an object of another kind than that of the path."""
    try:
        (call.server.scheme if call is not None else SCHEME).class_of(given_version, given_kind)
    except NoMatch:
        if given_version != "extensions/v1beta1":
            version = api_version.rpartition("/")[2]
            why = NO_SUCH_KIND.format(given_kind, given_version)
            return bad_request(f"{given_kind} in version {quote(version)} cannot be handled as a {kind}: {why}")
    if given_kind != kind:
        why = f"the object provided is unrecognized (must be of type {kind}): {given_version}, Kind={given_kind}"
        return bad_request(why)
    return bad_request(
        f"the API version in the data ({given_version}) does not match the expected API version ({api_version})"
    )

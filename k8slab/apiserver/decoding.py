"""Request bodies into objects with defaults.

In-process clients send typed objects, which are taken as they are; text and plain data are read with the rules and the
words of the API server (`apimachinery/pkg/runtime/serializer`, `apiserver/pkg/endpoints/handlers/create.go`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from k8slab.api import documents, gojson
from k8slab.api.base import KubeStruct
from k8slab.api.codec import DecodeError, convert, from_dict
from k8slab.api.decoding import NO_KIND, TYPE_META, go_kind
from k8slab.api.defaults import set_defaults, set_status_defaults
from k8slab.api.request import JSON, YAML
from k8slab.api.scheme import SCHEME
from k8slab.api.unstructured import Unstructured
from k8slab.apiserver.call import Call
from k8slab.apiserver.conversion import wrong_custom_type, wrong_type
from k8slab.apiserver.crd.strategy import pruned
from k8slab.apiserver.crd.strategy import with_defaults as with_schema_defaults
from k8slab.apiserver.meta import has_field
from k8slab.apiserver.pruning import prune
from k8slab.errors import bad_request, quote, unsupported_media_type

REPEATS = "yaml: unmarshal errors:\n"
ACCEPTED = (JSON, YAML, "application/vnd.kubernetes.protobuf")


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
        repeats: list[str] = []
        data = read_data(call, body, resource.kind, repeats)
        obj = decode_data(call, data, resource.api_version, resource.kind, resource.cls, repeats)
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
        raise wrong_type(SCHEME, (body.apiVersion, body.kind), (resource.api_version, resource.kind))
    return body


def with_defaults(call: Call, obj: Any) -> Any:
    """The object as the server sees it: without a status that does not count, and with all defaults."""
    is_new = call.request.verb == "create" and not call.subresource
    if is_new and not call.strategy.keeps_status_on_create and has_field(obj, "status") and obj.status is not None:
        obj = obj.replace(status=None)
    return with_schema_defaults(obj, call.strategy.version) if call.endpoint.custom else set_defaults(obj)


def read_data(call: Call, body: Any, kind: str, repeats: list[str] | None = None) -> Any:
    """The plain data of a body that may be text. Raises BadRequest where it cannot be read.

    With `repeats`, messages about repeated keys of YAML are appended to it; those of JSON are found while decoding.
    """
    if not isinstance(body, (str, bytes)):
        return {} if body is None else body
    content_type = call.request.content_type.partition(";")[0].strip()
    try:
        if content_type == YAML:
            return _sorted(documents.load(body.decode() if isinstance(body, bytes) else body, repeats))
        if content_type in (JSON, ""):
            return gojson.loads(body)
    except gojson.SyntaxFault as error:
        raise unrecognized(kind, f"{NO_KIND}{error}", body) from None
    except documents.DocumentError as error:
        raise unrecognized(kind, f"yaml: {error.problem}", body) from None
    except UnicodeDecodeError:
        raise unrecognized(kind, "yaml: invalid leading UTF-8 octet", body) from None
    raise unsupported_media_type(ACCEPTED)


def _sorted(value: Any) -> Any:
    """YAML becomes JSON before it is decoded, and the keys of that are sorted, as are complaints about them then."""
    if isinstance(value, dict) and not isinstance(value, gojson.Repeated):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def unrecognized(kind: str, why: str, body: str | bytes) -> Any:
    """400 for a body that is no object."""
    return bad_request(f"the object provided is unrecognized (must be of type {kind}): {why} ({_excerpt(body)})")


def _excerpt(body: str | bytes) -> str:
    """The beginning of a body as the server quotes it: in hexadecimal, unless it looks like JSON."""
    raw = body.encode() if isinstance(body, str) else body
    if not raw:
        return "<empty>"
    start = raw[:30]
    text = start.decode("utf-8", "replace") if start.startswith(b"{") else start.hex()
    return text + (" ..." if len(raw) > 30 else "")


def decode_data(call: Call, data: Any, api_version: str, kind: str, cls: type, repeats: Sequence[str] = ()) -> Any:
    """Plain data as an object of the wanted kind, in the mood of `fieldValidation`. Raises BadRequest."""
    data = {} if data is None else data
    given_version, given_kind = _type_meta(call, data, kind)
    given = (given_version or api_version, given_kind or kind)
    if given != (api_version, kind) and call.endpoint.custom:
        metadata = data.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else ""
        raise wrong_custom_type(given, (api_version, kind), str(name or ""))
    if given != (api_version, kind):
        raise wrong_type(call.server.scheme, given, (api_version, kind))
    data = data if given_version and given_kind else data | {"apiVersion": api_version, "kind": kind}
    mode = call.options.field_validation or "Warn"
    problems: list[str] = []
    try:
        obj = convert_data(data, cls, mode == "Strict" and not repeats, problems, call)
        if mode == "Strict" and repeats:
            raise strict_fault([*repeats, *problems])
    except DecodeError as error:
        version = api_version.rpartition("/")[2]
        raise bad_request(f"{kind} in version {quote(version)} cannot be handled as a {kind}: {error}") from None
    if mode == "Warn":
        call.warn(*each_repeat(repeats), *problems)
    return obj


def strict_fault(problems: Sequence[str]) -> DecodeError:
    """What a strict decoder says about fields that it does not know, or met twice."""
    return DecodeError(f"strict decoding error: {', '.join(problems)}")


def each_repeat(repeats: Sequence[str]) -> list[str]:
    """Complaints about a YAML text one by one, as they are warned of (`handlers/rest.go`, parseYAMLWarnings)."""
    return [line.strip() for text in repeats for line in text.removeprefix(REPEATS).split("\n")]


def _type_meta(call: Call, data: Any, kind: str) -> tuple[str, str]:
    """What a body says it is: (apiVersion, kind), either may be empty. Raises BadRequest (`json/meta.go`)."""
    why = ""
    if not isinstance(data, dict):
        why = f"{NO_KIND}json: cannot unmarshal {go_kind(data)} into Go value of type {TYPE_META}"
    else:
        for name in ("apiVersion", "kind"):
            value = data.get(name)
            if value is not None and not isinstance(value, str):
                why = (
                    why
                    or f"{NO_KIND}json: cannot unmarshal {go_kind(value)} into Go struct field .{name} of type string"
                )
        if not why and (data.get("apiVersion") or "").count("/") > 1:
            why = f"unexpected GroupVersion string: {data['apiVersion']}"
    if why:
        body = call.request.body
        raise unrecognized(kind, why, body if isinstance(body, (str, bytes)) else json.dumps(body))
    return data.get("apiVersion") or "", data.get("kind") or ""


def convert_data(data: dict[str, Any], cls: type, strict: bool, warnings: list[str], call: Call) -> Any:
    """Plain data as an object of a class. Raises DecodeError."""
    if cls is Unstructured:
        return _custom(from_dict(data, False, warnings, unstructured=True), strict, warnings, call)
    return convert(prune(cls, data), cls, strict, warnings)


def _custom(obj: Any, strict: bool, warnings: list[str], call: Call) -> Any:
    """A custom object without the fields that its schema does not know."""
    obj, unknown = pruned(obj, call.strategy.version)
    warnings += sorted(unknown)
    if strict and warnings:
        raise strict_fault(warnings)
    return obj

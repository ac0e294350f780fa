"""PATCH: change an object by a JSON patch, a merge patch or a strategic merge patch (`handlers/patch.go`)."""

from __future__ import annotations

import re
from typing import Any

from k8slab.api import gojson
from k8slab.api.codec import DecodeError, to_dict
from k8slab.api.patch import go_text, json_patch, merge_patch, strategic_merge_rest
from k8slab.api.request import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, Response
from k8slab.apiserver.call import Call
from k8slab.apiserver.decoding import convert_data, with_defaults
from k8slab.apiserver.grafting import grafted
from k8slab.apiserver.verbs.apply import apply_patch
from k8slab.apiserver.verbs.read import invalid_options
from k8slab.apiserver.verbs.update import check_name, update_object
from k8slab.errors import ApiError, FieldError, bad_request, go_json, invalid, quote

PATCH_TYPES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, APPLY_PATCH)


def patch(call: Call) -> Response:
    """Apply the body to the object of that name."""
    kind = patch_type(call)
    if kind == APPLY_PATCH:
        return apply_patch(call)
    _check_options(call, kind)
    changes = read_patch(call.request.body, kind)
    kv = call.server.storage.read(call.endpoint, call.namespace, call.name)
    current = kv.value if call.endpoint.from_storage is None else call.endpoint.from_storage(kv.value)
    before = to_dict(current)
    # Strategic patches are merged into the document itself.
    document = to_dict(current) if kind == STRATEGIC_MERGE_PATCH else before
    data, rest = apply(kind, document, changes, type(current))
    obj = grafted(current, before, data)
    if obj is None:
        obj = decode_patched(call, data, type(current), before, rest)
    check_name(call, obj)
    return Response(200, update_object(call, with_defaults(call, obj), kv, must_match=False))


def patch_type(call: Call) -> str:
    """Which kind of patch the body is. Raises ApiError 415 for one that the resource does not take."""
    kind = call.request.content_type.partition(";")[0].strip()
    if kind not in PATCH_TYPES:
        raise ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
    if kind == STRATEGIC_MERGE_PATCH and call.endpoint.resource.custom:
        text = (
            "the body of the request was in an unknown format - accepted media types include: "
            "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
        )
        raise ApiError(415, "UnsupportedMediaType", text)
    return kind


def _check_options(call: Call, kind: str) -> None:
    if call.options.force:
        error = FieldError.forbidden("force", "may not be specified for non-apply patch")
        raise invalid_options("PatchOptions", [error])


def read_patch(body: Any, kind: str) -> Any:
    """The plain data of a patch. Raises BadRequest where it is no JSON; strategic patches are decoded by other code."""
    if not isinstance(body, (str, bytes)):
        return body
    try:
        return gojson.loads(body)
    except gojson.SyntaxFault as error:
        prefix = "" if kind == STRATEGIC_MERGE_PATCH else "error decoding patch: "
        raise bad_request(f"{prefix}{error}") from None


def apply(kind: str, document: dict[str, Any], changes: Any, cls: type) -> tuple[Any, Any]:
    """The patched document, and what is left of a strategic patch (None for the other kinds).

    The result shares parts with the document, which is not to be used after a strategic patch.
    Raises ApiError with the server's words where the patch does not fit.
    """
    if kind == JSON_PATCH:
        return json_patch(document, changes), None
    if kind == MERGE_PATCH:
        return merge_patch(document, changes, share=True), None
    return strategic_merge_rest(document, changes, cls, share=True)


def decode_patched(call: Call, data: Any, cls: type, before: dict[str, Any], rest: Any = None) -> Any:
    """The patched document as an object. Raises Invalid, quoting a strategic patch, else the document."""
    mode = call.options.field_validation or "Warn"
    warnings: list[str] = []
    try:
        if not isinstance(data, dict):
            raise DecodeError("json: cannot unmarshal patched document into an object")
        obj = convert_data(data, cls, mode == "Strict", warnings, call)
    except DecodeError as error:
        culprit, why = (quoted(data, before), str(error)) if rest is None else (go_text(rest), _converter_text(error))
        raise invalid("", "", [FieldError.invalid("patch", culprit, why)]) from None
    if mode == "Warn":
        call.warn(*warnings)
    return obj


def _converter_text(error: DecodeError) -> str:
    """A wrong type in the words of the converter that reads strategic patches (`runtime/converter.go`)."""
    found = _WRONG_TYPE.fullmatch(str(error))
    if found is None:
        return str(error)
    given, wanted = found.groups()
    kind = _GO_KINDS.get(given, given)
    if wanted.startswith("[]"):
        return f"cannot restore slice from {kind}"
    if wanted.startswith("map["):
        return f"cannot restore map from {kind}"
    if wanted in ("int32", "int64", "bool", "string", "float64"):
        is_number = given.startswith("number")
        return (
            f"cannot convert int64 to {wanted}" if is_number and wanted == "string" else f"unrecognized type: {wanted}"
        )
    return f"cannot restore struct from: {kind}"


_WRONG_TYPE = re.compile(r"json: cannot unmarshal (\w+(?: \S+)?) into Go (?:struct field \S+|value) of type (\S+)")
_GO_KINDS = {"object": "map", "array": "slice", "number": "int64"}


def quoted(after: Any, before: Any) -> str:
    """A patched document as the server quotes it: what the patch touched has sorted keys, the rest its own order."""
    if not isinstance(after, dict):
        return go_json(after)
    untouched = after == before
    previous = before if isinstance(before, dict) else {}
    names = list(after) if untouched else sorted(after)
    return "{" + ",".join(f"{quote(name)}:{quoted(after[name], previous.get(name))}" for name in names) + "}"

"""PATCH: change an object by a JSON patch, a merge patch or a strategic merge patch (`handlers/patch.go`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from k8slab.api import gojson
from k8slab.api.codec import DecodeError, to_dict
from k8slab.api.patch import go_text, json_patch, merge_patch, strategic_merge_rest
from k8slab.api.request import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, Response
from k8slab.apiserver.call import Call
from k8slab.apiserver.conversion import conversion_problem, wrong_custom_type
from k8slab.apiserver.decoding import convert_data, strict_fault, with_defaults
from k8slab.apiserver.grafting import grafted
from k8slab.apiserver.verbs.apply import apply_patch
from k8slab.apiserver.verbs.read import invalid_options
from k8slab.apiserver.verbs.update import check_name, update_object
from k8slab.errors import ApiError, FieldError, bad_request, go_json, invalid, quote

OPERATION_FIELDS = ("op", "path", "from", "value")
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
    problems = strict_problems(changes, kind)
    obj = None if problems or _says_another_kind(data, before) else grafted(current, before, data)
    if obj is None:
        obj = decode_patched(call, data, type(current), before, rest, problems)
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


def strict_problems(changes: Any, kind: str) -> list[str]:
    """What a strict decoder finds wrong with the patch itself: repeated keys, and fields that no operation has."""
    if kind != JSON_PATCH:
        return gojson.duplicates(changes)
    found: list[str] = []
    for index, operation in enumerate(changes or ()):
        unknown = [f'unknown field "[{index}].{name}"' for name in operation or () if name not in OPERATION_FIELDS]
        found += [*gojson.duplicates(operation, f"[{index}]"), *unknown]
    return [f"json patch {each}" for each in found]


def decode_patched(
    call: Call, data: Any, cls: type, before: dict[str, Any], rest: Any = None, problems: Sequence[str] = ()
) -> Any:
    """The patched document as an object. Raises Invalid, quoting a strategic patch, else the document.

    `problems` are those that a strict decoder had with the patch; those with the document come after them.
    """
    mode = call.options.field_validation or "Warn"
    found: list[str] = []
    try:
        if not isinstance(data, dict):
            raise DecodeError("json: cannot unmarshal patched document into an object")
        if rest is None:
            _check_type(call, data, before)
        obj = convert_data(data, cls, False, found, call)
        if len(found) > 1:
            found = _in_order(call, data, cls, before, found, rest)
        if mode == "Strict" and (problems or found):
            raise strict_fault([*problems, *found])
    except DecodeError as error:
        culprit, why = (quoted(data, before), str(error)) if rest is None else (go_text(rest), _converter_text(error))
        raise invalid("", "", [FieldError.invalid("patch", culprit, why)]) from None
    if mode == "Warn":
        call.warn(*problems, *found)
    return obj


def _says_another_kind(data: Any, before: dict[str, Any]) -> bool:
    return isinstance(data, dict) and any(data.get(name) != before.get(name) for name in ("apiVersion", "kind"))


def _check_type(call: Call, data: dict[str, Any], before: dict[str, Any]) -> None:
    """The patched document is decoded by what it says it is, which a patch may have changed."""
    wanted = (before["apiVersion"], before["kind"])
    given = (str(data.get("apiVersion") or wanted[0]), str(data.get("kind") or wanted[1]))
    if given == wanted:
        return
    if call.endpoint.custom:
        raise wrong_custom_type(given, wanted, call.name)
    problem = conversion_problem(call.server.scheme, given, wanted)
    if problem:
        raise DecodeError(problem)
    data.update(apiVersion=wanted[0], kind=wanted[1])


def _in_order(call: Call, data: Any, cls: type, before: Any, found: list[str], rest: Any) -> list[str]:
    """The unknown fields as the server meets them: sorted after a strategic patch, else as the document is written."""
    if rest is not None:
        return sorted(found)
    written: list[str] = []
    convert_data(as_written(data, before), cls, False, written, call)
    return written


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
    written = as_written(after, before, deep=False)
    previous = before if isinstance(before, dict) else {}
    return "{" + ",".join(f"{quote(name)}:{quoted(item, previous.get(name))}" for name, item in written.items()) + "}"


def as_written(after: Any, before: Any, deep: bool = True) -> Any:
    """A patched document with the keys of each object in the order in which the server writes them."""
    if not isinstance(after, dict):
        return after
    previous = before if isinstance(before, dict) else {}
    names = list(after) if after == before else sorted(after)
    return {name: as_written(after[name], previous.get(name)) if deep else after[name] for name in names}

"""What the expressions of a MutatingAdmissionPolicy do to an object.

Follows `apiserver/pkg/admission/plugin/policy/mutating/patch` (smd.go, json_patch.go).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from k8slab.api.admission import OBJECT, PATCHES
from k8slab.api.apply import Shape, TypedError, merge
from k8slab.api.apply.leaves import validate
from k8slab.api.apply.schema import child_of, resolved
from k8slab.api.cel.values import Record
from k8slab.api.patch import json_patch
from k8slab.apiserver.admission.dynamic.evaluation import Evaluation, Failure
from k8slab.errors import ApiError


def mutated(evaluation: Evaluation, mutation: Any, data: dict[str, Any], shape: Shape) -> dict[str, Any]:
    """The object, as plain data, after one mutation. Raises Failure."""
    if mutation.patchType == "JSONPatch":
        return _patched(evaluation, mutation.jsonPatch.expression, data)
    return _applied(evaluation, mutation.applyConfiguration.expression, data, shape)


def _patched(evaluation: Evaluation, text: str, data: dict[str, Any]) -> dict[str, Any]:
    operations = [_operation(each) for each in evaluation.run(text, (PATCHES,))]
    try:
        return json_patch(data, operations)
    except ApiError as error:
        raise Failure(f"JSON Patch: {error.message}") from None


def _operation(record: Any) -> dict[str, Any]:
    return {name: plain(value) for name, value in record.items()}


def _applied(evaluation: Evaluation, text: str, data: dict[str, Any], shape: Shape) -> dict[str, Any]:
    found = evaluation.run(text, (OBJECT,))
    _check_names(found, "Object")
    wanted = {"apiVersion": data["apiVersion"], "kind": data["kind"], **plain(found)}
    try:
        validate(wanted, shape)
    except TypedError as error:
        raise Failure(f"error applying patch: failed to convert patch object to typed object: {error}") from None
    atomic = list(_atomics(wanted, shape, ""))
    if atomic:
        why = f"may not mutate atomic arrays, maps or structs: {', '.join(atomic)}"
        raise Failure(f"error applying patch: invalid ApplyConfiguration: {why}")
    return merge(data, wanted, shape)


def _check_names(value: Any, path: str) -> None:
    """The types of objects are called after the fields that they are in."""
    if isinstance(value, Record):
        if value.kind != path:
            what = f'expected "{path}", which matches field name path from root Object type'
            raise Failure(f'type mismatch: unexpected type name "{value.kind}", {what}')
        for name, each in value.items():
            _check_names(each, f"{path}.{name}")
    elif isinstance(value, list):
        for each in value:
            _check_names(each, path)


def _atomics(value: Any, shape: Shape | None, path: str) -> Iterator[str]:
    """The paths of lists and objects that can only be replaced as a whole."""
    if shape is None or not isinstance(value, (dict, list)):
        return
    shape = resolved(shape, value)
    if shape.atomic and path:
        yield path
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _atomics(each, child_of(shape, name), f"{path}.{name}")
    else:
        for index, each in enumerate(value):
            yield from _atomics(each, shape.element, f"{path}[{index}]")


def plain(value: Any) -> Any:
    """A value of an expression as JSON data."""
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    from k8slab.api.cel.standard import to_string

    return to_string(value)

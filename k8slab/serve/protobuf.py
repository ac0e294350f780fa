"""Request bodies in Kubernetes' protobuf form, which clients with Go types send (`kubectl create deployment` does).

`apimachinery/pkg/runtime/serializer/protobuf/protobuf.go`: four magic bytes, then an envelope with apiVersion, kind and
the message. A message becomes the plain data that the same object has in JSON. Answers are JSON: clients that send
protobuf accept that as well.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterable
from functools import cache
from typing import Any

from k8slab.api.decoding import Shape, shapes
from k8slab.api.scheme import SCHEME, NoMatch
from k8slab.errors import bad_request
from k8slab.serve.fieldnumbers import TABLE
from k8slab.serve.wireformat import Value, WireError, fields
from k8slab.sim.clock import SECOND
from k8slab.sim.timestamps import rfc3339, rfc3339_micro

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
MAGIC = b"k8s\x00"
DEPTH = 100
#: Go writes numbers and truths that are no pointers even when they are zero, and JSON leaves them out. Of pointers to
#: zero JSON keeps the zero, and in these fields it means something else than nothing.
POINTERS = frozenset(
    [
        "activeDeadlineSeconds",
        "allocateLoadBalancerNodePorts",
        "allowPrivilegeEscalation",
        "allowVolumeExpansion",
        "attachRequired",
        "automountServiceAccountToken",
        "averageUtilization",
        "backoffLimit",
        "backoffLimitPerIndex",
        "blockOwnerDeletion",
        "completions",
        "controller",
        "defaultMode",
        "enableServiceLinks",
        "expirationSeconds",
        "failedJobsHistoryLimit",
        "fsGroup",
        "gracePeriodSeconds",
        "hostUsers",
        "immutable",
        "manualSelector",
        "maxFailedIndexes",
        "minReplicas",
        "mode",
        "nodeExpandSecretRef",
        "optional",
        "orphanDependents",
        "parallelism",
        "podInfoOnMount",
        "privileged",
        "progressDeadlineSeconds",
        "readOnlyRootFilesystem",
        "ready",
        "replicas",
        "requiresRepublish",
        "revisionHistoryLimit",
        "runAsGroup",
        "runAsNonRoot",
        "runAsUser",
        "seLinuxMount",
        "serving",
        "setHostnameAsFQDN",
        "shareProcessNamespace",
        "stabilizationWindowSeconds",
        "startingDeadlineSeconds",
        "storageCapacity",
        "storageClassName",
        "successfulJobsHistoryLimit",
        "suspend",
        "terminating",
        "terminationGracePeriodSeconds",
        "tolerationSeconds",
        "ttlSecondsAfterFinished",
    ]
)


def decode(body: bytes) -> dict[str, Any]:
    """The plain data of an object in protobuf form. Raises ApiError (400)."""
    if not body.startswith(MAGIC):
        raise bad_request("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    try:
        envelope = _grouped(body[len(MAGIC) :])
        head = _grouped(_bytes(envelope, 1))
        api_version, kind = _bytes(head, 1).decode(), _bytes(head, 2).decode()
        cls = SCHEME.class_of(api_version or "v1", kind) if kind not in _OPTIONS else _options(kind)
        message = _struct(cls, _bytes(envelope, 2), DEPTH)
    except NoMatch as error:
        raise bad_request(str(error)) from None
    except (WireError, UnicodeDecodeError, ValueError, OverflowError) as error:
        raise bad_request(f"couldn't read the protobuf message: {error}") from None
    return {"apiVersion": api_version, "kind": kind, **message}


_OPTIONS = ("DeleteOptions",)


def _options(kind: str) -> Any:
    from k8slab.api import meta_v1

    return getattr(meta_v1, kind)


def _struct(cls: Any, data: Value, depth: int, message: str = "") -> dict[str, Any]:
    """A message's fields; `message` names the one to read where the object has its fields as its own."""
    module = cls.__module__.rpartition(".")[2]
    numbers = _numbers(f"{module}.{message or cls.__name__}")
    known = shapes(cls)
    result: dict[str, Any] = {}
    if not depth:
        raise WireError("proto: nested too deeply")
    for number, values in _grouped(_raw(data)).items():
        name, inline = numbers.get(number, ("", ""))
        if inline:
            result |= _struct(cls, values[-1], depth - 1, inline)
        elif name in known:
            value = _value(known[name], values, depth - 1)
            if value is not None and (value not in ("", 0, False) or name in POINTERS):
                result[name] = value
    return result


@cache
def _numbers(message: str) -> dict[int, tuple[str, str]]:
    """Field number -> (name, message of which the field is a part of the object itself)."""
    found: dict[int, tuple[str, str]] = {}
    for entry in _messages().get(message, ()):
        number, _, name = entry.partition(":")
        name, _, inline = name.partition("=")
        found[int(number)] = (name, inline)
    return found


@cache
def _messages() -> dict[str, list[str]]:
    table = (line.split() for line in TABLE.replace("\n ", "").splitlines() if line)
    return {name: entries for name, *entries in table}


def _value(shape: Shape, values: list[Value], depth: int) -> Any:
    if shape.kind == "list":
        return [_single(shape.element, value, depth) for value in values]
    if shape.kind == "map":
        return _map(shape, values, depth)
    return _single(shape, values[-1], depth)


def _map(shape: Shape, values: Iterable[Value], depth: int) -> dict[str, Any]:
    if shape.element.kind == "any":
        # FieldsV1: JSON text in a message of its own.
        return json.loads(_bytes(_grouped(_raw(list(values)[-1])), 1) or b"{}")
    result = {}
    for entry in values:
        parts = _grouped(_raw(entry))
        value = parts.get(2, [b""])[-1]
        if shape.element.kind == "list":
            # A list as a map's value is wrapped in a message (`ExtraValue`).
            result[_bytes(parts, 1).decode()] = _value(shape.element, _grouped(_raw(value)).get(1, []), depth)
        else:
            result[_bytes(parts, 1).decode()] = _single(shape.element, value, depth)
    return result


def _single(shape: Shape, value: Value, depth: int) -> Any:
    kind = shape.kind
    if kind == "struct":
        return _struct(shape.cls, value, depth)
    if kind == "str":
        return _raw(value).decode()
    if kind == "bool":
        return bool(value)
    if kind in ("int32", "int64"):
        return _signed(value)
    if kind == "byte":
        return base64.b64encode(_raw(value)).decode()
    if kind == "float":
        return struct.unpack("<d", _raw(value))[0]
    return _SPECIAL[kind](_grouped(_raw(value)))


def _quantity(parts: dict[int, list[Value]]) -> str:
    return _bytes(parts, 1).decode() or "0"


def _time(parts: dict[int, list[Value]]) -> str | None:
    return rfc3339(_signed(parts.get(1, [0])[-1]) * SECOND) if parts else None


def _micro_time(parts: dict[int, list[Value]]) -> str | None:
    if not parts:
        return None
    return rfc3339_micro(_signed(parts.get(1, [0])[-1]) * SECOND + _signed(parts.get(2, [0])[-1]) // 1000)


def _int_or_string(parts: dict[int, list[Value]]) -> int | str:
    return _bytes(parts, 3).decode() if parts.get(1, [0])[-1] else _signed(parts.get(2, [0])[-1])


def _any(parts: dict[int, list[Value]]) -> Any:
    text = _bytes(parts, 1)
    return json.loads(text) if text else None


_SPECIAL = {
    "quantity": _quantity,
    "time": _time,
    "micro-time": _micro_time,
    "int-or-string": _int_or_string,
    "any": _any,
}


def _grouped(data: bytes) -> dict[int, list[Value]]:
    result: dict[int, list[Value]] = {}
    for number, value in fields(data):
        result.setdefault(number, []).append(value)
    return result


def _bytes(parts: dict[int, list[Value]], number: int) -> bytes:
    return _raw(parts.get(number, [b""])[-1])


def _raw(value: Value) -> bytes:
    if isinstance(value, int):
        raise WireError("proto: wrong wireType = 0")
    return value


def _signed(value: Value) -> int:
    if not isinstance(value, int):
        raise WireError("proto: wrong wireType = 2")
    return value - (1 << 64) if value >> 63 else value

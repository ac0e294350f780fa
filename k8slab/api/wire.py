"""Objects as they stand in an API server's answer: some absent fields are written as null.

Go writes a zero time or an empty list as `null` where the field's tag lets it through; clients and `kubectl -o yaml`
show it (`lastProbeTime: null`).
"""

from __future__ import annotations

from functools import cache
from typing import Any

from k8slab.api.base import KubeStruct
from k8slab.api.codec import to_dict
from k8slab.api.decoding import Shape, shapes

_NULLS = {
    "v1.PodCondition": ("lastProbeTime", "lastTransitionTime"),
    "v1.NodeCondition": ("lastHeartbeatTime", "lastTransitionTime"),
    "v1.JobCondition": ("lastProbeTime", "lastTransitionTime"),
    "v1.ContainerStateRunning": ("startedAt",),
    "v1.ContainerStateTerminated": ("startedAt", "finishedAt"),
    "v1.EndpointSlice": ("endpoints", "ports"),
    "v1.Role": ("rules",),
    "v1.ClusterRole": ("rules",),
    "v2.HorizontalPodAutoscalerStatus": ("currentMetrics",),
    "v1.CustomResourceDefinitionStatus": ("conditions",),
    "v1.Event": ("eventTime", "firstTimestamp", "lastTimestamp", "deprecatedFirstTimestamp", "deprecatedLastTimestamp"),
}

_EMPTY = {"v1.ContainerStatus": ("lastState", "state")}
"""Objects that Go always writes, as `{}` where nothing is in them."""


def to_wire(obj: Any) -> dict[str, Any]:
    """An object as plain JSON data, with the nulls that the API server writes."""
    data = to_dict(obj)
    if isinstance(obj, KubeStruct):
        _fill(type(obj), data)
    return data


def nulls_of(cls: Any) -> tuple[str, ...]:
    """The fields of a class that are written as null where they are absent."""
    return _NULLS.get(cls.GO_TYPE, ())


def _fill(cls: Any, data: dict[str, Any]) -> None:
    nulls, parts = _plan(cls)
    for name in nulls:
        data.setdefault(name, None)
    for name in _EMPTY.get(cls.GO_TYPE, ()):
        data.setdefault(name, {})
    for name, shape in parts:
        if data.get(name) is not None:
            _fill_value(shape, data[name])


def _fill_value(shape: Shape, value: Any) -> None:
    if shape.kind == "struct":
        _fill(shape.cls, value)
    else:
        for item in value if shape.kind == "list" else value.values():
            _fill_value(shape.element, item)


@cache
def _plan(cls: Any) -> tuple[tuple[str, ...], tuple[tuple[str, Shape], ...]]:
    """The fields that may be null, and the fields in which such ones lie deeper."""
    fields = shapes(cls)
    nulls = tuple(name for name in _NULLS.get(cls.GO_TYPE, ()) if name in fields)
    parts = tuple((name, shape) for name, shape in fields.items() if _reaches(shape, frozenset({cls})))
    return nulls, parts


def _reaches(shape: Shape, above: frozenset[type]) -> bool:
    if shape.element is not None:
        return _reaches(shape.element, above)
    if shape.cls is None or shape.cls in above:
        return False
    is_source = shape.cls.GO_TYPE in _NULLS or shape.cls.GO_TYPE in _EMPTY
    return is_source or any(_reaches(field, above | {shape.cls}) for field in shapes(shape.cls).values())

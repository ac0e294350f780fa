"""What server-side apply must know of a value: whether it is one thing, and by what the items of a list are told apart.

The facts are the classes' LIST_TYPE, LIST_MAP_KEYS, MAP_TYPE and ATOMIC tables, which come from the OpenAPI schema's
`x-kubernetes-list-type`, `x-kubernetes-list-map-keys` and `x-kubernetes-map-type`.
"""

from __future__ import annotations

from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from msgspec.structs import fields

from k8slab.api.base import KubeObject, KubeStruct
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.unstructured import Unstructured
from k8slab.api.wire import nulls_of

KEY_DEFAULTS = {"protocol": "TCP"}
"""The one such key in Kubernetes' own kinds: that of ports."""
VALUES = {
    "v1.PodTemplateSpec": "metadata spec",
    "v1.JobTemplateSpec": "metadata spec",
    "v1.PersistentVolumeClaimTemplate": "metadata spec",
    "v1.Container": "resources",
    "v1.EphemeralContainer": "resources",
    "v1.ContainerStatus": "state lastState",
    "v1.DeploymentSpec": "template strategy",
    "v1.ReplicaSetSpec": "template",
    "v1.StatefulSetSpec": "template updateStrategy",
    "v1.DaemonSetSpec": "template updateStrategy",
    "v1.JobSpec": "template",
    "v1.CronJobSpec": "jobTemplate",
    "v1.PersistentVolumeClaimSpec": "resources",
    "v1.PersistentVolumeSpec": "capacity",
    "v1.ServiceStatus": "loadBalancer",
    "v1.IngressStatus": "loadBalancer",
    "v1.NodeStatus": "daemonEndpoints nodeInfo",
    "v1.NodeDaemonEndpoints": "kubeletEndpoint",
    "v1.NetworkPolicySpec": "podSelector",
    "v2.HorizontalPodAutoscalerSpec": "scaleTargetRef",
    "v1.Event": "involvedObject source",
    "v1.RoleBinding": "roleRef",
    "v1.ClusterRoleBinding": "roleRef",
}
"""Structs that are written even if they are empty, by the class that holds them."""


class Shape(NamedTuple):
    """The shape of a value."""

    kind: str
    """string, numeric, boolean, untyped (a number or a string), struct, map, list, or any (told by the value)."""
    atomic: bool = False
    """Owned and replaced as a whole."""
    cls: type | None = None
    """Of a struct."""
    element: Shape | None = None
    """Of a map's or list's values."""
    keys: tuple[str, ...] = ()
    """Of a list whose items are maps: what tells items apart. A list without keys that is not atomic is a set."""
    defaults: dict[str, Any] = KEY_DEFAULTS
    """Of such a list: keys that an item may leave out, with what they are then."""
    properties: dict[str, Any] | None = None
    """Of a struct without a class: the shapes of its fields."""
    is_open: bool = False
    """Such a struct may have other fields, too."""


STRING, NUMERIC, BOOLEAN, UNTYPED = Shape("string"), Shape("numeric"), Shape("boolean"), Shape("untyped")
ANY = Shape("any")
ANY_MAP = Shape("map", element=ANY)
ANY_LIST = Shape("list", atomic=True, element=ANY)


def shape_of(cls: Any) -> Shape:
    """The shape of the objects of a class."""
    return _shape_of(cls)


@cache
def _shape_of(cls: Any) -> Shape:
    return Shape("struct", atomic=getattr(cls, "ATOMIC", False), cls=cls)


@cache
def fields_of(cls: Any) -> dict[str, Shape]:
    """The shapes of a class's fields, by JSON name."""
    if cls is Unstructured:
        return {"apiVersion": STRING, "kind": STRING, "metadata": shape_of(ObjectMeta)}
    return {item.encode_name: _field(cls, item.encode_name, item.type) for item in fields(cls)}


def resolved(shape: Shape, value: Any) -> Shape:
    """The shape of a value that may have any: a map, an atomic list or a scalar."""
    if shape.kind != "any":
        return shape
    if isinstance(value, dict):
        return ANY_MAP
    return ANY_LIST if isinstance(value, (list, tuple)) else UNTYPED


def child_of(shape: Shape, name: str) -> Shape | None:
    """The shape under a name of a struct or map; None where a struct has no such field."""
    if shape.kind == "map":
        return shape.element
    if shape.properties is not None:
        return shape.properties.get(name, ANY if shape.is_open else None)
    known = fields_of(shape.cls)
    return known.get(name, ANY if shape.cls is Unstructured else None)


def is_field(shape: Shape, name: str) -> bool:
    """Whether a name is a declared field, other than a key of a map."""
    if shape.kind != "struct":
        return False
    return name in (fields_of(shape.cls) if shape.properties is None else shape.properties)


@cache
def constant_fields(cls: Any) -> tuple[str, ...]:
    """Fields of a class that its objects have in JSON even if they are empty: Go structs that are no pointers."""
    known = fields_of(cls)
    lists = [name for name in cls.REQUIRED if known.get(name, ANY).kind in ("list", "map")]
    named = VALUES.get(cls.GO_TYPE, "").split()
    top = [name for name in ("metadata", "spec", "status") if name in known] if issubclass(cls, KubeObject) else []
    return tuple(dict.fromkeys((*lists, *named, *top, *nulls_of(cls))))


def _field(cls: type[KubeStruct], name: str, annotation: Any) -> Shape:
    annotation = _bare(annotation)
    shape = _shape(annotation)
    if shape.kind == "list":
        kind = cls.LIST_TYPE.get(name, "atomic")
        keys = cls.LIST_MAP_KEYS.get(name, ()) if kind == "map" else ()
        return shape._replace(atomic=kind == "atomic", keys=tuple(sorted(keys)))
    if shape.kind in ("struct", "map") and cls.MAP_TYPE.get(name) == "atomic":
        return shape._replace(atomic=True)
    return shape


def _bare(annotation: Any) -> Any:
    """Without None and without constraints."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (UnionType, Union):
        rest = [_bare(item) for item in get_args(annotation) if item is not NoneType]
        return rest[0] if len(rest) == 1 else tuple(rest)
    return annotation


def _shape(annotation: Any) -> Shape:
    annotation = _bare(annotation)
    if isinstance(annotation, tuple):
        return NUMERIC if all(item in (int, float) for item in annotation) else UNTYPED
    if isinstance(annotation, type) and issubclass(annotation, KubeStruct):
        return shape_of(annotation)
    origin = get_origin(annotation)
    if origin is tuple:
        return Shape("list", element=_shape(get_args(annotation)[0]))
    if origin is dict:
        return Shape("map", element=_shape(get_args(annotation)[1]))
    return {str: STRING, bool: BOOLEAN, int: NUMERIC, float: NUMERIC}.get(annotation, ANY)

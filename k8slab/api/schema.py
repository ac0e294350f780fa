"""OpenAPI schemas of the API's types, made from the generated classes.

Names, enumerations and extensions are those of the documents that kube-apiserver publishes; descriptions are there
where they are installed (`api/descriptions.py`).
"""

from __future__ import annotations

from functools import cache
from typing import Any

from k8slab.api.decoding import Shape, shapes
from k8slab.api.descriptions import description, field_description
from k8slab.api.enums import enum_of
from k8slab.api.meta_v1 import ListMeta
from k8slab.api.scheme import SCHEME

Schema = dict[str, Any]
META = "io.k8s.apimachinery.pkg.apis.meta.v1"
#: A kind whose description of the fields that all kinds have is also that of custom kinds.
ANY_KIND = "io.k8s.api.core.v1.ConfigMap"
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
PACKAGES = {
    "meta": "io.k8s.apimachinery.pkg.apis.meta",
    "apiextensions": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions",
    "apiregistration": "io.k8s.kube-aggregator.pkg.apis.apiregistration",
}
SCALARS: dict[str, Schema] = {
    "str": {"type": "string"},
    "bool": {"type": "boolean"},
    "int32": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"},
    "float": {"type": "number", "format": "double"},
    "byte": {"type": "string", "format": "byte"},
    "any": {},
}
SPECIAL: dict[str, tuple[str, Schema]] = {
    "quantity": (QUANTITY, {"oneOf": [{"type": "string"}, {"type": "number"}]}),
    "time": (f"{META}.Time", {"type": "string", "format": "date-time"}),
    "micro-time": (f"{META}.MicroTime", {"type": "string", "format": "date-time"}),
    "int-or-string": (INT_OR_STRING, {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]}),
}
APIEXTENSIONS = f"{PACKAGES['apiextensions']}.v1"
RAW: tuple[str, Schema] = ("io.k8s.apimachinery.pkg.runtime.RawExtension", {"type": "object"})
JSON: tuple[str, Schema] = (f"{APIEXTENSIONS}.JSON", {})
#: Types of fields that hold any JSON.
FREE: dict[str, tuple[str, Schema]] = {
    "ManagedFieldsEntry.fieldsV1": (f"{META}.FieldsV1", {"type": "object"}),
    "ControllerRevision.data": RAW,
    "OpaqueDeviceConfiguration.parameters": RAW,
    "AllocatedDeviceStatus.data": RAW,
    "JSONSchemaProps.default": JSON,
    "JSONSchemaProps.enum": JSON,
    "JSONSchemaProps.example": JSON,
    "JSONSchemaProps.additionalItems": (f"{APIEXTENSIONS}.JSONSchemaPropsOrBool", {}),
    "JSONSchemaProps.additionalProperties": (f"{APIEXTENSIONS}.JSONSchemaPropsOrBool", {}),
    "JSONSchemaProps.items": (f"{APIEXTENSIONS}.JSONSchemaPropsOrArray", {}),
    "JSONSchemaProps.dependencies": (f"{APIEXTENSIONS}.JSONSchemaPropsOrStringArray", {}),
}


def schema_name(cls: Any) -> str:
    """What a class is called in the published documents: `io.k8s.api.apps.v1.Deployment`."""
    group, _, version = cls.__module__.rpartition(".")[2].rpartition("_")
    return f"{PACKAGES.get(group, f'io.k8s.api.{group}')}.{version}.{cls.__name__}"


class Definitions:
    """The schemas of some types and of all that they consist of.

    Args:
        prefix: where references point, `#/components/schemas/` (v3) or `#/definitions/` (v2).
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.schemas: dict[str, Schema] = {}
        self._is_v3 = prefix.startswith("#/components")

    def reference(self, cls: Any) -> Schema:
        """A reference to a class's schema, which is made if it is not there."""
        name = schema_name(cls)
        if name not in self.schemas:
            self.schemas[name] = {}
            self.schemas[name] = self._object(cls)
        return {"$ref": self.prefix + name}

    def list_of(self, cls: Any) -> Schema:
        """A reference to the schema of a kind's list."""
        name = f"{schema_name(cls)}List"
        if name not in self.schemas:
            self.schemas[name] = {}
            items = {"type": "array", "items": self.reference(cls)}
            metadata = self.reference(ListMeta)
            properties = {**type_meta(), "items": items, "metadata": metadata}
            self.schemas[name] = {"type": "object", "required": ["items"], "properties": properties}
        return {"$ref": self.prefix + name}

    def add(self, name: str, schema: Schema) -> Schema:
        """Add a schema under a name of its own; a reference to it."""
        self.schemas[name] = schema
        return {"$ref": self.prefix + name}

    def _object(self, cls: Any) -> Schema:
        schema: Schema = {**_described(description(schema_name(cls))), "type": "object"}
        if cls.REQUIRED:
            schema["required"] = list(cls.REQUIRED)
        properties = {name: self._property(cls, name, shape) for name, shape in sorted(shapes(cls).items())}
        if properties:
            schema["properties"] = properties
        if cls.ATOMIC:
            schema["x-kubernetes-map-type"] = "atomic"
        kinds = _kinds().get(cls)
        if kinds:
            schema["x-kubernetes-group-version-kind"] = kinds
        return schema

    def _property(self, cls: Any, name: str, shape: Shape) -> Schema:
        values = enum_of(cls, name)
        schema = self._of(shape, f"{cls.__name__}.{name}")
        extensions = _described(_with_values(field_description(schema_name(cls), name), values, shape))
        if values:
            (schema if shape.kind == "str" else schema["items"])["enum"] = list(values)
        if name in cls.LIST_TYPE:
            extensions["x-kubernetes-list-type"] = cls.LIST_TYPE[name]
        if name in cls.LIST_MAP_KEYS:
            extensions["x-kubernetes-list-map-keys"] = list(cls.LIST_MAP_KEYS[name])
        if name in cls.MAP_TYPE:
            extensions["x-kubernetes-map-type"] = cls.MAP_TYPE[name]
        if name in cls.PATCH_STRATEGY:
            extensions["x-kubernetes-patch-strategy"] = ",".join(cls.PATCH_STRATEGY[name])
        if name in cls.PATCH_MERGE_KEY:
            extensions["x-kubernetes-patch-merge-key"] = cls.PATCH_MERGE_KEY[name]
        return self._beside(schema, extensions)

    def _of(self, shape: Shape, field: str) -> Schema:
        if field == "ManagedFieldsEntry.fieldsV1" or (shape.kind == "any" and field in FREE):
            return self._beside(self._named(*FREE[field]), {})
        if shape.kind == "struct":
            return self._beside(self.reference(shape.cls), {})
        if shape.kind == "list":
            return {"type": "array", "items": self._of(shape.element, field)}
        if shape.kind == "map":
            return {"type": "object", "additionalProperties": self._of(shape.element, field)}
        if shape.kind in SPECIAL:
            name, schema = SPECIAL[shape.kind]
            if "oneOf" in schema and not self._is_v3:
                # Swagger 2 knows no alternatives.
                schema = {"type": "string"} | {key: value for key, value in schema.items() if key != "oneOf"}
            return self._beside(self._named(name, schema), {})
        return dict(SCALARS.get(shape.kind, {}))

    def _named(self, name: str, schema: Schema) -> Schema:
        self.schemas.setdefault(name, {**_described(description(name)), **schema})
        return {"$ref": self.prefix + name}

    def _beside(self, schema: Schema, extensions: Schema) -> Schema:
        """A schema with extensions; in v3 nothing may stand beside a reference, so it is wrapped."""
        if "$ref" in schema and self._is_v3:
            schema = {"allOf": [schema]}
        return schema | extensions


def type_meta() -> Schema:
    """The fields that every kind has."""
    return {
        name: {**_described(field_description(ANY_KIND, name)), "type": "string"} for name in ("apiVersion", "kind")
    }


def object_meta(reference: Schema) -> Schema:
    """The field `metadata` of a custom kind."""
    return {**_described(field_description(ANY_KIND, "metadata")), "allOf": [reference]}


def _described(text: str) -> Schema:
    return {"description": text} if text else {}


def _with_values(text: str, values: tuple[str, ...], shape: Shape) -> str:
    """A description with the values that are possible, as the generator of the published documents adds them."""
    if not text or not values or shape.kind != "str":
        return text
    return "\n".join((f"{text}\n\nPossible enum values:", *(f' - `"{value}"`' for value in values)))


@cache
def _kinds() -> dict[Any, list[dict[str, str]]]:
    """The kinds that each class stands for."""
    found: dict[Any, list[dict[str, str]]] = {}
    for resource in SCHEME.all_resources():
        kind = {"group": resource.group, "kind": resource.kind, "version": resource.version}
        found.setdefault(resource.cls, []).append(kind)
    return found

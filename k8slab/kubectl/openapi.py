"""What `kubectl explain` reads: the OpenAPI v3 schema of a kind, with the schemas that it refers to."""

from __future__ import annotations

from typing import Any

from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.schema import Definitions, Schema, object_meta, type_meta
from k8slab.api.scheme import NoMatch, Resource

PREFIX = "#/components/schemas/"


class Document:
    """The schemas of one kind.

    Args:
        access: the way to the API server, which knows the custom kinds.
        resource: the kind.
    """

    def __init__(self, access: Any, resource: Resource) -> None:
        self._definitions = Definitions(PREFIX)
        if resource.custom:
            self.root = self._custom(access, resource)
        else:
            self.root = self._definitions.reference(resource.cls)

    def _custom(self, access: Any, resource: Resource) -> Schema:
        schema = custom_schema(access, resource)
        metadata = object_meta(self._definitions.reference(ObjectMeta))
        properties = {**schema.get("properties", {}), **type_meta(), "metadata": metadata}
        return {**schema, "properties": properties}

    def resolved(self, schema: Schema) -> Schema:
        """The schema itself, or the one that it refers to."""
        name = schema.get("$ref", "").removeprefix(PREFIX)
        return self._definitions.schemas[name] if name else schema

    def type_of(self, schema: Schema) -> str:
        """The type as explain shows it: `[]Container`, `map[string]string`, `IntOrString`."""
        others = schema.get("additionalProperties")
        if "items" in schema:
            return f"[]{self.type_of(schema['items'])}"
        if isinstance(others, dict) and others:
            return f"map[string]{self.type_of(others)}"
        if len(schema.get("allOf", ())) == 1 and not schema.get("properties"):
            return self.type_of(schema["allOf"][0])
        if "$ref" in schema:
            kind = self.resolved(schema).get("type") or "object"
            return schema["$ref"].rpartition(".")[2] if kind == "object" else kind
        kind = schema.get("type") or "object"
        return "Object" if kind == "object" else kind

    def parts(self, schema: Schema) -> list[Schema]:
        """What a schema is made of besides its own properties."""
        inner = [*schema.get("allOf", ()), schema.get("items"), schema.get("additionalProperties")]
        return [each for each in inner if isinstance(each, dict) and each]

    def description(self, schema: Schema) -> str:
        """The description of a field, then those of its type and of its elements', each ended by a line break."""
        resolved = self.resolved(schema)
        own = resolved.get("description", "")
        return "".join((f"{own}\n" if own else "", *(self.description(each) for each in self.parts(resolved))))

    def property(self, schema: Schema, name: str) -> Schema | None:
        """A field's schema; None where there is no such field."""
        resolved = self.resolved(schema)
        found = resolved.get("properties", {}).get(name)
        if found is not None:
            return found
        deeper = (self.property(each, name) for each in self.parts(resolved))
        return next((each for each in deeper if each is not None), None)


def custom_schema(access: Any, resource: Resource) -> Schema:
    """The schema in the definition of a custom kind; an empty one where that cannot be read."""
    try:
        definitions = access.scheme.resource("customresourcedefinitions.apiextensions.k8s.io")
        found = access.get(definitions, resource.group_resource, None)
    except NoMatch:
        found = {}
    versions = (found.get("spec") or {}).get("versions") or ()
    version: dict[str, Any] = next((each for each in versions if each["name"] == resource.version), {})
    return (version.get("schema") or {}).get("openAPIV3Schema") or {"type": "object"}

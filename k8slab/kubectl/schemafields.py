"""Fields of custom kinds for `kubectl explain`: read from the schema of the definition, with its descriptions."""

from __future__ import annotations

from typing import Any

from k8slab.api.scheme import NoMatch, Resource

HEAD: dict[str, dict[str, Any]] = {
    "apiVersion": {"type": "string"},
    "kind": {"type": "string"},
    "metadata": {"type": "object", "x-name": "ObjectMeta"},
}


class SchemaField:
    """A field of a custom kind (or the kind itself), as `explain` shows it."""

    def __init__(self, name: str, schema: dict[str, Any], required: bool = False, is_root: bool = False) -> None:
        self.name, self.schema, self.required, self._is_root = name, schema, required, is_root

    @property
    def target(self) -> Any:
        """The schema of the elements for lists and maps, otherwise the schema itself."""
        inner = self.schema
        while True:
            deeper = inner.get("items") or inner.get("additionalProperties")
            if not isinstance(deeper, dict):
                return inner
            inner = deeper

    @property
    def fields(self) -> list[SchemaField]:
        """The fields of an object type, in alphabetical order."""
        target = self.target
        found = dict(target.get("properties") or {}) | (HEAD if self._is_root else {})
        required = target.get("required") or ()
        return [SchemaField(name, found[name], name in required) for name in sorted(found)]

    @property
    def type(self) -> str:
        """The type as explain shows it, without the angle brackets."""
        return _type(self.schema)

    @property
    def facts(self) -> str:
        """The description in the schema."""
        return self.schema.get("description", "")

    @property
    def enum(self) -> list[str]:
        """The values that the schema allows, where it names them."""
        return [str(value) for value in self.schema.get("enum") or ()]


def _type(schema: dict[str, Any]) -> str:
    if "x-name" in schema:
        return schema["x-name"]
    if schema.get("x-kubernetes-int-or-string"):
        return "IntOrString"
    kind = schema.get("type", "")
    if kind == "array":
        return f"[]{_type(schema.get('items') or {})}"
    others = schema.get("additionalProperties")
    if kind == "object" and isinstance(others, dict):
        return f"map[string]{_type(others)}"
    return {"object": "Object", "": "Object"}.get(kind, kind)


def custom_root(access: Any, resource: Resource) -> SchemaField:
    """The kind itself, as its definition describes it; nothing but the metadata where that cannot be read."""
    try:
        definitions = access.scheme.resource("customresourcedefinitions.apiextensions.k8s.io")
        found = access.get(definitions, resource.group_resource, None)
    except NoMatch:
        found = {}
    versions = (found.get("spec") or {}).get("versions") or ()
    version: dict[str, Any] = next((each for each in versions if each["name"] == resource.version), {})
    return SchemaField("", (version.get("schema") or {}).get("openAPIV3Schema") or {}, is_root=True)

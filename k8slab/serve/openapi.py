"""`/openapi/v3` and `/openapi/v2`: what can be asked of each path, and the schemas.

kubectl reads them for `explain`, for `apply`'s patches and to know whether the server validates fields itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from k8slab.api.codec import to_dict
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.request import Response
from k8slab.api.schema import Definitions, Schema, object_meta, type_meta
from k8slab.api.scheme import NoMatch, Resource
from k8slab.serve import swagger
from k8slab.serve.encoding import encode
from k8slab.serve.exchange import JSON, TEXT

if TYPE_CHECKING:
    from k8slab.apiserver import APIServer

INFO = {"title": "Kubernetes", "version": "v1.36.2"}
OTHERS = (".well-known/openid-configuration", "openid/v1/jwks", "version")
PATCHES = (
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
)
WRITING = ("dryRun", "fieldManager", "fieldValidation")
LISTING = (
    *("allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit", "resourceVersion"),
    *("resourceVersionMatch", "sendInitialEvents", "timeoutSeconds", "watch"),
)
DELETING = ("dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy")
NUMBERS = ("limit", "timeoutSeconds", "gracePeriodSeconds")
SWITCHES = ("allowWatchBookmarks", "sendInitialEvents", "watch", "orphanDependents", "force")
METHODS = {
    "create": ("post", "post"),
    "delete": ("delete", "delete"),
    "deletecollection": ("delete", "deletecollection"),
    "get": ("get", "get"),
    "list": ("get", "list"),
    "patch": ("patch", "patch"),
    "update": ("put", "put"),
}
ON_COLLECTION = ("create", "deletecollection", "list")
PARAMETERS = {
    "create": WRITING,
    "update": WRITING,
    "patch": (*WRITING, "force"),
    "list": LISTING,
    "deletecollection": (*LISTING, *DELETING),
    "delete": DELETING,
}


class OpenAPI:
    """The OpenAPI documents of a server; each is made when first asked for, and again when kinds were added."""

    def __init__(self, server: APIServer) -> None:
        self._server = server
        self._made: dict[str, tuple[tuple[int, ...], bytes]] = {}

    def document(self, path: str, accept: str = "") -> tuple[Response, str]:
        """The answer for a path below `/openapi/`, and its type."""
        if path == "/openapi/v2" and any(name in accept for name in swagger.ASKED):
            return Response(200, self._kept("v2.protobuf")), swagger.MEDIA_TYPE
        response = self._in_json(path)
        # The list of documents is JSON, but upstream's handler leaves it to Go to guess the type.
        return response, JSON if response.is_success and path != "/openapi/v3" else TEXT

    def _in_json(self, path: str) -> Response:
        if path == "/openapi/v3":
            return Response(200, {"paths": {name: self._entry(name) for name in self._names()}})
        if path == "/openapi/v2":
            return Response(200, self._kept("v2"))
        name = path.removeprefix("/openapi/v3/")
        if name not in self._names():
            return Response(404, "404 page not found\n")
        return Response(200, self._kept(name))

    def _names(self) -> list[str]:
        versions = {_root(resource) for resource in self._resources()}
        groups = {name.rpartition("/")[0] for name in versions}
        return sorted({"api", "apis", *OTHERS, *versions, *groups})

    def _resources(self) -> tuple[Resource, ...]:
        return tuple(each for each in self._server.scheme.all_resources() if not each.untyped)

    def _entry(self, name: str) -> dict[str, str]:
        digest = hashlib.sha512(self._kept(name)).hexdigest().upper()
        return {"serverRelativeURL": f"/openapi/v3/{name}?hash={digest}"}

    def _kept(self, name: str) -> bytes:
        version = self._version(name)
        found = self._made.get(name)
        if found is None or found[0] != version:
            found = self._made[name] = (version, self._document(name))
        return found[1]

    def _version(self, name: str) -> tuple[int, ...]:
        """What a document depends on: the definitions of custom kinds, where it tells of such."""
        if name.startswith("v2") or any(each.custom and _root(each) == name for each in self._resources()):
            definitions = self._server.store.range("/registry/apiextensions.k8s.io/customresourcedefinitions/")
            return tuple(each.mod_revision for each in definitions)
        return ()

    def _document(self, name: str) -> bytes:
        if name == "v2.protobuf":
            return swagger.encode(self._v2())
        return encode(self._v2() if name == "v2" else self._v3(name))

    def _v3(self, name: str) -> dict[str, Any]:
        definitions = Definitions("#/components/schemas/")
        paths: dict[str, Any] = {}
        for resource in self._resources():
            if _root(resource) == name:
                paths |= Paths(self._server, definitions, resource).made()
        return {
            "openapi": "3.0.0",
            "info": INFO,
            "paths": paths,
            "components": {"schemas": dict(sorted(definitions.schemas.items()))},
        }

    def _v2(self) -> dict[str, Any]:
        definitions = Definitions("#/definitions/")
        paths: dict[str, Any] = {}
        for resource in self._resources():
            paths |= Paths(self._server, definitions, resource).made()
        return {
            "swagger": "2.0",
            "info": INFO,
            "paths": paths,
            "definitions": dict(sorted(definitions.schemas.items())),
        }


class Paths:
    """The paths of one resource and its subresources, with their operations."""

    def __init__(self, server: APIServer, definitions: Definitions, resource: Resource) -> None:
        self._server, self._definitions, self._resource = server, definitions, resource
        self._is_v3 = definitions.prefix.startswith("#/components")

    def made(self) -> dict[str, Any]:
        """Path -> operations."""
        resource = self._resource
        root = f"/{_root(resource)}"
        scope = "/namespaces/{namespace}" if resource.namespaced else ""
        collection, item = f"{root}{scope}/{resource.plural}", f"{root}{scope}/{resource.plural}/{{name}}"
        schema, many = self._schema(), self._list_schema()
        verbs = set(resource.verbs)
        paths = {
            collection: self._operations(verbs.intersection(ON_COLLECTION), collection, schema, many),
            item: self._operations(verbs.intersection(METHODS).difference(ON_COLLECTION), item, schema, many),
        }
        if resource.namespaced and "list" in verbs:
            everywhere = f"{root}/{resource.plural}"
            paths[everywhere] = self._operations({"list"}, everywhere, schema, many)
        for each in resource.subresources:
            path = f"{item}/{each.name}"
            shape = self._subresource_schema(each.api_version, each.kind, schema)
            paths[path] = self._operations(set(each.verbs).intersection(METHODS), path, shape, many)
        return {path: operations for path, operations in paths.items() if len(operations) > 1}

    def _operations(self, verbs: Iterable[str], path: str, schema: Schema, many: Schema) -> dict[str, Any]:
        names = [name for name in ("name", "namespace") if f"{{{name}}}" in path]
        found: dict[str, Any] = {"parameters": [self._parameter(name, "path") for name in names]}
        for verb in sorted(verbs):
            method, action = METHODS[verb]
            found[method] = self._operation(verb, action, many if verb == "list" else schema)
        return found

    def _operation(self, verb: str, action: str, schema: Schema) -> dict[str, Any]:
        resource = self._resource
        parameters = [self._parameter(name, "query") for name in (*PARAMETERS.get(verb, ()), "pretty")]
        operation: dict[str, Any] = {"parameters": parameters, "x-kubernetes-action": action}
        operation["x-kubernetes-group-version-kind"] = {
            "group": resource.group,
            "kind": resource.kind,
            "version": resource.version,
        }
        codes = {"create": (200, 201, 202), "update": (200, 201), "patch": (200, 201)}.get(verb, (200,))
        body = {} if verb == "patch" else schema
        if verb in ("create", "update", "patch"):
            # kubectl takes from here that custom resources have no strategic merge patch.
            patches = PATCHES[:-1] if resource.custom else PATCHES
            self._add_body(operation, patches if verb == "patch" else ("application/json", "application/yaml"), body)
        operation["responses"] = {str(code): self._answer(schema) for code in codes}
        return operation

    def _add_body(self, operation: dict[str, Any], types: Iterable[str], schema: Schema) -> None:
        shape = schema or {"type": "object"}
        if self._is_v3:
            content = {each: {"schema": shape} for each in types}
            operation["requestBody"] = {"content": content, "required": True}
        else:
            operation["consumes"] = list(types)
            operation["parameters"].append({"name": "body", "in": "body", "required": True, "schema": shape})

    def _answer(self, schema: Schema) -> dict[str, Any]:
        if self._is_v3:
            return {"description": "OK", "content": {"application/json": {"schema": schema}}}
        return {"description": "OK", "schema": schema}

    def _parameter(self, name: str, place: str) -> dict[str, Any]:
        kind = "integer" if name in NUMBERS else "boolean" if name in SWITCHES else "string"
        schema = {"type": kind, "uniqueItems": True}
        required = {"required": True} if place == "path" else {}
        parameter: dict[str, Any] = {"name": name, "in": place, **required}
        return parameter | ({"schema": schema} if self._is_v3 else schema)

    # -- schemas -------------------------------------------------------------------------

    def _schema(self) -> Schema:
        resource = self._resource
        if not resource.custom:
            return self._definitions.reference(resource.cls)
        schema = dict(self._custom() or {"type": "object", "x-kubernetes-preserve-unknown-fields": True})
        properties = schema.get("properties", {})
        metadata = object_meta(self._definitions.reference(ObjectMeta))
        schema["properties"] = {**properties, **type_meta(), "metadata": metadata}
        kind = {"group": resource.group, "kind": resource.kind, "version": resource.version}
        schema["x-kubernetes-group-version-kind"] = [kind]
        return self._definitions.add(self._custom_name(), schema)

    def _custom_name(self) -> str:
        resource = self._resource
        return ".".join((*reversed(resource.group.split(".")), resource.version, resource.kind))

    def _custom(self) -> Schema | None:
        """The schema of a custom kind, as its definition gives it."""
        resource = self._resource
        name = f"{resource.plural}.{resource.group}"
        definition = self._server.peek("customresourcedefinitions", name, group="apiextensions.k8s.io")
        versions = to_dict(definition)["spec"]["versions"] if definition is not None else ()
        found: dict[str, Any] = next((each for each in versions if each["name"] == resource.version), {})
        return (found.get("schema") or {}).get("openAPIV3Schema")

    def _list_schema(self) -> Schema:
        if self._resource.custom:
            items = {"type": "array", "items": self._schema()}
            shape: Schema = {"type": "object", "required": ["items"], "properties": {"items": items}}
            return self._definitions.add(f"{self._custom_name()}List", shape)
        return self._definitions.list_of(self._resource.cls) if "list" in self._resource.verbs else {}

    def _subresource_schema(self, api_version: str, kind: str, schema: Schema) -> Schema:
        if not kind or kind.endswith("Options") or kind == self._resource.kind:
            return schema
        try:
            cls = self._server.scheme.class_of(api_version or self._resource.api_version, kind)
        except NoMatch:
            return schema
        return self._definitions.reference(cls)


def _root(resource: Resource) -> str:
    return f"apis/{resource.api_version}" if resource.group else f"api/{resource.version}"

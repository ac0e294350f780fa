"""The OpenAPI documents."""

from __future__ import annotations

from typing import Any

import pytest

from k8slab.serve.wireformat import fields
from tests.serve.conftest import Caller


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(references(item) for item in value.values()))
    return set().union(*(references(item) for item in value)) if isinstance(value, list) else set()


@pytest.fixture(scope="module")
def index(call: Caller) -> dict[str, Any]:
    return call("GET", "/openapi/v3").body["paths"]


def test_every_document_is_whole(call: Caller, index: dict[str, Any]) -> None:
    for name, entry in index.items():
        document = call("GET", entry["serverRelativeURL"]).body
        schemas = document["components"]["schemas"]
        missing = {each.rpartition("/")[2] for each in references(document)} - set(schemas)
        assert not missing, name


def test_swagger_is_whole(call: Caller) -> None:
    document = call("GET", "/openapi/v2").body
    missing = {each.rpartition("/")[2] for each in references(document)} - set(document["definitions"])
    assert not missing
    assert "/api/v1/namespaces/{namespace}/pods/{name}/log" in document["paths"]


def test_what_kubectl_looks_for(call: Caller) -> None:
    document = call("GET", "/openapi/v3/apis/apps/v1").body
    patch = document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert {"name": "fieldValidation", "in": "query", "schema": {"type": "string", "uniqueItems": True}} in patch[
        "parameters"
    ]
    kind = {"group": "apps", "kind": "Deployment", "version": "v1"}
    assert patch["x-kubernetes-group-version-kind"] == kind
    deployment = document["components"]["schemas"]["io.k8s.api.apps.v1.Deployment"]
    assert deployment["x-kubernetes-group-version-kind"] == [kind]
    containers = document["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"]
    assert (containers["x-kubernetes-patch-strategy"], containers["x-kubernetes-patch-merge-key"]) == ("merge", "name")
    assert containers["x-kubernetes-list-map-keys"] == ["name"]


def test_the_hash_changes_only_with_the_document(call: Caller, index: dict[str, Any]) -> None:
    again = call("GET", "/openapi/v3").body["paths"]
    assert again == index
    assert index["apis/apps/v1"] != index["apis/batch/v1"]


def test_the_swagger_document_in_protobuf(call: Caller) -> None:
    name = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
    answer = call("GET", "/openapi/v2", headers={"Accept": name})
    assert answer.headers["content-type"] == "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
    parts = dict(fields(answer.text))
    assert parts[1] == b"2.0"
    # Field 9 holds the definitions, each with its name and its schema.
    names = {bytes(dict(fields(each))[1]).decode() for _, each in fields(parts[9])}
    assert names == set(call("GET", "/openapi/v2").body["definitions"])

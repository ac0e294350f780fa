"""Definitions that are refused, and what may change in those that are there."""

from __future__ import annotations

from typing import Any

import pytest

from k8slab.apiserver.crd.priority import version_order
from tests.apiserver.test_crd import DEFINITIONS, Cluster, causes, definition, version

ROOT = "spec.validation.openAPIV3Schema"


def with_property(schema: dict[str, Any]) -> dict[str, Any]:
    return definition(version(schema={"openAPIV3Schema": {"type": "object", "properties": {"x": schema}}}))


@pytest.mark.parametrize(
    ("schema", "field", "message"),
    [
        ({}, "properties[x].type", "Required value: must not be empty for specified object fields"),
        ({"type": "array"}, "properties[x].items", "Required value: must be specified"),
        ({"type": "array", "items": {}}, "properties[x].items.type", "must not be empty for specified array items"),
        ({"type": "text"}, "properties[x].type", 'Unsupported value: "text": supported values: "array", "boolean"'),
        ({"type": "string", "pattern": "("}, "properties[x].pattern", "must be a valid regular expression, but isn't"),
        ({"type": "integer", "default": "a"}, "properties[x].default", "must be of type integer"),
        ({"type": "object", "default": {"y": 1}}, "properties[x].default", "must not have unknown fields"),
        (
            {"type": "object", "additionalProperties": False},
            "properties[x].additionalProperties",
            "cannot be set to false",
        ),
        ({"type": "array", "items": {"type": "string"}, "uniqueItems": True}, "properties[x].uniqueItems", "Forbidden"),
        (
            {"type": "string", "oneOf": [{"type": "string"}]},
            "properties[x].oneOf[0].type",
            "must be empty to be structural",
        ),
        (
            {"type": "object", "anyOf": [{"properties": {"z": {}}}]},
            "properties[x].properties[z]",
            "Required value: because it is defined in",
        ),
        (
            {"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "map"},
            "properties[x].x-kubernetes-list-map-keys",
            "must not be empty if x-kubernetes-list-type is map",
        ),
    ],
)
def test_schemas_have_to_be_structural(schema, field, message):
    found = causes(Cluster().define(with_property(schema)))
    assert [text for place, text in found if place == f"{ROOT}.{field}" and message in text], found


def test_columns_and_scale_are_checked():
    columns = [{"name": "A", "type": "text", "jsonPath": ".a"}]
    scale = {"specReplicasPath": ".status.a", "statusReplicasPath": ".status.b"}
    body = definition(version(additionalPrinterColumns=columns, subresources={"scale": scale}))
    assert causes(Cluster().define(body)) == [
        ("spec.subresources.scale.specReplicasPath", 'Invalid value: ".status.a": should be a json path under .spec'),
        (
            "spec.additionalPrinterColumns[0].type",
            'Invalid value: "text": must be one of boolean,date,integer,number,string',
        ),
    ]


def test_the_group_and_the_kind_of_an_established_definition_stay():
    cluster = Cluster()
    cluster.define()
    found = causes(cluster.merge(f"{DEFINITIONS}/widgets.example.com", {"spec": {"names": {"kind": "Gadget"}}}))
    assert found == [("spec.names.kind", 'Invalid value: "Gadget": field is immutable')]


def test_a_version_in_which_objects_were_stored_has_to_stay():
    cluster = Cluster()
    cluster.define()
    path = f"{DEFINITIONS}/widgets.example.com"
    both = [version("v1", storage=False), version("v2", storage=True)]
    changed = cluster.merge(path, {"spec": {"versions": both}})
    assert changed.body.status.storedVersions == ("v1", "v2")
    field, message = causes(cluster.merge(path, {"spec": {"versions": both[1:]}}))[0]
    assert field == "status.storedVersions[0]"
    assert "missing from spec.versions; v1 was previously a storage version" in message


SERVICE = {"service": {"name": "converter", "namespace": "default", "path": "/convert"}}
HTTP = {"url": "http://a"}


@pytest.mark.parametrize(
    ("conversion", "field", "text"),
    [
        (
            {"strategy": "Webhook", "webhook": {"conversionReviewVersions": ["v1"]}},
            "webhookClientConfig",
            "required when",
        ),
        ({"strategy": "Webhook", "webhook": {"clientConfig": SERVICE}}, "conversionReviewVersions", "Required value"),
        (
            {"strategy": "Webhook", "webhook": {"clientConfig": SERVICE, "conversionReviewVersions": ["v9"]}},
            "conversionReviewVersions",
            "must include at least one of v1, v1beta1",
        ),
        (
            {
                "strategy": "Webhook",
                "webhook": {"clientConfig": {"url": "http://a"}, "conversionReviewVersions": ["v1"]},
            },
            "webhookClientConfig.url",
            "'https' is the only allowed URL scheme",
        ),
        (
            {"strategy": "None", "webhook": {"clientConfig": SERVICE, "conversionReviewVersions": ["v1"]}},
            "webhookClientConfig",
            "should not be set when strategy is not set to Webhook",
        ),
        ({"strategy": "Magic"}, "strategy", "Unsupported value"),
    ],
)
def test_conversions_that_are_refused(conversion, field, text):
    body = definition()
    body["spec"]["conversion"] = conversion
    found = causes(Cluster().define(body))
    assert any(place == f"spec.conversion.{field}" and text in message for place, message in found), found


def test_stable_versions_come_first():
    names = ["foo1", "v1alpha1", "v1", "v10", "v2beta1", "v2", "v11beta2", "v11alpha2", "foo10", "v3beta1", "v12alpha1"]
    wanted = "v10 v2 v1 v11beta2 v3beta1 v2beta1 v12alpha1 v11alpha2 v1alpha1 foo1 foo10"
    assert sorted(names, key=version_order) == wanted.split()


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": 5},
        {"type": "array", "items": {"type": "string", "x-kubernetes-validations": ["a"]}},
        {"type": "object", "additionalProperties": {"type": "object", "properties": [1]}},
        {"type": "object", "additionalProperties": {"type": "integer", "maximum": "a"}},
    ],
)
def test_what_is_no_schema_is_refused(schema):
    assert causes(Cluster().define(with_property(schema)))

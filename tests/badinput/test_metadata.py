"""What kubectl finds wrong with a manifest before anything is sent."""

from __future__ import annotations

import pytest

METADATA = [
    ("{name: c, labels: {a: 1}}", "number into Go struct field ObjectMeta.metadata.labels of type string"),
    ("{name: c, labels: [a]}", "array into Go struct field ObjectMeta.metadata.labels of type map[string]string"),
    ("{name: c, annotations: {a: true}}", "bool into Go struct field ObjectMeta.metadata.annotations of type string"),
    ("{name: c, finalizers: 5}", "number into Go struct field ObjectMeta.metadata.finalizers of type []string"),
    ("{name: c, generation: x}", "string into Go struct field ObjectMeta.metadata.generation of type int64"),
    ("{name: 5}", "number into Go struct field ObjectMeta.metadata.name of type string"),
    ("5", "number into Go struct field metadataOnlyObject.metadata of type v1.ObjectMeta"),
]


@pytest.mark.parametrize(("metadata", "message"), METADATA)
def test_metadata_of_a_wrong_type(refused, metadata, message):
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {metadata}\n"
    assert refused("apply -f -", text) == f'error: unable to decode "STDIN": json: cannot unmarshal {message}\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("just text", "invalid object to validate"),
        ("- 1\n", "invalid object to validate"),
        ("{}", "[apiVersion not set, kind not set]"),
        ("kind: Pod\n", "apiVersion not set"),
        ("apiVersion: 1\nkind: Pod\n", "apiVersion isn't string type"),
    ],
)
def test_no_kind(refused, text, problem):
    hint = "if you choose to ignore these errors, turn validation off with --validate=false"
    assert refused("apply -f -", text) == f'error: error validating "STDIN": error validating data: {problem}; {hint}\n'


def test_resource_version_of_a_new_object_is_left_out(lab):
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: copied, resourceVersion: '5'}\n"
    assert lab.kubectl("create -f -", text, echo=False).text == "configmap/copied created\n"

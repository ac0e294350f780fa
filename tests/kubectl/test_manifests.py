"""What becomes of manifests: documents, mistakes in the middle, folders."""

from __future__ import annotations

import pytest

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {colour: red}\n"


def test_documents_before_and_after_an_unknown_kind_are_applied(kubectl):
    text = CONFIG % "a" + "---\napiVersion: v1\nkind: Nope\nmetadata: {name: x}\n---\n" + CONFIG % "b"
    result = kubectl("apply -f -", text)
    assert result.stdout == "configmap/a created\nconfigmap/b created\n"
    assert result.stderr == (
        'error: resource mapping not found for name: "x" namespace: "" from "STDIN": '
        'no matches for kind "Nope" in version "v1"\nensure CRDs are installed first\n'
    )
    assert result.exit_code == 1


def test_documents_after_one_that_cannot_be_parsed_are_not_read(kubectl):
    result = kubectl("apply -f -", CONFIG % "a" + "---\na: [\n---\n" + CONFIG % "b")
    assert result.stdout == "configmap/a created\n"
    assert result.stderr.startswith("error: error parsing STDIN: error converting YAML to JSON: yaml: line 1: ")
    assert kubectl("get cm b").exit_code == 1


def test_a_refused_document_does_not_stop_the_others(kubectl):
    result = kubectl("create -f -", CONFIG % "Bad_Name" + "---\n" + CONFIG % "b")
    assert result.stdout == "configmap/b created\n"
    assert result.stderr.startswith('The ConfigMap "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name"')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "just text",
            'error validating "STDIN": error validating data: invalid object to validate; '
            "if you choose to ignore these errors, turn validation off with --validate=false",
        ),
        (
            '{"apiVersion": "v1", "kind":"Pod", }',
            "error parsing STDIN: json: offset 36: invalid character '}' looking for beginning of object key string",
        ),
        ('{"apiVersion":"v1"', "error parsing STDIN: unexpected EOF"),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yes}",
            'unable to decode "STDIN": json: cannot unmarshal bool into Go struct field '
            "ObjectMeta.metadata.name of type string",
        ),
        (
            "kind: ConfigMap",
            'error validating "STDIN": error validating data: apiVersion not set; '
            "if you choose to ignore these errors, turn validation off with --validate=false",
        ),
        ("", "no objects passed to create"),
        ("# only a comment\n---\n", "no objects passed to create"),
    ],
)
def test_what_is_no_manifest(kubectl, text, message):
    result = kubectl("create -f -", text)
    assert (result.stdout, result.stderr, result.exit_code) == ("", f"error: {message}\n", 1)


def test_an_unknown_field_is_refused_with_its_path(kubectl):
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i, portz: []}]}\n"
    result = kubectl("apply -f -", text)
    assert result.stderr == (
        'Error from server (BadRequest): error when creating "STDIN": Pod in version "v1" cannot be handled as a Pod: '
        'strict decoding error: unknown field "spec.containers[0].portz"\n'
    )
    warned = kubectl("apply --validate=warn -f -", text)
    assert warned.stdout == "pod/p created\n"
    assert warned.stderr == 'Warning: unknown field "spec.containers[0].portz"\n'


def test_lists_are_taken_apart_and_json_streams_read(kubectl):
    a, b, c = ('{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"%s"}}' % name for name in "abc")  # noqa: UP031
    text = f'{{"apiVersion":"v1","kind":"List","items":[{a},{b}]}}\n{c}'
    assert kubectl("apply -f -", text).stdout == "configmap/a created\nconfigmap/b created\nconfigmap/c created\n"


def test_folders(kubectl, tmp_path):
    (tmp_path / "b.yaml").write_text(CONFIG % "b")
    (tmp_path / "a.yml").write_text(CONFIG % "a")
    (tmp_path / "notes.txt").write_text("nothing")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "c.json").write_text('{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"}}')
    assert kubectl(f"apply -f {tmp_path}").stdout == "configmap/a created\nconfigmap/b created\n"
    assert (
        kubectl(f"apply -R -f {tmp_path}").stdout
        == "configmap/a unchanged\nconfigmap/b unchanged\nconfigmap/c created\n"
    )


def test_a_manifest_must_agree_with_the_namespace_flag(kubectl):
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: kube-system}\n"
    assert kubectl("apply -n default -f -", text).stderr == (
        'error: the namespace from the provided object "kube-system" does not match the namespace "default". '
        "You must pass '--namespace=kube-system' to perform this operation.\n"
    )
    assert kubectl("apply -f -", text).stdout == "configmap/a created\n"
    assert kubectl("get cm a -n kube-system -o name").stdout == "configmap/a\n"


def test_unknown_namespace(kubectl):
    assert kubectl("create cm a -n nosuch").stderr == (
        'error: failed to create configmap: namespaces "nosuch" not found\n'
    )

"""Decoding and encoding: nothing is lost, and what is wrong is said in Kubernetes' words."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import records

from k8slab.api import codec, documents, gojson
from k8slab.api.core_v1 import ConfigMap, Pod
from k8slab.api.decoding import corrupt_base64
from k8slab.api.scheme import SCHEME, NoMatch
from k8slab.api.unstructured import Unstructured
from k8slab.api.wire import to_wire
from k8slab.errors import quote

MANIFESTS = sorted((Path(__file__).parents[2] / ".." / "shared" / "manifests").glob("*.yaml"))


def without_types_of_claims(data):
    """The server itself adds kind and apiVersion to volume claim templates."""
    for claim in data.get("spec", {}).get("volumeClaimTemplates", ()):
        claim.pop("apiVersion", None)
        claim.pop("kind", None)
    return data


@pytest.mark.parametrize("path", MANIFESTS or [None], ids=lambda path: path.name if path else "absent")
def test_real_manifests_survive(path):
    if path is None:
        pytest.skip("no manifests beside the repository")
    text = path.read_text()
    plain = [document for document in yaml.safe_load_all(text) if document]
    objects = codec.decode_yaml(text)
    assert objects
    assert [without_types_of_claims(codec.to_dict(obj)) for obj in objects] == plain
    assert [codec.decode_yaml(codec.encode_yaml(obj))[0] for obj in objects] == objects
    assert [codec.decode_json(codec.encode_json(obj)) for obj in objects] == objects


def pod(**spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}


def deployment(spec):
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}


def refusal(data, **options):
    with pytest.raises(codec.DecodeError) as error:
        codec.from_dict(data, **options)
    return str(error.value)


def test_all_unknown_fields_are_named():
    data = deployment({"replica": 3, "template": {"spec": {"containers": [{"name": "c", "img": "x"}]}}})
    expected = (
        'strict decoding error: unknown field "spec.replica", unknown field "spec.template.spec.containers[0].img"'
    )
    assert refusal(data) == expected


def test_lenient_decoding_warns_and_drops():
    warnings = []
    obj = codec.from_dict(pod(containers=[{"name": "c", "img": "x"}], hostnam="h"), strict=False, warnings=warnings)
    assert warnings == ['unknown field "spec.containers[0].img"', 'unknown field "spec.hostnam"']
    assert codec.to_dict(obj) == pod(containers=[{"name": "c"}])


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (
            deployment({"replicas": "3"}),
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            deployment({"replicas": 2**31}),
            "json: cannot unmarshal number 2147483648 into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            pod(containers={"name": "c"}),
            "json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container",
        ),
        (
            pod(containers=["c"]),
            "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type v1.Container",
        ),
        (
            pod(hostNetwork="yes"),
            "json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool",
        ),
        (
            pod(restartPolicy=1),
            "json: cannot unmarshal number into Go struct field PodSpec.spec.restartPolicy of type v1.RestartPolicy",
        ),
        (
            {"apiVersion": "v1", "kind": "Pod", "spec": []},
            "json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec",
        ),
        (
            pod(containers=[{"resources": {"requests": {"cpu": "1x"}}}]),
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        (
            pod(containers=[{"livenessProbe": {"httpGet": {"port": True}}}]),
            "json: cannot unmarshal bool into Go value of type int32",
        ),
    ],
)
def test_wrong_types(data, text):
    assert refusal(data) == text
    assert refusal(data, strict=False) == text


def test_a_wrong_type_goes_before_unknown_fields():
    data = deployment({"replica": 1, "replicas": "x"})
    assert refusal(data).startswith("json: cannot unmarshal string")


def test_unknown_kinds():
    data = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"a": [1, None]}}
    with pytest.raises(NoMatch, match=r'^no matches for kind "Widget" in version "example.com/v1"$'):
        codec.from_dict(data)
    obj = codec.from_dict(data, unstructured=True)
    assert isinstance(obj, Unstructured)
    assert obj.spec == {"a": [1, None]}
    assert codec.to_dict(obj) == data
    assert codec.to_dict(obj.with_fields(status={"ok": True}))["status"] == {"ok": True}
    assert codec.encode_json([obj]) == b"[" + codec.encode_json(obj) + b"]"


def test_unstructured_metadata_is_checked_too():
    data = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"nam": "w"}}
    assert refusal(data, unstructured=True) == 'strict decoding error: unknown field "metadata.nam"'


def test_null_is_absent_but_empty_is_not():
    data = pod(containers=[], nodeName="", volumes=None, terminationGracePeriodSeconds=0, hostPID=False)
    assert codec.to_dict(codec.from_dict(data))["spec"] == {
        "containers": [],
        "nodeName": "",
        "terminationGracePeriodSeconds": 0,
        "hostPID": False,
    }
    nulls = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": None, "data": {"a": None}}
    assert codec.from_dict(nulls) == ConfigMap(data={"a": ""})


def test_quantities_and_times_stay_as_written():
    data = pod(containers=[{"name": "c", "resources": {"limits": {"cpu": 0.5, "memory": "1024Mi", "x": 2}}}])
    assert codec.to_dict(codec.from_dict(data)) == data


def test_repeated_json_keys():
    text = '{"apiVersion":"v1","kind":"Pod","kind":"Pod","spec":{"containers":[{"name":"a","name":"b"}]}}'
    with pytest.raises(codec.DecodeError) as error:
        codec.decode_json(text)
    expected = 'strict decoding error: duplicate field "kind", duplicate field "spec.containers[0].name"'
    assert str(error.value) == expected
    assert codec.decode_json(text, strict=False).spec.containers[0].name == "b"


def test_repeated_yaml_keys():
    text = "apiVersion: v1\nkind: ConfigMap\ndata:\n  a: '1'\n  a: '2'\n"
    with pytest.raises(codec.DecodeError) as error:
        codec.decode_yaml(text)
    expected = 'strict decoding error: yaml: unmarshal errors:\n  line 5: key "a" already set in map'
    assert str(error.value) == expected
    assert codec.decode_yaml(text, strict=False)[0].data == {"a": "2"}


def test_lists_are_taken_apart():
    text = "apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: a}\n- metadata: {name: b}\n"
    assert [(type(obj), obj.metadata.name) for obj in codec.decode_yaml(text)] == [(Pod, "a"), (Pod, "b")]


def test_missing_type():
    assert refusal({"apiVersion": "v1"}) == "Object 'Kind' is missing in '{\"apiVersion\":\"v1\"}'"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", "invalid character 'h' looking for beginning of value"),
        ("", "unexpected end of JSON input"),
        ("{}}", "invalid character '}' after top-level value"),
        ('{"a" 1}', "invalid character '1' after object key"),
        ('{"a":1,}', "invalid character '}' looking for beginning of object key string"),
        ("[1 2]", "invalid character '2' after array element"),
        ("[1,]", "invalid character ']' looking for beginning of value"),
        ('{"a":tru}', "invalid character '}' in literal true (expecting 'e')"),
        ('"a\nb"', "invalid character '\\n' in string literal"),
        ('{"a":"b', "unexpected end of JSON input"),
        ("-x", "invalid character 'x' in numeric literal"),
        ("1.x", "invalid character 'x' after decimal point in numeric literal"),
        ("NaN", "invalid character 'N' looking for beginning of value"),
    ],
)
def test_json_syntax_errors(text, message):
    with pytest.raises(gojson.SyntaxFault) as error:
        gojson.loads(text)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("text", "place"),
    [("plain text", 5), ("aGk=", None), ("aGk", 0), ("aGkx", None), ("a===", 1), ("aG=k", 2), ("aGk=x", 4), ("", None)],
)
def test_base64(text, place):
    assert corrupt_base64(text) == place


def expected_refusal(record):
    body = record["response"]["body"]
    message = body.get("message", "") if isinstance(body, dict) else ""
    return message.partition(" cannot be handled as a ")[2].partition(": ")[2]


def sent(record):
    body = record["request"]["body"]
    if not isinstance(body, str):
        return body
    is_yaml = "yaml" in record["request"]["headers"]["Content-Type"]
    return documents.load(body, None) if is_yaml else gojson.loads(body)


def test_recorded_decoding_errors_and_warnings():
    checked = 0
    for record in records("invalid", "encoding", "accept", "pod-create", "object-create", "workload-create"):
        request, code = record["request"], record["response"]["code"]
        if request["method"] != "POST" or "body" not in request or code not in (201, 400):
            continue
        wanted = expected_refusal(record)
        if (code == 400 and not wanted) or "no kind" in wanted:
            continue
        validation = (request.get("query") or {}).get("fieldValidation")
        data = sent(record)
        if "kind" not in data:
            continue
        warnings = []
        if wanted:
            assert refusal(data, strict=validation == "Strict") == wanted, record["id"]
        else:
            codec.from_dict(data, False, warnings)
            headers = record["response"].get("headers") or {}
            recorded = [
                text for text in headers.get("Warning", ()) if "unknown field" in text or "duplicate field" in text
            ]
            if validation != "Ignore":
                assert [f"299 - {quote(text)}" for text in warnings] == recorded, record["id"]
        checked += 1
    assert checked > 100


def stored_objects(body):
    for entry in body if isinstance(body, list) else [body]:
        entry = entry.get("object", entry) if isinstance(entry, dict) else {}
        items = entry.get("items") or [] if str(entry.get("kind", "")).endswith("List") else [entry]
        for item in items:
            api_version = entry.get("apiVersion", "")
            item = {"apiVersion": api_version, "kind": entry.get("kind", "").removesuffix("List")} | item
            if (item["apiVersion"], item["kind"]) in {(r.api_version, r.kind) for r in SCHEME.all_resources()}:
                yield item


def test_recorded_objects_survive_to_the_last_field():
    count = 0
    for record in records(
        "pod-create", "object-create", "workload-create", "subresource", "table", "table-pod", "watch"
    ):
        for data in stored_objects(record["response"]["body"]):
            text = json.dumps(data).replace('"<time>"', '"2026-01-01T00:00:00Z"')
            data = json.loads(text)
            data["metadata"].pop("managedFields", None)
            assert to_wire(codec.from_dict(data)) == data, record["id"]
            count += 1
    assert count > 200


names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12)
texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30) | st.sampled_from(
    [
        "yes",
        "on",
        "null",
        "~",
        "0x10",
        "1e3",
        "1:30",
        "2026-01-01",
        "- a",
        "a: b",
        "#x",
        "'",
        '"',
        " a",
        "a ",
        "",
        "=",
        "<<",
    ]
)
lines = st.lists(texts, min_size=1, max_size=4).map("\n".join)
maps = st.dictionaries(names, texts | lines, max_size=5)


@settings(max_examples=150, deadline=None)
@given(name=names, labels=maps, data=maps)
def test_any_text_survives_json_and_yaml(name, labels, data):
    obj = codec.from_dict(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "annotations": labels}, "data": data}
    )
    assert codec.decode_json(codec.encode_json(obj)) == obj
    assert codec.decode_yaml(codec.encode_yaml(obj)) == [obj]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(spec=st.dictionaries(names, json_values, max_size=4))
def test_custom_resources_survive(spec):
    data = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": spec}
    obj = codec.from_dict(data, unstructured=True)
    assert codec.to_dict(obj) == data
    assert codec.to_dict(codec.decode_yaml(codec.encode_yaml(obj), unstructured=True)[0]) == data

"""What the server says of bodies that are another kind, malformed, or more than they should be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from k8slab.api.request import JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, YAML, Response
from k8slab.apiserver.routes import options_for, request_for
from k8slab.errors import ApiError
from tests.apiserver.conftest import Lab

POD = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
POD_TEXT = '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}'
TWICE = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  a: '1'\n  a: '2'\n"
ABOUT_TWICE = 'line 7: key "a" already set in map'


def said(response: Response) -> str:
    return response.body["message"]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("v1", "Service"), "converting (v1.Service) to (core.Pod): unknown conversion"),
        (("v1", "PodList"), "converting (v1.PodList) to (core.Pod): unknown conversion"),
        (("apps/v1", "Deployment"), "converting (v1.Deployment) to (core.Pod): unknown conversion"),
        (("v1", "pods"), 'no kind "pods" is registered for version "v1" in scheme'),
        (("v2", "Pod"), 'no kind "Pod" is registered for version "v2" in scheme'),
    ],
)
def test_body_of_another_kind(lab: Lab, given: tuple[str, str], why: str) -> None:
    response = lab.send("create", "pods", None, POD | {"apiVersion": given[0], "kind": given[1]})
    start = f'{given[1]} in version "{given[0].rpartition("/")[2]}" cannot be handled as a Pod: '
    assert response.code == 400
    assert said(response).startswith(start + why)


@pytest.mark.parametrize(
    ("resource", "version", "kind"),
    [
        ("deployments.apps", "apps/v1beta2", "Deployment"),
        ("cronjobs.batch", "batch/v1beta1", "CronJob"),
        ("ingresses.networking.k8s.io", "extensions/v1beta1", "Ingress"),
    ],
)
def test_versions_that_are_read_but_not_served(lab: Lab, resource: str, version: str, kind: str) -> None:
    response = lab.send("create", resource, None, {"apiVersion": version, "kind": kind, "metadata": {"name": "x"}})
    group = resource.partition(".")[2]
    wanted = f"the API version in the data ({version}) does not match the expected API version ({group}/v1)"
    assert said(response) == wanted


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (
            "true",
            "json parse error: json: cannot unmarshal bool into Go value of type struct",
        ),
        (POD_TEXT.replace('"Pod"', "1"), "json: cannot unmarshal number into Go struct field .kind of type string"),
        (POD_TEXT.replace('"v1"', '"a/b/c"'), "unexpected GroupVersion string: a/b/c ({"),
        (" {", "json parse error: unexpected end of JSON input (207b)"),
        ("\u00e9", "json parse error: invalid character '\u00c3' looking for beginning of value"),
    ],
)
def test_bodies_that_do_not_tell_their_kind(lab: Lab, body: str, why: str) -> None:
    response = lab.send("create", "pods", None, body)
    assert response.code == 400
    assert said(response).startswith("the object provided is unrecognized (must be of type Pod): ")
    assert why in said(response)


def test_repeated_keys_of_yaml(lab: Lab) -> None:
    warned = lab.send("create", "configmaps", None, TWICE, content_type=YAML)
    assert (warned.code, warned.warnings) == (201, (ABOUT_TWICE,))
    text = TWICE.replace("name: c", "name: d\n  foo: 1\n  bar: 1")
    refused = lab.send("create", "configmaps", None, text, content_type=YAML, field_validation="Strict")
    problems = 'line 9: key "a" already set in map, unknown field "metadata.bar", unknown field "metadata.foo"'
    assert said(refused).endswith(f"strict decoding error: yaml: unmarshal errors:\n  {problems}")


def test_repeated_keys_of_an_applied_configuration(lab: Lab) -> None:
    more: dict[str, Any] = {"content_type": "application/apply-patch+yaml", "field_manager": "me"}
    assert lab.send("patch", "configmaps", "c", TWICE, **more).warnings == (ABOUT_TWICE,)
    refused = lab.send("patch", "configmaps", "c", TWICE, field_validation="Strict", **more)
    start = "error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:"
    assert said(refused) == f"{start}\n  {ABOUT_TWICE}"


def test_a_refused_object_brings_the_warnings_about_its_fields(lab: Lab) -> None:
    response = lab.send("create", "pods", None, {"metadata": {"name": "p"}, "Spec": {}})
    assert (response.code, response.warnings) == (422, ('unknown field "Spec"',))


def test_deprecation_comes_first(lab: Lab) -> None:
    response = lab.send("create", "endpoints", None, {"metadata": {"name": "e"}, "bogus": 1})
    assert [text.partition(" ")[0] for text in response.warnings] == ["v1", "unknown"]


class TestPatches:
    @pytest.fixture
    def patched(self, lab: Lab) -> Lab:
        lab.create("configmaps", {"metadata": {"name": "c"}, "data": {"k": "v"}})
        return lab

    @pytest.mark.parametrize("content_type", [MERGE_PATCH, JSON_PATCH])
    @pytest.mark.parametrize(
        ("field", "value", "why"),
        [
            ("kind", "Secret", "converting (v1.Secret) to (core.ConfigMap): unknown conversion"),
            ("apiVersion", "v2", 'no kind "ConfigMap" is registered for version "v2" in scheme'),
        ],
    )
    def test_another_kind(self, patched: Lab, content_type: str, field: str, value: str, why: str) -> None:
        operation = [{"op": "replace", "path": f"/{field}", "value": value}]
        body = operation if content_type == JSON_PATCH else {field: value}
        response = patched.send("patch", "configmaps", "c", body, content_type=content_type)
        assert response.code == 422
        assert why in said(response)
        assert patched.get("configmaps", "c").kind == "ConfigMap"

    def test_unknown_fields_come_in_the_order_of_the_written_document(self, patched: Lab) -> None:
        body = {"zulu": 1, "metadata": {"foo": 1, "bar": 1}, "alpha": {}}
        response = patched.send("patch", "configmaps", "c", body, content_type=MERGE_PATCH)
        fields = ("alpha", "metadata.bar", "metadata.foo", "zulu")
        assert response.warnings == tuple(f'unknown field "{field}"' for field in fields)

    @pytest.mark.parametrize("content_type", [MERGE_PATCH, STRATEGIC_MERGE_PATCH])
    def test_repeated_keys(self, patched: Lab, content_type: str) -> None:
        text = '{"data":{"a":"1","a":"2"}}'
        refused = patched.send("patch", "configmaps", "c", text, content_type=content_type, field_validation="Strict")
        assert refused.code == 422
        assert said(refused).endswith('strict decoding error: duplicate field "data.a"')
        warned = patched.send("patch", "configmaps", "c", text, content_type=content_type)
        assert (warned.code, warned.warnings) == (200, ('duplicate field "data.a"',))

    def test_fields_that_no_operation_has(self, patched: Lab) -> None:
        body = [{"op": "add", "path": "/data/q", "value": "1", "foo": 1}]
        response = patched.send("patch", "configmaps", "c", body, content_type=JSON_PATCH)
        assert response.warnings == ('json patch unknown field "[0].foo"',)

    def test_too_many_operations(self, patched: Lab) -> None:
        body = [{"op": "add", "path": "/data/q", "value": "1"}] * 10001
        response = patched.send("patch", "configmaps", "c", body, content_type=JSON_PATCH)
        assert response.code == 413
        assert said(response).startswith("Request entity too large: The allowed maximum operations")

    def test_another_namespace(self, patched: Lab) -> None:
        body = {"metadata": {"namespace": "x"}}
        response = patched.send("patch", "configmaps", "c", body, content_type=MERGE_PATCH)
        wanted = "the namespace of the object (x) does not match the namespace on the request (default)"
        assert (response.code, said(response)) == (400, wanted)

    def test_strategic_patch_that_is_no_object(self, patched: Lab) -> None:
        response = patched.send("patch", "configmaps", "c", "[1]", content_type=STRATEGIC_MERGE_PATCH)
        assert said(response) == "json: cannot unmarshal array into Go value of type map[string]interface {}"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"data": {"x": 1}}, ".data.x: expected string, got &value.valueUnstructured{Value:1}"),
        ({"data": ["x"]}, ".data: expected map, got &{[x]}"),
        ({"immutable": "x"}, ".immutable: expected boolean, got &{x}"),
        ({"metadata": {"name": "c", "finalizers": {"a": 1}}}, ".metadata.finalizers: expected list, got &{map[a:1]}"),
        (
            {"metadata": {"name": "c", "ownerReferences": [{"name": "x"}]}},
            ".metadata.ownerReferences: element 0: associative list with keys has an element that omits all key fields "
            '["uid"] (and doesn\'t have default values for any key fields)',
        ),
    ],
)
def test_wrong_types_in_an_applied_configuration(lab: Lab, data: dict[str, Any], why: str) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}} | data
    more: dict[str, Any] = {"content_type": "application/apply-patch+yaml", "field_manager": "me"}
    assert said(lab.send("patch", "configmaps", "c", body, **more)).endswith(why)


def test_apply_to_an_object_that_is_gone(lab: Lab) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "uid": "u"}}
    more: dict[str, Any] = {"content_type": "application/apply-patch+yaml", "field_manager": "me"}
    response = lab.send("patch", "configmaps", "c", body, **more)
    why = "uid mismatch: the provided object specified uid u, and no existing object was found"
    assert (response.code, said(response)) == (409, f'Operation cannot be fulfilled on configmaps "c": {why}')


PATH = "/api/v1/namespaces/default/configmaps/c"


@pytest.mark.parametrize(
    ("body", "content_type", "code", "why"),
    [
        ("[1]", "application/json", 400, "json: cannot unmarshal array into Go value of type struct"),
        ({"gracePeriodSeconds": "x"}, "application/json", 400, "Go struct field DeleteOptions.gracePeriodSeconds of"),
        ("x", "text/plain", 415, "the body of the request was in an unknown format"),
    ],
)
def test_bodies_of_deletions(body: Any, content_type: str, code: int, why: str) -> None:
    with pytest.raises(ApiError) as raised:
        request_for("DELETE", PATH, body=body, content_type=content_type)
    assert raised.value.code == code
    assert why in str(raised.value)


def test_the_body_of_a_deletion_counts_instead_of_its_query() -> None:
    query = {"gracePeriodSeconds": "0", "propagationPolicy": "Orphan"}
    options = request_for("DELETE", PATH, query, "propagationPolicy: Foreground\n", YAML).options
    assert (options.propagation_policy, options.grace_period_seconds) == ("Foreground", None)


def test_negative_grace_is_a_second(lab: Lab) -> None:
    lab.create("pods", json.loads(json.dumps(POD)) | {"spec": POD["spec"] | {"nodeName": "n"}})
    lab.ok("delete", "pods", "p", grace_period_seconds=-5)
    assert lab.get("pods", "p").metadata.deletionGracePeriodSeconds == 1


@pytest.mark.parametrize(
    ("text", "wanted"), [("true", True), ("yes", True), ("", True), ("False", False), ("0", False)]
)
def test_booleans_of_a_query(text: str, wanted: bool) -> None:
    assert options_for("patch", {"force": text}).force is wanted


@pytest.mark.parametrize(
    ("text", "why"), [("", "invalid syntax"), ("1e3", "invalid syntax"), ("9" * 20, "value out of range")]
)
def test_integers_of_a_query(text: str, why: str) -> None:
    with pytest.raises(ApiError, match=f'strconv.ParseInt: parsing "{text}": {why}'):
        options_for("list", {"limit": text})


@pytest.mark.parametrize(
    ("token", "why"),
    [("%%%", "illegal base64 data at input byte 0"), ("abcde", "illegal base64 data at input byte 4")],
)
def test_continue_tokens(lab: Lab, token: str, why: str) -> None:
    response = lab.send("list", "configmaps", continue_=token)
    assert said(response) == f"invalid continue token: continue key is not valid: {why}"


def test_the_old_path_to_watch_one_object() -> None:
    request = request_for("GET", "/api/v1/watch/namespaces/default/configmaps/c", {"timeoutSeconds": "1"})
    assert (request.verb, request.name, request.options.field_selector) == ("watch", None, "metadata.name=c")


def test_fields_of_slices_and_signing_requests(lab: Lab) -> None:
    slices: dict[str, Any] = {"namespace": None, "field_selector": "spec.nodeName=n"}
    assert lab.send("list", "resourceslices.resource.k8s.io", **slices).code == 200
    refused = lab.send("list", "resourceslices.resource.k8s.io", **slices | {"field_selector": "a=b"})
    assert said(refused) == "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: a"
    refused = lab.send("list", "certificatesigningrequests.certificates.k8s.io", namespace=None, field_selector="a=b")
    assert said(refused) == "field label not supported: a"

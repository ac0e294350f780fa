"""Errors: Status objects, classes by reason, kubectl's lines and values as Go prints them."""

import copy
import json
import pickle

import pytest
from recordings import FOLDER, records

from k8slab import errors
from k8slab.api.core_v1 import Toleration
from k8slab.errors import ApiError, FieldError

FILES = [path.stem for path in sorted(FOLDER.glob("*.jsonl"))] if FOLDER.is_dir() else ["absent"]


def recorded_failures():
    for record in records(*FILES):
        body = record["response"]["body"]
        if isinstance(body, dict) and body.get("kind") == "Status" and body.get("status") == "Failure":
            yield body


def test_recorded_statuses_survive_in_value_and_order():
    count = 0
    for body in recorded_failures():
        error = ApiError.from_status(body)
        assert json.dumps(error.status()) == json.dumps(body)
        assert pickle.loads(pickle.dumps(error)).status() == copy.deepcopy(error).status() == body
        assert type(error).__name__ == (body.get("reason") or "ApiError")
        count += 1
    assert count > 300


def test_factories_agree_with_recordings():
    """For each recorded reason that is made from a resource and a name alone, build it again."""
    makers = {"NotFound": errors.not_found, "AlreadyExists": errors.already_exists}
    count = 0
    for body in recorded_failures():
        maker = makers.get(body.get("reason"))
        details = body.get("details") or {}
        if maker is not None and details.get("name") and "." not in details["kind"]:
            resource = ".".join(filter(None, (details["kind"], details.get("group"))))
            assert maker(resource, details["name"]).status() == body
            count += 1
    assert count > 20


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (errors.not_found("pods", "x"), 404, 'Error from server (NotFound): pods "x" not found'),
        (
            errors.forbidden("deployments.apps", "x", "no"),
            403,
            'Error from server (Forbidden): deployments.apps "x" is forbidden: no',
        ),
        (errors.forbidden("", "", "no"), 403, "Error from server (Forbidden): forbidden: no"),
        (
            errors.conflict("pods", "x"),
            409,
            'Error from server (Conflict): Operation cannot be fulfilled on pods "x": the object has been modified; '
            "please apply your changes to the latest version and try again",
        ),
        (errors.unauthorized(), 401, "error: You must be logged in to the server (Unauthorized)"),
        (errors.unexpected("boom"), 500, "Error from server: boom"),
        (
            errors.too_large_resource_version(9, 5),
            504,
            "Error from server (Timeout): Timeout: Too large resource version: 9, current: 5",
        ),
        (
            errors.internal_error("boom"),
            500,
            "Error from server (InternalError): Internal error occurred: boom",
        ),
    ],
)
def test_lines_of_kubectl(error, code, line):
    assert error.code == code
    assert error.line() == line
    assert error._render_traceback_() == [line]


def test_invalid_lists_its_causes():
    one = errors.invalid("Pod", "x", [FieldError.required("spec.containers")])
    assert one.message == 'Pod "x" is invalid: spec.containers: Required value'
    assert one.line() == 'The Pod "x" is invalid: spec.containers: Required value'
    two = errors.invalid("Deployment.apps", "d", [FieldError.required("a"), FieldError.invalid("b", 1, "no")])
    assert two.message == 'Deployment.apps "d" is invalid: [a: Required value, b: Invalid value: 1: no]'
    assert two.line() == 'The Deployment "d" is invalid: \n* a: Required value\n* b: Invalid value: 1: no'
    assert two.status()["details"] == {
        "name": "d",
        "group": "apps",
        "kind": "Deployment",
        "causes": [
            {"reason": "FieldValueRequired", "message": "Required value", "field": "a"},
            {"reason": "FieldValueInvalid", "message": "Invalid value: 1: no", "field": "b"},
        ],
    }


def test_reasons_are_classes():
    with pytest.raises(errors.NotFound):
        raise ApiError(404, "NotFound", "gone")
    assert not isinstance(ApiError(409, "Conflict", "x"), errors.NotFound)
    assert type(ApiError(500, "SomethingNew", "x")) is ApiError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (FieldError.invalid("f", None, "d"), "f: Invalid value: null: d"),
        (FieldError.invalid("f", True, "d"), "f: Invalid value: true: d"),
        (FieldError.invalid("f", 'a"b\n', "d"), 'f: Invalid value: "a\\"b\\n": d'),
        (FieldError.invalid("f", {"b": 1, "a": "<"}, "d"), 'f: Invalid value: {"a":"\\u003c","b":1}: d'),
        (FieldError.invalid("f", Toleration(key="k", value="v"), "d"), 'f: Invalid value: {"key":"k","value":"v"}: d'),
        (FieldError.not_supported("f", "x", ["b", "a"]), 'f: Unsupported value: "x": supported values: "b", "a"'),
        (FieldError.duplicate("f", "x"), 'f: Duplicate value: "x"'),
        (FieldError.forbidden("f", "why"), "f: Forbidden: why"),
        (FieldError.too_long("f", 63), "f: Too long: may not be more than 63 bytes"),
        (FieldError.too_many("f", 3, 2), "f: Too many: 3: must have at most 2 items"),
        (FieldError.not_found("f", "x"), 'f: Not found: "x"'),
        (FieldError.internal("f", "boom"), "f: Internal error: boom"),
    ],
)
def test_field_errors(error, text):
    assert str(error) == text
    assert pickle.loads(pickle.dumps(error)) == error


def test_texts_as_go_quotes_them():
    assert errors.quote('a"\\\t\x00é\u2028') == '"a\\"\\\\\\t\\x00é\\u2028"'
    assert [errors.go_number(each) for each in (1, 1.0, 0.5, 1e21, 1e-7)] == ["1", "1", "0.5", "1e+21", "1e-07"]

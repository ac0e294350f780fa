"""`x-kubernetes-validations`: which objects break a rule, and which rules are refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.test_crd import WIDGETS, Cluster, causes, definition, version, widget

FIELDS: dict[str, Any] = {
    "size": {"type": "integer"},
    "name": {"type": "string"},
    "list": {"type": "array", "items": {"type": "integer"}},
    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    "a-b": {"type": "integer"},
    "when": {"type": "string", "format": "date-time"},
    "ratio": {"type": "number"},
}


def cluster_with(*rules: dict[str, Any], **fields: Any) -> Cluster:
    cluster = Cluster()
    spec = {"type": "object", "properties": FIELDS | fields, "x-kubernetes-validations": list(rules)}
    assert cluster.define(definition(version(spec=spec))).code == 201
    return cluster


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        ("self.size > 2", {}, {"size": 1}),
        ("!has(self.name) || self.name.startsWith('x')", {}, {"name": "y"}),
        ("!has(self.list) || self.list.all(each, each > 0)", {"list": [1, 2]}, {"list": [1, 0]}),
        ("!has(self.list) || self.list.sum() < 10", {"list": [1, 2]}, {"list": [9, 9]}),
        ("!has(self.list) || self.list.isSorted()", {"list": [1, 2]}, {"list": [2, 1]}),
        (
            "!has(self.labels) || self.labels.all(key, key.matches('^[a-z]+$'))",
            {"labels": {"a": ""}},
            {"labels": {"A": ""}},
        ),
        ("!has(self.name) || self.name.lowerAscii() == self.name", {"name": "a"}, {"name": "A"}),
        ("!has(self.name) || self.name.split('.').size() == 2", {"name": "a.b"}, {"name": "a"}),
        ("!has(self.a__dash__b) || self.a__dash__b == 1", {"a-b": 1}, {"a-b": 2}),
        (
            "!has(self.when) || self.when > timestamp('2026-01-01T00:00:00Z')",
            {"when": "2026-02-01T00:00:00Z"},
            {"when": "2025-02-01T00:00:00Z"},
        ),
        ("!has(self.ratio) || self.ratio <= 1.0", {"ratio": 1}, {"ratio": 2}),
    ],
)
def test_objects_have_to_obey(rule, good, bad):
    cluster = cluster_with({"rule": rule, "message": "no"})
    assert cluster("POST", WIDGETS, widget("good", **good)).code == 201
    assert causes(cluster("POST", WIDGETS, widget("bad", **bad))) == [("spec", "Invalid value: no")]


def test_what_a_broken_rule_says():
    cluster = cluster_with(
        {"rule": "self.size < 5"},
        {"rule": "self.size < 6", "messageExpression": "'not ' + string(self.size)"},
        {"rule": "self.size < 7", "message": "m", "reason": "FieldValueForbidden", "fieldPath": ".size"},
    )
    assert causes(cluster("POST", WIDGETS, widget(size=9))) == [
        ("spec", "Invalid value: failed rule: self.size < 5"),
        ("spec", "Invalid value: not 9"),
        ("spec.size", "Forbidden: m"),
    ]


def test_rules_about_a_change_need_an_old_value():
    cluster = cluster_with({"rule": "self.size >= oldSelf.size", "message": "never shrinks"})
    assert cluster("POST", WIDGETS, widget(size=3)).code == 201
    assert cluster.merge(f"{WIDGETS}/w", {"spec": {"size": 4}}).code == 200
    assert causes(cluster.merge(f"{WIDGETS}/w", {"spec": {"size": 2}})) == [("spec", "Invalid value: never shrinks")]


def test_rules_wait_until_the_object_fits_its_schema():
    cluster = cluster_with({"rule": "self.size > 2"})
    found = causes(cluster("POST", WIDGETS, widget(size="1")))
    assert [field for field, _ in found] == ["spec.size", ".spec.size", "<nil>"]


def test_a_rule_that_cannot_be_evaluated_is_broken():
    cluster = cluster_with({"rule": "self.name == 'x'", "message": "m"})
    field, message = causes(cluster("POST", WIDGETS, widget()))[0]
    assert (field, message.endswith("evaluating rule: m")) == ("spec", True)


def test_rules_that_cannot_be_parsed_are_refused():
    spec = {"type": "object", "properties": FIELDS, "x-kubernetes-validations": [{"rule": "self.size >"}]}
    field, message = causes(Cluster().define(definition(version(spec=spec))))[0]
    assert field == "spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule"
    assert '"Rule":"self.size \\u003e"' in message
    assert "compilation failed: ERROR: <input>:1:" in message


def test_a_rule_that_would_take_too_long_is_broken():
    nested = "self.list.all(a, self.list.all(b, self.list.all(c, a + b + c > 0)))"
    cluster = cluster_with({"rule": nested, "message": "m"})
    assert cluster("POST", WIDGETS, widget("short", list=[1, 2])).code == 201
    found = causes(cluster("POST", WIDGETS, widget("long", list=[1] * 100)))
    assert found == [
        (
            "spec",
            "Invalid value: 'operation cancelled: actual cost limit exceeded': "
            "no further validation rules will be run due to call cost exceeds limit for rule: m",
        )
    ]

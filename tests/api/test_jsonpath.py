"""JSONPath templates; expected texts are what kubectl 1.32 prints for the same object."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8slab.api.jsonpath import JSONPath, PathError, relaxed

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "annotations": {"a.b/c": "1", "d": "<x>&"}, "labels": {"app": "web", "tier": "x"}},
    "spec": {
        "f": 1.5,
        "t": True,
        "containers": [
            {"name": "c1", "image": "i1", "ports": [{"containerPort": 80}, {"containerPort": 81}]},
            {"name": "c2", "image": "i2", "env": []},
            {"name": "c3", "image": "i3"},
        ],
    },
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{.metadata.name}", "p"),
        (".metadata.name", ".metadata.name"),
        ("{.spec.containers[*].name}", "c1 c2 c3"),
        ("{.spec.containers[-1].name}", "c3"),
        ("{.spec.containers[0:2].name}", "c1 c2"),
        ("{.spec.containers[::2].name}", "c1 c3"),
        ("{.spec.containers[0,2].name}", "c1 c3"),
        ("{.spec.containers[0].ports[*]}", '{"containerPort":80} {"containerPort":81}'),
        ("{.spec.nope}", ""),
        ("{.spec.nope.x[0]}", ""),
        (r"{.metadata.annotations.a\.b/c}", "1"),
        (r"{.metadata.annotations['a\.b/c']}", "1"),
        ("{.metadata.annotations['a.b/c']}", ""),
        ("{.metadata.annotations}", r'{"a.b/c":"1","d":"\u003cx\u003e\u0026"}'),
        ('{range .spec.containers[*]}{.name}:{.image}{"\\n"}{end}done', "c1:i1\nc2:i2\nc3:i3\ndone"),
        ("{range .spec.containers[*]}[{range .ports[*]}{.containerPort} {end}]{end}", "[80 81 ][][]"),
        ('{.spec.containers[?(@.name=="c2")].image}', "i2"),
        ('{.spec.containers[?(@.name!="c2")].image}', "i1 i3"),
        ("{.spec.containers[?(@.ports)].image}", "i1"),
        ("{.spec.containers[?(@.ports[0].containerPort>=80)].image}", "i1"),
        ("{.spec.f}{.spec.t}", "1.5true"),
        ("{..name}", "p c1 c2 c3"),
        ("{.spec.containers[*]['name','image']}", "c1 c2 c3 i1 i2 i3"),
        ('{"a\\tb"}', "a\tb"),
        ("{'x'}", "x"),
        ('{.metadata.name}{" - "}{.metadata.labels.app}', "p - web"),
        ("{$.kind}/{@.metadata.name}", "Pod/p"),
        ("{range .spec.nope[*]}x{end}y", "y"),
        ("{.spec.containers.name}", ""),
        ("{ .metadata.name }", "p"),
    ],
)
def test_templates(template, text):
    assert JSONPath(template).text(POD) == text


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{.spec.containers", "unclosed action"),
        ("{.spec.containers[}", "unterminated array"),
        ("{.spec[n]}", "invalid array index n"),
        ("{.a,.b}", r"unrecognized character in action: U\+002C ','"),
        ('{["metadata"].name}', 'invalid array index "metadata"'),
    ],
)
def test_templates_that_cannot_be_parsed(template, reason):
    with pytest.raises(PathError, match=reason):
        JSONPath(template)


def test_indexes_out_of_bounds_and_wrong_types_fail():
    with pytest.raises(PathError, match="array index out of bounds: index 9, length 3"):
        JSONPath("{.spec.containers[9].name}").text(POD)
    with pytest.raises(PathError, match=r"map\[string\]interface {} is not array or slice"):
        JSONPath("{.metadata[*]}").text(POD)


def test_missing_fields_fail_when_asked():
    with pytest.raises(PathError, match="nope is not found"):
        JSONPath("{.spec.nope}", allow_missing=False).text(POD)


@pytest.mark.parametrize("expression", [".a.b", "a.b", "{a.b}", "{.a.b}"])
def test_relaxed_expressions_mean_the_same(expression):
    assert relaxed(expression) == "{.a.b}"


def test_relaxed_refuses_the_rest():
    with pytest.raises(PathError, match=r"unexpected path string, expected a 'name1\.name2'"):
        relaxed("{.bad")


KEYS = st.text(alphabet="abcXYZ019-_./", min_size=1, max_size=8)


@given(st.lists(KEYS, min_size=1, max_size=4), st.integers() | st.text(min_size=1, max_size=5) | st.booleans())
def test_any_key_can_be_reached_with_its_dots_escaped(path, leaf):
    obj = leaf
    for key in reversed(path):
        obj = {key: obj}
    template = "{" + "".join("." + key.replace(".", "\\.") for key in path) + "}"
    assert JSONPath(template).first(obj) == [leaf]

"""Texts that are no manifests: the messages are those of kubectl 1.32, except for the limit of depth."""

from __future__ import annotations

import pytest

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

CONVERSIONS = [
    ("apiVersion: v1\nkind: Pod\n  metadata: x\n", "yaml: line 3: mapping values are not allowed in this context"),
    ("a: [b\n", "yaml: line 1: did not find expected ',' or ']'"),
    ("a: 1\nb: [1, 2\nc: 3\n", "yaml: line 2: did not find expected ',' or ']'"),
    ("a: b\n\tc: d\n", "yaml: line 2: found a tab character that violates indentation"),
    ("key: value\nother\n", "yaml: line 3: could not find expected ':'"),
    ('x: 1\na: "b\n\n\n', "yaml: line 5: found unexpected end of stream"),
    ("x:\n  a: 1\n\n y: 2\nz: 3\n", "yaml: line 3: did not find expected key"),
    ("x:\n  - a: 1\n    b: 2\n   c: 3\n", "yaml: line 3: did not find expected '-' indicator"),
    (
        "a: 1\nb: {{ .Values.x }}\n",
        'yaml: invalid map key: map[interface {}]interface {}{".Values.x":interface {}(nil)}',
    ),
    ("a: *c d\n", "yaml: unknown anchor 'c' referenced"),
    ("a: &a [*a]\n", "yaml: anchor 'a' value contains itself"),
    ("\x00\x01", "yaml: control characters are not allowed"),
    ("a: .inf\n", "json: unsupported value: +Inf"),
    (BOMB, "yaml: document contains excessive aliasing"),
]


@pytest.mark.parametrize(("text", "message"), CONVERSIONS)
def test_no_yaml(refused, text, message):
    assert refused("apply -f -", text) == f"error: error parsing STDIN: error converting YAML to JSON: {message}\n"


@pytest.mark.parametrize("depth", [300, 3_000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a: ", "}"), ("- ", "")])
def test_deep_yaml(refused, depth, opening, closing):
    text = f"{CONFIG_MAP}data:\n  {opening * depth}x{closing * depth}\n"
    assert refused("apply -f -", text).endswith("yaml: exceeded max depth of 100\n")


@pytest.mark.parametrize("depth", [300, 3_000, 100_000])
def test_deep_json(refused, depth):
    text = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":' + '{"a":' * depth + "1" + "}" * depth
    assert refused("apply -f -", text + "}") == "error: error parsing STDIN: json: exceeded max depth\n"


def test_many_brackets_are_no_depth(lab):
    config = CONFIG_MAP + "data:\n  x: |\n    " + "[{" * 500 + "}]" * 500 + "\n"
    assert (
        lab.kubectl("apply --dry-run=server -f -", config, echo=False).text == "configmap/a created (server dry run)\n"
    )


@pytest.mark.parametrize("text", ["", "---\n---\n", "# nothing\n", "\n\n"])
def test_nothing(refused, text):
    assert refused("apply -f -", text) == "error: no objects passed to apply\n"


@pytest.mark.parametrize(("text", "kind"), [("just text", "string"), ("- 1\n", "array"), ("42", "number")])
def test_no_object(refused, text, kind):
    message = (
        f'error: unable to decode "STDIN": json: cannot unmarshal {kind} into Go value of type unstructured.detector\n'
    )
    assert refused("apply --validate=false -f -", text) == message


def test_separator_with_more(lab):
    output = lab.kubectl("apply -f -", "--- foo: 1\n", echo=False)
    assert output.stderr == "error: error parsing STDIN: invalid Yaml document separator: foo: 1\n"

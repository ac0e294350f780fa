"""YAML in go-yaml's form; the texts are kubectl's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8slab.kubectl import goyaml

VALUES = {
    "a": "word " * 40,
    "aa": "0b1",
    "b": "true",
    "bb": "1_000",
    "c": "1e3",
    "cc": ".5",
    "d": "",
    "dd": "y",
    "e": "a: b",
    "ee": "=",
    "f": "l1\nl2\n",
    "ff": "<<",
    "g": "l1\nl2",
    "gg": "{a}",
    "h": "it's",
    "i": '"q"',
    "jj": "&a",
    "ll": ":a",
    "m": "trail ",
    "n": "null",
    "o": "~",
    "oo": "2026-01-01",
    "pp": "  indented\nx",
    "q": "0x1F",
    "r": "1:30",
    "t": "\ttab",
    "u": "a\n\nb\n\n",
    "v": "é日本",
    "z": "010",
}
WRITTEN = """\
a: 'word word word word word word word word word word word word word word word word
  word word word word word word word word word word word word word word word word
  word word word word word word word word '
aa: "0b1"
b: "true"
bb: "1_000"
c: "1e3"
cc: ".5"
d: ""
dd: "y"
e: 'a: b'
ee: =
f: |
  l1
  l2
ff: <<
g: |-
  l1
  l2
gg: '{a}'
h: it's
i: '"q"'
jj: '&a'
ll: :a
m: 'trail '
"n": "null"
o: "~"
oo: "2026-01-01"
pp: |2-
    indented
  x
q: "0x1F"
r: "1:30"
t: "\\ttab"
u: |+
  a

  b

v: é日本
z: "010"
"""


def test_texts_are_quoted_and_folded_as_go_does():
    # The last blank line of `u` is part of its value.
    assert goyaml.dump(VALUES) == WRITTEN


def test_numbers_inside_keys_count_as_numbers():
    assert goyaml.dump({"item10": 1, "item2": 2, "b": None, "a": True}) == "a: true\nb: null\nitem2: 2\nitem10: 1\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not: [valid\n", "yaml: line 1: did not find expected ',' or ']'"),
        ("a: b\n c: d\n", "yaml: line 2: mapping values are not allowed in this context"),
        ("metadata:\n\tname: x\n", "yaml: line 2: found character that cannot start any token"),
        ('a: "b\n', "yaml: line 2: found unexpected end of stream"),
        ("a: &x 1\nb: *y\n", "yaml: unknown anchor 'y' referenced"),
        ("a: [\n", "yaml: line 1: did not find expected node content"),
    ],
)
def test_broken_yaml_is_told_with_its_line(text, message):
    with pytest.raises(goyaml.YamlError) as caught:
        goyaml.load(text)
    assert str(caught.value) == message


def test_plain_scalars_are_read_as_go_yaml_2_does():
    read = goyaml.load("a: yes\nb: 2026-01-01\nc: 1e3\nd: 0x10\ne: 010\nf: 1:30\ng: ~\nno: x\n5: y\n")
    assert read == {
        "a": True,
        "b": "2026-01-01",
        "c": 1000.0,
        "d": 16,
        "e": 8,
        "f": "1:30",
        "g": None,
        "false": "x",
        "5": True,
    }


TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\n\t"), max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS.filter(bool), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_what_is_written_is_read_again(value):
    assert goyaml.load(goyaml.dump(value)) == value

"""YAML as kubectl reads and writes it."""

import pickle

import pytest

from k8slab.api import documents


def problem(text):
    with pytest.raises(documents.DocumentError) as error:
        documents.load_all(text)
    assert str(pickle.loads(pickle.dumps(error.value))) == str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("on", True),
        ("y", True),
        ("No", False),
        ("OFF", False),
        ("~", None),
        ("", None),
        ("Null", None),
        ("0777", 511),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b101", 5),
        ("-12", -12),
        ("+5", 5),
        ("1_000", 1000),
        ("1.0", 1),
        ("1e3", 1000),
        (".5", 0.5),
        ("1.5", 1.5),
        ("18446744073709551615", 18446744073709551615),
        ("1:30", "1:30"),
        ("80:80", "80:80"),
        ("2026-01-01", "2026-01-01"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("1.2.3", "1.2.3"),
        ("100m", "100m"),
        ("0899", 899),
        ("yEs", "yEs"),
        ("-", "-"),
    ],
)
def test_scalars(text, value):
    assert documents.resolve(text) == value
    assert type(documents.resolve(text)) is type(value)


def test_quoted_scalars_are_texts():
    assert documents.load("a: 'yes'\nb: \"1\"\nc: !!str 2\nd: |\n  3\n") == {"a": "yes", "b": "1", "c": "2", "d": "3\n"}


def test_keys_become_texts():
    assert documents.load("8080: a\ntrue: b\n1.5: c\non: d\n") == {"8080": "a", "true": "d", "1.5": "c"}


def test_anchors_and_merges():
    text = "base: &b {a: 1, c: 2}\nover:\n  <<: *b\n  c: 3\nboth:\n  <<: [{a: 5}, *b]\n"
    value = documents.load(text)
    assert value["over"] == {"a": 1, "c": 3}
    assert value["both"] == {"a": 5, "c": 2}


def test_documents_are_cut_at_separators():
    text = "# nothing\n---\na: 1\n---   \n\n--- # comment\nb: '---x'\n---\n"
    assert documents.load_all(text) == [{"a": 1}, {"b": "---x"}]


def test_json_is_read_as_json():
    assert documents.load_all('{"a":\t1}') == [{"a": 1}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not: [valid", "line 1: did not find expected ',' or ']'"),
        ("data: [", "line 1: did not find expected node content"),
        ("a: 1\nb:\n\t- d", "line 3: found character that cannot start any token"),
        ("a: 1\nb:\n  c: 2\n\t- d", "line 4: found a tab character that violates indentation"),
        ("a: 1\n---\nx: 1\ny: [", "line 2: did not find expected node content"),
        ("a: b: c", "mapping values are not allowed in this context"),
        ("a: *nope", "unknown anchor 'nope' referenced"),
    ],
)
def test_syntax_errors(text, message):
    assert problem(text) == f"error converting YAML to JSON: yaml: {message}"


def test_line_and_column_are_known():
    with pytest.raises(documents.DocumentError) as error:
        documents.load_all("a: 1\nb:\n\t- d")
    assert (error.value.line_number, error.value.column_number) == (3, 1)
    assert error.value.line() == f"error: {error.value}"


def test_alias_bombs_are_refused_quickly():
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 12)]
    text = "\n".join(["l0: &l0 [x]", *levels])
    assert "document contains excessive aliasing" in problem(text)
    assert "contains itself" in problem("a: &a [*a]")


def test_infinity_is_no_json():
    assert problem("a: .inf") == "error converting YAML to JSON: json: unsupported value: +Inf"


def test_writing_styles():
    value = {
        "kind": "X",
        "a10": "yes",
        "a9": ["1", 1, 1.5, True, None, ""],
        "B": {},
        "b": [],
        "text": "one\ntwo\n",
        "plain": "a b: c",
        "time": "2026-01-01T00:00:00Z",
        "list": [{"b": 1, "a": [1]}],
        "y": "n",
        "z": "10:30",
    }
    assert documents.dump(value) == (
        'B: {}\na9:\n- "1"\n- 1\n- 1.5\n- true\n- null\n- ""\na10: "yes"\nb: []\nkind: X\n'
        "list:\n- a:\n  - 1\n  b: 1\nplain: 'a b: c'\ntext: |\n  one\n  two\n"
        'time: "2026-01-01T00:00:00Z"\n"y": "n"\nz: "10:30"\n'
    )

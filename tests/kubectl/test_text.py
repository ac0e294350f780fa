"""Columns, durations, custom columns, Go templates."""

from __future__ import annotations

import pytest

from k8slab.kubectl import duration, tabular
from k8slab.kubectl.columns import CustomColumns
from k8slab.kubectl.failure import CommandError
from k8slab.kubectl.gotemplate import GoTemplate, TemplateError
from k8slab.kubectl.ordering import by_field, compare


def test_cells_of_neighbouring_lines_are_aligned():
    assert (
        tabular.align("Name:\tx\nNamespace:\ty\nBlock:\n  a:\tb\n") == "Name:       x\nNamespace:  y\nBlock:\n  a:  b\n"
    )


def test_tables_have_columns_of_at_least_six():
    assert tabular.table([["NAME", "AGE"], ["a", "1s"]]) == "NAME   AGE\na      1s\n"
    assert tabular.table([["web", "0", "5s"]]) == "web   0     5s\n"


def test_an_empty_last_cell_leaves_the_padding():
    assert tabular.table([["NAME", "ROLE", "USERS"], ["r", "x", ""]]) == "NAME   ROLE   USERS\nr      x      \n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *[(-5, "<invalid>"), (0, "0s"), (119, "119s"), (120, "2m"), (125, "2m5s"), (600, "10m"), (10799, "179m")],
        *[(10800, "3h"), (11000, "3h3m"), (28800, "8h"), (172800, "2d"), (180000, "2d2h"), (691200, "8d")],
        (63072000, "2y"),
    ],
)
def test_ages(seconds, text):
    assert duration.human(seconds * 1_000_000) == text


@pytest.mark.parametrize(("text", "us"), [("1m30s", 90_000_000), ("500ms", 500_000), ("0", 0), ("-2h", -7_200_000_000)])
def test_go_durations(text, us):
    assert duration.parse(text) == us


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("5", 'time: missing unit in duration "5"'),
        ("5x", 'time: unknown unit "x" in duration "5x"'),
        ("abc", 'time: invalid duration "abc"'),
    ],
)
def test_bad_durations(text, reason):
    with pytest.raises(ValueError, match=reason):
        duration.parse(text)


def test_durations_are_printed_as_go_does():
    assert [duration.go(us) for us in (0, 90_000_000, 3_600_000_000, 1_500_000)] == ["0s", "1m30s", "1h0m0s", "1.5s"]


def test_custom_columns():
    columns = CustomColumns("NAME:.metadata.name,IMAGES:.spec.c[*].image,NONE:.x,MAP:.metadata")
    rows = columns.text([{"metadata": {"name": "web"}, "spec": {"c": [{"image": "a"}, {"image": "b"}]}}])
    assert rows == "NAME   IMAGES   NONE     MAP\nweb    a,b      <none>   map[name:web]\n"


def test_custom_columns_need_a_path():
    with pytest.raises(CommandError, match="unexpected custom-columns spec: NAME, expected <header>:<json-path-expr>"):
        CustomColumns("NAME")


OBJECT = {
    "items": [{"metadata": {"name": "a"}, "n": 1}, {"metadata": {"name": "b"}, "n": 2}],
    "map": {"x": "1", "a": "2"},
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ('{{range .items}}{{.metadata.name}}{{"\\n"}}{{end}}', "a\nb\n"),
        ("{{range $k, $v := .map}}{{$k}}={{$v}};{{end}}", "a=2;x=1;"),
        ("{{len .items}}{{.nope}}", "2<no value>"),
        ("{{range .items}}{{if eq .n 1}}one{{else}}other{{end}} {{end}}", "one other "),
        ('{{with index .items 1}}{{printf "%s-%v" .metadata.name .n}}{{end}}', "b-2"),
        ("{{range .none}}x{{else}}empty{{end}}", "empty"),
        ("{{(index .items 0).metadata.name}}{{/* nothing */}}", "a"),
        ("a {{- 1 -}} b", "a1b"),
        ("{{if and .items (not .nope)}}yes{{end}}", "yes"),
        ("{{$n := len .items}}{{$n}}", "2"),
    ],
)
def test_go_templates(template, text):
    assert GoTemplate(template).text(OBJECT) == text


@pytest.mark.parametrize("template", ["{{.a", "{{range .items}}x", "{{nosuch .a}}", "{{end}}"])
def test_bad_go_templates(template):
    with pytest.raises(TemplateError):
        GoTemplate(template).text(OBJECT)


def test_sorting_knows_numbers_and_quantities():
    assert [compare(*pair) for pair in (("pod-2", "pod-10"), ("500m", "1"), ("1Gi", "1G"), (None, "a"), (2, 10))] == [
        -1,
        -1,
        1,
        -1,
        -1,
    ]
    items = [{"x": "b"}, {}, {"x": "a"}]
    assert by_field(items, ".x", lambda item: item) == [{}, {"x": "a"}, {"x": "b"}]
    with pytest.raises(CommandError, match="couldn't find any field with path"):
        by_field(items, ".nope", lambda item: item)

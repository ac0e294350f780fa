"""The Common Expression Language: values, types, limits, and the words for what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8slab.api.cel import DYN, INT, STRING, CelError, CompileError, CostExceeded, Kind, Meter, compile_expression

OBJECT = {
    "metadata": {"name": "web-1", "labels": {"app": "web"}},
    "spec": {"replicas": 3, "ratio": 0.5, "containers": [{"name": "a", "image": "x/y:1"}, {"name": "b"}]},
}
NAMES = {"object": DYN, "params": DYN, "typed": Kind("object", (), {"size": INT, "name": STRING})}
VALUES = {"object": OBJECT, "params": None, "typed": {"size": 1}}


def result(text: str) -> Any:
    return compile_expression(text, NAMES).run(VALUES)


@pytest.mark.parametrize(
    "text",
    [
        "object.spec.replicas == 3 && object.spec.replicas >= 3.0",
        "dyn(3) == 3.0 && dyn(1u) == 1 && dyn('1') != 1 && dyn(true) != 1",
        "object.spec.containers.all(c, c.name.size() == 1)",
        "object.spec.containers.exists_one(c, has(c.image))",
        "object.spec.containers.filter(c, !has(c.image)).map(c, c.name) == ['b']",
        "object.spec.containers.map(c, has(c.image), c.image) == ['x/y:1']",
        "object.metadata.labels.all(k, v, k == 'app' && v == 'web')",
        "object.metadata.labels.transformMap(k, v, v + '!') == {'app': 'web!'}",
        "[1, 2].transformList(i, v, i + v) == [1, 3]",
        "object.?spec.?nope.orValue('x') == 'x' && object.?spec.replicas.value() == 3",
        "!object.?spec.?nope.hasValue() && object[?'spec'].hasValue()",
        "optional.of(2).optMap(x, x * 2).value() == 4 && optional.none().or(optional.of(1)).value() == 1",
        "[?object.?nope, ?optional.of(1)] == [1] && {?'a': optional.none()} == {}",
        "cel.bind(n, object.metadata.name, n.startsWith('web') && n.endsWith('1') && n.contains('-'))",
        "object.zzz == 1 || true",
        "!(object.zzz == 1 && false)",
        "[object.zzz, 1].exists(x, x == 1) || true",
        "'a' in ['a', 'b'] && 'app' in object.metadata.labels && !('b' in object.metadata.labels)",
        "-7 / 2 == -3 && -7 % 2 == -1 && 7u / 2u == 3u && 1.0 / 0.0 > 1e300",
        "type(1) == int && type('') == string && type(1) != type(1u) && type(null) == null_type",
        "int('42') == 42 && int(2.9) == 2 && double('1.5') == 1.5 && string(1.0) == '1' && string(b'a') == 'a'",
        "timestamp('2026-02-03T04:05:06Z').getMonth() == 1 && timestamp('2026-02-03T04:05:06Z').getDayOfWeek() == 2",
        "timestamp('2026-01-01T00:00:00Z') + duration('36h') == timestamp('2026-01-02T12:00:00Z')",
        "timestamp('2026-01-01T00:00:00Z').getHours('Asia/Tokyo') == 9 && duration('90m').getHours() == 1",
        "'a,b'.split(',') == ['a', 'b'] && ['a', 'b'].join('-') == 'a-b' && 'abc'.substring(1, 2) == 'b'",
        "'abcabc'.indexOf('c') == 2 && 'abcabc'.lastIndexOf('c') == 5 && 'ab'.charAt(1) == 'b'",
        "'aB'.lowerAscii() == 'ab' && 'a-b'.replace('-', '') == 'ab' && ' a '.trim() == 'a'",
        "'%s is %d (%.1f, %x)'.format([dyn('a'), dyn(7), dyn(1.25), dyn(255)]) == 'a is 7 (1.2, ff)'",
        "'abc 123'.find('[0-9]+') == '123' && 'a1b2'.findAll('[0-9]') == ['1', '2'] && 'abc'.matches('^a.c$')",
        "[3, 1, 2].sum() == 6 && [3, 1].min() == 1 && [3, 1].max() == 3 && [1, 2].isSorted() && ![2, 1].isSorted()",
        "sets.contains([1, 2, 3], [3, 1]) && sets.equivalent([1, 1], [1]) && !sets.intersects([1], [2])",
        "quantity('1Gi').isGreaterThan(quantity('1Mi')) && quantity('500m').add(quantity('500m')).asInteger() == 1",
        "isQuantity('10Mi') && !isQuantity('10MiB') && quantity('1k') == quantity('1000')",
        "isIP('10.0.0.1') && !isIP('10.0.0') && ip('::1').isLoopback() && ip('10.0.0.1').family() == 4",
        "cidr('10.0.0.0/8').containsIP('10.1.2.3') && cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')",
        "cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8') && string(cidr('10.1.2.3/8').ip()) == '10.1.2.3'",
        "url('https://a.b:8443/x?q=1').getPort() == '8443' && url('https://a.b/x?q=1').getQuery()['q'] == ['1']",
        "!isURL('a b') && url('https://[::1]:80/').getHostname() == '::1'",
        "semver('1.2.3-rc.1').isLessThan(semver('1.2.3')) && semver('v1.2', true).minor() == 2 && !isSemver('1.2')",
        "!format.dns1123Label().validate('abc').hasValue() && format.dns1123Label().validate('A').hasValue()",
        "format.named('uuid').hasValue() && !format.named('nope').hasValue()",
        r"""'\u00e9' == 'é' && r'\d' == '\\d' && b'\xff' != b'a' && '''a" 'b''' == 'a" \'b'""",
    ],
)
def test_expressions_that_hold(text: str) -> None:
    assert result(text) is True


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("object.spec.nope == 1", "no such key: nope"),
        ("params.limit > 1", "no such key: limit"),
        ("object.spec.containers[5].name", "index out of bounds: 5"),
        ("1 / (object.spec.replicas - 3)", "division by zero"),
        ("object.spec.replicas % 0", "modulus by zero"),
        ("object.spec.replicas + 9223372036854775807", "integer overflow"),
        ("object.metadata.name + object.spec.replicas", "no such overload"),
        ("object.metadata.name < object.spec.replicas", "no such overload"),
        ("object.spec.replicas.startsWith('a')", "no such overload: startsWith(int, string)"),
        ("optional.none().value()", "optional.none() dereference"),
        ("int(object.metadata.name)", "type conversion error from 'string' to 'int'"),
        ("[1].filter(x, x > 1).min()", "min called on empty list"),
    ],
)
def test_what_fails_when_it_runs(text: str, why: str) -> None:
    with pytest.raises(CelError) as failure:
        result(text)
    assert str(failure.value) == why


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ("objekt.spec", (1, 1), "undeclared reference to 'objekt' (in container '')"),
        ("nope(1)", (1, 5), "undeclared reference to 'nope' (in container '')"),
        ("1 + 'a'", (1, 3), "found no matching overload for '_+_' applied to '(int, string)'"),
        ("1 == 1.0", (1, 3), "found no matching overload for '_==_' applied to '(int, double)'"),
        ("typed.nope", (1, 6), "undefined field 'nope'"),
        ("typed.size == 'a'", (1, 12), "found no matching overload for '_==_' applied to '(int, string)'"),
        ("typed.size.matches('a')", (1, 19), "found no matching overload for 'matches' applied to 'int.(string)'"),
        ("[1, 'a']", (1, 5), "expected type 'int' but found 'string'"),
        ("true ?\n 1 : 'a'", (1, 6), "found no matching overload for '_?_:_' applied to '(bool, int, string)'"),
        ("true &&\n 1 + 'a' == 2", (2, 4), "found no matching overload for '_+_' applied to '(int, string)'"),
        ("(1", (1, 3), "Syntax error: mismatched input '<EOF>' expecting ')'"),
        ("a b", (1, 3), "Syntax error: extraneous input 'b' expecting <EOF>"),
        ("has(object)", (1, 4), "invalid argument to has() macro"),
        ("[1].all(x.y, true)", (1, 10), "argument must be a simple name"),
        ("for == 1", (1, 1), "reserved identifier: for"),
        ("#", (1, 1), "Syntax error: token recognition error at: '#'"),
    ],
)
def test_what_does_not_compile(text: str, place: tuple[int, int], why: str) -> None:
    with pytest.raises(CompileError) as failure:
        compile_expression(text, NAMES)
    lines = str(failure.value).split("\n")
    assert lines[0] == f"ERROR: <input>:{place[0]}:{place[1]}: {why}"
    assert lines[1:] == [f" | {text.split(chr(10))[place[0] - 1]}", f" | {'.' * (place[1] - 1)}^"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1", "int"),
        ("object.a", "dyn"),
        ("[1].map(x, string(x))", "list(string)"),
        ("{'a': 1}", "map(string, int)"),
        ("typed.?size", "optional_type(int)"),
        ("typed.name + 'x'", "string"),
        ("object.a == 1", "bool"),
        ("quantity('1')", "kubernetes.Quantity"),
    ],
)
def test_types(text: str, kind: str) -> None:
    assert str(compile_expression(text, NAMES).kind) == kind


def test_cost_is_limited() -> None:
    program = compile_expression("l.all(a, l.all(b, l.all(c, a + b + c >= 0)))", {"l": DYN})
    meter = Meter(10_000)
    assert program.run({"l": [1, 2]}, meter) is True and 0 < meter.used < 200
    with pytest.raises(CostExceeded, match="operation cancelled: actual cost limit exceeded"):
        program.run({"l": list(range(100))}, Meter(10_000))


def test_nonsense_ends_with_words() -> None:
    for text in ("(" * 300, "!" * 300 + "true", "[" * 300, "", "a." * 50, "'"):
        with pytest.raises(CompileError, match="ERROR: <input>:1:"):
            compile_expression(text, NAMES)


@given(st.integers(-(2**31), 2**31), st.integers(-(2**31), 2**31).filter(bool))
def test_division_goes_with_its_remainder(left: int, right: int) -> None:
    names, values = {"a": INT, "b": INT}, {"a": left, "b": right}
    assert compile_expression("(a / b) * b + a % b == a", names).run(values) is True


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)))
def test_times_survive_being_written(moment: datetime) -> None:
    value = moment.replace(tzinfo=UTC)
    program = compile_expression("timestamp(string(t)) == t", {"t": Kind("google.protobuf.Timestamp")})
    assert program.run({"t": value}) is True


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=8))
def test_every_value_equals_itself_and_is_found(value: Any) -> None:
    assert compile_expression("v == v && v in [dyn(0), v]", {"v": DYN}).run({"v": value}) is True


@pytest.mark.parametrize(
    "text",
    ["'%.99999999999f'.format([1.0])", "duration('99999999999h') > duration('1s')", f"int('{'9' * 5000}')"],
)
def test_what_is_beyond_all_numbers_is_an_error_of_the_expression(text: str) -> None:
    with pytest.raises(CelError):
        compile_expression(text, {}).run({})


def test_long_chains_do_not_overflow_the_stack() -> None:
    with pytest.raises((CompileError, CelError)):
        compile_expression("1" + "+1" * 5000, {}).run({})


@pytest.mark.parametrize("text", ["x.replace('', x)", "[x, x].join(x + x + x) != x.replace('a', x)"])
def test_texts_too_long_to_be_paid_for_are_not_made(text: str) -> None:
    with pytest.raises(CostExceeded):
        compile_expression(text, {"x": STRING}).run({"x": "a" * 20_000})

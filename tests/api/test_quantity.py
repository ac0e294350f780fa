"""Quantities: forms, rounding, arithmetic and texts."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8slab.api import quantity
from k8slab.api.quantity import FORMAT_WRONG, SUFFIX_WRONG, QuantityError


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0", "0"),
        ("0Mi", "0"),
        ("0.5", "500m"),
        (".5", "500m"),
        ("1.0", "1"),
        ("1.", "1"),
        ("+1", "1"),
        ("-1500m", "-1500m"),
        ("1000m", "1"),
        ("1000", "1k"),
        ("1500", "1500"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("1500Mi", "1500Mi"),
        ("0.1Ki", "102400m"),
        ("512Ki", "512Ki"),
        ("1e3", "1e3"),
        ("1E3", "1e3"),
        ("12e6", "12e6"),
        ("100e-3", "100e-3"),
        ("1E", "1E"),
        ("100n", "100n"),
        ("0.0000000001", "1n"),
        ("1u", "1u"),
        ("9223372036854775807", "9223372036854775807"),
        ("10Ei", "9223372036854775807"),
        (2, "2"),
        (0.5, "500m"),
        (1e-7, "100e-9"),
    ],
)
def test_canonical_form(text, canonical):
    assert quantity.canonical(text) == canonical
    assert quantity.canonical(canonical) == canonical


@pytest.mark.parametrize(
    ("text", "milli", "value"),
    [("1", 1000, 1), ("1500m", 1500, 2), ("100u", 1, 1), ("-1500m", -1500, -2), ("1Ki", 1024000, 1024), ("0", 0, 0)],
)
def test_rounding_goes_away_from_zero(text, milli, value):
    assert (quantity.milli(text), quantity.value(text)) == (milli, value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", FORMAT_WRONG),
        ("x", FORMAT_WRONG),
        ("1 Gi", FORMAT_WRONG),
        ("1.5.5", FORMAT_WRONG),
        ("1Q", FORMAT_WRONG),
        ("--1", SUFFIX_WRONG),
        ("1mm", SUFFIX_WRONG),
        ("1e", SUFFIX_WRONG),
        ("1KI", FORMAT_WRONG),
        ("1iK", SUFFIX_WRONG),
    ],
)
def test_errors(text, message):
    with pytest.raises(QuantityError) as error:
        quantity.parse(text)
    assert str(error.value) == message


def test_sums_keep_the_format_of_the_left():
    assert quantity.add("1Gi", "512M") == "1548576Ki"
    assert quantity.add("1Gi", "1") == "1073741825"
    assert quantity.add("1Gi", "1024Mi") == "2Gi"
    assert quantity.add("0", "1Gi") == "1Gi"
    assert quantity.add("1500m", "1500m") == "3"
    assert quantity.sub("2", "500m") == "1500m"
    assert quantity.sub("1Gi", "1Gi") == "0"
    assert quantity.total(["100m", "200m", "1"]) == "1300m"
    assert quantity.total([]) == "0"


def test_numbers_become_quantities():
    assert quantity.from_milli(1500) == "1500m"
    assert quantity.from_milli(2000) == "2"
    assert quantity.from_value(2**20, quantity.BINARY) == "1Mi"
    assert quantity.from_value(1000) == "1k"


SUFFIXES = {"n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000), "": 1, "k": 1000, "M": 10**6}
SUFFIXES |= {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "e3": 1000, "E-2": Fraction(1, 100)}
amounts = st.tuples(
    st.sampled_from(["", "-", "+"]),
    st.integers(0, 10**6),
    st.text("0123456789", max_size=4),
    st.sampled_from(sorted(SUFFIXES)),
)


def exact(parts):
    """What the text stands for, worked out independently."""
    sign, whole, fraction, suffix = parts
    number = Fraction(f"{whole}.{fraction or '0'}") * SUFFIXES[suffix]
    return -number if sign == "-" else number


def written(parts):
    sign, whole, fraction, suffix = parts
    return f"{sign}{whole}{'.' if fraction else ''}{fraction}{suffix}"


def away_from_zero(number):
    return -(-number.numerator // number.denominator) if number >= 0 else number.numerator // number.denominator


@given(amounts)
def test_parsing_agrees_with_fractions(parts):
    number, text = exact(parts), written(parts)
    assert quantity.nano(text) == away_from_zero(number * 10**9)
    assert quantity.milli(text) == away_from_zero(Fraction(quantity.nano(text), 10**6))
    assert quantity.nano(quantity.canonical(text)) == quantity.nano(text)


@given(amounts, amounts)
def test_arithmetic_agrees_with_numbers(left, right):
    a, b = written(left), written(right)
    assert quantity.nano(quantity.add(a, b)) == quantity.nano(a) + quantity.nano(b)
    assert quantity.nano(quantity.sub(a, b)) == quantity.nano(a) - quantity.nano(b)
    assert quantity.compare(a, b) == (quantity.nano(a) > quantity.nano(b)) - (quantity.nano(a) < quantity.nano(b))

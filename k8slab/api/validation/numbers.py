"""Counts and percentages in workloads and budgets (`pkg/apis/apps/validation`)."""

from __future__ import annotations

import re

from k8slab.api.validation import names
from k8slab.api.validation.metadata import Errors, nonnegative
from k8slab.errors import FieldError

_PERCENT = re.compile("[0-9]+%")
_PERCENT_TEXT = names.regex_error(
    "a valid percent string must be a numeric string followed by an ending '%'", "[0-9]+%", "1%", "93%"
)


def int_or_percent(value: int | str | None, path: str, errors: Errors) -> None:
    """A count of at least 0, or a percentage."""
    if isinstance(value, str):
        if not _PERCENT.fullmatch(value):
            errors.append(FieldError.invalid(path, value, _PERCENT_TEXT))
    else:
        nonnegative(value, path, errors)


def at_most_all(value: int | str | None, path: str, errors: Errors) -> None:
    """A percentage of at most 100."""
    if isinstance(value, str) and _PERCENT.fullmatch(value) and int(value[:-1]) > 100:
        errors.append(FieldError.invalid(path, value, "must not be greater than 100%"))


def is_zero(value: int | str | None) -> bool:
    """Whether a count or percentage is none at all."""
    return not int(value.rstrip("%") or 0) if isinstance(value, str) and _PERCENT.fullmatch(value) else not value

"""Errors of patches, with the codes and texts of the API server (`apiserver/pkg/endpoints/handlers/patch.go`)."""

from __future__ import annotations

from typing import Any

from k8slab.errors import ApiError

REJECTED = "the server rejected our request due to an error in our request"


def bad_request(text: str) -> ApiError:
    """The patch cannot be read: 400."""
    return ApiError(400, "BadRequest", text)


def rejected() -> ApiError:
    """The patch can be read but not applied: 422, and the server does not say why."""
    return ApiError(422, "Invalid", REJECTED, details={})


def internal(text: str) -> ApiError:
    """What the server did not foresee: 500 without a reason."""
    return ApiError(500, "", text)


BAD_PRIMITIVE_LIST = "invalid patch format of primitive list"
BAD_RETAIN_KEYS = "invalid patch format of retainKeys"
BAD_ELEMENT_ORDER = "invalid patch format of setElementOrder list"


def no_merge_key(item: dict[str, Any], key: str) -> ApiError:
    """An element of a merged list lacks the field that identifies it."""
    return internal(f"map: {go_text(item)} does not contain declared merge key: {key}")


def bad_type(wanted: str, value: Any) -> ApiError:
    """A directive's value has the wrong JSON type; `wanted` is the Go type."""
    return internal(f"expected a {wanted}, but received a {go_type(value)}")


def go_type(value: Any) -> str:
    """The Go type that a decoded JSON value has on the server."""
    if value is None:
        return "%!s(<nil>)"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, dict):
        return "map[string]interface {}"
    if isinstance(value, list | tuple):
        return "[]interface {}"
    return {str: "string", int: "int64", float: "float64"}[type(value)]


def json_type(value: Any) -> str:
    """What encoding/json calls a JSON value in its errors."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list | tuple):
        return "array"
    return "string" if isinstance(value, str) else "number"


def go_text(value: Any) -> str:
    """A JSON value as Go's `%v` prints it: `map[a:1 b:[x y]]`, keys sorted."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{go_text(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list | tuple):
        return "[" + " ".join(map(go_text, value)) + "]"
    if isinstance(value, float):
        return _float_text(value)
    return str(value)


def _float_text(number: float) -> str:
    """Go's `%v`: the shortest digits, with an exponent below 1e-4 and from 1e21 on."""
    digits = repr(number)
    if "e" in digits or digits.endswith(".0"):
        size = abs(number)
        if size and not 1e-4 <= size < 1e21:
            mantissa, _, exponent = f"{number:e}".partition("e")
            shortest = repr(float(mantissa)).removesuffix(".0")
            return f"{shortest}e{int(exponent):+03d}"
        return f"{number:.0f}" if number == int(number) else digits
    return digits

"""The exceptions of k8slab: one tree, with the reasons, codes and words of Kubernetes.

The wording follows apimachinery's `pkg/api/errors/errors.go` and `pkg/util/validation/field/errors.go`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec


class K8sLabError(Exception):
    """Base of all errors which k8slab raises on purpose: one line for the user, no traceback."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback."""
        return [self.line()]

    def line(self) -> str:
        """The text for a user, as a command line would print it."""
        return f"error: {self}"


class ApiError(K8sLabError):
    """A failed request, with everything that a `metav1.Status` says.

    An error made with a known reason is an instance of that reason's class, so both `except NotFound` and
    `error.reason == "NotFound"` work, also for errors that came over the wire.

    Args:
        code: HTTP status code.
        reason: machine-readable word such as `NotFound`; empty for errors that the server did not expect.
        message: text for people.
        details: name, group, kind, uid, retryAfterSeconds; `{}` is written, None is not.
        causes: dicts with reason, message, field.
    """

    def __new__(cls, code: int = 500, reason: str = "", *_: Any, **__: Any) -> ApiError:
        """Pick the class of the reason."""
        return super().__new__(_BY_REASON.get(reason, cls) if cls is ApiError else cls)

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        details: dict[str, Any] | None = None,
        causes: Iterable[dict[str, Any]] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.causes = tuple(causes)

    def __reduce__(self) -> Any:
        return (ApiError, (self.code, self.reason, self.message, self.details, self.causes))

    def status(self) -> dict[str, Any]:
        """The Status object that the API server answers with, as plain data."""
        result: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        if self.message:
            result["message"] = self.message
        if self.reason:
            result["reason"] = self.reason
        if self.details is not None or self.causes:
            result["details"] = self._details()
        result["code"] = self.code
        return result

    def _details(self) -> dict[str, Any]:
        given = self.details or {}
        causes = [{key: cause[key] for key in _CAUSE if cause.get(key)} for cause in self.causes]
        filled = given | ({"causes": causes} if causes else {})
        return {key: filled[key] for key in _DETAILS if filled.get(key)}

    @classmethod
    def from_status(cls, status: dict[str, Any]) -> ApiError:
        """The error that a Status object tells about."""
        details = status.get("details")
        causes = (details or {}).get("causes") or ()
        if details is not None:
            details = {key: value for key, value in details.items() if key != "causes"}
        return ApiError(status.get("code", 500), status.get("reason", ""), status.get("message", ""), details, causes)

    def line(self) -> str:
        """The line (or lines) which kubectl prints."""
        if self.reason == "Unauthorized":
            return f"error: You must be logged in to the server ({self.message})"
        if self.reason == "Invalid":
            return self._invalid_lines()
        return f"Error from server{f' ({self.reason})' if self.reason else ''}: {self.message}"

    def _invalid_lines(self) -> str:
        details = self.details
        if details is None and not self.causes:
            return "The request is invalid" + (f": {self.message}" if self.message else "")
        kind, name = (details or {}).get("kind", ""), (details or {}).get("name", "")
        text = f"The {kind} {quote(name)} is invalid" if kind or name else "The request is invalid"
        texts = list(dict.fromkeys(f"{cause.get('field', '')}: {cause.get('message', '')}" for cause in self.causes))
        if not texts:
            return text if kind or name or not self.message else f"{text}: {self.message}"
        return f"{text}: {texts[0]}" if len(texts) == 1 else f"{text}: " + "".join(f"\n* {each}" for each in texts)


_DETAILS = ("name", "group", "kind", "uid", "causes", "retryAfterSeconds")
_CAUSE = ("reason", "message", "field")


class BadRequest(ApiError):
    """400: the request cannot be understood."""


class Unauthorized(ApiError):
    """401: nobody knows who asks."""


class Forbidden(ApiError):
    """403: not allowed, by authorization or by admission."""


class NotFound(ApiError):
    """404: no such object, or no such resource."""


class MethodNotAllowed(ApiError):
    """405: the resource does not know this verb."""


class NotAcceptable(ApiError):
    """406: no representation that the client would take."""


class AlreadyExists(ApiError):
    """409: an object of this name exists."""


class Conflict(ApiError):
    """409: the object was changed in the meantime; read it again and retry."""


class Gone(ApiError):
    """410: it was there once."""


class Expired(ApiError):
    """410: the resource version is older than what etcd still keeps; list again."""


class RequestEntityTooLarge(ApiError):
    """413: more than the server takes."""


class UnsupportedMediaType(ApiError):
    """415: a body in a format that the server does not read."""


class Invalid(ApiError):
    """422: understood, but against the rules of the kind; the causes name the fields."""


class TooManyRequests(ApiError):
    """429: retry later, for instance because a disruption budget forbids the eviction now."""


class InternalError(ApiError):
    """500: something broke inside the server."""


class ServerTimeout(ApiError):
    """500: could not be completed in time, but a retry may work."""


class ServiceUnavailable(ApiError):
    """503: the server is not able to answer now."""


class Timeout(ApiError):
    """504: the client's time ran out."""


_BY_REASON: dict[str, type[ApiError]] = {
    cls.__name__: cls
    for cls in (
        BadRequest,
        Unauthorized,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        NotAcceptable,
        AlreadyExists,
        Conflict,
        Gone,
        Expired,
        RequestEntityTooLarge,
        UnsupportedMediaType,
        Invalid,
        TooManyRequests,
        InternalError,
        ServerTimeout,
        ServiceUnavailable,
        Timeout,
    )
}


def _subject(group_resource: str, name: str = "") -> dict[str, Any]:
    kind, _, group = group_resource.partition(".")
    return {"name": name, "group": group, "kind": kind}


def bad_request(message: str) -> ApiError:
    """400 `BadRequest`."""
    return ApiError(400, "BadRequest", message)


def unauthorized(message: str = "Unauthorized") -> ApiError:
    """401 `Unauthorized`, with the word that the server answers to requests without valid credentials."""
    return ApiError(401, "Unauthorized", message)


def forbidden(group_resource: str, name: str, why: str, causes: Iterable[dict[str, Any]] = ()) -> ApiError:
    """403 `pods "x" is forbidden: why`; `group_resource` is `deployments.apps`, or empty for a path."""
    subject = f"{group_resource} {quote(name)} is " if name else f"{group_resource} is "
    text = f"{subject if group_resource else ''}forbidden: {why}"
    return ApiError(403, "Forbidden", text, _subject(group_resource, name), causes)


def not_found(group_resource: str, name: str) -> ApiError:
    """404 `deployments.apps "x" not found`."""
    return ApiError(404, "NotFound", f"{group_resource} {quote(name)} not found", _subject(group_resource, name))


def no_such_resource() -> ApiError:
    """404 for a path that no resource serves."""
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def method_not_supported(group_resource: str, verb: str) -> ApiError:
    """405 `create is not supported on resources of kind "pods"`."""
    text = f"{verb} is not supported on resources of kind {quote(group_resource)}"
    return ApiError(405, "MethodNotAllowed", text, _subject(group_resource))


def method_not_allowed() -> ApiError:
    """405 as the server answers when a resource has no handler for the verb."""
    return ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def not_acceptable(message: str) -> ApiError:
    """406 `NotAcceptable`."""
    return ApiError(406, "NotAcceptable", message)


def already_exists(group_resource: str, name: str) -> ApiError:
    """409 `pods "x" already exists`."""
    return ApiError(
        409, "AlreadyExists", f"{group_resource} {quote(name)} already exists", _subject(group_resource, name)
    )


def generate_name_conflict(group_resource: str, name: str) -> ApiError:
    """409 for a generated name that is taken even after all attempts."""
    text = (
        f"{group_resource} {quote(name)} already exists, "
        "the server was not able to generate a unique name for the object"
    )
    return ApiError(409, "AlreadyExists", text, _subject(group_resource, name) | {"retryAfterSeconds": 1})


MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def conflict(group_resource: str, name: str, why: str = MODIFIED) -> ApiError:
    """409 `Operation cannot be fulfilled on pods "x": why`."""
    text = f"Operation cannot be fulfilled on {group_resource} {quote(name)}: {why}"
    return ApiError(409, "Conflict", text, _subject(group_resource, name))


def gone(message: str) -> ApiError:
    """410 `Gone`."""
    return ApiError(410, "Gone", message)


def expired(message: str) -> ApiError:
    """410 `Expired`: a resource version or continue token that is too old."""
    return ApiError(410, "Expired", message)


def unsupported_media_type(accepted: Iterable[str]) -> ApiError:
    """415, naming the accepted media types."""
    text = f"the body of the request was in an unknown format - accepted media types include: {', '.join(accepted)}"
    return ApiError(415, "UnsupportedMediaType", text)


def invalid(group_kind: str, name: str, field_errors: Iterable[FieldError]) -> ApiError:
    """422 `Pod "x" is invalid: ...` with one cause per field; `group_kind` is `Deployment.apps`."""
    errors = tuple(field_errors)
    text = f"{group_kind} {quote(name or '')} is invalid"
    if errors:
        text += f": {aggregate(errors)}"
    return ApiError(422, "Invalid", text, _subject(group_kind, name), (error.cause() for error in errors))


def too_many_requests(message: str, retry_after_seconds: int = 0, causes: Iterable[dict[str, Any]] = ()) -> ApiError:
    """429 `TooManyRequests`."""
    return ApiError(429, "TooManyRequests", message, {"retryAfterSeconds": retry_after_seconds}, causes)


def unexpected(message: str) -> ApiError:
    """500 without a reason: an error for which the server has no words of its own."""
    return ApiError(500, "", message)


def internal_error(why: str) -> ApiError:
    """500 `Internal error occurred: why`."""
    return ApiError(500, "InternalError", f"Internal error occurred: {why}", None, ({"message": why},))


def service_unavailable(message: str) -> ApiError:
    """503 `ServiceUnavailable`."""
    return ApiError(503, "ServiceUnavailable", message)


def timeout(message: str, retry_after_seconds: int = 0) -> ApiError:
    """504 `Timeout: message`."""
    return ApiError(504, "Timeout", f"Timeout: {message}", {"retryAfterSeconds": retry_after_seconds})


def too_large_resource_version(wanted: int, current: int, retry_after_seconds: int = 1) -> ApiError:
    """504 for a resource version that is still in the future."""
    causes = ({"reason": "ResourceVersionTooLarge", "message": "Too large resource version"},)
    text = f"Timeout: Too large resource version: {wanted}, current: {current}"
    return ApiError(504, "Timeout", text, {"retryAfterSeconds": retry_after_seconds}, causes)


# --- errors of single fields ---------------------------------------------------------------------------------------

_REASONS = {
    "Required value": "FieldValueRequired",
    "Invalid value": "FieldValueInvalid",
    "Unsupported value": "FieldValueNotSupported",
    "Duplicate value": "FieldValueDuplicate",
    "Forbidden": "FieldValueForbidden",
    "Too long": "FieldValueTooLong",
    "Too many": "FieldValueTooMany",
    "Not found": "FieldValueNotFound",
    "Internal error": "InternalError",
}
OMITTED = ...
"""A `FieldError` value that is not printed."""


@dataclass(frozen=True)
class FieldError:
    """One violated rule (`field.Error`): what is wrong with which field. Make them with the class methods.

    `field` is a path such as `spec.containers[0].name`; `value` is the offending value (text, number, bool, None,
    plain data or an API object); an int or bool is printed bare, a text quoted, the rest as JSON.
    """

    type: str
    field: str
    value: Any = None
    detail: str = ""
    reason: str = ""

    @classmethod
    def required(cls, field: str, detail: str = "") -> FieldError:
        """`field: Required value: detail`."""
        return cls("Required value", field, OMITTED, detail)

    @classmethod
    def invalid(cls, field: str, value: Any, detail: str) -> FieldError:
        """`field: Invalid value: "x": detail`."""
        return cls("Invalid value", field, value, detail)

    @classmethod
    def type_invalid(cls, field: str, value: Any, detail: str) -> FieldError:
        """As `invalid`, for a value of the wrong type."""
        return cls("Invalid value", field, value, detail, "FieldValueTypeInvalid")

    @classmethod
    def not_supported(cls, field: str, value: Any, supported: Iterable[str]) -> FieldError:
        """`field: Unsupported value: "x": supported values: "a", "b"`, in the given order."""
        values = ", ".join(quote(each) for each in supported)
        return cls("Unsupported value", field, value, f"supported values: {values}" if values else "")

    @classmethod
    def duplicate(cls, field: str, value: Any) -> FieldError:
        """`field: Duplicate value: "x"`."""
        return cls("Duplicate value", field, value)

    @classmethod
    def forbidden(cls, field: str, detail: str) -> FieldError:
        """`field: Forbidden: detail`."""
        return cls("Forbidden", field, OMITTED, detail)

    @classmethod
    def too_long(cls, field: str, maximum: int, unit: str = "bytes") -> FieldError:
        """`field: Too long: may not be more than 63 bytes`."""
        unit = unit.removesuffix("s") if maximum == 1 else unit
        detail = f"may not be more than {maximum} {unit}" if maximum >= 0 else "value is too long"
        return cls("Too long", field, OMITTED, detail)

    @classmethod
    def too_many(cls, field: str, actual: int, maximum: int) -> FieldError:
        """`field: Too many: 3: must have at most 2 items`; a negative `actual` is not printed."""
        items = "item" if maximum == 1 else "items"
        detail = f"must have at most {maximum} {items}" if maximum >= 0 else "has too many items"
        return cls("Too many", field, actual if actual >= 0 else OMITTED, detail)

    @classmethod
    def not_found(cls, field: str, value: Any) -> FieldError:
        """`field: Not found: "x"`."""
        return cls("Not found", field, value)

    @classmethod
    def internal(cls, field: str, detail: str) -> FieldError:
        """`field: Internal error: detail`."""
        return cls("Internal error", field, OMITTED, detail)

    def body(self) -> str:
        """The text without the field."""
        text = self.type if self.value is OMITTED else f"{self.type}: {printed(self.value)}"
        return f"{text}: {self.detail}" if self.detail else text

    def cause(self) -> dict[str, str]:
        """The entry in a Status object's `details.causes`."""
        return {"reason": self.reason or _REASONS[self.type], "message": self.body(), "field": self.field}

    def __str__(self) -> str:
        return f"{self.field}: {self.body()}"


def aggregate(errors: Iterable[Any]) -> str:
    """Several errors as Go prints an aggregate: one as it is, more in brackets, each text once."""
    texts = list(dict.fromkeys(str(error) for error in errors))
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


class Verbatim(str):
    """A `FieldError` value that is printed as it is: JSON of a type that only the server itself knows."""


def printed(value: Any) -> str:
    """A value as a field error shows it."""
    if isinstance(value, Verbatim):
        return str(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, (int, float)):
        return go_number(value)
    return go_json(value)


def go_number(value: int | float) -> str:
    """A number as Go's `%v` prints it: `2`, `0.5`, `1e+21`."""
    if isinstance(value, int):
        return str(value)
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    mantissa, _, exponent = repr(value).partition("e")
    return f"{mantissa}e{exponent[0]}{exponent[1:].zfill(2)}" if exponent else mantissa


def go_json(value: Any) -> str:
    """Compact JSON as Go's encoder writes it: map keys sorted, struct fields in their order, `<>&` escaped."""
    text = json.dumps(_ordered(value), ensure_ascii=False, separators=(",", ":"))
    for sign, escape in _HTML.items():
        text = text.replace(sign, escape)
    return text


_HTML = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def _ordered(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return {
            name: _ordered(getattr(value, attribute))
            for attribute, name in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True)
            if getattr(value, attribute) is not None
        }
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [_ordered(item) for item in value]
    return value


def quote(text: str) -> str:
    """A text in double quotes as Go's `%q` writes it."""
    return '"' + "".join(map(_escaped, text)) + '"'


_SHORT = {
    '"': '\\"',
    "\\": "\\\\",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}


def _escaped(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

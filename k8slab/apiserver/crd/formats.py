"""The `format` of texts that the API server checks in custom objects (`kube-openapi/pkg/validation/strfmt`)."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from datetime import date
from urllib.parse import urlsplit

from k8slab.api.timestamps import TimeError, parse

_UUID = re.compile("(?i)[0-9A-F]{8}-?[0-9A-F]{4}-?[0-9A-F]{4}-?[0-9A-F]{4}-?[0-9A-F]{12}")
_VERSIONED = "(?i)[0-9A-F]{{8}}-?[0-9A-F]{{4}}-?{}[0-9A-F]{{3}}-?[{}][0-9A-F]{{3}}-?[0-9A-F]{{12}}"
_UUID3, _UUID4, _UUID5 = (
    re.compile(_VERSIONED.format(version, variant)) for version, variant in ((3, "0-9A-F"), (4, "89AB"), (5, "89AB"))
)
_HOSTNAME = re.compile(r"([a-zA-Z0-9\-_]{1,63}\.)*[a-zA-Z0-9\-_]{1,63}\.?")
_EMAIL = re.compile(r"[^@\s<>()\[\],;:\"]+@[^@\s<>()\[\],;:\"]+")
_MAC = re.compile(r"(?i)[0-9a-f]{2}([:-][0-9a-f]{2}){5}(([:-][0-9a-f]{2}){2})?|([0-9a-f]{4}\.){2,3}[0-9a-f]{4}")
_COLOUR = re.compile("#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_RGB = re.compile(r"rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)")
_CARD = re.compile(r"[\d\s-]{13,23}")
_SSN = re.compile(r"\d{3}[- ]?\d{2}[- ]?\d{4}")
_OBJECT_ID = re.compile("(?i)[0-9a-f]{24}")
_DURATION = re.compile(r"\s*([+-]?(\d+(\.\d*)?|\.\d+)\s*[a-zµμ]+\s*)+|0", re.IGNORECASE)


def _date_time(text: str) -> bool:
    try:
        parse(text)
    except (TimeError, ValueError):
        return False
    return True


def _date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _address(text: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(text).version == version
    except ValueError:
        return False


def _ipv4(text: str) -> bool:
    return _address(text, 4)


def _ipv6(text: str) -> bool:
    return _address(text, 6)


def _cidr(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return "/" in text


def _uri(text: str) -> bool:
    try:
        return bool(urlsplit(text).scheme) or text.startswith("/")
    except ValueError:
        return False


def _byte(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _rgb(text: str) -> bool:
    match = _RGB.fullmatch(text)
    return match is not None and all(int(part) <= 255 for part in match.groups())


def _hostname(text: str) -> bool:
    return len(text) <= 255 and bool(_HOSTNAME.fullmatch(text))


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


_CHECKS: dict[str, Callable[[str], bool]] = {
    "bsonobjectid": _matches(_OBJECT_ID),
    "byte": _byte,
    "cidr": _cidr,
    "creditcard": _matches(_CARD),
    "date": _date,
    "datetime": _date_time,
    "duration": _matches(_DURATION),
    "email": _matches(_EMAIL),
    "hexcolor": _matches(_COLOUR),
    "hostname": _hostname,
    "ipv4": _ipv4,
    "ipv6": _ipv6,
    "mac": _matches(_MAC),
    "rgbcolor": _rgb,
    "ssn": _matches(_SSN),
    "uri": _uri,
    "uuid": _matches(_UUID),
    "uuid3": _matches(_UUID3),
    "uuid4": _matches(_UUID4),
    "uuid5": _matches(_UUID5),
}


def fits(text: str, name: str) -> bool:
    """Whether a text has a format; formats that the server does not know are not checked."""
    check = _CHECKS.get(name.replace("-", ""))
    return check is None or check(text)

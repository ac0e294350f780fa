"""What names, labels, ports and the like may look like (`apimachinery/pkg/util/validation/validation.go`).

Each check takes a text and returns what is wrong with it, in the server's words; an empty tuple if nothing is.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from functools import lru_cache

Messages = tuple[str, ...]
NameCheck = Callable[[str, bool], Messages]
FINE: Messages = ()

LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN = rf"{LABEL}(\.{LABEL})*"
DNS1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
LABEL_VALUE = f"({QUALIFIED})?"
CONFIG_KEY = "[-._a-zA-Z0-9]+"
UNDERSCORED = r"[a-z0-9_]([-_a-z0-9]*[a-z0-9_])?(\.[a-z0-9_]([-_a-z0-9]*[a-z0-9_])?)*"
_label, _subdomain, _dns1035 = (re.compile(text) for text in (LABEL, SUBDOMAIN, DNS1035))
_qualified, _label_value, _config_key, _underscored = (
    re.compile(text) for text in (QUALIFIED, LABEL_VALUE, CONFIG_KEY, UNDERSCORED)
)
_header = re.compile("[-A-Za-z0-9]+")
_port_name = re.compile("[-a-z0-9]+")
HTTP_PATH = re.compile(r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+")
MAX_UINT31 = 2**31 - 1


def regex_error(message: str, pattern: str, *examples: str) -> str:
    """`message (e.g. 'x',  or 'y', regex used for validation is '...')`."""
    shown = ",  or ".join(f"'{example}'" for example in examples)
    return (
        f"{message} (e.g. {shown}, regex used for validation is '{pattern}')"
        if examples
        else (f"{message} (regex used for validation is '{pattern}')")
    )


def too_long(maximum: int, unit: str = "characters") -> str:
    """`must be no more than 63 characters`."""
    return f"must be no more than {maximum} {unit}"


def between(low: int, high: int) -> str:
    """`must be between 1 and 65535, inclusive`."""
    return f"must be between {low} and {high}, inclusive"


_LABEL_TEXT = regex_error(
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    "and must start and end with an alphanumeric character",
    LABEL,
    "my-name",
    "123-abc",
)
_SUBDOMAIN_TEXT = regex_error(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character",
    SUBDOMAIN,
    "example.com",
)
_WILDCARD = rf"\*\.{SUBDOMAIN}"
_wildcard = re.compile(_WILDCARD)
_WILDCARD_TEXT = regex_error(
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of "
    "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
    _WILDCARD,
    "*.example.com",
)
_UNDERSCORED_TEXT = regex_error(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character",
    UNDERSCORED,
    "example.com",
)
_DNS1035_TEXT = regex_error(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character",
    DNS1035,
    "my-name",
    "abc-123",
)
_NAME_PART_TEXT = "name part " + regex_error(
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    QUALIFIED,
    "MyName",
    "my.name",
    "123-abc",
)
_LABEL_KEY_TEXT = (
    "a valid label key "
    + _NAME_PART_TEXT.removeprefix("name part ")
    + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
)
_LABEL_VALUE_TEXT = regex_error(
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character",
    LABEL_VALUE,
    "MyValue",
    "my_value",
    "12345",
)
_CONFIG_KEY_TEXT = regex_error(
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    CONFIG_KEY,
    "key.name",
    "KEY_NAME",
    "key-name",
)


def _shaped(text: str, pattern: re.Pattern[str], message: str, maximum: int) -> Messages:
    if len(text) <= maximum and pattern.fullmatch(text):
        return FINE
    problems = [too_long(maximum)] if len(text) > maximum else []
    if not pattern.fullmatch(text):
        problems.append(message)
    return tuple(problems)


@lru_cache(maxsize=8192)
def dns_label(text: str) -> Messages:
    """An RFC 1123 label: `my-name`."""
    return _shaped(text, _label, "must not contain dots" if _subdomain.fullmatch(text) else _LABEL_TEXT, 63)


@lru_cache(maxsize=8192)
def dns_subdomain(text: str) -> Messages:
    """An RFC 1123 subdomain: `my-name.example.com`."""
    return _shaped(text, _subdomain, _SUBDOMAIN_TEXT, 253)


@lru_cache(maxsize=1024)
def underscored_subdomain(text: str) -> Messages:
    """A subdomain whose labels may have underscores."""
    return _shaped(text, _underscored, _UNDERSCORED_TEXT, 253)


@lru_cache(maxsize=1024)
def wildcard_subdomain(text: str) -> Messages:
    """`*.example.com`."""
    return _shaped(text, _wildcard, _WILDCARD_TEXT, 253)


@lru_cache(maxsize=1024)
def dns1035_label(text: str) -> Messages:
    """A label that starts with a letter."""
    return _shaped(text, _dns1035, _DNS1035_TEXT, 63)


@lru_cache(maxsize=8192)
def qualified_name(text: str) -> Messages:
    """A label key or the like: `name` or `example.com/name`."""
    prefix, slash, name = text.partition("/")
    if not slash:
        name = text
    elif "/" in name:
        return (_LABEL_KEY_TEXT,)
    problems = []
    if slash and not prefix:
        problems.append("prefix part must be non-empty")
    elif slash:
        problems.extend(f"prefix part {message}" for message in dns_subdomain(prefix))
    if not name:
        problems.append("name part must be non-empty")
    elif len(name) > 63:
        problems.append("name part " + too_long(63, "bytes"))
    if not _qualified.fullmatch(name):
        problems.append(_NAME_PART_TEXT)
    return tuple(problems)


@lru_cache(maxsize=8192)
def label_value(text: str) -> Messages:
    """The value of a label; it may be empty."""
    problems = [too_long(63, "bytes")] if len(text.encode()) > 63 else []
    if not _label_value.fullmatch(text):
        problems.append(_LABEL_VALUE_TEXT)
    return tuple(problems)


@lru_cache(maxsize=4096)
def config_key(text: str) -> Messages:
    """A key of a ConfigMap or Secret: a file name."""
    problems = [too_long(253)] if len(text) > 253 else []
    if not _config_key.fullmatch(text):
        problems.append(_CONFIG_KEY_TEXT)
    if text == ".":
        problems.append("must not be '.'")
    elif text == "..":
        problems.append("must not be '..'")
    elif text.startswith(".."):
        problems.append("must not start with '..'")
    return tuple(problems)


@lru_cache(maxsize=4096)
def env_name(text: str) -> Messages:
    """The name of an environment variable (the relaxed rule: all printable ASCII but `=`)."""
    if all(" " <= character <= "~" and character != "=" for character in text) and text:
        return FINE
    return ("a valid environment variable name must consist only of printable ASCII characters other than '='",)


@lru_cache(maxsize=1024)
def port_name(text: str) -> Messages:
    """An IANA service name: at most 15 characters with a letter."""
    problems = [too_long(15)] if len(text) > 15 else []
    if not _port_name.fullmatch(text):
        problems.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not any("a" <= character <= "z" for character in text):
        problems.append("must contain at least one letter (a-z)")
    if "--" in text:
        problems.append("must not contain consecutive hyphens")
    if text.startswith("-") or text.endswith("-"):
        problems.append("must not begin or end with a hyphen")
    return tuple(problems)


def port_number(number: int) -> Messages:
    """A TCP or UDP port."""
    return FINE if 1 <= number <= 65535 else (between(1, 65535),)


def user_id(number: int) -> Messages:
    """A Unix user or group."""
    return FINE if 0 <= number <= MAX_UINT31 else (between(0, MAX_UINT31),)


def header_name(text: str) -> Messages:
    """The name of an HTTP header."""
    if _header.fullmatch(text):
        return FINE
    message = "a valid HTTP header must consist of alphanumeric characters or '-'"
    return (regex_error(message, "[-A-Za-z0-9]+", "X-Header-Name"),)


@lru_cache(maxsize=8192)
def ip_address(text: str) -> Messages:
    """An IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return ("must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",)
    return FINE


@lru_cache(maxsize=4096)
def special_ip(text: str) -> Messages:
    """An address that traffic can be sent to from elsewhere (`ValidateNonSpecialIP`)."""
    address = ipaddress.ip_address(text)
    found = []
    if address.is_unspecified:
        found.append(f"may not be unspecified ({text})")
    if address.is_loopback:
        found.append("may not be in the loopback range (127.0.0.0/8, ::1/128)")
    if address.is_link_local:
        found.append("may not be in the link-local range (169.254.0.0/16, fe80::/10)")
    if address in ipaddress.ip_network("224.0.0.0/24" if address.version == 4 else "ff02::/16"):
        found.append("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")
    return tuple(found)


def cidr(text: str) -> Messages:
    """A range of addresses: `10.0.0.0/8`."""
    try:
        if "/" in text:
            ipaddress.ip_network(text, strict=False)
            return FINE
    except ValueError:
        pass
    return ("must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",)


def path_segment(text: str) -> Messages:
    """A name that only has to fit into a URL path (roles and bindings)."""
    if text in (".", ".."):
        return (f"may not be '{text}'",)
    return tuple(f"may not contain '{sign}'" for sign in ("/", "%") if sign in text)


def _masked(text: str, prefix: bool) -> str:
    """A generateName without its trailing dash, which the generated suffix makes legal."""
    return text[:-2] + "a" if prefix and len(text) > 1 and text.endswith("-") else text


def subdomain_name(text: str, prefix: bool = False) -> Messages:
    """The name of most objects."""
    return dns_subdomain(_masked(text, prefix))


def label_name(text: str, prefix: bool = False) -> Messages:
    """The name of Namespaces, Services and what becomes a host name."""
    return dns_label(_masked(text, prefix))


def segment_name(text: str, prefix: bool = False) -> Messages:
    """The name of roles and bindings."""
    return path_segment(text)

"""What a label may look like, with the texts of apimachinery's `pkg/util/validation`."""

from __future__ import annotations

import re
from functools import lru_cache

_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_VALUE = f"({_QUALIFIED})?"
_CONSISTS = "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
_NAME_TEXT = (
    f"must {_CONSISTS} (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_QUALIFIED}')"
)
_VALUE_TEXT = (
    f"a valid label must be an empty string or {_CONSISTS} "
    f"(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '{_VALUE}')"
)
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    f"and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)
_matches_name = re.compile(f"{_QUALIFIED}\\Z").match
_matches_subdomain = re.compile(f"{_SUBDOMAIN}\\Z").match
_matches_value = re.compile(f"{_VALUE}\\Z").match


@lru_cache(maxsize=16384)
def key_problems(key: str) -> tuple[str, ...]:
    """What is wrong with a label (or annotation) key; empty when it is fine (`IsQualifiedName`)."""
    parts = key.split("/")
    if len(parts) > 2:
        example = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return (f"a valid label key {_NAME_TEXT} {example}",)
    problems = _prefix_problems(parts[0]) if len(parts) == 2 else []
    name = parts[-1]
    if not name:
        problems.append("name part must be non-empty")
    elif len(name.encode()) > 63:
        problems.append("name part must be no more than 63 bytes")
    if not _matches_name(name):
        problems.append(f"name part {_NAME_TEXT}")
    return tuple(problems)


def _prefix_problems(prefix: str) -> list[str]:
    if not prefix:
        return ["prefix part must be non-empty"]
    problems = []
    if len(prefix.encode()) > 253:
        problems.append("prefix part must be no more than 253 bytes")
    if not _matches_subdomain(prefix):
        problems.append(f"prefix part {_SUBDOMAIN_TEXT}")
    return problems


@lru_cache(maxsize=16384)
def value_problems(value: str) -> tuple[str, ...]:
    """What is wrong with a label's value; empty when it is fine (`IsValidLabelValue`)."""
    problems = []
    if len(value.encode()) > 63:
        problems.append("must be no more than 63 bytes")
    if not _matches_value(value):
        problems.append(_VALUE_TEXT)
    return tuple(problems)


RESTRICTED = "node-restriction.kubernetes.io"
KUBELET_LABELS = frozenset(
    {
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
        "topology.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
        "node.kubernetes.io/instance-type",
        "beta.kubernetes.io/instance-type",
        "kubernetes.io/os",
        "beta.kubernetes.io/os",
        "kubernetes.io/arch",
        "beta.kubernetes.io/arch",
    }
)
KUBELET_DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")


def kubelet_may_set(label: str) -> bool:
    """Whether a kubelet may set the label on its node: none by which workloads are steered (`kubelet/pkg/apis`)."""
    domain = label.partition("/")[0] if "/" in label else ""
    if _within(domain, RESTRICTED):
        return False
    if not (_within(domain, "kubernetes.io") or _within(domain, "k8s.io")):
        return True
    return label in KUBELET_LABELS or any(_within(domain, each) for each in KUBELET_DOMAINS)


def _within(domain: str, parent: str) -> bool:
    return domain == parent or domain.endswith(f".{parent}")

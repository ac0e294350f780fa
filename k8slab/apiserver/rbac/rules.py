"""What a rule allows, and whether rules cover other rules.

Follows `pkg/apis/rbac/v1/evaluation_helpers.go` and `component-helpers/auth/rbac/validation/policy_comparator.go`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from k8slab.api.rbac_v1 import PolicyRule
from k8slab.apiserver.authorization import Attributes
from k8slab.errors import quote

EVERYTHING = (
    PolicyRule(apiGroups=("*",), resources=("*",), verbs=("*",)),
    PolicyRule(nonResourceURLs=("*",), verbs=("*",)),
)


def allows(rule: PolicyRule, wanted: Attributes) -> bool:
    """Whether a rule allows what is wanted."""
    if not _has(rule.verbs, wanted.verb):
        return False
    if wanted.path:
        return any(_url_matches(url, wanted.path) for url in rule.nonResourceURLs or ())
    return (
        _has(rule.apiGroups, wanted.group)
        and _resource_matches(rule.resources or (), wanted.resource, wanted.subresource)
        and (not rule.resourceNames or wanted.name in rule.resourceNames)
    )


def _has(values: tuple[str, ...] | None, wanted: str) -> bool:
    return values is not None and (wanted in values or "*" in values)


def _resource_matches(resources: tuple[str, ...], resource: str, subresource: str) -> bool:
    whole = f"{resource}/{subresource}" if subresource else resource
    if whole in resources or "*" in resources:
        return True
    return bool(subresource) and f"*/{subresource}" in resources


def _url_matches(url: str, path: str) -> bool:
    return url in ("*", path) or (url.endswith("*") and path.startswith(url.rstrip("*")))


def missing(owned: Iterable[PolicyRule], wanted: Iterable[PolicyRule]) -> list[PolicyRule]:
    """What `wanted` allows and `owned` does not, in rules of one verb, group, resource and name each."""
    owned = tuple(owned)
    parts = (part for rule in wanted for part in _parts(rule))
    return [part for part in parts if not any(_covers(rule, part) for rule in owned)]


def _parts(rule: PolicyRule) -> Iterator[PolicyRule]:
    verbs = rule.verbs or ()
    for group in rule.apiGroups or ():
        for resource in rule.resources or ():
            for verb in verbs:
                for name in rule.resourceNames or (None,):
                    names = None if name is None else (name,)
                    yield PolicyRule(apiGroups=(group,), resources=(resource,), verbs=(verb,), resourceNames=names)
    for url in rule.nonResourceURLs or ():
        for verb in verbs:
            yield PolicyRule(nonResourceURLs=(url,), verbs=(verb,))


def _covers(owned: PolicyRule, part: PolicyRule) -> bool:
    if not _has(owned.verbs, part.verbs[0]):
        return False
    if part.nonResourceURLs:
        return any(_url_matches(own, part.nonResourceURLs[0]) for own in owned.nonResourceURLs or ())
    resource, _, subresource = part.resources[0].partition("/")
    if not _has(owned.apiGroups, part.apiGroups[0]):
        return False
    if not _resource_matches(owned.resources or (), resource, subresource):
        return False
    return not owned.resourceNames or bool(part.resourceNames and part.resourceNames[0] in owned.resourceNames)


def compact(parts: Iterable[PolicyRule]) -> list[PolicyRule]:
    """Rules that differ in their verbs only as one."""
    merged: dict[Any, list[str]] = {}
    for part in parts:
        key = (part.apiGroups, part.resources, part.resourceNames, part.nonResourceURLs)
        merged.setdefault(key, []).append(part.verbs[0])
    return [
        PolicyRule(apiGroups=groups, resources=resources, resourceNames=names, nonResourceURLs=urls, verbs=tuple(verbs))
        for (groups, resources, names, urls), verbs in merged.items()
    ]


def rule_text(rule: PolicyRule) -> str:
    """A rule as messages show it: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`."""
    parts = (
        ("APIGroups", rule.apiGroups),
        ("Resources", rule.resources),
        ("NonResourceURLs", rule.nonResourceURLs),
        ("ResourceNames", rule.resourceNames),
        ("Verbs", rule.verbs),
    )
    return "{" + ", ".join(f"{name}:{quoted(values)}" for name, values in parts if values) + "}"


def quoted(values: Iterable[str]) -> str:
    """A list of texts in Go's notation."""
    return "[" + " ".join(quote(value) for value in values) + "]"

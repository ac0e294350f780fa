"""Audit policies: which requests are noted, and how much of them (`apiserver/pkg/audit/policy`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from k8slab.errors import FieldError, K8sLabError

API_VERSION, KIND = "audit.k8s.io/v1", "Policy"
LEVELS = ("None", "Metadata", "Request", "RequestResponse")
STAGES = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")
RULE_FIELDS = frozenset(
    ("level", "users", "userGroups", "verbs", "resources", "namespaces", "nonResourceURLs", "omitStages")
) | {"omitManagedFields"}
POLICY_FIELDS = frozenset(("apiVersion", "kind", "metadata", "rules", "omitStages", "omitManagedFields"))


class PolicyError(K8sLabError):
    """A text that is no audit policy; the message is the server's."""


class Decided(Struct, frozen=True):
    """What a policy says of one request."""

    level: str = "None"
    omit: frozenset[str] = frozenset()
    omit_managed_fields: bool = False


class Asked(Struct, frozen=True, kw_only=True):
    """What a policy looks at: a request for a resource, or for a path that is none."""

    user: str = ""
    groups: tuple[str, ...] = ()
    verb: str = ""
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


class Policy:
    """The rules, of which the first that fits decides.

    Args:
        data: an object of kind Policy, as plain data. Raises PolicyError.

    >>> policy = Policy({"rules": [{"level": "Metadata", "resources": [{"group": "", "resources": ["pods"]}]}]})
    >>> [policy.decide(Asked(verb="get", resource=name)).level for name in ("pods", "nodes")]
    ['Metadata', 'None']
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        _check(data)
        self._rules = list(data["rules"])
        self._omit = frozenset(data.get("omitStages") or ())
        self._omit_managed_fields = bool(data.get("omitManagedFields"))

    def decide(self, asked: Asked) -> Decided:
        """Level and stages for a request (`policyRuleEvaluator.EvaluatePolicyRule`)."""
        for rule in self._rules:
            if _fits(rule, asked):
                own = rule.get("omitManagedFields")
                managed = self._omit_managed_fields if own is None else bool(own)
                return Decided(rule["level"], self._omit | frozenset(rule.get("omitStages") or ()), managed)
        return Decided("None", self._omit, self._omit_managed_fields)


def _fits(rule: Mapping[str, Any], asked: Asked) -> bool:
    users, groups, verbs = (rule.get(name) or () for name in ("users", "userGroups", "verbs"))
    if users and asked.user not in users:
        return False
    if groups and not any(group in groups for group in asked.groups):
        return False
    if verbs and asked.verb not in verbs:
        return False
    if rule.get("namespaces") or rule.get("resources"):
        return not asked.path and _fits_resource(rule, asked)
    if rule.get("nonResourceURLs"):
        return bool(asked.path) and any(_fits_path(spec, asked.path) for spec in rule["nonResourceURLs"])
    return True


def _fits_path(spec: str, path: str) -> bool:
    return spec in ("*", path) or (spec.endswith("*") and path.startswith(spec.rstrip("*")))


def _fits_resource(rule: Mapping[str, Any], asked: Asked) -> bool:
    namespaces, resources = rule.get("namespaces"), rule.get("resources")
    if namespaces and asked.namespace not in namespaces:
        return False
    return not resources or any(_fits_group(each, asked) for each in resources)


def _fits_group(wanted: Mapping[str, Any], asked: Asked) -> bool:
    if (wanted.get("group") or "") != asked.group:
        return False
    resources, names = wanted.get("resources"), wanted.get("resourceNames")
    if not resources:
        return True
    return (not names or asked.name in names) and any(_fits_name(each, asked) for each in resources)


def _fits_name(wanted: str, asked: Asked) -> bool:
    if not asked.subresource:
        return wanted in (asked.resource, "*", f"{asked.resource}/*")
    return wanted in (
        f"{asked.resource}/{asked.subresource}", "*", f"*/{asked.subresource}", f"{asked.resource}/*",
    )  # fmt: skip


# -- validation (`apis/audit/validation`) ------------------------------------------------------------------------------


def _check(data: Mapping[str, Any]) -> None:
    version, kind = data.get("apiVersion", API_VERSION), data.get("kind", KIND)
    if (version, kind) != (API_VERSION, KIND):
        raise PolicyError(f'no kind "{kind}" is registered for version "{version}"')
    rules = data.get("rules")
    if not isinstance(rules, list) or not rules:
        raise PolicyError("loaded illegal policy with 0 rules")
    unknown = [name for name in data if name not in POLICY_FIELDS]
    if unknown:
        raise PolicyError(f'strict decoding error: unknown field "{unknown[0]}"')
    errors = list(_stages(data.get("omitStages"), "omitStages"))
    for number, rule in enumerate(rules):
        errors += _rule_errors(rule, f"rules[{number}]")
    if errors:
        texts = [str(error) for error in errors]
        raise PolicyError(texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]")


def _rule_errors(rule: Any, where: str) -> Iterable[FieldError]:
    if not isinstance(rule, Mapping):
        raise PolicyError(f"{where}: a rule is an object")
    unknown = [name for name in rule if name not in RULE_FIELDS]
    if unknown:
        raise PolicyError(f'strict decoding error: unknown field "{where}.{unknown[0]}"')
    level = rule.get("level") or ""
    if not level:
        yield FieldError.required(f"{where}.level", "")
    elif level not in LEVELS:
        yield FieldError.not_supported(f"{where}.level", level, LEVELS)
    urls = rule.get("nonResourceURLs") or ()
    for number, url in enumerate(urls):
        yield from _url_errors(url, f"{where}.nonResourceURLs[{number}]")
    if urls and (rule.get("resources") or rule.get("namespaces")):
        detail = "rules cannot apply to both regular resources and non-resource URLs"
        yield FieldError.invalid(f"{where}.nonResourceURLs", list(urls), detail)
    for number, each in enumerate(rule.get("resources") or ()):
        if each.get("resourceNames") and not each.get("resources"):
            path = f"{where}.resources[{number}].resourceNames"
            detail = "using resourceNames requires at least one resource"
            yield FieldError.invalid(path, list(each["resourceNames"]), detail)
    yield from _stages(rule.get("omitStages"), f"{where}.omitStages")


def _url_errors(url: str, where: str) -> Iterable[FieldError]:
    if url == "*":
        return
    if not url.startswith("/"):
        yield FieldError.invalid(where, url, "non-resource URL rules must begin with a '/' character")
    if "*" in url[:-1]:
        yield FieldError.invalid(where, url, "non-resource URL wildcards '*' must be the final character of the rule")


def _stages(stages: Any, where: str) -> Iterable[FieldError]:
    for number, stage in enumerate(stages or ()):
        if stage not in STAGES:
            yield FieldError.invalid(f"{where}[{number}]", stage, f"allowed stages are {','.join(STAGES)}")

"""FlowSchemas and PriorityLevelConfigurations (`pkg/apis/flowcontrol/validation`)."""

from __future__ import annotations

import math
from typing import Any

from k8slab.api import flowcontrol_v1
from k8slab.api.validation import names
from k8slab.api.validation.gostruct import quoted
from k8slab.api.validation.metadata import Errors, object_meta
from k8slab.errors import FieldError

MAX_PRECEDENCE = 10_000
MAX_QUEUES = 10_000_000
HASH_BITS = 60
VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch")
SUBJECTS = {"Group": "group", "ServiceAccount": "serviceAccount", "User": "user"}
NAMESPACE = "each member of this list must be '*' or a DNS-1123 label; "


def flow_schema(obj: flowcontrol_v1.FlowSchema, errors: Errors) -> None:
    """A new FlowSchema."""
    object_meta(obj.metadata, False, names.subdomain_name, errors)
    spec = obj.spec or flowcontrol_v1.FlowSchemaSpec()
    _precedence(spec.matchingPrecedence or 0, obj.metadata.name, errors)
    method = spec.distinguisherMethod
    if method is not None and method.type not in ("ByNamespace", "ByUser"):
        path = "spec.distinguisherMethod.type"
        errors.append(FieldError.not_supported(path, quoted(method), ("ByNamespace", "ByUser")))
    level = (spec.priorityLevelConfiguration.name if spec.priorityLevelConfiguration else None) or ""
    path = "spec.priorityLevelConfiguration.name"
    if not level:
        errors.append(FieldError.required(path, "must reference a priority level"))
    for message in names.subdomain_name(level) if level else ():
        errors.append(FieldError.invalid(path, level, message))
    for index, rule in enumerate(spec.rules or ()):
        _rules(rule, f"spec.rules[{index}]", errors)


def _precedence(number: int, name: str | None, errors: Errors) -> None:
    path = "spec.matchingPrecedence"
    if number <= 0:
        errors.append(FieldError.invalid(path, number, "must be a positive value"))
    if number > MAX_PRECEDENCE:
        errors.append(FieldError.invalid(path, number, f"must not be greater than {MAX_PRECEDENCE}"))
    if number == 1 and name != "exempt":
        text = "only the schema named 'exempt' may have matchingPrecedence 1"
        errors.append(FieldError.invalid(path, number, text))


def _rules(rule: flowcontrol_v1.PolicyRulesWithSubjects, path: str, errors: Errors) -> None:
    for index, subject in enumerate(rule.subjects or ()):
        _subject(subject, f"{path}.subjects[{index}]", errors)
    if not rule.subjects:
        errors.append(FieldError.required(f"{path}.subjects", "subjects must contain at least one value"))
    if not rule.resourceRules and not rule.nonResourceRules:
        text = "at least one of resourceRules and nonResourceRules has to be non-empty"
        errors.append(FieldError.required(path, text))
    for index, item in enumerate(rule.resourceRules or ()):
        _resource_rule(item, f"{path}.resourceRules[{index}]", errors)
    for index, other in enumerate(rule.nonResourceRules or ()):
        _other_rule(other, f"{path}.nonResourceRules[{index}]", errors)


def _subject(subject: flowcontrol_v1.Subject, path: str, errors: Errors) -> None:
    if subject.kind not in SUBJECTS:
        errors.append(FieldError.not_supported(f"{path}.kind", subject.kind or "", sorted(SUBJECTS)))
        return
    wanted = SUBJECTS[subject.kind]
    _named(getattr(subject, wanted), subject.kind, f"{path}.{wanted}", errors)
    for kind, name in (("ServiceAccount", "serviceAccount"), ("User", "user"), ("Group", "group")):
        if kind != subject.kind and getattr(subject, name) is not None:
            text = f"{name} is forbidden when subject kind is not '{kind}'"
            errors.append(FieldError.forbidden(f"{path}.{name}", text))


def _named(item: Any, kind: str, path: str, errors: Errors) -> None:
    if item is None:
        text = f"{SUBJECTS[kind]} is required when subject kind is '{kind}'"
        errors.append(FieldError.required(path, text))
        return
    if not item.name:
        errors.append(FieldError.required(f"{path}.name"))
    if kind != "ServiceAccount":
        return
    for message in names.subdomain_name(item.name) if item.name and item.name != "*" else ():
        errors.append(FieldError.invalid(f"{path}.name", item.name, message))
    if not item.namespace:
        errors.append(FieldError.required(f"{path}.namespace", "must specify namespace for service account"))
    for message in names.label_name(item.namespace) if item.namespace else ():
        errors.append(FieldError.invalid(f"{path}.namespace", item.namespace, message))


def _verbs(verbs: tuple[str, ...] | None, path: str, errors: Errors) -> None:
    if not verbs:
        errors.append(FieldError.required(path, "verbs must contain at least one value"))
    elif "*" in verbs:
        _alone(verbs, "verbs", path, errors)
    elif not set(verbs) <= set(VERBS):
        errors.append(FieldError.not_supported(path, verbs, VERBS))


def _alone(values: tuple[str, ...] | None, what: str, path: str, errors: Errors) -> None:
    if values and len(values) > 1 and "*" in values:
        errors.append(FieldError.invalid(path, values, f"if '*' is present, must not specify other {what}"))


def _resource_rule(rule: flowcontrol_v1.ResourcePolicyRule, path: str, errors: Errors) -> None:
    _verbs(rule.verbs, f"{path}.verbs", errors)
    for name, what in (("apiGroups", "api group"), ("resources", "resource")):
        if not getattr(rule, name):
            errors.append(FieldError.required(f"{path}.{name}", f"resource rules must supply at least one {what}"))
        _alone(getattr(rule, name), f"{what}s", f"{path}.{name}", errors)
    if not rule.namespaces and not rule.clusterScope:
        text = "resource rules that are not cluster scoped must supply at least one namespace"
        errors.append(FieldError.required(f"{path}.namespaces", text))
    elif "*" in (rule.namespaces or ()):
        _alone(rule.namespaces, "namespaces", f"{path}.namespaces", errors)
    else:
        for index, namespace in enumerate(rule.namespaces or ()):
            for message in names.label_name(namespace):
                errors.append(FieldError.invalid(f"{path}.namespaces[{index}]", namespace, NAMESPACE + message))


def _other_rule(rule: flowcontrol_v1.NonResourcePolicyRule, path: str, errors: Errors) -> None:
    _verbs(rule.verbs, f"{path}.verbs", errors)
    place, urls = f"{path}.nonResourceURLs", rule.nonResourceURLs
    if not urls:
        errors.append(FieldError.required(place, "nonResourceURLs must contain at least one value"))
    elif "*" in urls:
        _alone(urls, "non-resource URLs", place, errors)
    else:
        for index, url in enumerate(urls):
            text = _url_problem(url)
            if text:
                errors.append(FieldError.invalid(f"{place}[{index}]", url, text))


def _url_problem(url: str) -> str:
    if not url:
        return "must not be empty"
    if not url.startswith("/"):
        return "must start with slash"
    if " " in url:
        return "must not contain white-space"
    if "//" in url:
        return "must not contain double slash"
    globbed = url.count("*") == 1 and url.endswith("/*")
    return "" if "*" not in url or globbed else "wildcard can only do suffix matching"


def update_flow_schema(new: flowcontrol_v1.FlowSchema, old: flowcontrol_v1.FlowSchema, errors: Errors) -> None:
    """A changed FlowSchema."""
    flow_schema(new, errors)


def priority_level(obj: flowcontrol_v1.PriorityLevelConfiguration, errors: Errors) -> None:
    """A new PriorityLevelConfiguration."""
    object_meta(obj.metadata, False, names.subdomain_name, errors)
    spec = obj.spec or flowcontrol_v1.PriorityLevelConfigurationSpec()
    if (obj.metadata.name == "exempt") != (spec.type == "Exempt"):
        text = "type must be 'Exempt' if and only if name is 'exempt'"
        errors.append(FieldError.invalid("spec.type", spec.type or "", text))
    if spec.type == "Exempt":
        if spec.limited is not None:
            errors.append(FieldError.forbidden("spec.limited", "must be nil if the type is not Limited"))
    elif spec.type != "Limited":
        errors.append(FieldError.not_supported("spec.type", spec.type or "", ("Exempt", "Limited")))
    elif spec.exempt is not None:
        errors.append(FieldError.forbidden("spec.exempt", "must be nil if the type is Limited"))
    elif spec.limited is None:
        errors.append(FieldError.required("spec.limited", "must not be empty when type is Limited"))
    if spec.type == "Limited" and spec.limited is not None:
        _limited(spec.limited, "spec.limited", errors)


def _limited(item: flowcontrol_v1.LimitedPriorityLevelConfiguration, path: str, errors: Errors) -> None:
    shares, lent, borrowed = item.nominalConcurrencyShares, item.lendablePercent, item.borrowingLimitPercent
    if shares is not None and shares < 0:
        text = "must be a non-negative integer"
        errors.append(FieldError.invalid(f"{path}.nominalConcurrencyShares", shares, text))
    _response(item.limitResponse or flowcontrol_v1.LimitResponse(), f"{path}.limitResponse", errors)
    if lent is not None and not 0 <= lent <= 100:
        errors.append(FieldError.invalid(f"{path}.lendablePercent", lent, "must be between 0 and 100, inclusive"))
    if borrowed is not None and borrowed < 0:
        text = "if specified, must be a non-negative integer"
        errors.append(FieldError.invalid(f"{path}.borrowingLimitPercent", borrowed, text))


def _response(item: flowcontrol_v1.LimitResponse, path: str, errors: Errors) -> None:
    if item.type == "Reject":
        if item.queuing is not None:
            text = "must be nil if limited.limitResponse.type is not Limited"
            errors.append(FieldError.forbidden(f"{path}.queuing", text))
    elif item.type != "Queue":
        errors.append(FieldError.not_supported(f"{path}.type", item.type or "", ("Queue", "Reject")))
    elif item.queuing is None:
        text = "must not be empty if limited.limitResponse.type is Limited"
        errors.append(FieldError.required(f"{path}.queuing", text))
    else:
        _queuing(item.queuing, f"{path}.queuing", errors)


def _queuing(item: flowcontrol_v1.QueuingConfiguration, path: str, errors: Errors) -> None:
    length, queues, hand = item.queueLengthLimit or 0, item.queues or 0, item.handSize or 0
    if length <= 0:
        errors.append(FieldError.invalid(f"{path}.queueLengthLimit", length, "must be positive"))
    if queues <= 0:
        errors.append(FieldError.invalid(f"{path}.queues", queues, "must be positive"))
    elif queues > MAX_QUEUES:
        errors.append(FieldError.invalid(f"{path}.queues", queues, f"must not be greater than {MAX_QUEUES}"))
    if hand <= 0:
        errors.append(FieldError.invalid(f"{path}.handSize", hand, "must be positive"))
    elif hand > queues:
        errors.append(FieldError.invalid(f"{path}.handSize", hand, f"should not be greater than queues ({queues})"))
    elif math.ceil(math.log2(queues) * hand) > HASH_BITS:
        text = f"required entropy bits of deckSize {queues} and handSize {hand} should not be greater than {HASH_BITS}"
        errors.append(FieldError.invalid(f"{path}.handSize", hand, text))


def update_priority_level(
    new: flowcontrol_v1.PriorityLevelConfiguration, old: flowcontrol_v1.PriorityLevelConfiguration, errors: Errors
) -> None:
    """A changed PriorityLevelConfiguration."""
    priority_level(new, errors)

"""Defaults of webhooks and admission policies (`pkg/apis/admissionregistration/v1/defaults.go`)."""

from __future__ import annotations

from typing import Any

from k8slab.api.defaults.fill import change, each, fill_absent
from k8slab.api.meta_v1 import LabelSelector

EVERYTHING = LabelSelector()


def _rule(rule: Any) -> Any:
    return fill_absent(rule, scope="*")


def _webhook(hook: Any) -> Any:
    hook = fill_absent(
        hook,
        failurePolicy="Fail",
        matchPolicy="Equivalent",
        namespaceSelector=EVERYTHING,
        objectSelector=EVERYTHING,
        timeoutSeconds=10,
    )
    config = hook.clientConfig
    if config is not None and config.service is not None:
        config = change(config, service=fill_absent(config.service, port=443))
    return change(hook, clientConfig=config, rules=each(_rule, hook.rules))


def _mutating(hook: Any) -> Any:
    return fill_absent(_webhook(hook), reinvocationPolicy="Never")


def validating_webhooks(obj: Any) -> Any:
    """A ValidatingWebhookConfiguration."""
    return change(obj, webhooks=each(_webhook, obj.webhooks))


def mutating_webhooks(obj: Any) -> Any:
    """A MutatingWebhookConfiguration."""
    return change(obj, webhooks=each(_mutating, obj.webhooks))


def _matched(match: Any) -> Any:
    if match is None:
        return None
    match = fill_absent(match, matchPolicy="Equivalent", namespaceSelector=EVERYTHING, objectSelector=EVERYTHING)
    rules, excluded = each(_rule, match.resourceRules), each(_rule, match.excludeResourceRules)
    return change(match, resourceRules=rules, excludeResourceRules=excluded)


def policy(obj: Any) -> Any:
    """A ValidatingAdmissionPolicy or MutatingAdmissionPolicy."""
    if obj.spec is None:
        return obj
    spec = fill_absent(obj.spec, failurePolicy="Fail")
    return change(obj, spec=change(spec, matchConstraints=_matched(spec.matchConstraints)))


def binding(obj: Any) -> Any:
    """The binding of such a policy."""
    if obj.spec is None:
        return obj
    return change(obj, spec=change(obj.spec, matchResources=_matched(obj.spec.matchResources)))

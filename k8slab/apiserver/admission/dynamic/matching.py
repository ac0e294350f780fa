"""Which writes a policy or webhook is asked about.

Follows `apiserver/pkg/admission/plugin/policy/matching` and `plugin/webhook/predicates`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8slab.api.scheme import Resource
from k8slab.api.selector import from_label_selector
from k8slab.apiserver.admission.dynamic.attributes import Attributes
from k8slab.apiserver.admission.dynamic.hooks import EXEMPT, GROUP
from k8slab.errors import not_found


def is_exempt(attributes: Attributes) -> bool:
    """Whether nothing that users configure is asked about this kind."""
    return attributes.resource.group == GROUP and attributes.resource.plural in EXEMPT


def matched(attributes: Attributes, match: Any) -> Resource | None:
    """The resource as which `matchResources` want a write, None where they do not. Raises NotFound."""
    if not _selected(attributes, match):
        return None
    if _by_rules(attributes, match.excludeResourceRules or (), match.matchPolicy) is not None:
        return None
    if match.resourceRules is None or not match.resourceRules:
        return attributes.resource
    return _by_rules(attributes, match.resourceRules, match.matchPolicy)


def hooked(attributes: Attributes, webhook: Any) -> Resource | None:
    """The same for a webhook."""
    found = _by_rules(attributes, webhook.rules or (), webhook.matchPolicy)
    return found if found is not None and _selected(attributes, webhook) else None


def _by_rules(attributes: Attributes, rules: Iterable[Any], policy: str | None) -> Resource | None:
    """The resource that a rule names: that of the request, or one of its equivalents."""
    rules = tuple(rules)
    candidates = [attributes.resource] if policy == "Exact" or not rules else attributes.equivalents()
    for resource in candidates:
        if any(_fits(attributes, rule, resource) for rule in rules):
            return resource
    return None


def _fits(attributes: Attributes, rule: Any, resource: Resource) -> bool:
    return (
        _listed(attributes.operation, rule.operations)
        and _listed(resource.group, rule.apiGroups)
        and _listed(resource.version, rule.apiVersions)
        and _resource_listed(resource.plural, attributes.subresource, rule.resources or ())
        and _in_scope(attributes, rule.scope)
        and _named(attributes, getattr(rule, "resourceNames", None))
    )


def _listed(value: str, values: Any) -> bool:
    return "*" in (values or ()) or value in (values or ())


def _resource_listed(plural: str, subresource: str, patterns: Iterable[str]) -> bool:
    for pattern in patterns:
        resource, _, sub = pattern.partition("/")
        if resource in ("*", plural) and sub in ("*", subresource):
            return True
    return False


def _in_scope(attributes: Attributes, scope: str | None) -> bool:
    if scope in (None, "", "*"):
        return True
    return attributes.resource.namespaced is (scope == "Namespaced")


def _named(attributes: Attributes, names: Any) -> bool:
    return not names or attributes.name in names


def _selected(attributes: Attributes, match: Any) -> bool:
    """Whether the namespace's labels and the object's (new or old) are those that are wanted."""
    selector = match.objectSelector
    if not _is_empty(selector):
        wanted = from_label_selector(selector)
        found = [each for each in (attributes.obj, attributes.old) if each is not None]
        if not any(wanted.matches(each.metadata.labels or {}) for each in found):
            return False
    return _is_empty(match.namespaceSelector) or _in_namespace(attributes, match.namespaceSelector)


def _is_empty(selector: Any) -> bool:
    return selector is None or not (selector.matchLabels or selector.matchExpressions)


def _in_namespace(attributes: Attributes, selector: Any) -> bool:
    wanted = from_label_selector(selector)
    if attributes.resource.plural == "namespaces" and not attributes.resource.group:
        own = attributes.obj if attributes.obj is not None else attributes.old
        return wanted.matches(own.metadata.labels or {})
    if not attributes.namespace:
        return True
    return wanted.matches(namespace_of(attributes).metadata.labels or {})


def namespace_of(attributes: Attributes) -> Any:
    """The Namespace of the write, None for what has none. Raises NotFound."""
    if not attributes.resource.namespaced:
        return None
    found = attributes.call.server.peek("namespaces", attributes.namespace)
    if found is None:
        raise not_found("namespaces", attributes.namespace)
    return found

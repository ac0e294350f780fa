"""Affinity, tolerations and topology spread (`pkg/apis/core/validation`)."""

from __future__ import annotations

from k8slab.api.core_v1 import (
    Affinity,
    NodeAffinity,
    PodAffinity,
    PodAffinityTerm,
    PodAntiAffinity,
    Toleration,
    TopologySpreadConstraint,
)
from k8slab.api.meta_v1 import LabelSelector
from k8slab.api.validation import names
from k8slab.api.validation.gostruct import quoted
from k8slab.api.validation.metadata import Errors, label_key
from k8slab.api.validation.selectors import label_selector, node_selector, node_selector_term
from k8slab.errors import FieldError

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
UNSATISFIABLE = ("DoNotSchedule", "ScheduleAnyway")
INCLUSION = ("Honor", "Ignore")


def affinity(item: Affinity, path: str, errors: Errors) -> None:
    """All three kinds of affinity."""
    if item.nodeAffinity is not None:
        node_affinity(item.nodeAffinity, f"{path}.nodeAffinity", errors)
    if item.podAffinity is not None:
        _pod_affinity(item.podAffinity, f"{path}.podAffinity", errors)
    if item.podAntiAffinity is not None:
        _pod_affinity(item.podAntiAffinity, f"{path}.podAntiAffinity", errors)


def node_affinity(item: NodeAffinity, path: str, errors: Errors) -> None:
    """Which nodes a Pod needs or prefers."""
    if item.requiredDuringSchedulingIgnoredDuringExecution is not None:
        node_selector(item.requiredDuringSchedulingIgnoredDuringExecution, f"{path}.{REQUIRED}", errors)
    for index, term in enumerate(item.preferredDuringSchedulingIgnoredDuringExecution or ()):
        place = f"{path}.{PREFERRED}[{index}]"
        _weight(term.weight, place, errors)
        if term.preference is not None:
            node_selector_term(term.preference, f"{place}.preference", errors, check_values=False)


def _weight(weight: int | None, place: str, errors: Errors) -> None:
    if not 1 <= (weight or 0) <= 100:
        errors.append(FieldError.invalid(f"{place}.weight", weight or 0, "must be in the range 1-100"))


def _pod_affinity(item: PodAffinity | PodAntiAffinity, path: str, errors: Errors) -> None:
    for index, term in enumerate(item.requiredDuringSchedulingIgnoredDuringExecution or ()):
        _pod_term(term, f"{path}.{REQUIRED}[{index}]", errors)
    for index, weighted in enumerate(item.preferredDuringSchedulingIgnoredDuringExecution or ()):
        place = f"{path}.{PREFERRED}[{index}]"
        _weight(weighted.weight, place, errors)
        _pod_term(weighted.podAffinityTerm or PodAffinityTerm(), f"{place}.podAffinityTerm", errors)


def _pod_term(term: PodAffinityTerm, path: str, errors: Errors) -> None:
    label_selector(term.labelSelector, f"{path}.labelSelector", errors)
    label_selector(term.namespaceSelector, f"{path}.namespaceSelector", errors)
    for name in term.namespaces or ():
        for message in names.label_name(name):
            errors.append(FieldError.invalid(f"{path}.namespace", name, message))
    _label_keys(term, path, errors)
    if not term.topologyKey:
        errors.append(FieldError.required(f"{path}.topologyKey", "can not be empty"))
    label_key(term.topologyKey, f"{path}.topologyKey", errors)


def _label_keys(term: PodAffinityTerm, path: str, errors: Errors) -> None:
    for name in ("matchLabelKeys", "mismatchLabelKeys"):
        keys = getattr(term, name) or ()
        if keys and term.labelSelector is None:
            text = "must not be specified when labelSelector is not set"
            errors.append(FieldError.forbidden(f"{path}.{name}", text))
            continue
        for index, key in enumerate(keys):
            label_key(key, f"{path}.{name}[{index}]", errors)
    if term.labelSelector is not None:
        _selected_twice(term, path, errors)
    for index, key in enumerate(term.matchLabelKeys or ()):
        if key in (term.mismatchLabelKeys or ()):
            text = "exists in both matchLabelKeys and mismatchLabelKeys"
            errors.append(FieldError.invalid(f"{path}.matchLabelKeys[{index}]", key, text))


def _selected_twice(term: PodAffinityTerm, path: str, errors: Errors) -> None:
    """The selector holds an expression for each of `matchLabelKeys`; another one with that key is the user's."""
    places = {key: index for index, key in enumerate(term.matchLabelKeys or ())}
    seen = set(term.labelSelector.matchLabels or {})
    for expression in term.labelSelector.matchExpressions or ():
        if expression.key in places and expression.key in seen:
            text = "exists in both matchLabelKeys and labelSelector"
            errors.append(FieldError.invalid(f"{path}[{places[expression.key]}]", expression.key, text))
        seen.add(expression.key)


def tolerations(items: tuple[Toleration, ...], path: str, errors: Errors) -> None:
    """Which taints a Pod puts up with."""
    for index, item in enumerate(items):
        place = f"{path}[{index}]"
        if item.key:
            label_key(item.key, f"{place}.key", errors)
        elif item.operator != "Exists":
            text = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            errors.append(FieldError.invalid(f"{place}.operator", item.operator or "", text))
        if item.tolerationSeconds is not None and item.effect != "NoExecute":
            text = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            errors.append(FieldError.invalid(f"{place}.effect", item.effect or "", text))
        _toleration_value(item, place, errors)
        if item.effect and item.effect not in EFFECTS:
            errors.append(FieldError.not_supported(f"{place}.effect", item.effect, EFFECTS))


def _toleration_value(item: Toleration, place: str, errors: Errors) -> None:
    if item.operator in ("Equal", "", None):
        messages = names.label_value(item.value or "")
        if messages:
            errors.append(FieldError.invalid(f"{place}.operator", item.value or "", ";".join(messages)))
    elif item.operator == "Exists":
        if item.value:
            text = "value must be empty when `operator` is 'Exists'"
            errors.append(FieldError.invalid(f"{place}.operator", quoted(item), text))
    else:
        errors.append(FieldError.not_supported(f"{place}.operator", item.operator, ("Equal", "Exists")))


def topology_spread(items: tuple[TopologySpreadConstraint, ...], path: str, errors: Errors) -> None:
    """How evenly Pods are to be spread."""
    for index, item in enumerate(items):
        place = f"{path}[{index}]"
        if (item.maxSkew or 0) <= 0:
            errors.append(FieldError.invalid(f"{place}.maxSkew", item.maxSkew or 0, "must be greater than zero"))
        if not item.topologyKey:
            errors.append(FieldError.required(f"{place}.topologyKey", "can not be empty"))
        else:
            label_key(item.topologyKey, f"{place}.topologyKey", errors)
        if item.whenUnsatisfiable not in UNSATISFIABLE:
            text = item.whenUnsatisfiable or ""
            errors.append(FieldError.not_supported(f"{place}.whenUnsatisfiable", text, UNSATISFIABLE))
        _not_repeated(item, items[index + 1 :], place, errors)
        _min_domains(item, place, errors)
        for name in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            policy = getattr(item, name)
            if policy is not None and policy not in INCLUSION:
                errors.append(FieldError.not_supported(f"{place}.{name}", policy, INCLUSION))
        _match_label_keys(item, place, errors)
        label_selector(item.labelSelector, f"{place}.labelSelector", errors)


def _not_repeated(
    item: TopologySpreadConstraint, rest: tuple[TopologySpreadConstraint, ...], place: str, errors: Errors
) -> None:
    for other in rest:
        if (other.topologyKey, other.whenUnsatisfiable) == (item.topologyKey, item.whenUnsatisfiable):
            value = f"{{{item.topologyKey or ''}, {item.whenUnsatisfiable or ''}}}"
            errors.append(FieldError.duplicate(f"{place}.{{topologyKey, whenUnsatisfiable}}", value))
            return


def _min_domains(item: TopologySpreadConstraint, place: str, errors: Errors) -> None:
    if item.minDomains is None:
        return
    if item.minDomains <= 0:
        errors.append(FieldError.invalid(f"{place}.minDomains", item.minDomains, "must be greater than zero"))
    if item.whenUnsatisfiable != "DoNotSchedule":
        text = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {item.whenUnsatisfiable}"
        errors.append(FieldError.invalid(f"{place}.minDomains", item.minDomains, text))


def _match_label_keys(item: TopologySpreadConstraint, place: str, errors: Errors) -> None:
    if not item.matchLabelKeys:
        return
    if item.labelSelector is None:
        text = "must not be specified when labelSelector is not set"
        errors.append(FieldError.forbidden(f"{place}.matchLabelKeys", text))
    selector = item.labelSelector or LabelSelector()
    selected = {*(selector.matchLabels or {}), *(one.key for one in selector.matchExpressions or ())}
    for index, key in enumerate(item.matchLabelKeys):
        label_key(key, f"{place}.matchLabelKeys[{index}]", errors)
        if key in selected:
            text = "exists in both matchLabelKeys and labelSelector"
            errors.append(FieldError.invalid(f"{place}.matchLabelKeys[{index}]", key, text))

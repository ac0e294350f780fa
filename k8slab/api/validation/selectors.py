"""Label and node selectors (`apimachinery/pkg/apis/meta/v1/validation`, `pkg/apis/core/validation`)."""

from __future__ import annotations

from k8slab.api.core_v1 import NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from k8slab.api.meta_v1 import LabelSelector, LabelSelectorRequirement
from k8slab.api.validation import names
from k8slab.api.validation.metadata import Errors, label_key, labels
from k8slab.errors import FieldError


def label_selector(selector: LabelSelector | None, path: str, errors: Errors) -> None:
    """A label selector: keys, operators and, for `In` and `NotIn`, values."""
    if selector is None:
        return
    labels(selector.matchLabels, f"{path}.matchLabels", errors)
    for index, item in enumerate(selector.matchExpressions or ()):
        _expression(item, f"{path}.matchExpressions[{index}]", errors)


def _expression(item: LabelSelectorRequirement, path: str, errors: Errors) -> None:
    if item.operator in ("In", "NotIn"):
        if not item.values:
            text = "must be specified when `operator` is 'In' or 'NotIn'"
            errors.append(FieldError.required(f"{path}.values", text))
    elif item.operator in ("Exists", "DoesNotExist"):
        if item.values:
            text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            errors.append(FieldError.forbidden(f"{path}.values", text))
    else:
        errors.append(FieldError.invalid(f"{path}.operator", item.operator or "", "not a valid selector operator"))
    label_key(item.key, f"{path}.key", errors)
    for index, value in enumerate(item.values or ()):
        for message in names.label_value(value):
            errors.append(FieldError.invalid(f"{path}.values[{index}]", value, message))


def is_empty(selector: LabelSelector) -> bool:
    """Whether a selector selects everything."""
    return not selector.matchLabels and not selector.matchExpressions


def node_selector(selector: NodeSelector, path: str, errors: Errors) -> None:
    """Required node affinity: terms of expressions on labels and fields."""
    path = f"{path}.nodeSelectorTerms"
    if not selector.nodeSelectorTerms:
        errors.append(FieldError.required(path, "must have at least one node selector term"))
    for index, term in enumerate(selector.nodeSelectorTerms or ()):
        node_selector_term(term, f"{path}[{index}]", errors, check_values=True)


def node_selector_term(term: NodeSelectorTerm, path: str, errors: Errors, check_values: bool) -> None:
    """One term; values of preferred terms are not checked."""
    for index, item in enumerate(term.matchExpressions or ()):
        _node_expression(item, f"{path}.matchExpressions[{index}]", errors, check_values)
    for index, item in enumerate(term.matchFields or ()):
        _node_field(item, f"{path}.matchFields[{index}]", errors)


def _node_expression(item: NodeSelectorRequirement, path: str, errors: Errors, check_values: bool) -> None:
    values = item.values or ()
    if item.operator in ("In", "NotIn"):
        if not values:
            text = "must be specified when `operator` is 'In' or 'NotIn'"
            errors.append(FieldError.required(f"{path}.values", text))
    elif item.operator in ("Exists", "DoesNotExist"):
        if values:
            text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            errors.append(FieldError.forbidden(f"{path}.values", text))
    elif item.operator in ("Gt", "Lt"):
        if len(values) != 1:
            text = "must be specified single value when `operator` is 'Lt' or 'Gt'"
            errors.append(FieldError.required(f"{path}.values", text))
    else:
        errors.append(FieldError.invalid(f"{path}.operator", item.operator or "", "not a valid selector operator"))
    label_key(item.key, f"{path}.key", errors)
    for index, value in enumerate(values if check_values else ()):
        for message in names.label_value(value):
            errors.append(FieldError.invalid(f"{path}.values[{index}]", value, message))


def _node_field(item: NodeSelectorRequirement, path: str, errors: Errors) -> None:
    if item.operator not in ("In", "NotIn"):
        errors.append(FieldError.invalid(f"{path}.operator", item.operator or "", "not a valid selector operator"))
    elif len(item.values or ()) != 1:
        text = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        errors.append(FieldError.required(f"{path}.values", text))
    if item.key != "metadata.name":
        errors.append(FieldError.invalid(f"{path}.key", item.key or "", "not a valid field selector key"))
        return
    for index, value in enumerate(item.values or ()):
        for message in names.subdomain_name(value):
            errors.append(FieldError.invalid(f"{path}.values[{index}]", value, message))

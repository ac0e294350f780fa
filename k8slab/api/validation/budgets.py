"""Disruption budgets (`pkg/apis/policy/validation`)."""

from __future__ import annotations

from k8slab.api import policy_v1
from k8slab.api.validation import names
from k8slab.api.validation.gostruct import quoted
from k8slab.api.validation.metadata import Errors, object_meta, object_meta_update
from k8slab.api.validation.numbers import at_most_all, int_or_percent
from k8slab.api.validation.selectors import label_selector
from k8slab.errors import FieldError


def disruption_budget(obj: policy_v1.PodDisruptionBudget, errors: Errors) -> None:
    """A new PodDisruptionBudget."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    _budget_spec(obj.spec or policy_v1.PodDisruptionBudgetSpec(), errors)


def update_disruption_budget(
    new: policy_v1.PodDisruptionBudget, old: policy_v1.PodDisruptionBudget, errors: Errors
) -> None:
    """A changed PodDisruptionBudget."""
    object_meta_update(new.metadata, old.metadata, errors)
    _budget_spec(new.spec or policy_v1.PodDisruptionBudgetSpec(), errors)


def _budget_spec(spec: policy_v1.PodDisruptionBudgetSpec, errors: Errors) -> None:
    if spec.minAvailable is not None and spec.maxUnavailable is not None:
        text = "minAvailable and maxUnavailable cannot be both set"
        errors.append(FieldError.invalid("spec", quoted(spec), text))
    for name in ("minAvailable", "maxUnavailable"):
        int_or_percent(getattr(spec, name), f"spec.{name}", errors)
        at_most_all(getattr(spec, name), f"spec.{name}", errors)
    label_selector(spec.selector, "spec.selector", errors)
    policies = ("AlwaysAllow", "IfHealthyBudget")
    if spec.unhealthyPodEvictionPolicy is not None and spec.unhealthyPodEvictionPolicy not in policies:
        value = spec.unhealthyPodEvictionPolicy
        errors.append(FieldError.not_supported("spec.unhealthyPodEvictionPolicy", value, policies))

"""HorizontalPodAutoscalers (`pkg/apis/autoscaling/validation`)."""

from __future__ import annotations

from typing import Any

from k8slab.api import autoscaling_v2
from k8slab.api.quantity import canonical, nano
from k8slab.api.validation import metrics, names
from k8slab.api.validation.metadata import Errors, nonnegative, object_meta, object_meta_update
from k8slab.errors import FieldError

HOUR = 3600
LONGEST_PERIOD = 1800
SELECTIONS = ("Disabled", "Max", "Min")
POLICIES = ("Percent", "Pods")


def scaler(obj: Any, errors: Errors) -> None:
    """A new HorizontalPodAutoscaler."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    spec = obj.spec
    low, high = spec.minReplicas, spec.maxReplicas or 0
    if low is not None and low < 1:
        text = "must be greater than or equal to 1"
        errors.append(FieldError.invalid("spec.minReplicas", low, text))
    if high == 0:
        errors.append(FieldError.required("spec.maxReplicas", "must be set and greater than 0"))
    elif high < 0:
        errors.append(FieldError.invalid("spec.maxReplicas", high, "must be greater than 0"))
    if low is not None and high < low:
        text = "must be greater than or equal to `minReplicas`"
        errors.append(FieldError.invalid("spec.maxReplicas", high, text))
    _scale_target(spec.scaleTargetRef, errors)
    if isinstance(obj, autoscaling_v2.HorizontalPodAutoscaler):
        metrics.metrics(spec, errors)
        for name in ("scaleUp", "scaleDown") if spec.behavior is not None else ():
            rules = getattr(spec.behavior, name)
            if rules is not None:
                _scaling_rules(rules, f"spec.behavior.{name}", errors)


def _scale_target(ref: Any, errors: Errors) -> None:
    for name in ("kind", "name"):
        value = getattr(ref, name, None)
        if not value:
            errors.append(FieldError.required(f"spec.scaleTargetRef.{name}"))
        for message in names.path_segment(value or ""):
            errors.append(FieldError.invalid(f"spec.scaleTargetRef.{name}", value, message))
    version = getattr(ref, "apiVersion", None) or ""
    core_controller = version == "v1" and ref.kind == "ReplicationController"
    if "/" not in version and not core_controller:
        text = "apiVersion must specify API group"
        errors.append(FieldError.invalid("spec.scaleTargetRef.apiVersion", version, text))


def _scaling_rules(rules: autoscaling_v2.HPAScalingRules, path: str, errors: Errors) -> None:
    window = rules.stabilizationWindowSeconds
    if window is not None and window < 0:
        text = "must be greater than or equal to zero"
        errors.append(FieldError.invalid(f"{path}.stabilizationWindowSeconds", window, text))
    if window is not None and window > HOUR:
        text = f"must be less than or equal to {HOUR}"
        errors.append(FieldError.invalid(f"{path}.stabilizationWindowSeconds", window, text))
    if rules.selectPolicy is not None and rules.selectPolicy not in SELECTIONS:
        errors.append(FieldError.not_supported(f"{path}.selectPolicy", rules.selectPolicy, SELECTIONS))
    if not rules.policies:
        errors.append(FieldError.required(f"{path}.policies", "must specify at least one Policy"))
    for index, policy in enumerate(rules.policies or ()):
        _scaling_policy(policy, f"{path}.policies[{index}]", errors)
    if rules.tolerance is not None and nano(rules.tolerance) < 0:
        text = "must be greater or equal to zero"
        errors.append(FieldError.invalid(f"{path}.tolerance", canonical(rules.tolerance), text))


def _scaling_policy(policy: autoscaling_v2.HPAScalingPolicy, path: str, errors: Errors) -> None:
    if policy.type not in POLICIES:
        errors.append(FieldError.not_supported(f"{path}.type", policy.type or "", POLICIES))
    for name in ("value", "periodSeconds"):
        number = getattr(policy, name) or 0
        if number <= 0:
            errors.append(FieldError.invalid(f"{path}.{name}", number, "must be greater than zero"))
    if (policy.periodSeconds or 0) > LONGEST_PERIOD:
        text = f"must be less than or equal to {LONGEST_PERIOD}"
        errors.append(FieldError.invalid(f"{path}.periodSeconds", policy.periodSeconds, text))


def scaler_status(new: Any, old: Any, errors: Errors) -> None:
    """A changed status of a HorizontalPodAutoscaler."""
    object_meta_update(new.metadata, old.metadata, errors)
    for name in ("currentReplicas", "desiredReplicas"):
        nonnegative(getattr(new.status, name, None), f"status.{name}", errors)


def update_scaler(new: Any, old: Any, errors: Errors) -> None:
    """A changed HorizontalPodAutoscaler."""
    object_meta_update(new.metadata, old.metadata, errors)
    scaler(new, errors)

"""HorizontalPodAutoscalers (`pkg/apis/autoscaling/validation`)."""

from __future__ import annotations

from typing import Any

from k8slab.api import autoscaling_v2
from k8slab.api.validation import names
from k8slab.api.validation.metadata import Errors, object_meta, object_meta_update
from k8slab.errors import FieldError


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
        _metrics(spec, errors)


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


def _metrics(spec: autoscaling_v2.HorizontalPodAutoscalerSpec, errors: Errors) -> None:
    kinds = ("ContainerResource", "External", "Object", "Pods", "Resource")
    to_zero = False
    for index, metric in enumerate(spec.metrics or ()):
        if metric.type not in kinds:
            errors.append(FieldError.not_supported(f"spec.metrics[{index}].type", metric.type or "", kinds))
        to_zero = to_zero or metric.type in ("External", "Object")
    if spec.minReplicas == 0 and not to_zero:
        text = "must specify at least one Object or External metric to support scaling to zero replicas"
        errors.append(FieldError.forbidden("spec.metrics", text))


def update_scaler(new: Any, old: Any, errors: Errors) -> None:
    """A changed HorizontalPodAutoscaler."""
    object_meta_update(new.metadata, old.metadata, errors)
    scaler(new, errors)

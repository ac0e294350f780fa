"""What HorizontalPodAutoscalers measure (`pkg/apis/autoscaling/validation`, `validateMetricSpec`)."""

from __future__ import annotations

from typing import Any

from k8slab.api import autoscaling_v2
from k8slab.api.quantity import canonical, nano
from k8slab.api.validation import names
from k8slab.api.validation.metadata import Errors
from k8slab.api.validation.resources import container_resource_name
from k8slab.errors import FieldError

KINDS = ("ContainerResource", "External", "Object", "Pods", "Resource")
TARGETS = ("Utilization", "Value", "AverageValue")


def metrics(spec: autoscaling_v2.HorizontalPodAutoscalerSpec, errors: Errors) -> None:
    """All metrics of an autoscaler."""
    for index, metric in enumerate(spec.metrics or ()):
        _metric(metric, f"spec.metrics[{index}]", errors)
    if spec.minReplicas == 0 and not any(one.type in ("External", "Object") for one in spec.metrics or ()):
        text = "must specify at least one Object or External metric to support scaling to zero replicas"
        errors.append(FieldError.forbidden("spec.metrics", text))


def _metric(metric: autoscaling_v2.MetricSpec, path: str, errors: Errors) -> None:
    if not metric.type:
        errors.append(FieldError.required(f"{path}.type", "must specify a metric source type"))
    if metric.type not in KINDS:
        errors.append(FieldError.not_supported(f"{path}.type", metric.type or "", KINDS))
    given = [name for name in _SOURCES if getattr(metric, name) is not None]
    if given:
        _SOURCES[given[0]](getattr(metric, given[0]), f"{path}.{given[0]}", errors)
    wanted = ""
    if metric.type in KINDS:
        wanted = metric.type[0].lower() + metric.type[1:]
        if wanted not in given:
            text = "must populate information for the given metric source"
            errors.append(FieldError.required(f"{path}.{wanted}", text))
    else:
        errors.append(FieldError.not_supported(f"{path}.type", metric.type or "", KINDS))
    for name in given if len(given) != 1 else ():
        if name != wanted:
            errors.append(FieldError.forbidden(f"{path}.{name}", "must populate the given metric source only"))


def _object(source: Any, path: str, errors: Errors) -> None:
    reference = source.describedObject or autoscaling_v2.CrossVersionObjectReference()
    for name in ("kind", "name"):
        value = getattr(reference, name)
        if not value:
            errors.append(FieldError.required(f"{path}.describedObject.{name}"))
        for message in names.path_segment(value or ""):
            errors.append(FieldError.invalid(f"{path}.describedObject.{name}", value, message))
    _identifier(source.metric, f"{path}.metric", errors)
    target = _target(source.target, f"{path}.target", errors)
    if target.value is None and target.averageValue is None:
        text = "must set either a target value or averageValue"
        errors.append(FieldError.required(f"{path}.target.averageValue", text))


def _external(source: Any, path: str, errors: Errors) -> None:
    _identifier(source.metric, f"{path}.metric", errors)
    target = _target(source.target, f"{path}.target", errors)
    if target.value is None and target.averageValue is None:
        text = "must set either a target value for metric or a per-pod target"
        errors.append(FieldError.required(f"{path}.target.averageValue", text))
    if target.value is not None and target.averageValue is not None:
        text = "may not set both a target value for metric and a per-pod target"
        errors.append(FieldError.forbidden(f"{path}.target.value", text))


def _pods(source: Any, path: str, errors: Errors) -> None:
    _identifier(source.metric, f"{path}.metric", errors)
    target = _target(source.target, f"{path}.target", errors)
    if target.averageValue is None:
        text = "must specify a positive target averageValue"
        errors.append(FieldError.required(f"{path}.target.averageValue", text))


def _resource(source: Any, path: str, errors: Errors) -> None:
    if not source.name:
        errors.append(FieldError.required(f"{path}.name", "must specify a resource name"))
    _raw_or_share(_target(source.target, f"{path}.target", errors), f"{path}.target", errors)


def _container_resource(source: Any, path: str, errors: Errors) -> None:
    if not source.name:
        errors.append(FieldError.required(f"{path}.name", "must specify a resource name"))
    else:
        container_resource_name(source.name, f"{path}.name", errors)
    if not source.container:
        errors.append(FieldError.required(f"{path}.container", "must specify a container"))
    for message in names.dns_label(source.container) if source.container else ():
        errors.append(FieldError.invalid(f"{path}.container", source.container, message))
    _raw_or_share(_target(source.target, f"{path}.target", errors), f"{path}.target", errors)


def _raw_or_share(target: autoscaling_v2.MetricTarget, path: str, errors: Errors) -> None:
    if target.averageUtilization is None and target.averageValue is None:
        text = "must set either a target raw value or a target utilization"
        errors.append(FieldError.required(f"{path}.averageUtilization", text))
    if target.averageUtilization is not None and target.averageValue is not None:
        text = "may not set both a target raw value and a target utilization"
        errors.append(FieldError.forbidden(f"{path}.averageValue", text))


def _identifier(metric: Any, path: str, errors: Errors) -> None:
    name = (metric.name if metric is not None else "") or ""
    if not name:
        errors.append(FieldError.required(f"{path}.name", "must specify a metric name"))
    for message in names.path_segment(name):
        errors.append(FieldError.invalid(f"{path}.name", name, message))


def _target(target: Any, path: str, errors: Errors) -> autoscaling_v2.MetricTarget:
    target = target or autoscaling_v2.MetricTarget()
    if not target.type:
        errors.append(FieldError.required(f"{path}.type", "must specify a metric target type"))
    if target.type not in TARGETS:
        text = "must be either Utilization, Value, or AverageValue"
        errors.append(FieldError.invalid(f"{path}.type", target.type or "", text))
    for name in ("value", "averageValue"):
        amount = getattr(target, name)
        if amount is not None and nano(amount) <= 0:
            errors.append(FieldError.invalid(f"{path}.{name}", canonical(amount), "must be positive"))
    share = target.averageUtilization
    if share is not None and share < 1:
        errors.append(FieldError.invalid(f"{path}.averageUtilization", share, "must be greater than 0"))
    return target


_SOURCES = {
    "object": _object,
    "external": _external,
    "pods": _pods,
    "resource": _resource,
    "containerResource": _container_resource,
}
"""In the order in which upstream looks at them."""

"""autoscaling/v1 autoscalers, stored as v2: what v1 has no field for travels in annotations.

Follows `pkg/apis/autoscaling/v1/conversion.go`; the JSON in the annotations is that of its unversioned metrics.
"""

from __future__ import annotations

import json
from typing import Any

from k8slab.api import autoscaling_v1 as v1
from k8slab.api import autoscaling_v2 as v2
from k8slab.api.codec import DecodeError, convert, encode_json, to_dict
from k8slab.apiserver.meta import with_meta

PREFIX = "autoscaling.alpha.kubernetes.io/"
METRICS, CURRENT, CONDITIONS, BEHAVIOR = (
    f"{PREFIX}{name}" for name in ("metrics", "current-metrics", "conditions", "behavior")
)
KINDS = ("Resource", "ContainerResource", "Pods", "Object", "External")


def scaler_from_v2(scaler: Any) -> v1.HorizontalPodAutoscaler:
    """A v2 autoscaler as v1: the target of processor use in a field, everything else in annotations."""
    spec, status = scaler.spec, scaler.status
    metrics = list(spec.metrics or ())
    cpu = next((each for each in metrics if _is_cpu_use(each)), None)
    kept = [_flat(each, "target") for each in metrics if each is not cpu]
    # An entry without a type stands for a metric that could not be measured: v1 has no words for it.
    current = [each for each in (status.currentMetrics if status is not None else None) or () if each.type]
    annotations = {
        METRICS: _json(kept),
        CURRENT: _json([_flat(each, "current") for each in current]),
        CONDITIONS: _json([to_dict(each) for each in (status.conditions if status is not None else None) or ()]),
        BEHAVIOR: encode_json(spec.behavior).decode() if spec.behavior is not None else "",
    }
    added = {key: text for key, text in annotations.items() if text}
    if added:
        scaler = with_meta(scaler, annotations=(scaler.metadata.annotations or {}) | added)
    return v1.HorizontalPodAutoscaler(
        metadata=scaler.metadata,
        spec=v1.HorizontalPodAutoscalerSpec(
            scaleTargetRef=_reference(v1.CrossVersionObjectReference, spec.scaleTargetRef),
            minReplicas=spec.minReplicas,
            maxReplicas=spec.maxReplicas,
            targetCPUUtilizationPercentage=cpu.resource.target.averageUtilization if cpu is not None else None,
        ),
        status=v1.HorizontalPodAutoscalerStatus(
            observedGeneration=status.observedGeneration if status is not None else None,
            lastScaleTime=status.lastScaleTime if status is not None else None,
            currentReplicas=(status.currentReplicas if status is not None else None) or 0,
            desiredReplicas=(status.desiredReplicas if status is not None else None) or 0,
            currentCPUUtilizationPercentage=_current_cpu(current),
        ),
    )


def scaler_to_v2(scaler: Any) -> v2.HorizontalPodAutoscaler:
    """A v1 autoscaler as v2, with what its annotations remember."""
    if scaler.apiVersion == "autoscaling/v2":
        return scaler
    spec, status = scaler.spec, scaler.status
    annotations = dict(scaler.metadata.annotations or {})
    remembered = {key: _loaded(annotations.pop(key, "")) for key in (METRICS, CURRENT, CONDITIONS, BEHAVIOR)}
    metrics = [_deep(each, v2.MetricSpec, "target") for each in remembered[METRICS] or ()]
    if spec.targetCPUUtilizationPercentage is not None:
        target = v2.MetricTarget(type="Utilization", averageUtilization=spec.targetCPUUtilizationPercentage)
        metrics.insert(0, v2.MetricSpec(type="Resource", resource=v2.ResourceMetricSource(name="cpu", target=target)))
    conditions = [_made(each, v2.HorizontalPodAutoscalerCondition) for each in remembered[CONDITIONS] or ()]
    current = [_deep(each, v2.MetricStatus, "current") for each in remembered[CURRENT] or ()]
    return v2.HorizontalPodAutoscaler(
        metadata=scaler.metadata.replace(annotations=annotations or None),
        spec=v2.HorizontalPodAutoscalerSpec(
            scaleTargetRef=_reference(v2.CrossVersionObjectReference, spec.scaleTargetRef),
            minReplicas=spec.minReplicas,
            maxReplicas=spec.maxReplicas,
            metrics=tuple(each for each in metrics if each is not None) or None,
            behavior=_made(remembered[BEHAVIOR], v2.HorizontalPodAutoscalerBehavior),
        ),
        status=v2.HorizontalPodAutoscalerStatus(
            observedGeneration=status.observedGeneration if status is not None else None,
            lastScaleTime=status.lastScaleTime if status is not None else None,
            currentReplicas=status.currentReplicas if status is not None else None,
            desiredReplicas=(status.desiredReplicas if status is not None else None) or 0,
            conditions=tuple(each for each in conditions if each is not None) or None,
            currentMetrics=tuple(each for each in current if each is not None) or None,
        ),
    )


def _is_cpu_use(metric: Any) -> bool:
    source = metric.resource
    return source is not None and source.name == "cpu" and source.target.averageUtilization is not None


def _current_cpu(current: list[Any]) -> int | None:
    for each in current:
        if each.resource is not None and each.resource.name == "cpu" and each.resource.current is not None:
            return each.resource.current.averageUtilization
    return None


def _reference(cls: type, ref: Any) -> Any:
    return None if ref is None else cls(apiVersion=ref.apiVersion, kind=ref.kind, name=ref.name)


def _json(values: list[Any]) -> str:
    return json.dumps(values, separators=(",", ":")) if values else ""


def _loaded(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None


def _made(data: Any, cls: Any) -> Any:
    if not isinstance(data, dict):
        return None
    try:
        return convert(data, cls, strict=False)
    except DecodeError:
        return None


def _field(kind: str) -> str:
    return kind[0].lower() + kind[1:]


def _flat(metric: Any, side: str) -> dict[str, Any]:
    """A v2 metric as the older, flat form; `side` is target or current."""
    field = _field(metric.type)
    source = getattr(metric, field)
    values = getattr(source, side)
    entry: dict[str, Any] = {}
    if metric.type in ("Resource", "ContainerResource"):
        entry["name"] = source.name
        names = {"averageUtilization": f"{side}AverageUtilization", "averageValue": f"{side}AverageValue"}
        if metric.type == "ContainerResource":
            entry["container"] = source.container
    else:
        if metric.type == "Object":
            entry["target"] = to_dict(source.describedObject)
        entry["metricName"] = source.metric.name
        if source.metric.selector is not None:
            entry["metricSelector" if metric.type == "External" else "selector"] = to_dict(source.metric.selector)
        average = "averageValue" if metric.type == "Object" else f"{side}AverageValue"
        names = {"value": f"{side}Value", "averageValue": average}
    present = {name: getattr(values, name) for name in names} if values is not None else {}
    entry |= {names[name]: value for name, value in present.items() if value is not None}
    return {"type": metric.type, field: entry}


def _deep(data: Any, cls: Any, side: str) -> Any:
    """The v2 metric of a flat one; None where it makes no sense."""
    kind = data.get("type") if isinstance(data, dict) else None
    entry = data.get(_field(kind)) if kind in KINDS else None
    if not isinstance(entry, dict):
        return None
    wanted = (
        ("averageUtilization", f"{side}AverageUtilization"),
        ("averageValue", f"{side}AverageValue"),
        ("averageValue", "averageValue"),
        ("value", f"{side}Value"),
    )
    values: dict[str, Any] = {ours: entry[theirs] for ours, theirs in wanted if theirs in entry}
    if side == "target":
        values["type"] = _target_type(values)
    source: dict[str, Any] = {side: values}
    if kind in ("Resource", "ContainerResource"):
        source |= {name: entry[name] for name in ("name", "container") if name in entry}
    else:
        selector = entry.get("metricSelector" if kind == "External" else "selector")
        source["metric"] = {"name": entry.get("metricName", "")} | ({"selector": selector} if selector else {})
        if kind == "Object":
            source["describedObject"] = entry.get("target", {})
    return _made({"type": kind, _field(kind): source}, cls)


def _target_type(values: dict[str, Any]) -> str:
    if "averageUtilization" in values:
        return "Utilization"
    return "AverageValue" if "averageValue" in values else "Value"

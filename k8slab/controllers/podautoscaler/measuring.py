"""What each kind of metric in an autoscaler's spec asks for, and what its status says about it.

Follows pkg/controller/podautoscaler/horizontal.go (computeReplicasForMetric and the functions that it calls).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from k8slab.api import autoscaling_v2 as v2
from k8slab.api.core_v1 import Pod
from k8slab.api.quantity import from_milli, milli
from k8slab.api.selector import selector_text
from k8slab.controllers.podautoscaler import calculator
from k8slab.controllers.podautoscaler.calculator import Patience, Proposal, Tolerance
from k8slab.controllers.podautoscaler.metrics import Metrics, MetricsError


class Measurement(Struct, frozen=True):
    """Replicas that one metric calls for, its name in messages, and its status."""

    replicas: int
    name: str
    status: v2.MetricStatus


class Failed(Exception):
    """A metric could not be had: the condition's reason, its text, and the text in a summary."""

    def __init__(self, reason: str, text: str, summary: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text
        self.summary = summary


class Scaled(Struct, frozen=True):
    """What is scaled: replicas wanted and there, its Pods, and how to judge them."""

    namespace: str
    wanted: int
    present: int
    pods: Sequence[Pod]
    patience: Patience
    tolerance: Tolerance


def measure(spec: v2.MetricSpec, scaled: Scaled, metrics: Metrics) -> Measurement:
    """What one metric calls for. Raises Failed."""
    ways: dict[str, Any] = {
        "Resource": (_resource, "FailedGetResourceMetric"),
        "ContainerResource": (_container_resource, "FailedGetContainerResourceMetric"),
        "Pods": (_pods, "FailedGetPodsMetric"),
        "Object": (_object, "FailedGetObjectMetric"),
        "External": (_external, "FailedGetExternalMetric"),
    }
    way, reason = ways[spec.type]
    try:
        return way(spec, scaled, metrics)
    except MetricsError as error:
        text = str(error)
        raise Failed(reason, text, f"failed to get {_described(spec)}: {text}") from None


def _described(spec: v2.MetricSpec) -> str:
    """What could not be had, as the summary of all metrics says it."""
    if spec.type == "Resource":
        return f"{spec.resource.name} resource metric value"
    if spec.type == "ContainerResource":
        return f"{spec.containerResource.container} container metric value"
    if spec.type == "Pods":
        return "pods metric value"
    if spec.type == "Object":
        shared = spec.object.target.averageValue is not None
        again = f": failed to get {spec.object.metric.name} object metric" if shared else ""
        return f"object metric value{again}"
    name = spec.external.metric.name
    shared = spec.external.target.averageValue is not None
    again = f"{name} external metric" if shared else f"external metric {name}"
    return f"{name} external metric value: failed to get {again}"


def _resource(spec: v2.MetricSpec, scaled: Scaled, metrics: Metrics) -> Measurement:
    source = spec.resource
    proposal, name = _use(source.name, "", source.target, scaled, metrics)
    status = v2.ResourceMetricStatus(name=source.name, current=_current(proposal))
    return Measurement(proposal.replicas, name, v2.MetricStatus(type="Resource", resource=status))


def _container_resource(spec: v2.MetricSpec, scaled: Scaled, metrics: Metrics) -> Measurement:
    source = spec.containerResource
    proposal, name = _use(source.name, source.container, source.target, scaled, metrics)
    name = name.replace(" resource utilization", " container resource utilization")
    current = _current(proposal)
    status = v2.ContainerResourceMetricStatus(name=source.name, container=source.container, current=current)
    return Measurement(proposal.replicas, name, v2.MetricStatus(type="ContainerResource", containerResource=status))


def _use(
    resource: str, container: str, target: v2.MetricTarget, scaled: Scaled, metrics: Metrics
) -> tuple[Proposal, str]:
    by_value = target.averageValue is not None
    try:
        proposal = (
            _use_by_value(resource, container, target, scaled, metrics)
            if by_value
            else _use_by_share(resource, container, target, scaled, metrics)
        )
    except MetricsError as error:
        raise MetricsError(f"failed to get {resource} {'usage' if by_value else 'utilization'}: {error}") from None
    return proposal, f"{resource} resource" + ("" if by_value else " utilization (percentage of request)")


def _use_by_value(resource: str, container: str, target: v2.MetricTarget, scaled: Scaled, metrics: Metrics) -> Proposal:
    samples = _samples(resource, container, scaled, metrics)
    groups = calculator.group(_some(scaled), samples, resource, scaled.patience)
    return calculator.by_value(scaled.wanted, milli(target.averageValue), samples, groups, scaled.tolerance)


def _use_by_share(resource: str, container: str, target: v2.MetricTarget, scaled: Scaled, metrics: Metrics) -> Proposal:
    samples = _samples(resource, container, scaled, metrics)
    pods = _some(scaled)
    groups = calculator.group(pods, samples, resource, scaled.patience)
    of = (container, resource)
    return calculator.by_utilization(
        scaled.wanted, target.averageUtilization, samples, pods, groups, of, scaled.tolerance
    )


def _samples(resource: str, container: str, scaled: Scaled, metrics: Metrics) -> Any:
    try:
        found = metrics.resource(resource, scaled.namespace, scaled.pods, container)
        if not found:
            raise MetricsError("no metrics returned from resource metrics API")
        return found
    except MetricsError as error:
        raise MetricsError(f"unable to get metrics for resource {resource}: {error}") from None


def _some(scaled: Scaled) -> Sequence[Pod]:
    if not scaled.pods:
        raise MetricsError("no pods returned by selector while calculating replica count")
    return scaled.pods


def _pods(spec: v2.MetricSpec, scaled: Scaled, metrics: Metrics) -> Measurement:
    metric = spec.pods.metric
    try:
        samples = metrics.of_pods(metric.name, scaled.namespace, scaled.pods, selector_text(metric.selector))
    except MetricsError as error:
        raise MetricsError(f"unable to get metric {metric.name}: {error}") from None
    groups = calculator.group(_some(scaled), samples, "", scaled.patience)
    target = milli(spec.pods.target.averageValue)
    proposal = calculator.by_value(scaled.wanted, target, samples, groups, scaled.tolerance)
    status = v2.PodsMetricStatus(metric=metric, current=_current(proposal))
    return Measurement(proposal.replicas, f"pods metric {metric.name}", v2.MetricStatus(type="Pods", pods=status))


def _object(spec: v2.MetricSpec, scaled: Scaled, metrics: Metrics) -> Measurement:
    source = spec.object
    metric, about, target = source.metric, source.describedObject, source.target
    try:
        sample = metrics.of_object(metric.name, scaled.namespace, about, selector_text(metric.selector))
    except MetricsError as error:
        # The odd order of the words is that of the real message.
        place = f"{about.kind} on {scaled.namespace} {about.name}"
        raise MetricsError(f"unable to get metric {metric.name}: {place}/{error}") from None
    proposal, current = _shared(sample.value, target, scaled)
    status = v2.ObjectMetricStatus(metric=metric, describedObject=about, current=current)
    name = f"{about.kind} metric {metric.name}"
    return Measurement(proposal.replicas, name, v2.MetricStatus(type="Object", object=status))


def _external(spec: v2.MetricSpec, scaled: Scaled, metrics: Metrics) -> Measurement:
    metric, target = spec.external.metric, spec.external.target
    selector = selector_text(metric.selector)
    try:
        usage = sum(metrics.external(metric.name, scaled.namespace, selector))
    except MetricsError as error:
        place = f"{scaled.namespace}/{metric.name}/{selector}"
        raise MetricsError(f"unable to get external metric {place}: {error}") from None
    proposal, current = _shared(usage, target, scaled)
    status = v2.ExternalMetricStatus(metric=metric, current=current)
    name = f"external metric {metric.name}({selector})"
    return Measurement(proposal.replicas, name, v2.MetricStatus(type="External", external=status))


def _shared(usage: int, target: v2.MetricTarget, scaled: Scaled) -> tuple[Proposal, v2.MetricValueStatus]:
    """One value for all Pods together: divided among them, or compared with its target as it is."""
    if target.averageValue is not None:
        share = milli(target.averageValue)
        proposal = calculator.by_share(scaled.present, usage, share, scaled.tolerance)
        return proposal, v2.MetricValueStatus(averageValue=from_milli(proposal.value))
    ready = calculator.count_ready(_some(scaled))
    proposal = calculator.by_total(scaled.wanted, ready, usage, milli(target.value), scaled.tolerance)
    return proposal, v2.MetricValueStatus(value=from_milli(proposal.value))


def _current(proposal: Proposal) -> v2.MetricValueStatus:
    return v2.MetricValueStatus(averageUtilization=proposal.utilization, averageValue=from_milli(proposal.value))

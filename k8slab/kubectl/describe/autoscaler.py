"""HorizontalPodAutoscalers."""

from __future__ import annotations

from typing import Any

from k8slab.kubectl.describe.writer import Object, Writer, date, events, head

_UNKNOWN = "<unknown>"


def describe_autoscaler(inv: Any, obj: Object) -> str:
    """A HorizontalPodAutoscaler: what it measures, between which numbers it moves, and what it thinks of it."""
    writer, spec, status = Writer(), obj.get("spec") or {}, obj.get("status") or {}
    head(writer, obj)
    writer.field("CreationTimestamp", date(obj["metadata"].get("creationTimestamp")))
    reference = spec.get("scaleTargetRef") or {}
    writer.field("Reference", f"{reference.get('kind')}/{reference.get('name')}")
    if obj.get("apiVersion") == "autoscaling/v1":
        _utilization(writer, spec, status)
    else:
        _metrics(writer, spec.get("metrics") or [], status.get("currentMetrics") or [])
    writer.field("Min replicas", spec.get("minReplicas", "<unset>"))
    writer.field("Max replicas", spec.get("maxReplicas", ""))
    _behavior(writer, spec.get("behavior") or {})
    counts = f"{status.get('currentReplicas', 0)} current / {status.get('desiredReplicas', 0)} desired"
    writer.field(f"{reference.get('kind', '')} pods", counts)
    _conditions(writer, status.get("conditions") or [])
    events(writer, inv, obj)
    return writer.text()


def _utilization(writer: Writer, spec: Object, status: Object) -> None:
    """The one metric that autoscaling/v1 knows."""
    wanted = spec.get("targetCPUUtilizationPercentage")
    if wanted is not None:
        current = status.get("currentCPUUtilizationPercentage")
        shown = _UNKNOWN if current is None else f"{current}%"
        writer.field("Target CPU utilization", f"{wanted}%")
        writer.field("Current CPU utilization", shown)


def _metrics(writer: Writer, metrics: list[Object], current: list[Object]) -> None:
    writer.field("Metrics", "( current / target )")
    for index, metric in enumerate(metrics):
        kind = metric.get("type", "")
        key = kind[:1].lower() + kind[1:]
        measured = (current[index].get(key) or {}).get("current") or {} if index < len(current) else {}
        line = _LINES.get(kind)
        writer.line(1, line(metric[key], measured) if line else f'<unknown metric type "{kind}">')


def _resource(metric: Object, current: Object) -> str:
    return _shares(f"resource {metric['name']} on pods", metric["target"], current)


def _container_resource(metric: Object, current: Object) -> str:
    what = f'resource {metric["name"]} of container "{metric["container"]}" on pods'
    return _shares(what, metric["target"], current)


def _shares(what: str, target: Object, current: Object) -> str:
    if target.get("averageValue") is not None:
        return f"{what}:\t{current.get('averageValue', _UNKNOWN)} / {target['averageValue']}"
    wanted = target.get("averageUtilization")
    share = current.get("averageUtilization")
    shown = _UNKNOWN if share is None else f"{share}% ({current.get('averageValue', '0')})"
    return f"{what}  (as a percentage of request):\t{shown} / {'<auto>' if wanted is None else f'{wanted}%'}"


def _pods(metric: Object, current: Object) -> str:
    wanted = metric["target"].get("averageValue")
    return f'"{metric["metric"]["name"]}" on pods:\t{current.get("averageValue", _UNKNOWN)} / {wanted}'


def _object(metric: Object, current: Object) -> str:
    described = metric["describedObject"]
    return _valued(
        f'"{metric["metric"]["name"]}" on {described["kind"]}/{described["name"]}', metric["target"], current
    )


def _external(metric: Object, current: Object) -> str:
    return _valued(f'"{metric["metric"]["name"]}"', metric["target"], current)


def _valued(what: str, target: Object, current: Object) -> str:
    key, title = ("averageValue", "average value") if target.get("averageValue") is not None else ("value", "value")
    return f"{what} (target {title}):\t{current.get(key, _UNKNOWN)} / {target.get(key)}"


_LINES = {
    "ContainerResource": _container_resource,
    "External": _external,
    "Object": _object,
    "Pods": _pods,
    "Resource": _resource,
}


def _behavior(writer: Writer, behavior: Object) -> None:
    if not behavior:
        return
    writer.line(0, "Behavior:")
    for title, key in (("Scale Up", "scaleUp"), ("Scale Down", "scaleDown")):
        rules = behavior.get(key)
        if rules is None:
            continue
        writer.line(1, f"{title}:")
        if rules.get("stabilizationWindowSeconds") is not None:
            writer.line(2, f"Stabilization Window: {rules['stabilizationWindowSeconds']} seconds")
        if rules.get("policies"):
            writer.line(2, f"Select Policy: {rules.get('selectPolicy', 'Max')}")
            writer.line(2, "Policies:")
        for each in rules.get("policies") or ():
            text = f"- Type: {each['type']}\tValue: {each['value']}\tPeriod: {each['periodSeconds']} seconds"
            writer.line(3, text)


def _conditions(writer: Writer, conditions: list[Object]) -> None:
    if not conditions:
        return
    writer.line(0, "Conditions:")
    rows = [(each["type"], each["status"], each.get("reason", ""), each.get("message", "")) for each in conditions]
    writer.rows(1, ("Type", "Status", "Reason", "Message"), rows)

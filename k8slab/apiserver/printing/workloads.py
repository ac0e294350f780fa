"""The cells of workloads and of what scales and protects them."""

from __future__ import annotations

from typing import Any

from k8slab.api.conditions import is_true
from k8slab.api.ownership import controller_of
from k8slab.apiserver.printing.cells import (
    NONE,
    UNKNOWN,
    Now,
    between,
    containers_cells,
    labels_text,
    number,
    selector_cell,
    text,
)


def _template(obj: Any) -> list[str]:
    template = obj.spec.template
    return containers_cells(template.spec if template is not None else None)


def deployment(obj: Any, now: Now) -> list[Any]:
    """A Deployment."""
    status = obj.status
    return [
        obj.metadata.name,
        f"{number(status.readyReplicas)}/{number(obj.spec.replicas)}",
        number(status.updatedReplicas),
        number(status.availableReplicas),
        now.age(obj),
        *_template(obj),
        selector_cell(obj.spec.selector),
    ]


def replica_set(obj: Any, now: Now) -> list[Any]:
    """A ReplicaSet."""
    return [*_replicas(obj, now), *_template(obj), selector_cell(obj.spec.selector)]


def replication_controller(obj: Any, now: Now) -> list[Any]:
    """A ReplicationController."""
    return [*_replicas(obj, now), *_template(obj), labels_text(obj.spec.selector)]


def _replicas(obj: Any, now: Now) -> list[Any]:
    status = obj.status
    return [
        obj.metadata.name,
        number(obj.spec.replicas),
        number(status.replicas),
        number(status.readyReplicas),
        now.age(obj),
    ]


def stateful_set(obj: Any, now: Now) -> list[Any]:
    """A StatefulSet."""
    ready = f"{number(obj.status.readyReplicas)}/{number(obj.spec.replicas)}"
    return [obj.metadata.name, ready, now.age(obj), *_template(obj)]


def daemon_set(obj: Any, now: Now) -> list[Any]:
    """A DaemonSet."""
    status, template = obj.status, obj.spec.template
    return [
        obj.metadata.name,
        number(status.desiredNumberScheduled),
        number(status.currentNumberScheduled),
        number(status.numberReady),
        number(status.updatedNumberScheduled),
        number(status.numberAvailable),
        labels_text(template.spec.nodeSelector if template.spec is not None else None),
        now.age(obj),
        *_template(obj),
        selector_cell(obj.spec.selector),
    ]


def job(obj: Any, now: Now) -> list[Any]:
    """A Job."""
    spec, status = obj.spec, obj.status
    succeeded = number(status.succeeded)
    if spec.completions is not None:
        completions = f"{succeeded}/{spec.completions}"
    elif number(spec.parallelism) > 1:
        completions = f"{succeeded}/1 of {spec.parallelism}"
    else:
        completions = f"{succeeded}/1"
    duration = ""
    if status.startTime:
        ended = status.completionTime
        duration = between(status.startTime, ended) if ended else now.since(status.startTime)
    return [
        obj.metadata.name,
        _job_status(obj),
        completions,
        duration,
        now.age(obj),
        *_template(obj),
        selector_cell(spec.selector),
    ]


def _job_status(obj: Any) -> str:
    conditions = obj.status.conditions
    if is_true(conditions, "Complete"):
        return "Complete"
    if is_true(conditions, "Failed"):
        return "Failed"
    if obj.metadata.deletionTimestamp:
        return "Terminating"
    if is_true(conditions, "Suspended"):
        return "Suspended"
    if is_true(conditions, "FailureTarget"):
        return "FailureTarget"
    return "SuccessCriteriaMet" if is_true(conditions, "SuccessCriteriaMet") else "Running"


def cron_job(obj: Any, now: Now) -> list[Any]:
    """A CronJob."""
    spec, status = obj.spec, obj.status
    last = status.lastScheduleTime if status is not None else None
    job_spec = spec.jobTemplate.spec
    return [
        obj.metadata.name,
        spec.schedule,
        spec.timeZone or NONE,
        "True" if spec.suspend else "False",
        len((status.active if status is not None else None) or ()),
        now.since(last) if last else NONE,
        now.age(obj),
        *containers_cells(job_spec.template.spec if job_spec is not None else None),
        selector_cell(job_spec.selector if job_spec is not None else None),
    ]


def controller_revision(obj: Any, now: Now) -> list[Any]:
    """A ControllerRevision."""
    owner = controller_of(obj)
    name = NONE
    if owner is not None:
        group = owner.apiVersion.rpartition("/")[0]
        name = f"{owner.kind.lower()}.{group}/{owner.name}" if group else f"{owner.kind.lower()}/{owner.name}"
    return [obj.metadata.name, name, number(obj.revision), now.age(obj)]


def disruption_budget(obj: Any, now: Now) -> list[Any]:
    """A PodDisruptionBudget."""
    spec = obj.spec
    return [
        obj.metadata.name,
        "N/A" if spec.minAvailable is None else str(spec.minAvailable),
        "N/A" if spec.maxUnavailable is None else str(spec.maxUnavailable),
        number(obj.status.disruptionsAllowed if obj.status is not None else 0),
        now.age(obj),
    ]


def scale(obj: Any, now: Now) -> list[Any]:
    """The Scale of a workload."""
    wanted = obj.spec.replicas if obj.spec is not None else 0
    present = obj.status.replicas if obj.status is not None else 0
    return [obj.metadata.name, number(wanted), number(present), now.age(obj)]


def scaler(obj: Any, now: Now) -> list[Any]:
    """A HorizontalPodAutoscaler (v2)."""
    spec, status = obj.spec, obj.status
    reference = f"{spec.scaleTargetRef.kind}/{spec.scaleTargetRef.name}"
    return [
        obj.metadata.name,
        reference,
        _metrics(spec.metrics or (), (status.currentMetrics if status is not None else None) or ()),
        UNSET_MINIMUM if spec.minReplicas is None else str(spec.minReplicas),
        number(spec.maxReplicas),
        number(status.currentReplicas if status is not None else 0),
        now.age(obj),
    ]


UNSET_MINIMUM = "<unset>"
SHOWN_METRICS = 2


def _metrics(wanted: tuple[Any, ...], current: tuple[Any, ...]) -> str:
    if not wanted:
        return NONE
    texts = [_metric(each, current[i] if i < len(current) else None) for i, each in enumerate(wanted)]
    shown = texts[:SHOWN_METRICS]
    more = len(texts) - len(shown)
    return ", ".join(shown) + (f" + {more} more..." if more else "")


def _metric(wanted: Any, current: Any) -> str:
    kind = wanted.type
    field = kind[0].lower() + kind[1:]
    source, seen = getattr(wanted, field), getattr(current, field) if current is not None else None
    values = seen.current if seen is not None else None
    target = source.target
    if kind in ("Resource", "ContainerResource"):
        if target.averageValue is not None:
            now_value = text(values.averageValue if values is not None else None, UNKNOWN)
            return f"{source.name}: {now_value}/{target.averageValue}"
        use = values.averageUtilization if values is not None else None
        wanted_use = "<auto>" if target.averageUtilization is None else f"{target.averageUtilization}%"
        return f"{source.name}: {UNKNOWN if use is None else f'{use}%'}/{wanted_use}"
    average = target.averageValue is not None
    goal = f"{target.averageValue} (avg)" if average and kind != "Pods" else target.averageValue or target.value
    seen_value = (values.averageValue if average else values.value) if values is not None else None
    return f"{text(seen_value, UNKNOWN)}/{goal}"

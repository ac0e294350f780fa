"""Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs and CronJobs."""

from __future__ import annotations

from typing import Any

from k8slab.kubectl import duration
from k8slab.kubectl.describe.template import describe_template
from k8slab.kubectl.describe.writer import (
    Object,
    Writer,
    controlled_by,
    date,
    events,
    head,
    header,
    labels,
    notes,
    selector_text,
    truth,
)
from k8slab.kubectl.revisions import REVISION
from k8slab.sim.timestamps import parse_rfc3339

Counts = tuple[int, int, int, int]


def describe_deployment(inv: Any, obj: Object) -> str:
    """A Deployment, with its old and new ReplicaSets."""
    writer, spec, status = Writer(), obj.get("spec") or {}, obj.get("status") or {}
    header(writer, obj)
    writer.field("CreationTimestamp", date(obj["metadata"].get("creationTimestamp")))
    labels(writer, obj["metadata"].get("labels"))
    notes(writer, obj["metadata"].get("annotations"))
    writer.field("Selector", selector_text(spec.get("selector")))
    writer.field(
        "Replicas",
        f"{spec.get('replicas', 1)} desired | {status.get('updatedReplicas', 0)} updated | {status.get('replicas', 0)} "
        f"total | {status.get('availableReplicas', 0)} available | {status.get('unavailableReplicas', 0)} unavailable",
    )
    strategy = spec.get("strategy") or {}
    writer.field("StrategyType", strategy.get("type", ""))
    writer.field("MinReadySeconds", spec.get("minReadySeconds", 0))
    rolling = strategy.get("rollingUpdate")
    if rolling:
        text = f"{rolling.get('maxUnavailable')} max unavailable, {rolling.get('maxSurge')} max surge"
        writer.field("RollingUpdateStrategy", text)
    describe_template(writer, spec.get("template"))
    _conditions(writer, status)
    _replica_sets(writer, inv, obj)
    events(writer, inv, obj)
    return writer.text()


def _conditions(writer: Writer, status: Object) -> None:
    found = status.get("conditions") or []
    if not found:
        return
    # The blank after each cell is kubectl's.
    writer.line(0, "Conditions:\n  Type\tStatus\tReason\n  ----\t------\t------")
    for each in found:
        writer.line(1, f"{each['type']} \t{each['status']}\t{each.get('reason', '')}")


def _replica_sets(writer: Writer, inv: Any, obj: Object) -> None:
    resource = inv.access.scheme.resource("replicasets")
    uid, own = obj["metadata"].get("uid"), (obj["metadata"].get("annotations") or {}).get(REVISION)
    owned = [
        each
        for each in inv.access.list(resource, obj["metadata"].get("namespace"))
        if any(owner.get("uid") == uid for owner in each["metadata"].get("ownerReferences") or ())
    ]
    owned.sort(key=lambda each: (each["metadata"].get("creationTimestamp", ""), each["metadata"]["name"]))
    new = [each for each in owned if (each["metadata"].get("annotations") or {}).get(REVISION) == own][-1:]
    old = [each for each in owned if each not in new]
    writer.field("OldReplicaSets", ", ".join(_replica_set(each) for each in old) or "<none>")
    writer.field("NewReplicaSet", ", ".join(_replica_set(each) for each in new) or "<none>")


def _replica_set(obj: Object) -> str:
    wanted = (obj.get("spec") or {}).get("replicas", 0)
    return f"{obj['metadata']['name']} ({(obj.get('status') or {}).get('replicas', 0)}/{wanted} replicas created)"


def _pods_status(inv: Any, obj: Object) -> str:
    running = waiting = succeeded = failed = 0
    for pod in _pods(inv, obj):
        phase = (pod.get("status") or {}).get("phase")
        running += phase == "Running"
        waiting += phase == "Pending"
        succeeded += phase == "Succeeded"
        failed += phase == "Failed"
    return f"{running} Running / {waiting} Waiting / {succeeded} Succeeded / {failed} Failed"


def _pods(inv: Any, obj: Object) -> list[Object]:
    selector = (obj.get("spec") or {}).get("selector")
    text = selector_text(selector)
    resource = inv.access.scheme.resource("pods")
    found = inv.access.list(resource, obj["metadata"].get("namespace"), "" if text == "<none>" else text)
    uid = obj["metadata"].get("uid")
    return [
        pod
        for pod in found
        if any(
            owner.get("uid") == uid and owner.get("controller")
            for owner in pod["metadata"].get("ownerReferences") or ()
        )
    ]


def describe_replica_set(inv: Any, obj: Object) -> str:
    """A ReplicaSet (or ReplicationController)."""
    writer, spec, status = Writer(), obj.get("spec") or {}, obj.get("status") or {}
    header(writer, obj)
    writer.field("Selector", selector_text(spec.get("selector")))
    labels(writer, obj["metadata"].get("labels"))
    notes(writer, obj["metadata"].get("annotations"))
    if controlled_by(obj):
        writer.field("Controlled By", controlled_by(obj))
    writer.field("Replicas", f"{status.get('replicas', 0)} current / {spec.get('replicas', 1)} desired")
    writer.field("Pods Status", _pods_status(inv, obj))
    describe_template(writer, spec.get("template"))
    _conditions(writer, status)
    events(writer, inv, obj)
    return writer.text()


def describe_stateful_set(inv: Any, obj: Object) -> str:
    """A StatefulSet."""
    writer, spec, status = Writer(), obj.get("spec") or {}, obj.get("status") or {}
    header(writer, obj)
    writer.field("CreationTimestamp", date(obj["metadata"].get("creationTimestamp")))
    writer.field("Selector", selector_text(spec.get("selector")))
    labels(writer, obj["metadata"].get("labels"))
    notes(writer, obj["metadata"].get("annotations"))
    writer.field("Replicas", f"{spec.get('replicas', 1)} desired | {status.get('replicas', 0)} total")
    strategy = spec.get("updateStrategy") or {}
    writer.field("Update Strategy", strategy.get("type", ""))
    partition = (strategy.get("rollingUpdate") or {}).get("partition")
    if partition is not None:
        writer.field("Partition", partition, 1)
    writer.field("Pods Status", _pods_status(inv, obj))
    describe_template(writer, spec.get("template"))
    _claims(writer, spec.get("volumeClaimTemplates") or [])
    events(writer, inv, obj)
    return writer.text()


def _claims(writer: Writer, claims: list[Object]) -> None:
    if not claims:
        writer.field("Volume Claims", "<none>")
        return
    writer.line(0, "Volume Claims:")
    for claim in claims:
        spec = claim.get("spec") or {}
        writer.field("Name", claim["metadata"]["name"], 1)
        writer.field("StorageClass", spec.get("storageClassName", ""), 1)
        labels(writer, claim["metadata"].get("labels"), level=1)
        notes(writer, claim["metadata"].get("annotations"), level=1)
        storage = ((spec.get("resources") or {}).get("requests") or {}).get("storage", "<default>")
        writer.field("Capacity", storage, 1)
        writer.field("Access Modes", f"[{' '.join(spec.get('accessModes') or ())}]", 1)


def describe_daemon_set(inv: Any, obj: Object) -> str:
    """A DaemonSet."""
    writer, spec, status = Writer(), obj.get("spec") or {}, obj.get("status") or {}
    writer.field("Name", obj["metadata"]["name"])
    writer.field("Selector", selector_text(spec.get("selector")))
    selector = ((spec.get("template") or {}).get("spec") or {}).get("nodeSelector")
    writer.field("Node-Selector", selector_text(selector))
    labels(writer, obj["metadata"].get("labels"))
    notes(writer, obj["metadata"].get("annotations"))
    for title, key in (
        ("Desired Number of Nodes Scheduled", "desiredNumberScheduled"),
        ("Current Number of Nodes Scheduled", "currentNumberScheduled"),
        ("Number of Nodes Scheduled with Up-to-date Pods", "updatedNumberScheduled"),
        ("Number of Nodes Scheduled with Available Pods", "numberAvailable"),
        ("Number of Nodes Misscheduled", "numberMisscheduled"),
    ):
        writer.line(0, f"{title}: {status.get(key, 0)}")
    writer.field("Pods Status", _pods_status(inv, obj))
    describe_template(writer, spec.get("template"))
    events(writer, inv, obj)
    return writer.text()


def describe_job(inv: Any, obj: Object) -> str:
    """A Job."""
    writer, spec, status = Writer(), obj.get("spec") or {}, obj.get("status") or {}
    header(writer, obj)
    if spec.get("selector"):
        writer.field("Selector", selector_text(spec["selector"]))
    labels(writer, obj["metadata"].get("labels"))
    notes(writer, obj["metadata"].get("annotations"))
    if controlled_by(obj):
        writer.field("Controlled By", controlled_by(obj))
    writer.field("Parallelism", spec.get("parallelism", "<unset>"))
    writer.field("Completions", spec.get("completions", "<unset>"))
    if spec.get("completionMode"):
        writer.field("Completion Mode", spec["completionMode"])
    if spec.get("suspend") is not None:
        writer.field("Suspend", "true" if spec["suspend"] else "false")
    if spec.get("backoffLimit") is not None:
        writer.field("Backoff Limit", spec["backoffLimit"])
    if spec.get("ttlSecondsAfterFinished") is not None:
        writer.field("TTL Seconds After Finished", spec["ttlSecondsAfterFinished"])
    _job_times(writer, status)
    if spec.get("activeDeadlineSeconds") is not None:
        writer.field("Active Deadline Seconds", f"{spec['activeDeadlineSeconds']}s")
    active, ready = status.get("active", 0), status.get("ready")
    counted = f"{active} Active ({ready} Ready)" if ready is not None else f"{active} Active"
    writer.field(
        "Pods Statuses", f"{counted} / {status.get('succeeded', 0)} Succeeded / {status.get('failed', 0)} Failed"
    )
    if spec.get("completionMode") == "Indexed":
        writer.field("Completed Indexes", status.get("completedIndexes") or "<none>")
    describe_template(writer, spec.get("template"))
    events(writer, inv, obj)
    return writer.text()


def _job_times(writer: Writer, status: Object) -> None:
    start, end = status.get("startTime"), status.get("completionTime")
    if start:
        writer.field("Start Time", date(start))
    if end:
        writer.field("Completed At", date(end))
    if start and end:
        writer.field("Duration", duration.human(parse_rfc3339(end) - parse_rfc3339(start)))


def describe_cron_job(inv: Any, obj: Object) -> str:
    """A CronJob."""
    writer, spec, status = Writer(), obj.get("spec") or {}, obj.get("status") or {}
    head(writer, obj)
    writer.field("Schedule", spec.get("schedule", ""))
    if spec.get("timeZone"):
        writer.field("Time Zone", spec["timeZone"])
    writer.field("Concurrency Policy", spec.get("concurrencyPolicy", ""))
    writer.field("Suspend", truth(spec.get("suspend")))
    writer.field("Successful Job History Limit", spec.get("successfulJobsHistoryLimit", "<unset>"))
    writer.field("Failed Job History Limit", spec.get("failedJobsHistoryLimit", "<unset>"))
    deadline = spec.get("startingDeadlineSeconds")
    writer.field("Starting Deadline Seconds", "<unset>" if deadline is None else f"{deadline}s")
    job = (spec.get("jobTemplate") or {}).get("spec") or {}
    writer.field("Selector", selector_text(job["selector"]) if job.get("selector") else "<unset>")
    writer.field("Parallelism", job.get("parallelism", "<unset>"))
    writer.field("Completions", job.get("completions", "<unset>"))
    if job.get("activeDeadlineSeconds") is not None:
        writer.field("Active Deadline Seconds", f"{job['activeDeadlineSeconds']}s")
    describe_template(writer, job.get("template"))
    writer.field("Last Schedule Time", date(status.get("lastScheduleTime")))
    active = [each.get("name", "") for each in status.get("active") or ()]
    writer.field("Active Jobs", ", ".join(active) or "<none>")
    events(writer, inv, obj)
    return writer.text()

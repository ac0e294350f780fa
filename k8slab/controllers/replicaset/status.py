"""A ReplicaSet's status (pkg/controller/replicaset/replica_set_utils.go)."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from k8slab.api.core_v1 import Pod
from k8slab.controllers import conditions
from k8slab.controllers.pods import available_in, is_ready
from k8slab.controllers.tally import Group, includes

COUNTS = ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "terminatingReplicas")


class Headcount(Struct, frozen=True):
    """How many Pods a ReplicaSet has, as its status tells; `terminating` is None where the kind does not count them."""

    replicas: int
    labelled: int
    ready: int
    available: int
    terminating: int | None


def count_pods(owner: Any, pods: list[Pod], terminating: int | None, now: int) -> Headcount:
    """Count active Pods one by one. `now` is Unix time in microseconds."""
    wanted = owner.spec.template.metadata.labels or {}
    min_ready = owner.spec.minReadySeconds or 0
    return Headcount(
        replicas=len(pods),
        labelled=sum(includes(pod.metadata, wanted) for pod in pods),
        ready=sum(is_ready(pod) for pod in pods),
        available=sum(available_in(pod, min_ready, now) == 0 for pod in pods),
        terminating=terminating,
    )


def count_groups(owner: Any, groups: list[Group], terminating: int | None) -> Headcount:
    """Add up groups of Pods, of which the ready ones are available at once (no minReadySeconds)."""
    wanted = owner.spec.template.metadata.labels or {}
    ready = sum(group.ready for group in groups)
    return Headcount(
        replicas=sum(group.active for group in groups),
        labelled=sum(group.active for group in groups if includes(group.metadata, wanted)),
        ready=ready,
        available=ready,
        terminating=terminating,
    )


def calculate(owner: Any, count: Headcount, error: str, condition_type: type, stamp: str) -> Any:
    """The status that these Pods make.

    Args:
        owner: ReplicaSet or ReplicationController.
        count: its Pods.
        error: text of the error that stopped creating or deleting, or "".
        condition_type: class of the conditions.
        stamp: the time for a new condition.
    """
    old = owner.status
    counts: dict[str, Any] = {
        "replicas": count.replicas,
        "fullyLabeledReplicas": count.labelled or None,
        "readyReplicas": count.ready or None,
        "availableReplicas": count.available or None,
    }
    if count.terminating is not None:
        counts["terminatingReplicas"] = count.terminating
    kept = old.conditions
    if error and conditions.find(kept, "ReplicaFailure") is None:
        reason = "FailedCreate" if count.replicas < owner.spec.replicas else "FailedDelete"
        failure = condition_type(
            type="ReplicaFailure", status="True", reason=reason, message=error, lastTransitionTime=stamp
        )
        kept = conditions.put(kept, failure)
    elif not error:
        kept = conditions.without(kept, "ReplicaFailure")
    return old.replace(**counts, conditions=kept or None)


def same(old: Any, new: Any, generation: int) -> bool:
    """Whether there is nothing to write."""
    return (
        old.observedGeneration == generation
        and (old.replicas or 0) == new.replicas
        and (old.conditions or ()) == (new.conditions or ())
        and all(getattr(old, name, None) == getattr(new, name, None) for name in COUNTS[1:])
    )

"""A ReplicaSet's status (pkg/controller/replicaset/replica_set_utils.go)."""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import Pod
from k8slab.controllers import conditions
from k8slab.controllers.pods import available_in, is_ready

COUNTS = ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "terminatingReplicas")


def calculate(
    owner: Any, pods: list[Pod], terminating: list[Pod] | None, error: str, now: int, condition_type: type, stamp: str
) -> Any:
    """The status that these active and terminating Pods make.

    Args:
        owner: ReplicaSet or ReplicationController.
        pods: its active Pods.
        terminating: its Pods on their way out; None where the kind does not count them.
        error: text of the error that stopped creating or deleting, or "".
        now: Unix time in microseconds.
        condition_type: class of the conditions.
        stamp: the time for a new condition.
    """
    old = owner.status
    wanted = (owner.spec.template.metadata.labels or {}).items()
    min_ready = owner.spec.minReadySeconds or 0
    counts: dict[str, Any] = {
        "replicas": len(pods),
        "fullyLabeledReplicas": sum(wanted <= (pod.metadata.labels or {}).items() for pod in pods) or None,
        "readyReplicas": sum(is_ready(pod) for pod in pods) or None,
        "availableReplicas": sum(available_in(pod, min_ready, now) == 0 for pod in pods) or None,
    }
    if terminating is not None:
        counts["terminatingReplicas"] = len(terminating)
    kept = old.conditions
    if error and conditions.find(kept, "ReplicaFailure") is None:
        reason = "FailedCreate" if len(pods) < owner.spec.replicas else "FailedDelete"
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

"""A Deployment's status and its conditions Available, Progressing and ReplicaFailure.

Follows pkg/controller/deployment/progress.go and calculateStatus of sync.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8slab.api.apps_v1 import Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet
from k8slab.controllers import conditions
from k8slab.controllers.deployment import arithmetic
from k8slab.sim.clock import SECOND
from k8slab.sim.timestamps import parse_rfc3339

AVAILABLE = "Available"
PROGRESSING = "Progressing"
FAILURE = "ReplicaFailure"
NEW_AVAILABLE = "NewReplicaSetAvailable"
TIMED_OUT = "ProgressDeadlineExceeded"
NO_DEADLINE = 2**31 - 1


def new_condition(type_: str, status: str, reason: str, message: str, stamp: str) -> DeploymentCondition:
    """A condition that holds since now."""
    return DeploymentCondition(
        type=type_, status=status, reason=reason, message=message, lastUpdateTime=stamp, lastTransitionTime=stamp
    )


def has_deadline(deployment: Deployment) -> bool:
    """Whether its progress is watched."""
    return deployment.spec.progressDeadlineSeconds not in (None, NO_DEADLINE)


def calculate(
    deployment: Deployment, replica_sets: Sequence[ReplicaSet | None], new: ReplicaSet | None, stamp: str
) -> DeploymentStatus:
    """Counts and the Available condition."""
    available = arithmetic.available(replica_sets)
    enough = available >= arithmetic.min_available(deployment)
    condition = (
        new_condition(AVAILABLE, "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", stamp)
        if enough
        else new_condition(
            AVAILABLE, "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.", stamp
        )
    )
    return DeploymentStatus(
        observedGeneration=deployment.metadata.generation,
        replicas=arithmetic.actual(replica_sets) or None,
        updatedReplicas=arithmetic.actual([new]) or None,
        readyReplicas=arithmetic.ready(replica_sets) or None,
        availableReplicas=available or None,
        unavailableReplicas=max(0, arithmetic.wanted(replica_sets) - available) or None,
        terminatingReplicas=arithmetic.terminating(replica_sets),
        collisionCount=deployment.status.collisionCount,
        conditions=conditions.put(deployment.status.conditions, condition),
    )


def rollout(
    deployment: Deployment,
    replica_sets: Sequence[ReplicaSet | None],
    new: ReplicaSet | None,
    stamp: str,
    now: int,
) -> DeploymentStatus:
    """The whole status during a rollout: counts, progress against the deadline, failures of ReplicaSets.

    `now` is Unix time in microseconds, `stamp` the same as text.
    """
    status = calculate(deployment, replica_sets, new, stamp)
    kept = status.conditions
    if not has_deadline(deployment):
        kept = conditions.without(kept, PROGRESSING)
    else:
        kept = _progress(deployment, status, new, stamp, now)
    failure = _replica_failure(replica_sets, new)
    kept = conditions.put(kept, failure) if failure is not None else conditions.without(kept, FAILURE)
    return status.replace(conditions=kept or None)


def _progress(
    deployment: Deployment, status: DeploymentStatus, new: ReplicaSet | None, stamp: str, now: int
) -> tuple[DeploymentCondition, ...]:
    kept = status.conditions
    current = conditions.find(deployment.status.conditions, PROGRESSING)
    rolled_out = (status.replicas or 0) == (status.updatedReplicas or 0)
    if rolled_out and current is not None and current.reason == NEW_AVAILABLE:
        return kept
    what = f'ReplicaSet "{new.metadata.name}"' if new is not None else f'Deployment "{deployment.metadata.name}"'
    if is_complete(deployment, status):
        text = f"{what} has successfully progressed."
        return conditions.put(kept, new_condition(PROGRESSING, "True", NEW_AVAILABLE, text, stamp))
    if _progresses(deployment.status, status):
        text = f"{what} is progressing."
        condition = new_condition(PROGRESSING, "True", "ReplicaSetUpdated", text, stamp)
        if current is not None and current.status == "True":
            # Every step moves lastUpdateTime, from which the deadline counts.
            condition = condition.replace(lastTransitionTime=current.lastTransitionTime)
        return (*conditions.without(kept, PROGRESSING), condition)
    if is_timed_out(deployment, kept, now):
        text = f"{what} has timed out progressing."
        return conditions.put(kept, new_condition(PROGRESSING, "False", TIMED_OUT, text, stamp))
    return kept


def is_complete(deployment: Deployment, status: DeploymentStatus) -> bool:
    """All replicas are of the new template and available, and the latest spec was seen."""
    replicas = deployment.spec.replicas
    return (
        (status.updatedReplicas or 0) == replicas
        and (status.replicas or 0) == replicas
        and (status.availableReplicas or 0) == replicas
        and (status.observedGeneration or 0) >= (deployment.metadata.generation or 0)
    )


def _progresses(old: DeploymentStatus, new: DeploymentStatus) -> bool:
    return (
        (new.updatedReplicas or 0) > (old.updatedReplicas or 0)
        or _outdated(new) < _outdated(old)
        or (new.readyReplicas or 0) > (old.readyReplicas or 0)
        or (new.availableReplicas or 0) > (old.availableReplicas or 0)
    )


def _outdated(status: DeploymentStatus) -> int:
    return (status.replicas or 0) - (status.updatedReplicas or 0)


def is_timed_out(deployment: Deployment, kept: Any, now: int) -> bool:
    """Whether nothing moved for longer than the deadline. `now` is Unix time in microseconds."""
    current = conditions.find(kept, PROGRESSING)
    if not has_deadline(deployment) or current is None or current.reason == NEW_AVAILABLE:
        return False
    return current.reason == TIMED_OUT or deadline(deployment, current) < now


def deadline(deployment: Deployment, current: DeploymentCondition) -> int:
    """Unix microseconds at which the patience ends."""
    return parse_rfc3339(current.lastUpdateTime) + deployment.spec.progressDeadlineSeconds * SECOND


def _replica_failure(replica_sets: Sequence[ReplicaSet | None], new: ReplicaSet | None) -> DeploymentCondition | None:
    for replica_set in (new, *replica_sets):
        found = conditions.find(replica_set.status.conditions, FAILURE) if replica_set is not None else None
        if found is not None:
            return DeploymentCondition(
                type=found.type,
                status=found.status,
                reason=found.reason,
                message=found.message,
                lastUpdateTime=found.lastTransitionTime,
                lastTransitionTime=found.lastTransitionTime,
            )
    return None

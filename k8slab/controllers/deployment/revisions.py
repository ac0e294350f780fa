"""A Deployment's ReplicaSets: which one is new, their revisions, annotations and names.

Follows pkg/controller/deployment/util/deployment_util.go and getNewReplicaSet of sync.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8slab.api.apps_v1 import Deployment, ReplicaSet, ReplicaSetSpec, ReplicaSetStatus
from k8slab.api.core_v1 import PodTemplateSpec
from k8slab.api.meta_v1 import LabelSelector, ObjectMeta
from k8slab.api.ownership import controller_reference
from k8slab.controllers.deployment import arithmetic
from k8slab.controllers.templatehash import template_hash

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
HASH_LABEL = "pod-template-hash"
HISTORY_LIMIT = 2000
NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        REVISION,
        HISTORY,
        arithmetic.DESIRED,
        arithmetic.MAXIMUM,
        "deprecated.deployment.rollback.to",
    }
)


def same_template(one: PodTemplateSpec, other: PodTemplateSpec) -> bool:
    """Equal but for the hash label."""
    return one.spec == other.spec and _without_hash(one.metadata) == _without_hash(other.metadata)


def _without_hash(metadata: ObjectMeta | None) -> ObjectMeta:
    metadata = metadata or ObjectMeta()
    labels = {key: value for key, value in (metadata.labels or {}).items() if key != HASH_LABEL}
    return metadata.replace(labels=labels or None)


def find_new(deployment: Deployment, replica_sets: Iterable[ReplicaSet]) -> ReplicaSet | None:
    """The ReplicaSet with the Deployment's template; the oldest, if several."""
    for replica_set in arithmetic.by_creation(replica_sets):
        if same_template(replica_set.spec.template, deployment.spec.template):
            return replica_set
    return None


def find_old(deployment: Deployment, replica_sets: Iterable[ReplicaSet]) -> list[ReplicaSet]:
    """All but the new one."""
    replica_sets = list(replica_sets)
    new = find_new(deployment, replica_sets)
    return [rs for rs in replica_sets if new is None or rs.metadata.uid != new.metadata.uid]


def revision_of(obj: Any) -> int:
    """The number in the revision annotation, 0 without."""
    text = (obj.metadata.annotations or {}).get(REVISION, "0")
    return int(text) if text.isdigit() else 0


def next_revision(old: Iterable[ReplicaSet]) -> int:
    """One more than the highest of the old ReplicaSets."""
    return max((revision_of(rs) for rs in old), default=0) + 1


def wanted_annotations(
    deployment: Deployment, current: dict[str, str] | None, revision: int, exists: bool
) -> dict[str, str]:
    """What the new ReplicaSet's annotations should be: the Deployment's, its revision, and which it had before."""
    result = dict(current or {})
    for key, value in (deployment.metadata.annotations or {}).items():
        if key not in NOT_COPIED:
            result[key] = value
    before = result.get(REVISION)
    if (int(before) if before and before.isdigit() else 0) < revision:
        result[REVISION] = str(revision)
        if before is not None:
            result[HISTORY] = _history(result.get(HISTORY, ""), before)
    if not exists:
        result.update(size_annotations(deployment))
    return result


def _history(known: str, before: str) -> str:
    if not known:
        return before
    entries = [*known.split(","), before]
    while len(",".join(entries)) > HISTORY_LIMIT and len(entries) > 1:
        del entries[0]
    return ",".join(entries)


def size_annotations(deployment: Deployment) -> dict[str, str]:
    """What a ReplicaSet remembers of the Deployment's size, for proportional scaling later."""
    replicas = deployment.spec.replicas
    return {
        arithmetic.DESIRED: str(replicas),
        arithmetic.MAXIMUM: str(replicas + arithmetic.max_surge(deployment)),
    }


def make(deployment: Deployment, old: list[ReplicaSet], revision: int) -> ReplicaSet:
    """The ReplicaSet for the Deployment's template, named after the template's hash, with its first replicas."""
    template = deployment.spec.template
    digest = template_hash(template, deployment.status.collisionCount)
    metadata = template.metadata or ObjectMeta()
    labels = {**(metadata.labels or {}), HASH_LABEL: digest}
    selector = deployment.spec.selector or LabelSelector()
    return ReplicaSet(
        metadata=ObjectMeta(
            name=f"{deployment.metadata.name}-{digest}",
            namespace=deployment.metadata.namespace,
            ownerReferences=(controller_reference(deployment),),
            labels=labels,
            annotations=wanted_annotations(deployment, None, revision, exists=False),
        ),
        spec=ReplicaSetSpec(
            replicas=arithmetic.new_replicas(deployment, old, None),
            minReadySeconds=deployment.spec.minReadySeconds,
            selector=selector.replace(matchLabels={**(selector.matchLabels or {}), HASH_LABEL: digest}),
            template=template.replace(metadata=metadata.replace(labels=labels)),
        ),
        status=ReplicaSetStatus(replicas=0),
    )


def by_revision(replica_sets: Iterable[ReplicaSet]) -> list[ReplicaSet]:
    """Lowest revision first; equal ones oldest first."""
    return sorted(replica_sets, key=lambda rs: (revision_of(rs), rs.metadata.creationTimestamp or ""))

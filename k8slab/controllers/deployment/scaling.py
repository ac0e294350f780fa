"""How a Deployment changes the sizes of its ReplicaSets: rolling, recreating, resizing.

Follows rolling.go, recreate.go and scale() of pkg/controller/deployment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8slab.api.apps_v1 import Deployment, ReplicaSet
from k8slab.client import Client, Recorder
from k8slab.controllers.deployment import arithmetic, revisions


class Scaler:
    """Writes the sizes of one Deployment's ReplicaSets, with events on the Deployment. All methods raise ApiError."""

    def __init__(self, client: Client, recorder: Recorder, deployment: Deployment) -> None:
        self.client = client
        self.recorder = recorder
        self.deployment = deployment

    def scale(self, replica_set: ReplicaSet, replicas: int) -> ReplicaSet:
        """Give the ReplicaSet that size, and let its annotations know the Deployment's."""
        before = replica_set.spec.replicas or 0
        known = replica_set.metadata.annotations or {}
        sizes = revisions.size_annotations(self.deployment)
        if before == replicas and sizes.items() <= known.items():
            return replica_set
        name = replica_set.metadata.name
        direction = "up" if before < replicas else "down"
        self.client.trace.note = f"{direction}: {name} from {before} to {replicas} of {self.deployment.spec.replicas}"
        metadata = replica_set.metadata.replace(annotations={**known, **sizes})
        spec = replica_set.spec.replace(replicas=replicas)
        updated = self.client.update(replica_set.replace(metadata=metadata, spec=spec))
        if before != replicas:
            text = f"Scaled {direction} replica set {name} from {before} to {replicas}"
            self.recorder.event(self.deployment, "Normal", "ScalingReplicaSet", text)
        return updated

    def resize(self, new: ReplicaSet | None, old: Sequence[ReplicaSet]) -> None:
        """The Deployment wants another size, possibly in the middle of a rollout: share the difference out."""
        replicas = self.deployment.spec.replicas
        only = _active_or_latest(new, old)
        if only is not None:
            if only.spec.replicas != replicas:
                self.scale(only, replicas)
        elif arithmetic.is_saturated(self.deployment, new):
            for replica_set in arithmetic.active(arithmetic.by_creation(old)):
                self.scale(replica_set, 0)
        elif arithmetic.is_rolling(self.deployment):
            self._share(arithmetic.active([*old, new]))

    def _share(self, replica_sets: list[ReplicaSet]) -> None:
        replicas = self.deployment.spec.replicas
        allowed = replicas + arithmetic.max_surge(self.deployment) if replicas > 0 else 0
        to_add = allowed - arithmetic.wanted(replica_sets)
        ordered = _by_size(replica_sets, newest_first=to_add > 0)
        sizes: list[int] = []
        added = 0
        for replica_set in ordered:
            share = arithmetic.proportion(self.deployment, replica_set, to_add, added)
            sizes.append(replica_set.spec.replicas + share)
            added += share
        if ordered and to_add:
            sizes[0] = max(0, sizes[0] + to_add - added)
        for replica_set, size in zip(ordered, sizes, strict=True):
            self.scale(replica_set, size)

    def roll_up(self, new: ReplicaSet, replica_sets: Sequence[ReplicaSet]) -> bool:
        """Grow the new ReplicaSet as far as the surge allows (or shrink it to the wanted size); True if it changed."""
        replicas = self.deployment.spec.replicas
        if new.spec.replicas == replicas:
            return False
        size = replicas
        if new.spec.replicas < replicas:
            size = arithmetic.new_replicas(self.deployment, replica_sets, new)
        return self._changes(new, size)

    def roll_down(self, new: ReplicaSet, old: Sequence[ReplicaSet]) -> bool:
        """Shrink the old ReplicaSets as far as availability allows, unhealthy Pods first; True if anything changed."""
        if arithmetic.wanted(old) == 0:
            return False
        unavailable = (new.spec.replicas or 0) - (new.status.availableReplicas or 0)
        most = arithmetic.wanted([*old, new]) - arithmetic.min_available(self.deployment) - unavailable
        if most <= 0:
            return False
        cleaned, count = self._remove_unhealthy(arithmetic.by_creation(old), most)
        return count + self._remove_available(cleaned, new) > 0

    def _remove_unhealthy(self, old: Sequence[ReplicaSet], most: int) -> tuple[list[ReplicaSet], int]:
        result, total = list(old), 0
        for index, replica_set in enumerate(result):
            if total >= most:
                break
            size, available = replica_set.spec.replicas or 0, replica_set.status.availableReplicas or 0
            if size == 0 or size == available:
                continue
            count = min(most - total, size - available)
            result[index] = self.scale(replica_set, size - count)
            total += count
        return result, total

    def _remove_available(self, old: Sequence[ReplicaSet], new: ReplicaSet) -> int:
        spare = arithmetic.available([*old, new]) - arithmetic.min_available(self.deployment)
        total = 0
        for replica_set in old:
            if total >= spare:
                break
            size = replica_set.spec.replicas or 0
            if size:
                count = min(size, spare - total)
                self.scale(replica_set, size - count)
                total += count
        return total

    def empty(self, old: Sequence[ReplicaSet]) -> bool:
        """Scale all of them to 0; True if anything changed."""
        changed = False
        for replica_set in old:
            if replica_set.spec.replicas:
                changed = self._changes(replica_set, 0) or changed
        return changed

    def _changes(self, replica_set: ReplicaSet, size: int) -> bool:
        return self.scale(replica_set, size) is not replica_set and replica_set.spec.replicas != size


def _active_or_latest(new: ReplicaSet | None, old: Sequence[ReplicaSet]) -> ReplicaSet | None:
    if new is None and not old:
        return None
    found = arithmetic.active([*reversed(arithmetic.by_creation(old)), new])
    if not found:
        return new if new is not None else arithmetic.by_creation(old)[-1]
    return found[0] if len(found) == 1 else None


def _by_size(replica_sets: list[ReplicaSet], newest_first: bool) -> list[ReplicaSet]:
    ordered = sorted(replica_sets, key=_age, reverse=newest_first)
    return sorted(ordered, key=_size, reverse=True)


def _age(replica_set: ReplicaSet) -> Any:
    return (replica_set.metadata.creationTimestamp or "", replica_set.metadata.name)


def _size(replica_set: ReplicaSet) -> int:
    return replica_set.spec.replicas or 0

"""VolumeRestrictions: disks that only one Pod may use (plugins/volumerestrictions)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8slab.scheduler.events import ASSIGNED_POD, CLAIM, NODE, Action, EventHint
from k8slab.scheduler.framework import SKIP, CycleState, Plugin, Status, unresolvable, unschedulable
from k8slab.scheduler.nodeinfo import NodeInfo

NAME = "VolumeRestrictions"
DISK = unschedulable("node(s) had no available disk", plugin=NAME)
IN_USE = unschedulable(
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod",
    plugin=NAME,
)
ONCE_POD = "ReadWriteOncePod"


class VolumeRestrictions(Plugin):
    """Filters nodes whose Pods use the same disk, and all while a ReadWriteOncePod claim is in use."""

    def pre_filter(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> Status | None:
        """Find the claims that only one Pod may use."""
        if not pod.spec.volumes:
            return SKIP
        claims = []
        for volume in pod.spec.volumes:
            if volume.persistentVolumeClaim is None:
                continue
            name = volume.persistentVolumeClaim.claimName
            claim = state.cache.get("persistentvolumeclaims", pod.metadata.namespace, name)
            if claim is None:
                return unresolvable(f'persistentvolumeclaim "{name}" not found')
            if ONCE_POD in (claim.spec.accessModes or ()):
                claims.append((pod.metadata.namespace, name))
        used = [key for key in claims if state.cache.claim_users.get(key)]
        if not used and not any(_restricted(volume) for volume in pod.spec.volumes):
            return SKIP
        state.write(NAME, used)
        return None

    def filter(self, state: CycleState, pod: Any, node: NodeInfo) -> Status | None:
        """Reject nodes with conflicting disks; reject all if a claim is in use elsewhere."""
        for volume in pod.spec.volumes:
            if _restricted(volume):
                for other in node.volume_pods.values():
                    if any(_conflict(volume, one) for one in other.pod.spec.volumes or ()):
                        return DISK
        return IN_USE if any(_users(state, key, node) for key in state.read(NAME)) else None

    def events_to_register(self) -> tuple[EventHint, ...]:
        """Pods that use volumes go; nodes and claims come."""
        return (
            EventHint(ASSIGNED_POD, Action.DELETE, self.after_pod_deleted),
            EventHint(NODE, Action.ADD),
            EventHint(CLAIM, Action.ADD | Action.UPDATE, self.after_claim),
        )

    def after_pod_deleted(self, pod: Any, old: Any, new: Any) -> bool:
        """Whether the deleted Pod shared a disk or claim with this one."""
        if old.metadata.namespace == pod.metadata.namespace and _claims(pod) & _claims(old):
            return True
        mine, others = pod.spec.volumes or (), old.spec.volumes or ()
        return any(_restricted(one) and _conflict(one, other) for one in mine for other in others)

    def after_claim(self, pod: Any, old: Any, new: Any) -> bool:
        """Whether this Pod uses the claim."""
        return new.metadata.namespace == pod.metadata.namespace and new.metadata.name in _claims(pod)


def _users(state: CycleState, key: tuple[str, str], node: NodeInfo) -> int:
    """Pods that use a claim, with this node as it is now tried."""
    real = state.cache.nodes[node.slot]
    return state.cache.claim_users.get(key, 0) - real.claims.get(key, 0) + node.claims.get(key, 0)


def _claims(pod: Any) -> set[str]:
    volumes = pod.spec.volumes or ()
    return {one.persistentVolumeClaim.claimName for one in volumes if one.persistentVolumeClaim is not None}


def _restricted(volume: Any) -> bool:
    return any(
        source is not None
        for source in (volume.gcePersistentDisk, volume.awsElasticBlockStore, volume.rbd, volume.iscsi)
    )


def _conflict(one: Any, other: Any) -> bool:
    if one.gcePersistentDisk is not None and other.gcePersistentDisk is not None:
        mine, theirs = one.gcePersistentDisk, other.gcePersistentDisk
        return mine.pdName == theirs.pdName and not (mine.readOnly and theirs.readOnly)
    if one.awsElasticBlockStore is not None and other.awsElasticBlockStore is not None:
        return one.awsElasticBlockStore.volumeID == other.awsElasticBlockStore.volumeID
    if one.iscsi is not None and other.iscsi is not None:
        return one.iscsi.iqn == other.iscsi.iqn and not (one.iscsi.readOnly and other.iscsi.readOnly)
    if one.rbd is not None and other.rbd is not None:
        return _same_image(one.rbd, other.rbd) and not (one.rbd.readOnly and other.rbd.readOnly)
    return False


def _same_image(mine: Any, theirs: Any) -> bool:
    return (
        bool(set(mine.monitors or ()) & set(theirs.monitors or ()))
        and (mine.pool or "rbd") == (theirs.pool or "rbd")
        and mine.image == theirs.image
    )

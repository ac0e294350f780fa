"""VolumeZone: a volume labelled with a zone is usable there only (plugins/volumezone)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8slab.scheduler.events import CLAIM, NODE, STORAGE_CLASS, VOLUME, Action, EventHint
from k8slab.scheduler.framework import SKIP, CycleState, Plugin, Status, failed, unresolvable
from k8slab.scheduler.nodeinfo import NodeInfo

NAME = "VolumeZone"
REJECTED = unresolvable("node(s) had no available volume zone", plugin=NAME)
GA = {
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
}
LABELS = (*GA, *GA.values())
SEPARATOR = "__"
WAIT = "WaitForFirstConsumer"


class VolumeZone(Plugin):
    """Filters nodes by the zone and region labels of the Pod's bound volumes."""

    def pre_filter(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> Status | None:
        """Collect the labels; skip Pods whose volumes have none."""
        if not pod.spec.volumes:
            return SKIP
        wanted: list[tuple[str, frozenset[str]]] = []
        for source in (one.persistentVolumeClaim for one in pod.spec.volumes):
            if source is None:
                continue
            volume = _volume_of(state, pod.metadata.namespace, source.claimName)
            if isinstance(volume, Status):
                return volume
            labels = (volume.metadata.labels if volume is not None else None) or {}
            wanted += [(key, frozenset(labels[key].split(SEPARATOR))) for key in LABELS if key in labels]
        if not wanted:
            return SKIP
        state.write(NAME, wanted)
        return None

    def filter(self, state: CycleState, pod: Any, node: NodeInfo) -> Status | None:
        """Reject a node in another zone; nodes without such labels pass."""
        labels = node.labels
        if not any(key in labels for key in LABELS):
            return None
        for key, values in state.read(NAME):
            value = labels.get(key, labels.get(GA.get(key, key)))
            if value not in values:
                return REJECTED
        return None

    def events_to_register(self) -> tuple[EventHint, ...]:
        """Classes, claims and volumes change; nodes come or change labels."""
        return (
            EventHint(STORAGE_CLASS, Action.ADD),
            EventHint(NODE, Action.ADD | Action.UPDATE_NODE_LABEL | Action.UPDATE_NODE_TAINT),
            EventHint(CLAIM, Action.ADD | Action.UPDATE, self.after_claim),
            EventHint(VOLUME, Action.ADD | Action.UPDATE),
        )

    def after_claim(self, pod: Any, old: Any, new: Any) -> bool:
        """Whether this Pod uses the claim."""
        sources = (one.persistentVolumeClaim for one in pod.spec.volumes or ())
        names = {source.claimName for source in sources if source is not None}
        return new.metadata.namespace == pod.metadata.namespace and new.metadata.name in names


def _volume_of(state: CycleState, namespace: str, name: str) -> Any:
    """The volume behind a claim, None if it is still to be chosen, or why the Pod cannot be placed."""
    claim = state.cache.get("persistentvolumeclaims", namespace, name)
    if claim is None:
        return unresolvable(f'persistentvolumeclaim "{name}" not found')
    if not claim.spec.volumeName:
        return _unbound(state, claim)
    volume = state.cache.get("persistentvolumes", None, claim.spec.volumeName)
    if volume is None:
        return unresolvable(f'persistentvolume "{claim.spec.volumeName}" not found')
    return volume


def _unbound(state: CycleState, claim: Any) -> Status | None:
    class_name = claim.spec.storageClassName
    if not class_name:
        return unresolvable("PersistentVolumeClaim had no pv name and storageClass name")
    found = state.cache.get("storageclasses", None, class_name)
    if found is None:
        return unresolvable(f'storageclass.storage.k8s.io "{class_name}" not found')
    if found.volumeBindingMode is None:
        return failed(f'VolumeBindingMode not set for StorageClass "{class_name}"')
    return None if found.volumeBindingMode == WAIT else unresolvable("PersistentVolume had no name")

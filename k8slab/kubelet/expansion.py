"""File systems grow with their volumes, while Pods use them (operation_generator.go, NodeExpandVolume).

The kubelet looks at the claims of a Pod when it mounts their volumes, and at each sync of the Pod, about once a minute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api import core_v1 as core
from k8slab.errors import ApiError
from k8slab.kubelet.stages import ACTIVE, STARTING
from k8slab.sim.clock import SECOND

if TYPE_CHECKING:
    from k8slab.kubelet.pod_worker import PodWorker

SYNC_PERIOD, SYNC_SPREAD = 60 * SECOND, 30 * SECOND
PENDING = "FileSystemResizePending"
ABOUT_SIZE = ("Resizing", PENDING)


def mounted(worker: PodWorker, claims: list[str]) -> None:
    """The volumes of these claims are mounted: grow those that wait for it, now and from time to time."""
    for name in claims:
        _grow(worker, name)
    wait = SYNC_PERIOD + int(worker.kubelet.rng.random() * SYNC_SPREAD)
    worker.later(wait, _Look(worker, claims).again)


class _Look:
    """Looks at a Pod's claims again, as long as the Pod runs here."""

    __slots__ = ("claims", "run", "worker")

    def __init__(self, worker: PodWorker, claims: list[str]) -> None:
        self.worker = worker
        self.claims = claims
        self.run = worker.kubelet.boots

    def again(self) -> None:
        """One look, and the timer for the next."""
        worker = self.worker
        if worker.stage not in (ACTIVE, STARTING) or worker.kubelet.boots != self.run:
            return
        if not worker.deaf and worker.stage == ACTIVE:
            for name in self.claims:
                _grow(worker, name)
        worker.later(SYNC_PERIOD + int(worker.kubelet.rng.random() * SYNC_SPREAD), self.again)


def _grow(worker: PodWorker, name: str) -> None:
    """Grow the file system of one claim's volume, if its driver has made the volume larger."""
    client, namespace = worker.kubelet.client, worker.pod.metadata.namespace
    try:
        claim = client.get("persistentvolumeclaims", name, namespace)
        if not any(one.type == PENDING and one.status == "True" for one in claim.status.conditions or ()):
            return
        volume = client.get("persistentvolumes", claim.spec.volumeName)
        client.update_status(claim.replace(status=_grown(claim, volume)))
    except ApiError:
        return  # the next look tries again
    text = f'MountVolume.NodeExpandVolume succeeded for volume "{volume.metadata.name}" {worker.kubelet.node.name}'
    worker.event("Normal", "FileSystemResizeSuccessful", text)
    worker.kubelet.event(claim, "Normal", "FileSystemResizeSuccessful", text)


def _grown(claim: core.PersistentVolumeClaim, volume: core.PersistentVolume) -> Any:
    status = claim.status
    stages = {key: value for key, value in (status.allocatedResourceStatuses or {}).items() if key != "storage"}
    conditions = tuple(one for one in status.conditions or () if one.type not in ABOUT_SIZE)
    return status.replace(
        capacity={**(status.capacity or {}), "storage": volume.spec.capacity["storage"]},
        allocatedResourceStatuses=stages or None,
        conditions=conditions or None,
    )

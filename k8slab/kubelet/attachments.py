"""Volumes that must be attached to the node before a Pod can mount them (pkg/kubelet/volumemanager).

The node says in its status which volumes it is about to use (volumesInUse); the attach/detach controller says there
which are attached (volumesAttached). A volume is mounted once it is in both, and asked for again with growing pauses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8slab.api import core_v1 as core
from k8slab.api.volumes import claim_name, claim_names, unique_name
from k8slab.errors import ApiError
from k8slab.kubelet import expansion
from k8slab.kubelet.environment import Lookup
from k8slab.sim.clock import MILLISECOND, SECOND

if TYPE_CHECKING:
    from k8slab.kubelet.kubelet import Kubelet
    from k8slab.kubelet.pod_worker import PodWorker

MOUNT_TIMEOUT = 123 * SECOND
"""How long the sync of a Pod waits for its volumes before it says so (podAttachAndMountTimeout)."""
FIRST_LOOK, LAST_LOOK = 500 * MILLISECOND, 122 * SECOND


class Attachments:
    """What one node's Pods want attached.

    Attributes:
        wanted: volumes by their unique names, each with the UIDs of the Pods that want it.
        reported: the volumes in the node's status as it was written last.
    """

    __slots__ = ("kubelet", "reported", "waits", "wanted")

    def __init__(self, kubelet: Kubelet) -> None:
        self.kubelet = kubelet
        self.wanted: dict[str, dict[str, None]] = {}
        self.reported: tuple[str, ...] = ()
        self.waits: dict[str, tuple[int, int]] = {}

    def in_use(self) -> tuple[str, ...] | None:
        """For the node's status, which is about to be written."""
        self.reported = tuple(sorted(self.wanted))
        return self.reported or None

    def missing(self, worker: PodWorker, lookup: Lookup) -> list[str]:
        """The names of the Pod's volumes that must be attached and are not. Raises ConfigError."""
        found = self._attachable(worker.pod, lookup)
        if not found:
            return []
        for volume in found.values():
            if volume not in self.wanted:
                self.kubelet.heartbeat.dirty = True
            self.wanted.setdefault(volume, {})[worker.uid] = None
        attached = self._attached()
        return [name for name, volume in found.items() if volume not in attached or volume not in self.reported]

    def mounted(self, worker: PodWorker) -> None:
        """The Pod's volumes are set up: those that were attached for it may grow."""
        if any(worker.uid in users for users in self.wanted.values()):
            self.waits.pop(worker.uid, None)
            expansion.mounted(worker, claim_names(worker.pod))

    def drop(self, uid: str) -> None:
        """The Pod has unmounted its volumes."""
        self.waits.pop(uid, None)
        for volume, users in list(self.wanted.items()):
            if users.pop(uid, 0) is None and not users:
                del self.wanted[volume]
                self.kubelet.heartbeat.dirty = True

    def wait(self, worker: PodWorker, missing: list[str]) -> int:
        """How long to wait before the next look; says so where the Pod has waited too long."""
        now = self.kubelet.clock.now
        since, looks = self.waits.get(worker.uid, (now, 0))
        if now - since >= MOUNT_TIMEOUT:
            listed = " ".join(missing)
            text = (
                f"Unable to attach or mount volumes: unmounted volumes=[{listed}], unattached volumes=[{listed}], "
                "failed to process volumes=[]: context deadline exceeded"
            )
            worker.event("Warning", "FailedMount", text)
            since = now
        self.waits[worker.uid] = (since, looks + 1)
        return min(FIRST_LOOK << min(looks, 10), LAST_LOOK, since + MOUNT_TIMEOUT - now)

    def _attachable(self, pod: core.Pod, lookup: Lookup) -> dict[str, str]:
        """Unique names of the Pod's volumes that have to be attached, by their names in the Pod."""
        found: dict[str, str] = {}
        for volume in pod.spec.volumes or ():
            name = claim_name(pod, volume)
            claim = lookup.get("persistentvolumeclaims", name) if name is not None else None
            if claim is None or not claim.spec.volumeName:
                continue
            persistent = lookup.get("persistentvolumes", claim.spec.volumeName)
            if persistent is not None and persistent.spec.csi is not None:
                driver = lookup.get("csidrivers", persistent.spec.csi.driver)
                if driver is None or driver.spec.attachRequired is not False:
                    found[volume.name] = unique_name(persistent)
        return found

    def _attached(self) -> set[str]:
        try:
            node = self.kubelet.client.get("nodes", self.kubelet.node.name)
        except ApiError:
            return set()
        return {one.name for one in (node.status.volumesAttached if node.status is not None else None) or ()}

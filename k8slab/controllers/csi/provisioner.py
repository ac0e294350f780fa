"""Makes volumes for claims, and deletes those that were made once they are released.

Follows sig-storage-lib-external-provisioner's controller, which the sidecar of CSI drivers and the provisioners of
directories share.
"""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import Node, PersistentVolume, PersistentVolumeClaim, PersistentVolumeSpec
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.storage_v1 import StorageClass
from k8slab.client import Recorder, Request, Result
from k8slab.controllers.controller import Controller
from k8slab.controllers.csi.drivers import DRIVERS, Driver
from k8slab.controllers.csi.topology import reachable_from
from k8slab.controllers.persistentvolume import matching
from k8slab.controllers.persistentvolume.binder import PROVISIONED_BY, PROVISIONER, SELECTED_NODE
from k8slab.errors import ApiError
from k8slab.sim.clock import SECOND

FINALIZER = "external-provisioner.volume.kubernetes.io/finalizer"
DELETION_SECRET = "volume.kubernetes.io/provisioner-deletion-secret"


class VolumeProvisioner(Controller):
    """The provisioning side of all drivers of a lab."""

    name = "csi-provisioner"
    about = "makes PersistentVolumes for claims whose StorageClass names a driver that the lab knows"
    first_retry = SECOND

    def setup(self) -> None:
        """Watch claims, volumes and classes."""
        self.claims = self.informer("persistentvolumeclaims")
        self.claims.add_handler(self.enqueue, self.enqueue_new)
        self.volumes = self.informer("persistentvolumes")
        self.volumes.add_handler(self.enqueue, self.enqueue_new)
        self.classes = self.informer("storageclasses")
        self.attachments = self.informer("volumeattachments")
        self.begun: dict[str, int] = {}
        self.recorders: dict[str, Recorder] = {}

    def reset(self) -> None:
        """A new process begins all volumes anew."""
        self.begun.clear()
        self.recorders.clear()

    def reconcile(self, request: Request) -> Result | None:
        """A claim (with namespace) or a volume (without)."""
        if request.namespace:
            claim = self.claims.get(request.namespace, request.name)
            return self._sync_claim(claim) if claim is not None else None
        volume = self.volumes.get("", request.name)
        return self._sync_volume(volume) if volume is not None else None

    # --- making

    def _sync_claim(self, claim: PersistentVolumeClaim) -> Result | None:
        notes = claim.metadata.annotations or {}
        driver = DRIVERS.get(notes.get(PROVISIONER, ""))
        if driver is None or claim.spec.volumeName or claim.metadata.deletionTimestamp is not None:
            self.begun.pop(claim.metadata.uid, None)
            return None
        chosen = self.classes.get("", matching.class_of(claim))
        if chosen is None or self.volumes.get("", _volume_name(claim)) is not None:
            return None
        if chosen.volumeBindingMode == "WaitForFirstConsumer" and SELECTED_NODE not in notes:
            return None
        return self._take_time(driver, chosen, claim)

    def _take_time(self, driver: Driver, chosen: StorageClass, claim: PersistentVolumeClaim) -> Result | None:
        begun = self.begun.get(claim.metadata.uid)
        if begun is None:
            begun = self.begun[claim.metadata.uid] = self.clock.now
            key = f"{claim.metadata.namespace}/{claim.metadata.name}"
            text = f'External provisioner is provisioning volume for claim "{key}"'
            self._recorder(driver).event(claim, "Normal", "Provisioning", text)
        left = begun + driver.delay - self.clock.now
        if left > 0:
            return Result(requeue_after=left)
        return self._provision(driver, chosen, claim)

    def _provision(self, driver: Driver, chosen: StorageClass, claim: PersistentVolumeClaim) -> Result | None:
        del self.begun[claim.metadata.uid]
        node_name = (claim.metadata.annotations or {}).get(SELECTED_NODE, "")
        node = self._node(node_name) if node_name else None
        if node_name and node is None:
            self._choose_again(claim, node_name)
            return None
        why = driver.refusal(claim, node_name)
        if why:
            text = f'failed to provision volume with StorageClass "{chosen.metadata.name}": {why}'
            self._recorder(driver).event(claim, "Warning", "ProvisioningFailed", text)
            return Result(requeue=True)
        self.say(f"{claim.metadata.namespace}/{claim.metadata.name} needs a volume of class {chosen.metadata.name}")
        self._create(self._volume(driver, chosen, claim, node))
        text = f"Successfully provisioned volume {_volume_name(claim)}"
        self._recorder(driver).event(claim, "Normal", "ProvisioningSucceeded", text)
        self.queue.forget(Request(claim.metadata.namespace, claim.metadata.name))
        return None

    def _create(self, volume: PersistentVolume) -> None:
        try:
            self.client.create(volume)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise

    def _node(self, name: str) -> Node | None:
        try:
            return self.client.get("nodes", name)
        except ApiError as error:
            if error.code != 404:
                raise
            return None

    def _choose_again(self, claim: PersistentVolumeClaim, node_name: str) -> None:
        """The node is gone: without the annotation the scheduler looks for another one."""
        self.say(f"node {node_name} is gone: the scheduler must choose another one")
        patch: dict[str, Any] = {"metadata": {"annotations": {SELECTED_NODE: None}}}
        self.client.patch("persistentvolumeclaims", claim.metadata.name, patch, claim.metadata.namespace)

    def _volume(
        self, driver: Driver, chosen: StorageClass, claim: PersistentVolumeClaim, node: Node | None
    ) -> PersistentVolume:
        rng = self.streams.stream("csi-provisioner")
        nodes = self.client.list("nodes").items if node is None else ()
        file_system = (chosen.parameters or {}).get("csi.storage.k8s.io/fstype", "ext4")
        spec = PersistentVolumeSpec(
            accessModes=claim.spec.accessModes,
            capacity={"storage": ((claim.spec.resources and claim.spec.resources.requests) or {})["storage"]},
            claimRef=matching.reference_to(claim),
            csi=driver.remote(claim, file_system, rng) if driver.is_csi else None,
            hostPath=None if driver.is_csi else driver.directory(claim),
            mountOptions=chosen.mountOptions,
            nodeAffinity=reachable_from(driver, chosen, node, nodes, rng),
            persistentVolumeReclaimPolicy=chosen.reclaimPolicy,
            storageClassName=matching.class_of(claim),
            volumeMode=claim.spec.volumeMode,
            volumeAttributesClassName=claim.spec.volumeAttributesClassName if driver.is_csi else None,
        )
        notes = {PROVISIONED_BY: driver.name}
        if driver.is_csi:
            notes |= {f"{DELETION_SECRET}-name": "", f"{DELETION_SECRET}-namespace": ""}
        finalizers = (FINALIZER,) if driver.is_csi else None
        metadata = ObjectMeta(name=_volume_name(claim), annotations=notes, finalizers=finalizers)
        return PersistentVolume(metadata=metadata, spec=spec)

    # --- deleting

    def _sync_volume(self, volume: PersistentVolume) -> Result | None:
        driver = DRIVERS.get((volume.metadata.annotations or {}).get(PROVISIONED_BY, ""))
        if driver is None or volume.status.phase != "Released":
            return None
        if volume.spec.persistentVolumeReclaimPolicy != "Delete":
            return None
        name = volume.metadata.name
        node = self._attached_to(name)
        if node and FINALIZER in (volume.metadata.finalizers or ()):
            text = f"persistentvolume {name} is still attached to node {node}"
            self._recorder(driver).event(volume, "Warning", "VolumeFailedDelete", text)
            return Result(requeue=True)
        self.say(f"{name} is released and its policy is Delete")
        if volume.metadata.deletionTimestamp is None:
            self.client.delete("persistentvolumes", name)
        elif FINALIZER in (volume.metadata.finalizers or ()):
            left = tuple(each for each in volume.metadata.finalizers if each != FINALIZER)
            self.client.update(volume.replace(metadata=volume.metadata.replace(finalizers=left or None)))
        return None

    def _attached_to(self, name: str) -> str:
        """The node that the volume is attached to, or ""."""
        found = (one.spec.nodeName for one in self.attachments.items() if one.spec.source.persistentVolumeName == name)
        return min(found, default="")

    def _recorder(self, driver: Driver) -> Recorder:
        """Events come from the driver's own process, named by its host and a number of its own."""
        found = self.recorders.get(driver.name)
        if found is None:
            source = f"{driver.name}_control-plane-1_{self.streams.uid('csi-provisioner-identity')}"
            found = self.recorders[driver.name] = Recorder(self.client, self.clock, self.trace, source)
        return found


def _volume_name(claim: PersistentVolumeClaim) -> str:
    return f"pvc-{claim.metadata.uid}"

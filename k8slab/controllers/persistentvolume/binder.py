"""Binds claims to volumes, and reclaims volumes whose claim is gone.

Follows pkg/controller/volume/persistentvolume/pv_controller.go.
"""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import PersistentVolume, PersistentVolumeClaim
from k8slab.client import Request, Result
from k8slab.controllers.controller import Controller
from k8slab.controllers.persistentvolume import matching
from k8slab.controllers.pods import is_terminal
from k8slab.errors import ApiError

BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
PROVISIONER = "volume.kubernetes.io/storage-provisioner"
BETA_PROVISIONER = "volume.beta.kubernetes.io/storage-provisioner"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
NO_PROVISIONER = "kubernetes.io/no-provisioner"
MIGRATED = {
    "kubernetes.io/aws-ebs": "ebs.csi.aws.com",
    "kubernetes.io/azure-disk": "disk.csi.azure.com",
    "kubernetes.io/azure-file": "file.csi.azure.com",
    "kubernetes.io/cinder": "cinder.csi.openstack.org",
    "kubernetes.io/gce-pd": "pd.csi.storage.gke.io",
    "kubernetes.io/portworx-volume": "pxd.portworx.com",
    "kubernetes.io/vsphere-volume": "csi.vsphere.vmware.com",
}
"""In-tree provisioners that CSI drivers replaced: classes may still name them."""
WAITING = "waiting for first consumer to be created before binding"


class PersistentVolumeBinder(Controller):
    """Brings claims and volumes together."""

    name = "persistentvolume-binder-controller"
    about = "binds PersistentVolumeClaims to fitting PersistentVolumes, and reclaims released volumes"
    source = "persistentvolume-controller"

    def setup(self) -> None:
        """Watch claims, volumes, classes and Pods."""
        self.volumes = self.informer("persistentvolumes")
        self.volumes.add_handler(self.enqueue, self._volume_updated, self._volume_deleted)
        self.claims = self.informer("persistentvolumeclaims")
        self.claims.add_handler(self.enqueue, self.enqueue_new, self._claim_deleted)
        self.classes = self.informer("storageclasses")
        self.pods = self.informer("pods")
        self.every(
            self.options.pv_claim_binder_sync_period, self._look_at_all, self.options.pv_claim_binder_sync_period
        )

    def _volume_updated(self, old: PersistentVolume, new: PersistentVolume) -> None:
        self.enqueue(new)

    def _volume_deleted(self, volume: PersistentVolume) -> None:
        if volume.spec.claimRef is not None:
            self.queue.add(Request(volume.spec.claimRef.namespace, volume.spec.claimRef.name))

    def _claim_deleted(self, claim: PersistentVolumeClaim) -> None:
        if claim.spec.volumeName:
            self.queue.add(Request("", claim.spec.volumeName))

    def _look_at_all(self) -> None:
        for volume in self.volumes.items():
            if volume.status.phase != "Bound":
                self.enqueue(volume)
        for claim in self.claims.items():
            if claim.status.phase != "Bound":
                self.enqueue(claim)

    def reconcile(self, request: Request) -> Result | None:
        """A claim (with namespace) or a volume (without)."""
        if request.namespace:
            claim = self.claims.get(request.namespace, request.name)
            if claim is not None:
                self._sync_claim(claim)
        else:
            volume = self.volumes.get("", request.name)
            if volume is not None:
                self._sync_volume(volume)
        return None

    # --- claims

    def _sync_claim(self, claim: PersistentVolumeClaim) -> None:
        if BIND_COMPLETED in (claim.metadata.annotations or {}):
            self._sync_bound_claim(claim)
        elif claim.spec.volumeName:
            self._sync_chosen_claim(claim)
        else:
            self._sync_open_claim(claim)

    def _sync_open_claim(self, claim: PersistentVolumeClaim) -> None:
        delayed = self._is_delayed(claim)
        volume = matching.best(self.volumes.items(), claim, delayed)
        if volume is not None:
            self._bind(volume, claim)
            return
        self._explain(claim, delayed and SELECTED_NODE not in (claim.metadata.annotations or {}))

    def _is_delayed(self, claim: PersistentVolumeClaim) -> bool:
        """Whether the scheduler chooses the volume, for the Pod that comes first."""
        found = self.classes.get("", matching.class_of(claim))
        return found is not None and found.volumeBindingMode == "WaitForFirstConsumer"

    def _explain(self, claim: PersistentVolumeClaim, delayed: bool) -> None:
        name = matching.class_of(claim)
        found = self.classes.get("", name)
        if delayed:
            self._tell_waiting(claim)
        elif not name:
            text = "no persistent volumes available for this claim and no storage class is set"
            self.recorder.event(claim, "Normal", "FailedBinding", text)
        elif found is None:
            text = f'storageclass.storage.k8s.io "{name}" not found'
            self.recorder.event(claim, "Warning", "ProvisioningFailed", text)
        elif found.provisioner == NO_PROVISIONER:
            text = "no volume plugin matched name: kubernetes.io/no-provisioner"
            self.recorder.event(claim, "Warning", "ProvisioningFailed", text)
        else:
            self._ask_provisioner(claim, MIGRATED.get(found.provisioner, found.provisioner))

    def _ask_provisioner(self, claim: PersistentVolumeClaim, driver: str) -> None:
        """Name the provisioner in the claim, for it to notice, and say whom the claim waits for."""
        notes = claim.metadata.annotations or {}
        if notes.get(PROVISIONER) != driver:
            self.say(f"{claim.metadata.namespace}/{claim.metadata.name} needs a new volume: {driver} has to make it")
            named = {**notes, BETA_PROVISIONER: driver, PROVISIONER: driver}
            claim = self.client.update(claim.replace(metadata=claim.metadata.replace(annotations=named)))
        text = (
            f"Waiting for a volume to be created either by the external provisioner '{driver}' or "
            "manually by the system administrator. If volume creation is delayed, please verify that the "
            "provisioner is running and correctly registered."
        )
        self.recorder.event(claim, "Normal", "ExternalProvisioning", text)

    def _tell_waiting(self, claim: PersistentVolumeClaim) -> None:
        pods = [pod for pod in self.pods.list(claim.metadata.namespace) if uses(pod, claim)]
        waiting = [pod.metadata.name for pod in pods if not pod.spec.nodeName and not is_terminal(pod)]
        if waiting:
            noun = "pods" if len(waiting) > 1 else "pod"
            text = f"waiting for {noun} {','.join(waiting)} to be scheduled"
            self.recorder.event(claim, "Normal", "WaitForPodScheduled", text)
        else:
            self.recorder.event(claim, "Normal", "WaitForFirstConsumer", WAITING)

    def _sync_chosen_claim(self, claim: PersistentVolumeClaim) -> None:
        volume = self.volumes.get("", claim.spec.volumeName)
        if volume is None:
            return
        name = volume.metadata.name
        if volume.spec.claimRef is None:
            why = matching.mismatch(volume, claim)
            if not why:
                self._bind(volume, claim)
                return
            text = f'Cannot bind to requested volume "{name}": {why}'
            self.recorder.event(claim, "Warning", "VolumeMismatch", text)
        elif matching.is_reserved_for(volume, claim):
            self._bind(volume, claim)
        else:
            text = f'volume "{name}" already bound to a different claim.'
            self.recorder.event(claim, "Warning", "FailedBinding", text)

    def _sync_bound_claim(self, claim: PersistentVolumeClaim) -> None:
        volume = self.volumes.get("", claim.spec.volumeName) if claim.spec.volumeName else None
        if not claim.spec.volumeName:
            text = "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!"
            self._lose(claim, "ClaimLost", text)
        elif volume is None:
            text = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
            self._lose(claim, "ClaimLost", text)
        elif volume.spec.claimRef is None or volume.spec.claimRef.uid == claim.metadata.uid:
            self._bind(volume, claim)
        else:
            text = "Two claims are bound to the same volume, this one is bound incorrectly"
            self._lose(claim, "ClaimMisbound", text)

    def _lose(self, claim: PersistentVolumeClaim, reason: str, text: str) -> None:
        if claim.status.phase == "Lost":
            return
        self.say(text)
        status = claim.status.replace(phase="Lost", accessModes=None, capacity=None)
        self.client.update_status(claim.replace(status=status))
        self.recorder.event(claim, "Warning", reason, text)

    # --- binding, in four writes that can each be the last one made

    def _bind(self, volume: PersistentVolume, claim: PersistentVolumeClaim) -> None:
        self.say(f"{volume.metadata.name} fits {claim.metadata.namespace}/{claim.metadata.name} best: binding them")
        volume = self._point_volume(volume, claim)
        volume = self._phase(volume, "Bound")
        claim = self._point_claim(claim, volume)
        status = claim.status.replace(phase="Bound", accessModes=volume.spec.accessModes)
        if claim.status.phase != "Bound":  # from then on whoever makes it grow keeps the size
            attributes = volume.spec.volumeAttributesClassName
            status = status.replace(capacity=_capacity(volume), currentVolumeAttributesClassName=attributes)
        if status != claim.status:
            self.client.update_status(claim.replace(status=status))

    def _point_volume(self, volume: PersistentVolume, claim: PersistentVolumeClaim) -> PersistentVolume:
        reference = volume.spec.claimRef
        if reference is not None and reference.uid == claim.metadata.uid:
            return volume
        metadata = volume.metadata
        if reference is None:
            metadata = metadata.replace(annotations={**(metadata.annotations or {}), BOUND_BY_CONTROLLER: "yes"})
        spec = volume.spec.replace(claimRef=matching.reference_to(claim))
        return self.client.update(volume.replace(metadata=metadata, spec=spec))

    def _point_claim(self, claim: PersistentVolumeClaim, volume: PersistentVolume) -> PersistentVolumeClaim:
        annotations = {**(claim.metadata.annotations or {}), BIND_COMPLETED: "yes"}
        if not claim.spec.volumeName:
            annotations[BOUND_BY_CONTROLLER] = "yes"
        spec = claim.spec.replace(volumeName=volume.metadata.name)
        if annotations == (claim.metadata.annotations or {}) and spec == claim.spec:
            return claim
        metadata = claim.metadata.replace(annotations=annotations)
        return self.client.update(claim.replace(metadata=metadata, spec=spec))

    def _phase(self, volume: PersistentVolume, phase: str, message: str | None = None) -> PersistentVolume:
        if volume.status.phase == phase:
            return volume
        return self.client.update_status(
            volume.replace(status=volume.status.replace(phase=phase, message=message, reason=None))
        )

    # --- volumes

    def _sync_volume(self, volume: PersistentVolume) -> None:
        reference = volume.spec.claimRef
        name = volume.metadata.name
        if reference is None or not reference.uid:
            self.say(f"{name} is free" if reference is None else f"{name} is kept for {reference.name}")
            self._phase(volume, "Available")
            return
        claim = self.claims.get(reference.namespace, reference.name)
        if claim is None or claim.metadata.uid != reference.uid:
            self._release(volume)
        elif not claim.spec.volumeName:
            if matching.same_mode(volume, claim):
                self.enqueue(claim)
            else:
                self._tell_mode_mismatch(volume, claim)
        elif claim.spec.volumeName == name:
            self._phase(volume, "Bound")
        elif PROVISIONED_BY in (volume.metadata.annotations or {}) and _is_deleted_when_free(volume):
            self._release(volume)
        else:
            self._unbind(volume)

    def _tell_mode_mismatch(self, volume: PersistentVolume, claim: PersistentVolumeClaim) -> None:
        why = "due to incompatible volumeMode."
        text = f'Cannot bind PersistentVolume to requested PersistentVolumeClaim "{claim.metadata.name}" {why}'
        self.recorder.event(volume, "Warning", "VolumeMismatch", text)
        text = f'Cannot bind PersistentVolume "{volume.metadata.name}" to requested PersistentVolumeClaim {why}'
        self.recorder.event(claim, "Warning", "VolumeMismatch", text)

    def _unbind(self, volume: PersistentVolume) -> None:
        """Give a volume back whose claim has another one; one that was reserved by people stays reserved."""
        self.say(f"the claim of {volume.metadata.name} was bound to another volume meanwhile")
        notes = volume.metadata.annotations or {}
        reference = None if BOUND_BY_CONTROLLER in notes else volume.spec.claimRef.replace(uid=None)
        kept = {key: value for key, value in notes.items() if key != BOUND_BY_CONTROLLER}
        metadata = volume.metadata.replace(annotations=kept or None)
        updated = self.client.update(volume.replace(metadata=metadata, spec=volume.spec.replace(claimRef=reference)))
        self._phase(updated, "Available")

    def _release(self, volume: PersistentVolume) -> None:
        if volume.status.phase not in ("Released", "Failed"):
            self.say(f"the claim of {volume.metadata.name} is gone")
            volume = self._phase(volume, "Released")
        if _is_deleted_when_free(volume) and volume.metadata.deletionTimestamp is None:
            self._delete(volume)
        elif volume.spec.persistentVolumeReclaimPolicy == "Recycle" and not _is_recyclable(volume):
            text = "No recycler plugin found for the volume!"
            if volume.status.phase != "Failed":
                self._phase(volume, "Failed", text)
                self.recorder.event(volume, "Warning", "VolumeFailedRecycle", text)

    def _delete(self, volume: PersistentVolume) -> None:
        why = self._why_not_deletable(volume)
        if why == "":
            self.say(f"{volume.metadata.name} is released and its policy is Delete")
            try:
                self.client.delete("persistentvolumes", volume.metadata.name)
            except ApiError as error:
                if error.code != 404:
                    raise
        elif why is not None and volume.status.phase != "Failed":
            self._phase(volume, "Failed", why)
            self.recorder.event(volume, "Warning", "VolumeFailedDelete", why)

    def _why_not_deletable(self, volume: PersistentVolume) -> str | None:
        """ "" if it can be deleted here, None if an external provisioner has to, else what stands against it."""
        if (volume.metadata.annotations or {}).get(PROVISIONED_BY) or volume.spec.csi is not None:
            return None
        source = volume.spec.hostPath
        if source is None:
            name = volume.metadata.name
            return f'error getting deleter volume plugin for volume "{name}": no deletable volume plugin matched'
        if source.path.startswith("/tmp/") and len(source.path) > len("/tmp/"):
            return ""
        return f"host_path deleter only supports /tmp/.+ but received provided {source.path}"


def _is_deleted_when_free(volume: PersistentVolume) -> bool:
    return volume.spec.persistentVolumeReclaimPolicy == "Delete"


def _is_recyclable(volume: PersistentVolume) -> bool:
    return volume.spec.hostPath is not None or volume.spec.nfs is not None


def _capacity(volume: PersistentVolume) -> dict[str, Any]:
    """What the volume holds: less than it has while its file system has not grown yet."""
    before = (volume.metadata.annotations or {}).get("volume.alpha.kubernetes.io/pre-resize-capacity")
    return {**volume.spec.capacity, "storage": before} if before else volume.spec.capacity


def uses(pod: Any, claim: PersistentVolumeClaim) -> bool:
    """Whether the Pod mounts the claim, by name or as its own ephemeral volume."""
    name = claim.metadata.name
    for volume in pod.spec.volumes or ():
        if volume.persistentVolumeClaim is not None and volume.persistentVolumeClaim.claimName == name:
            return True
        if volume.ephemeral is not None and f"{pod.metadata.name}-{volume.name}" == name:
            return True
    return False

"""Attaches and detaches volumes: what the external-attacher beside each CSI driver does."""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import PersistentVolume
from k8slab.api.storage_v1 import VolumeAttachment, VolumeAttachmentStatus
from k8slab.client import Request, Result
from k8slab.controllers.controller import Controller
from k8slab.controllers.csi.drivers import DRIVERS, Driver
from k8slab.errors import ApiError
from k8slab.sim.clock import SECOND

NODE_ID = "csi.alpha.kubernetes.io/node-id"
VOLUME = "volume"
"""Where a request's namespace would be, for volumes: attachments have none."""


class VolumeAttacher(Controller):
    """The attaching side of all drivers of a lab."""

    name = "csi-attacher"
    about = "attaches volumes of drivers that the lab knows to nodes, and detaches them"
    first_retry = SECOND

    def setup(self) -> None:
        """Watch attachments, and volumes that are being deleted."""
        self.begun: dict[tuple[str, bool], int] = {}
        self.volumes = self.informer("persistentvolumes")
        self.volumes.add_handler(self._volume_seen, self._volume_changed)
        self.attachments = self.informer("volumeattachments")
        self.attachments.add_handler(self.enqueue, self.enqueue_new, self._gone)

    def reset(self) -> None:
        """A new process begins anew what was under way."""
        self.begun.clear()

    def _volume_seen(self, volume: PersistentVolume) -> None:
        if volume.metadata.deletionTimestamp is not None:
            self.queue.add(Request(VOLUME, volume.metadata.name))

    def _volume_changed(self, old: PersistentVolume, new: PersistentVolume) -> None:
        self._volume_seen(new)

    def _gone(self, attachment: VolumeAttachment) -> None:
        for leaving in (False, True):
            self.begun.pop((attachment.metadata.uid, leaving), None)
        self.queue.add(Request(VOLUME, attachment.spec.source.persistentVolumeName or ""))

    def reconcile(self, request: Request) -> Result | None:
        """One attachment, or a volume that is being deleted."""
        if request.namespace == VOLUME:
            self._release(request.name)
            return None
        attachment = self.attachments.get("", request.name)
        driver = DRIVERS.get(attachment.spec.attacher) if attachment is not None else None
        if driver is None or not driver.attach_time:
            return None
        if attachment.metadata.deletionTimestamp is not None:
            return self._detach(driver, attachment)
        if attachment.status is not None and attachment.status.attached:
            return None
        return self._attach(driver, attachment)

    def _attach(self, driver: Driver, attachment: VolumeAttachment) -> Result | None:
        if driver.attacher_finalizer not in (attachment.metadata.finalizers or ()):
            self._prepare(driver, attachment)
        left = self._left(attachment, False, driver.attach_time)
        if left:
            return Result(requeue_after=left)
        current = self.client.get("volumeattachments", attachment.metadata.name)
        self.say(f"{attachment.spec.source.persistentVolumeName} is at {attachment.spec.nodeName} now")
        self.client.update_status(current.replace(status=VolumeAttachmentStatus(attached=True)))
        return None

    def _prepare(self, driver: Driver, attachment: VolumeAttachment) -> None:
        """Neither the volume nor the attachment may vanish without being detached."""
        mark = driver.attacher_finalizer
        volume = self.volumes.get("", attachment.spec.source.persistentVolumeName or "")
        if volume is not None and mark not in (volume.metadata.finalizers or ()):
            finalizers = [*(volume.metadata.finalizers or ()), mark]
            self.client.patch("persistentvolumes", volume.metadata.name, {"metadata": {"finalizers": finalizers}})
        changes: dict[str, Any] = {
            "finalizers": [*(attachment.metadata.finalizers or ()), mark],
            "annotations": {NODE_ID: attachment.spec.nodeName},
        }
        self.client.patch("volumeattachments", attachment.metadata.name, {"metadata": changes})

    def _detach(self, driver: Driver, attachment: VolumeAttachment) -> Result | None:
        finalizers = attachment.metadata.finalizers or ()
        if driver.attacher_finalizer not in finalizers:
            return None
        left = self._left(attachment, True, driver.attach_time)
        if left:
            return Result(requeue_after=left)
        self.say(f"{attachment.spec.source.persistentVolumeName} is detached from {attachment.spec.nodeName}")
        rest = [one for one in finalizers if one != driver.attacher_finalizer] or None
        self.client.patch("volumeattachments", attachment.metadata.name, {"metadata": {"finalizers": rest}})
        return None

    def _release(self, name: str) -> None:
        """A volume that is being deleted and attached nowhere may go, as far as this concerns it."""
        volume = self.volumes.get("", name)
        if volume is None or volume.metadata.deletionTimestamp is None or volume.spec.csi is None:
            return
        driver = DRIVERS.get(volume.spec.csi.driver)
        finalizers = volume.metadata.finalizers or ()
        attached = any(one.spec.source.persistentVolumeName == name for one in self.attachments.items())
        if driver is None or attached or driver.attacher_finalizer not in finalizers:
            return
        rest = [one for one in finalizers if one != driver.attacher_finalizer] or None
        try:
            self.client.patch("persistentvolumes", name, {"metadata": {"finalizers": rest}})
        except ApiError as error:
            if error.code != 404:
                raise

    def _left(self, attachment: VolumeAttachment, leaving: bool, takes: int) -> int:
        """How long the driver still works on it."""
        begun = self.begun.setdefault((attachment.metadata.uid, leaving), self.clock.now)
        return max(0, begun + takes - self.clock.now)

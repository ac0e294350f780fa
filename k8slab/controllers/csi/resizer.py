"""Grows volumes, and changes their attributes: what the external-resizer beside each CSI driver does.

Follows kubernetes-csi/external-resizer (expand_and_recover.go, resize_status.go; modifycontroller).
"""

from __future__ import annotations

from typing import Any

from k8slab.api import quantity
from k8slab.api.core_v1 import PersistentVolume, PersistentVolumeClaim
from k8slab.client import Recorder, Request, Result
from k8slab.controllers.controller import Controller
from k8slab.controllers.csi.drivers import DISK, DRIVERS, Driver
from k8slab.controllers.expand import PRE_RESIZE, belong_together, given_size, wanted_size
from k8slab.sim.clock import SECOND

IN_PROGRESS, NODE_PENDING = "ControllerResizeInProgress", "NodeResizePending"
RESIZING, FILE_SYSTEM = "Resizing", "FileSystemResizePending"
MODIFYING, MODIFY_ERROR = "ModifyingVolume", "ModifyVolumeError"
TAKES = 2 * SECOND
"""How long a driver takes to grow a volume, or to change it."""
ON_NODE = "Waiting for user to (re-)start a pod to finish file system resize of volume on node."


class VolumeResizer(Controller):
    """The growing side of all drivers of a lab."""

    name = "csi-resizer"
    about = "grows volumes of drivers that the lab knows, and changes their attributes"
    first_retry = SECOND

    def setup(self) -> None:
        """Watch claims, volumes and classes of attributes."""
        self.begun: dict[tuple[str, str], int] = {}
        self.recorders: dict[str, Recorder] = {}
        self.claims = self.informer("persistentvolumeclaims")
        self.claims.add_handler(self.enqueue, self.enqueue_new)
        self.volumes = self.informer("persistentvolumes")
        self.classes = self.informer("volumeattributesclasses")
        self.classes.add_handler(self._class_added)

    def reset(self) -> None:
        """A new process begins anew what was under way."""
        self.begun.clear()
        self.recorders.clear()

    def _class_added(self, added: Any) -> None:
        for claim in self.claims.items():
            if claim.spec.volumeAttributesClassName == added.metadata.name:
                self.enqueue(claim)

    def reconcile(self, request: Request) -> Result | None:
        """One claim: grow its volume, change its attributes, or nothing."""
        claim = self.claims.get(request.namespace, request.name)
        volume = self.volumes.get("", claim.spec.volumeName or "") if claim is not None else None
        if volume is None or volume.spec.csi is None or not belong_together(claim, volume):
            return None
        driver = DRIVERS.get(volume.spec.csi.driver)
        if driver is None or claim.status.phase != "Bound":
            return None
        if quantity.compare(wanted_size(claim), given_size(claim)) > 0:
            return self._expand(driver, claim, volume)
        if PRE_RESIZE in (volume.metadata.annotations or {}):
            self._tidy(claim, volume)
        if (claim.spec.volumeAttributesClassName or "") != (claim.status.currentVolumeAttributesClassName or ""):
            return self._modify(driver, claim, volume)
        return None

    # --- size

    def _expand(self, driver: Driver, claim: PersistentVolumeClaim, volume: PersistentVolume) -> Result | None:
        stage = (claim.status.allocatedResourceStatuses or {}).get("storage", "")
        allocated = str((claim.status.allocatedResources or {}).get("storage", ""))
        size = allocated if allocated and stage else wanted_size(claim)
        if stage == NODE_PENDING or stage.startswith("Node"):
            return None  # the node finishes the last growth first
        key = (claim.metadata.uid, size)
        if key not in self.begun:
            self._begin_growth(driver, claim, volume, size, stage)
            self.begun[key] = self.clock.now
        left = self.begun[key] + TAKES - self.clock.now
        if left > 0:
            return Result(requeue_after=left)
        del self.begun[key]
        self._grow(driver, claim, volume, size)
        return None

    def _begin_growth(
        self, driver: Driver, claim: PersistentVolumeClaim, volume: PersistentVolume, size: str, stage: str
    ) -> None:
        if stage != IN_PROGRESS:
            self.say(f"{claim.metadata.name} asks for {size}")
            self._write(claim, self._conditions(claim, RESIZING), {"storage": IN_PROGRESS}, size)
        text = f"External resizer is resizing volume {volume.metadata.name}"
        self._recorder(driver).event(claim, "Normal", "Resizing", text)

    def _grow(self, driver: Driver, claim: PersistentVolumeClaim, volume: PersistentVolume, size: str) -> None:
        on_node = driver.kind == DISK and claim.spec.volumeMode != "Block"
        self.say(f"{volume.metadata.name} has {size} now")
        change: dict[str, Any] = {"spec": {"capacity": {"storage": size}}}
        if on_node:
            change["metadata"] = {"annotations": {PRE_RESIZE: given_size(claim)}}
        self.client.patch("persistentvolumes", volume.metadata.name, change)
        current = self.client.get("persistentvolumeclaims", claim.metadata.name, claim.metadata.namespace)
        if on_node:
            self._write(current, self._conditions(current, FILE_SYSTEM, ON_NODE), {"storage": NODE_PENDING}, size)
            text = "Require file system resize of volume on node"
            self._recorder(driver).event(claim, "Normal", "FileSystemResizeRequired", text)
            return
        self._write(current, self._conditions(current), {"storage": None}, size, {"storage": size})
        self._recorder(driver).event(claim, "Normal", "VolumeResizeSuccessful", "Resize volume succeeded")

    def _tidy(self, claim: PersistentVolumeClaim, volume: PersistentVolume) -> None:
        """The node has finished: what the volume's size was before is of no more interest."""
        if quantity.compare(given_size(claim), volume.spec.capacity["storage"]) >= 0:
            self.say(f"the file system on {volume.metadata.name} has grown")
            change = {"metadata": {"annotations": {PRE_RESIZE: None}}}
            self.client.patch("persistentvolumes", volume.metadata.name, change)

    def _conditions(self, claim: PersistentVolumeClaim, kind: str = "", message: str = "") -> list[dict[str, Any]]:
        """The claim's conditions, those about growing replaced by this one (MergeResizeConditionsOfPVC)."""
        return self._replaced(claim, (RESIZING, FILE_SYSTEM), kind, message)

    def _replaced(
        self, claim: PersistentVolumeClaim, old: tuple[str, ...], kind: str, message: str
    ) -> list[dict[str, Any]]:
        kept = [
            {"type": one.type, "status": one.status, "lastTransitionTime": one.lastTransitionTime}
            | ({"message": one.message} if one.message else {})
            for one in claim.status.conditions or ()
            if one.type not in old
        ]
        if not kind:
            return kept
        condition = {"type": kind, "status": "True", "lastTransitionTime": self.clock.rfc3339()}
        return [*kept, condition | ({"message": message} if message else {})]

    def _write(
        self,
        claim: PersistentVolumeClaim,
        conditions: list[dict[str, Any]],
        stages: dict[str, str | None],
        allocated: str,
        capacity: dict[str, str] | None = None,
    ) -> None:
        status: dict[str, Any] = {
            "conditions": conditions or None,
            "allocatedResourceStatuses": stages if any(stages.values()) else None,
            "allocatedResources": {"storage": allocated},
        }
        self._patch(claim, status | ({"capacity": capacity} if capacity else {}))

    # --- attributes

    def _modify(self, driver: Driver, claim: PersistentVolumeClaim, volume: PersistentVolume) -> Result | None:
        target = claim.spec.volumeAttributesClassName
        if not target:
            return None
        found = self.classes.get("", target)
        if found is None:
            self._wait_for_class(driver, claim, target)
            return None
        if found.driverName != driver.name:
            return None
        key = (claim.metadata.uid, f"class {target}")
        if key not in self.begun:
            self.begun[key] = self.clock.now
            self.say(f"{claim.metadata.name} asks for the attributes of {target}")
            self._patch(claim, self._modifying(claim, target, "InProgress", MODIFYING))
            text = f"external resizer is modifying volume {claim.metadata.name} with vac {target}"
            self._recorder(driver).event(claim, "Normal", "VolumeModify", text)
        left = self.begun[key] + TAKES - self.clock.now
        if left > 0:
            return Result(requeue_after=left)
        del self.begun[key]
        change = {"spec": {"volumeAttributesClassName": target}}
        self.client.patch("persistentvolumes", volume.metadata.name, change)
        done: dict[str, Any] = {"currentVolumeAttributesClassName": target, "modifyVolumeStatus": None}
        conditions = self._replaced(claim, (MODIFYING, MODIFY_ERROR), "", "")
        self._patch(claim, done | {"conditions": conditions or None})
        text = f"external resizer modified volume {claim.metadata.name} with vac {target} successfully"
        self._recorder(driver).event(claim, "Normal", "VolumeModifySuccessful", text)
        return None

    def _wait_for_class(self, driver: Driver, claim: PersistentVolumeClaim, target: str) -> None:
        known = claim.status.modifyVolumeStatus
        if known is not None and known.targetVolumeAttributesClassName == target:
            return
        self._patch(claim, self._modifying(claim, target, "Pending", ""))
        text = f"VAC {target} does not exist."
        self._recorder(driver).event(claim, "Warning", "VolumeModifyFailed", text)

    def _modifying(self, claim: PersistentVolumeClaim, target: str, status: str, condition: str) -> dict[str, Any]:
        conditions = self._replaced(claim, (MODIFYING, MODIFY_ERROR), condition, "")
        modify = {"targetVolumeAttributesClassName": target, "status": status}
        return {"modifyVolumeStatus": modify, "conditions": conditions or None}

    # --- what both need

    def _patch(self, claim: PersistentVolumeClaim, status: dict[str, Any]) -> None:
        metadata = claim.metadata
        self.client.patch("persistentvolumeclaims", metadata.name, {"status": status}, metadata.namespace, "status")

    def _recorder(self, driver: Driver) -> Recorder:
        """Events come from the resizer beside the driver."""
        source = f"external-resizer {driver.name}"
        return self.recorders.setdefault(source, Recorder(self.client, self.clock, self.trace, source))

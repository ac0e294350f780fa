"""Installs drivers where they are needed: CSIDriver objects, and what each node's driver registers in its CSINode."""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import Node, PersistentVolume
from k8slab.api.meta_v1 import ObjectMeta, OwnerReference
from k8slab.api.storage_v1 import CSIDriver, CSIDriverSpec, CSINode, CSINodeDriver, CSINodeSpec, StorageClass
from k8slab.api.storage_v1 import VolumeNodeResources as Limits
from k8slab.client import Request, Result
from k8slab.controllers.controller import Controller
from k8slab.controllers.csi.drivers import DISK, DRIVERS, Driver
from k8slab.controllers.csi.topology import ZONE
from k8slab.controllers.persistentvolume.binder import MIGRATED
from k8slab.errors import ApiError

DRIVER = "driver"
"""Where a request's namespace would be, for drivers: nodes have none."""


class DriverInstaller(Controller):
    """A driver is there from when a StorageClass or a volume first names it, as if it had been installed with it."""

    name = "csi-node-driver-registrar"
    about = "installs the CSI drivers that StorageClasses and volumes name, and registers them on every node"

    def setup(self) -> None:
        """Watch what names drivers, and nodes."""
        self.classes = self.informer("storageclasses")
        self.classes.add_handler(self._class_seen)
        self.volumes = self.informer("persistentvolumes")
        self.volumes.add_handler(self._volume_seen)
        self.drivers = self.informer("csidrivers")
        self.drivers.add_handler(self._driver_seen)
        self.registered = self.informer("csinodes")
        self.registered.add_handler(self.enqueue, self.enqueue_new)
        self.nodes = self.informer("nodes")
        self.nodes.add_handler(self.enqueue)

    def _class_seen(self, storage_class: StorageClass) -> None:
        self._need(MIGRATED.get(storage_class.provisioner, storage_class.provisioner))

    def _volume_seen(self, volume: PersistentVolume) -> None:
        if volume.spec.csi is not None:
            self._need(volume.spec.csi.driver)

    def _need(self, name: str) -> None:
        driver = DRIVERS.get(name)
        if driver is not None and driver.is_csi and self.drivers.get("", name) is None:
            self.queue.add(Request(DRIVER, name))

    def _driver_seen(self, driver: CSIDriver) -> None:
        if driver.metadata.name in DRIVERS:
            for node in self.nodes.items():
                self.enqueue(node)

    def reconcile(self, request: Request) -> Result | None:
        """Install one driver, or register all that are installed on one node."""
        if request.namespace == DRIVER:
            self._install(DRIVERS[request.name])
            return None
        installed = [DRIVERS[one.metadata.name] for one in self.drivers.items() if one.metadata.name in DRIVERS]
        node = self.nodes.get("", request.name)
        if node is not None and installed:
            self._register(node, sorted(installed, key=_name))
        return None

    def _install(self, driver: Driver) -> None:
        spec = CSIDriverSpec(
            attachRequired=bool(driver.attach_time), podInfoOnMount=False, volumeLifecycleModes=("Persistent",)
        )
        self.say(f"{driver.name} is wanted: installing it")
        try:
            self.client.create(CSIDriver(metadata=ObjectMeta(name=driver.name), spec=spec))
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise

    def _register(self, node: Node, installed: list[Driver]) -> None:
        known = self.registered.get("", node.metadata.name)
        have = {one.name for one in (known.spec.drivers if known is not None else None) or ()}
        missing = [driver for driver in installed if driver.name not in have]
        if not missing:
            return
        self.say(f"the node part of {', '.join(driver.name for driver in missing)} starts on {node.metadata.name}")
        added = tuple(_entry(driver, node) for driver in missing)
        if known is None:
            owner = OwnerReference(apiVersion="v1", kind="Node", name=node.metadata.name, uid=node.metadata.uid)
            metadata = ObjectMeta(name=node.metadata.name, ownerReferences=(owner,))
            self.client.create(CSINode(metadata=metadata, spec=CSINodeSpec(drivers=added)))
        else:
            self.client.update(known.replace(spec=CSINodeSpec(drivers=(*(known.spec.drivers or ()), *added))))


def _entry(driver: Driver, node: Node) -> CSINodeDriver:
    return CSINodeDriver(
        name=driver.name,
        nodeID=node.metadata.name,
        topologyKeys=(ZONE,) if driver.kind == DISK else None,
        allocatable=Limits(count=driver.limit) if driver.limit else None,
    )


def _name(driver: Any) -> str:
    return driver.name

"""Storage that a lab can offer: simulated drivers which make volumes for StorageClasses that name them."""

from k8slab.controllers.csi.component import StorageDrivers
from k8slab.controllers.csi.drivers import DRIVERS, Driver
from k8slab.controllers.csi.provisioner import VolumeProvisioner

__all__ = ["DRIVERS", "Driver", "StorageDrivers", "VolumeProvisioner"]

"""The process that runs the simulated storage drivers."""

from __future__ import annotations

from k8slab.controllers.csi.attacher import VolumeAttacher
from k8slab.controllers.csi.installer import DriverInstaller
from k8slab.controllers.csi.provisioner import VolumeProvisioner
from k8slab.controllers.csi.resizer import VolumeResizer
from k8slab.controllers.manager import ControllerManager


class StorageDrivers(ControllerManager):
    """What a real cluster installs beside the control plane: the controllers of CSI drivers and provisioners."""

    name = "csi-drivers"
    lease = "csi-drivers"
    known = (DriverInstaller, VolumeProvisioner, VolumeAttacher, VolumeResizer)

"""kube-controller-manager: the control loops that turn what is wanted into what is."""

from k8slab.controllers.cloud import CloudControllerManager
from k8slab.controllers.controller import Options
from k8slab.controllers.csi import StorageDrivers
from k8slab.controllers.manager import ControllerManager

__all__ = ["CloudControllerManager", "ControllerManager", "Options", "StorageDrivers"]

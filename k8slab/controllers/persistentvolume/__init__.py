"""PersistentVolumes: binding to claims, reclaiming, and protection of what is in use."""

from k8slab.controllers.persistentvolume.binder import PersistentVolumeBinder
from k8slab.controllers.persistentvolume.protection import ClaimProtection, VolumeProtection

__all__ = ["ClaimProtection", "PersistentVolumeBinder", "VolumeProtection"]

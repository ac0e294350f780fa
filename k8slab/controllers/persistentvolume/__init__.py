"""PersistentVolumes: binding to claims, reclaiming, and protection of what is in use."""

from k8slab.controllers.persistentvolume.binder import PersistentVolumeBinder
from k8slab.controllers.persistentvolume.protection import AttributesProtection, ClaimProtection, VolumeProtection

__all__ = ["AttributesProtection", "ClaimProtection", "PersistentVolumeBinder", "VolumeProtection"]

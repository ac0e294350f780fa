"""What several components need to know about volumes: who uses a claim, and what an attached volume is called."""

from __future__ import annotations

from k8slab.api.core_v1 import PersistentVolume, Pod


def claim_names(pod: Pod) -> list[str]:
    """The claims that a Pod uses, by name or as its own ephemeral volumes."""
    names = []
    for volume in pod.spec.volumes or ():
        if volume.persistentVolumeClaim is not None:
            names.append(volume.persistentVolumeClaim.claimName)
        elif volume.ephemeral is not None:
            names.append(f"{pod.metadata.name}-{volume.name}")
    return names


def unique_name(volume: PersistentVolume) -> str:
    """What a Node's status calls the volume (volumesInUse, volumesAttached); "" where it is not a driver's.

    As pkg/volume/util.GetUniqueVolumeName and the CSI plugin's GetVolumeName have it.
    """
    csi = volume.spec.csi
    return f"kubernetes.io/csi/{csi.driver}^{csi.volumeHandle}" if csi is not None else ""

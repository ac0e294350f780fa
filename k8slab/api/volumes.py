"""What several components need to know about volumes: who uses a claim, and what an attached volume is called."""

from __future__ import annotations

from k8slab.api.core_v1 import PersistentVolume, PersistentVolumeClaim, Pod, Volume


def claim_names(pod: Pod) -> list[str]:
    """The claims that a Pod uses, by name or as its own ephemeral volumes."""
    return [name for volume in pod.spec.volumes or () if (name := claim_name(pod, volume)) is not None]


def claim_name(pod: Pod, volume: Volume) -> str | None:
    """The claim behind one of a Pod's volumes; None where it is of another kind."""
    if volume.persistentVolumeClaim is not None:
        return volume.persistentVolumeClaim.claimName
    return f"{pod.metadata.name}-{volume.name}" if volume.ephemeral is not None else None


def uses_claim(pod: Pod, claim: PersistentVolumeClaim) -> bool:
    """Whether the Pod uses the claim."""
    return claim.metadata.namespace == pod.metadata.namespace and claim.metadata.name in claim_names(pod)


def unique_name(volume: PersistentVolume) -> str:
    """What a Node's status calls the volume (volumesInUse, volumesAttached); "" where it is not a driver's.

    As pkg/volume/util.GetUniqueVolumeName and the CSI plugin's GetVolumeName have it.
    """
    csi = volume.spec.csi
    return f"kubernetes.io/csi/{csi.driver}^{csi.volumeHandle}" if csi is not None else ""

"""The storage drivers that a lab knows, by the name that a StorageClass gives as its provisioner.

A claim whose class names another provisioner waits, as it does in a cluster where that driver is not installed.
"""

from __future__ import annotations

from random import Random

from msgspec import Struct

from k8slab.api.core_v1 import CSIPersistentVolumeSource, HostPathVolumeSource, PersistentVolumeClaim
from k8slab.sim.clock import MILLISECOND, SECOND

DIRECTORY = "directory"
"""A directory of some machine, as minikube offers it: every node reaches it."""
LOCAL = "local"
"""A directory of the node that the Pod was put on: the Pod is bound to that node from then on."""
DISK = "disk"
"""A network disk: one node at a time, and (where nodes are labelled so) only nodes of its zone."""
SHARED = "shared"
"""A file server: any number of nodes."""


class Driver(Struct, frozen=True):
    """One driver: its name, what its volumes are, and how long it takes to make one (microseconds)."""

    name: str
    kind: str
    delay: int

    @property
    def is_csi(self) -> bool:
        """Whether its volumes have a `csi` source."""
        return self.kind in (DISK, SHARED)

    def refusal(self, claim: PersistentVolumeClaim, node_name: str) -> str:
        """Why the driver cannot make the volume, or ""."""
        if claim.spec.selector is not None:
            return "claim Selector is not supported"
        if self.kind == LOCAL and not node_name:
            return "configuration error, no node was specified"
        shared = sorted(set(claim.spec.accessModes or ()) & {"ReadWriteMany", "ReadOnlyMany"})
        if self.kind == DISK and shared and claim.spec.volumeMode != "Block":
            return (
                "rpc error: code = InvalidArgument desc = Volume capabilities not supported: access mode "
                f"{shared[0]} with a file system"
            )
        if self.kind == LOCAL and shared:
            return "NodePath only supports ReadWriteOnce and ReadWriteOncePod (1.22+) access modes"
        return ""

    def directory(self, claim: PersistentVolumeClaim) -> HostPathVolumeSource:
        """Where a directory volume is."""
        metadata = claim.metadata
        if self.kind == LOCAL:
            path = f"/opt/local-path-provisioner/pvc-{metadata.uid}_{metadata.namespace}_{metadata.name}"
            return HostPathVolumeSource(path=path, type="DirectoryOrCreate")
        return HostPathVolumeSource(path=f"/tmp/hostpath-provisioner/{metadata.namespace}/{metadata.name}", type="")

    def remote(self, claim: PersistentVolumeClaim, file_system: str, rng: Random) -> CSIPersistentVolumeSource:
        """The `csi` source of a new volume."""
        handle = f"pvc-{claim.metadata.uid}" if self.kind == SHARED else f"vol-0{rng.getrandbits(64):016x}"
        block = claim.spec.volumeMode == "Block"
        return CSIPersistentVolumeSource(
            driver=self.name,
            volumeHandle=handle,
            fsType=None if block or self.kind == SHARED else file_system,
            volumeAttributes={"storage.kubernetes.io/csiProvisionerIdentity": self.name},
        )


DRIVERS: dict[str, Driver] = {
    driver.name: driver
    for driver in (
        Driver("k8s.io/minikube-hostpath", DIRECTORY, 100 * MILLISECOND),
        Driver("docker.io/hostpath", DIRECTORY, 100 * MILLISECOND),
        Driver("rancher.io/local-path", LOCAL, 3 * SECOND),
        Driver("hostpath.csi.k8s.io", DISK, 500 * MILLISECOND),
        Driver("ebs.csi.aws.com", DISK, 3 * SECOND),
        Driver("pd.csi.storage.gke.io", DISK, 4 * SECOND),
        Driver("disk.csi.azure.com", DISK, 5 * SECOND),
        Driver("cinder.csi.openstack.org", DISK, 3 * SECOND),
        Driver("nfs.csi.k8s.io", SHARED, 500 * MILLISECOND),
        Driver("efs.csi.aws.com", SHARED, 2 * SECOND),
    )
}

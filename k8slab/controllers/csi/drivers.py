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
    """One driver: its name, what its volumes are, and how long it takes to make one (microseconds).

    `attach_time` is how long attaching and detaching take (0: its volumes need none), `limit` how many volumes fit on
    a node (0: any number).
    """

    name: str
    kind: str
    delay: int
    attach_time: int = 0
    limit: int = 0

    @property
    def is_csi(self) -> bool:
        """Whether its volumes have a `csi` source."""
        return self.kind in (DISK, SHARED)

    @property
    def attacher_finalizer(self) -> str:
        """The mark that its external-attacher puts on what must not vanish unseen."""
        return f"external-attacher/{self.name.replace('.', '-')}"

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
        Driver("hostpath.csi.k8s.io", DISK, 500 * MILLISECOND, 200 * MILLISECOND),
        Driver("ebs.csi.aws.com", DISK, 3 * SECOND, 2 * SECOND, 25),
        Driver("pd.csi.storage.gke.io", DISK, 4 * SECOND, 3 * SECOND, 127),
        Driver("disk.csi.azure.com", DISK, 5 * SECOND, 8 * SECOND, 16),
        Driver("cinder.csi.openstack.org", DISK, 3 * SECOND, 3 * SECOND, 256),
        Driver("nfs.csi.k8s.io", SHARED, 500 * MILLISECOND),
        Driver("efs.csi.aws.com", SHARED, 2 * SECOND),
    )
}

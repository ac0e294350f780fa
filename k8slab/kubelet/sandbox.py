"""A Pod's sandbox: its volumes and its place in the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8slab.errors import K8sLabError
from k8slab.kubelet.containerd import REFUSED
from k8slab.kubelet.environment import ConfigError, Lookup
from k8slab.kubelet.stages import ACTIVE, STARTING
from k8slab.kubelet.storage import Mounts
from k8slab.kubelet.volumes import Files, MountError, set_up
from k8slab.sim.clock import MILLISECOND, SECOND

if TYPE_CHECKING:
    from k8slab.kubelet.pod_worker import PodWorker

SETUP_TIME = 400 * MILLISECOND
"""Mounting volumes, making the sandbox, attaching the network."""
SETUP_SPREAD = 200 * MILLISECOND
MOUNT_RETRY_FIRST, MOUNT_RETRY_LAST = 500 * MILLISECOND, 122 * SECOND
NETWORK_RETRY = 10 * SECOND


class Sandbox:
    """What a Pod's containers share.

    Attributes:
        ready: it exists.
        ip: the Pod's address; kept for the status after the sandbox is gone.
        volumes: the files in each volume.
        mounts: what of it outlives the Pod.
        weights: bytes that ended containers left in emptyDirs, by volume and path.
    """

    __slots__ = ("failures", "ip", "mounts", "ready", "volumes", "weights", "worker")

    def __init__(self, worker: PodWorker) -> None:
        self.worker = worker
        self.ready = False
        self.ip = ""
        self.volumes: dict[str, Files] = {}
        self.mounts = Mounts(worker)
        self.weights: dict[str, dict[str, int]] = {}
        self.failures = 0

    def set_up(self) -> None:
        """Mount the volumes and make the sandbox; where something is missing, try again later."""
        worker = self.worker
        worker.step = None
        if worker.stage != STARTING or worker.deaf:
            return
        if not worker.kubelet.runtime.up:
            self._again("FailedCreatePodSandBox", f"Failed to create pod sandbox: {REFUSED}", NETWORK_RETRY)
            return
        lookup = Lookup(worker.kubelet.client, worker.pod.metadata.namespace)
        try:
            missing = worker.kubelet.attachments.missing(worker, lookup)
            if missing:
                worker.step = worker.later(worker.kubelet.attachments.wait(worker, missing), self.set_up)
                return
            self.volumes = set_up(worker.pod, lookup, self.facts())
            self.mounts.set_up(self.volumes)
            worker.kubelet.attachments.mounted(worker)
            worker.kubelet.refresher.mounted(worker)
        except (MountError, ConfigError) as error:
            wait = min(MOUNT_RETRY_FIRST << self.failures, MOUNT_RETRY_LAST)
            self.failures += 1
            self._again("FailedMount", str(error), wait)
            return
        try:
            self._attach()
        except K8sLabError as error:
            text = (
                "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox: "
                f'plugin type="bridge" failed (add): {error}'
            )
            self._again("FailedCreatePodSandBox", text, NETWORK_RETRY)
            return
        self.failures = 0
        self.ready = True
        worker.stage = ACTIVE
        worker.act()

    def _again(self, reason: str, message: str, wait: int) -> None:
        self.worker.event("Warning", reason, message)
        self.worker.step = self.worker.later(wait, self.set_up)

    def _attach(self) -> None:
        worker, kubelet = self.worker, self.worker.kubelet
        if worker.pod.spec.hostNetwork:
            self.ip = kubelet.address
        else:
            self.ip = kubelet.cni.allocate(kubelet.node.name, kubelet.pod_cidr(), worker.uid)
        kubelet.cni.plug(self.ip, worker)

    def detach(self) -> None:
        """Stop the sandbox and give its address back."""
        worker, cni = self.worker, self.worker.kubelet.cni
        if self.ready:
            cni.unplug(self.ip, worker)
            if not worker.pod.spec.hostNetwork:
                cni.release(worker.kubelet.node.name, self.ip, worker.uid)
        self.ready = False

    def facts(self) -> dict[str, str]:
        """Downward values that the node knows."""
        kubelet = self.worker.kubelet
        return {
            "spec.nodeName": kubelet.node.name,
            "status.hostIP": kubelet.address,
            "status.hostIPs": kubelet.address,
            "status.podIP": self.ip,
            "status.podIPs": self.ip,
            **{f"allocatable.{name}": str(amount) for name, amount in kubelet.allocatable.items()},
        }

"""The disk of a node: images, writable layers, logs and emptyDirs on one file system (nodefs, which is imagefs too).

Follows pkg/kubelet/images/image_gc_manager.go: when the disk is 85 % full, images that nobody uses are deleted, those
not used for longest first, until it is 80 % full.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api import quantity
from k8slab.api.resources import pod_limits
from k8slab.kubelet.container import RUNNING, WAITING, Container
from k8slab.kubelet.images import image_id, parse_reference
from k8slab.kubelet.stages import TERMINATED
from k8slab.sim.clock import SECOND

if TYPE_CHECKING:
    from k8slab.kubelet.kubelet import Kubelet
    from k8slab.kubelet.pod_worker import PodWorker

SYSTEM_SHARE = 20
"""Operating system, kubelet and runtime take 4 GiB, but never more than one part in so many."""
SYSTEM = 4 * 2**30
UNPACKED = 3
"""An image on the disk: its compressed layers, and what they are unpacked to."""
GC_PERIOD, MINIMUM_AGE = 300 * SECOND, 120 * SECOND


class Disk:
    """What is on a node's disk.

    Attributes:
        used_at: when an image was last in use, by its canonical name.
        fillers: containers whose writing may matter, by ID.
    """

    __slots__ = ("capacity", "collected_at", "fillers", "kubelet", "used_at")

    def __init__(self, kubelet: Kubelet) -> None:
        self.kubelet = kubelet
        self.capacity = quantity.value(kubelet.node.ephemeral_storage)
        self.used_at: dict[str, int] = {}
        self.fillers: dict[str, None] = {}
        self.collected_at = 0

    @property
    def needed(self) -> bool:
        """Whether it could become too full."""
        share = self.kubelet.node.image_gc_high
        return bool(self.fillers) or 100 * self._fixed() > min(share, 84) * self.capacity

    def available(self, now: int) -> int:
        """Bytes that are left."""
        pods = sum(self.of_pod(worker, now) for worker in self.kubelet.workers.values())
        return max(0, self.capacity - self._fixed() - pods)

    def _fixed(self) -> int:
        images = sum(image.size for image in self.kubelet.images.images.values())
        return min(SYSTEM, self.capacity // SYSTEM_SHARE) + images * UNPACKED

    def of_pod(self, worker: PodWorker, now: int) -> int:
        """Bytes of a Pod: its containers' layers and logs, and its emptyDirs; nothing is kept of one that has ended."""
        if worker.stage == TERMINATED:
            return 0
        containers = sum(self.of_container(worker, each, now) for each in worker.containers)
        return containers + sum(self.of_volumes(worker, now).values())

    def of_container(self, worker: PodWorker, container: Container, now: int) -> int:
        """Bytes of a container's writable layer and log."""
        if container.process is None or container.state == WAITING:
            return 0
        until = now if container.state == RUNNING else container.finished_at
        roots = tuple(mount.mountPath.rstrip("/") + "/" for mount in container.spec.volumeMounts or ())
        written = container.process.written(until)
        return container.process.log_bytes(until) + sum(
            size for path, size in written.items() if not roots or not path.startswith(roots)
        )

    def of_volumes(self, worker: PodWorker, now: int) -> dict[str, int]:
        """Bytes of each emptyDir on the disk."""
        found: dict[str, int] = {}
        for volume in worker.pod.spec.volumes or ():
            if volume.emptyDir is not None and volume.emptyDir.medium != "Memory":
                files = dict(worker.sandbox.weights.get(volume.name) or {})
                for container in worker.containers:
                    if container.state == RUNNING:
                        files |= written_into(container, volume.name, now)
                found[volume.name] = sum(files.values())
        return found

    # -- images -----------------------------------------------------------------------------------------------------

    def in_use(self) -> set[str]:
        """Canonical names of the images that containers are made of."""
        found = {parse_reference(name).canonical for name in self.kubelet.pinned}
        for worker in self.kubelet.workers.values():
            found.update(c.image_name for c in worker.containers if c.starts)
        return found

    def collect(self, now: int) -> None:
        """One turn of the garbage collection of images, every five minutes."""
        used = self.in_use()
        for name in self.kubelet.images.images:
            if name in used or name not in self.used_at:
                self.used_at[name] = now
        if now - self.collected_at < GC_PERIOD:
            return
        self.collected_at = now
        node, available = self.kubelet.node, self.available(now)
        if (self.capacity - available) * 100 < node.image_gc_high * self.capacity:
            return
        wanted = self.capacity * (100 - node.image_gc_low) // 100 - available
        freed = self.free(wanted, now, MINIMUM_AGE)
        if freed < wanted:
            text = (
                f"Failed to garbage collect required amount of images. Attempted to free {wanted} bytes, "
                f"but only found {freed} bytes eligible to free."
            )
            self.kubelet.node_event("Warning", "FreeDiskSpaceFailed", text)
            self.kubelet.node_event("Warning", "ImageGCFailed", text)

    def free(self, wanted: int, now: int, age: int = 0) -> int:
        """Delete unused images until so many bytes are free; returns how many became free."""
        used, freed = self.in_use(), 0
        images = self.kubelet.images.images
        unused = sorted((self.used_at.get(name, 0), name) for name in images if name not in used)
        for last, name in unused:
            if freed >= wanted:
                break
            if now - last >= age:
                freed += images.pop(name).size * UNPACKED
                self.used_at.pop(name, None)
                self.kubelet.heartbeat.dirty = True
                self.kubelet.log("Removing image to free bytes", f'imageID="{image_id(name)}" image="{name}"')
        return freed


def written_into(container: Container, volume: str, now: int) -> dict[str, int]:
    """What a container wrote into a volume: bytes by the path in it."""
    found: dict[str, int] = {}
    for mount in container.spec.volumeMounts or ():
        if mount.name == volume and container.process is not None:
            root = mount.mountPath.rstrip("/") + "/"
            inside = f"{mount.subPath.strip('/')}/" if mount.subPath else ""
            for path, size in container.process.written(now).items():
                if path.startswith(root):
                    found[inside + path[len(root) :]] = size
    return found


def may_fill(worker: PodWorker, container: Container) -> bool:
    """Whether a container's writing may matter to the node, or to a limit of its Pod."""
    process: Any = container.process
    limited = any(v.emptyDir is not None and v.emptyDir.sizeLimit for v in worker.pod.spec.volumes or ())
    limited = limited or "ephemeral-storage" in pod_limits(worker.pod)
    return process.may_fill(limited)

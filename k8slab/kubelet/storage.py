"""What is on the disks that Pods mount: it outlives the Pods, and all who have a disk mounted see what one writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8slab.api import core_v1 as core
from k8slab.errors import ApiError
from k8slab.kubelet.container import RUNNING, Container
from k8slab.kubelet.hostpaths import HostPaths
from k8slab.kubelet.streaming import deliver
from k8slab.kubelet.volumes import Files, inside_of, mounted, written_back

if TYPE_CHECKING:
    from k8slab.kubelet.pod_worker import PodWorker


class Storage:
    """Disks and shares that are reached over the network, or the directories of one machine.

    Attributes:
        kept: the files of each, by what names it.
        users: the Pods that have it mounted, by their UIDs.
    """

    __slots__ = ("kept", "users")

    def __init__(self) -> None:
        self.kept: dict[str, Files] = {}
        self.users: dict[str, dict[str, Mounts]] = {}


class Mounts:
    """What one Pod has mounted of what outlives it.

    Attributes:
        places: where each volume's files are.
        saved: each volume's files as they were when the place last heard of them.
    """

    __slots__ = ("places", "saved", "worker")

    def __init__(self, worker: PodWorker) -> None:
        self.worker = worker
        self.places: dict[str, tuple[Storage, str]] = {}
        self.saved: dict[str, Files] = {}

    def set_up(self, volumes: dict[str, Files]) -> None:
        """Mount: fill in what is there. Raises MountError where a hostPath's type does not fit."""
        worker = self.worker
        self.drop()
        for volume in worker.pod.spec.volumes or ():
            place = self._place(volume)
            if place is not None:
                storage, key = self.places[volume.name] = place
                users = storage.users.setdefault(key, {})
                for other in users.values():
                    other.flush()
                users[worker.uid] = self
                volumes[volume.name] = self.saved[volume.name] = dict(storage.kept.get(key) or {})

    def drop(self) -> None:
        """Unmount everything."""
        for storage, key in self.places.values():
            users = storage.users.get(key, {})
            users.pop(self.worker.uid, None)
            if not users:
                storage.users.pop(key, None)
        self.places.clear()
        self.saved.clear()

    def flush(self) -> None:
        """What running containers have written so far is on the disk."""
        if self.places:
            for container in self.worker.containers:
                if container.state == RUNNING and container.process is not None and container.spec.volumeMounts:
                    take(self.worker, container)
            self.save()

    def save(self) -> None:
        """Bring what has changed in the volumes to where they are kept, and to the others who have them mounted."""
        for name, (storage, key) in self.places.items():
            before, now = self.saved[name], self.worker.sandbox.volumes.get(name) or {}
            changed = {path: now.get(path) for path in {**before, **now} if before.get(path) != now.get(path)}
            if changed:
                self.saved[name] = now
                storage.kept[key] = _changed(storage.kept.get(key) or {}, changed)
                for other in list(storage.users[key].values()):
                    if other is not self:
                        other.hear(storage, key, changed)

    def hear(self, storage: Storage, key: str, changed: dict[str, str | None]) -> None:
        """Somebody else has written files of a place, or removed them (None)."""
        worker = self.worker
        for name, place in self.places.items():
            if place[0] is storage and place[1] == key:
                self.saved[name] = worker.sandbox.volumes[name] = _changed(worker.sandbox.volumes[name], changed)
                for container in worker.containers:
                    for inside, text in changed.items():
                        for path in inside_of(container.spec, name, inside):
                            deliver(worker, container, path, text)

    def _place(self, volume: core.Volume) -> tuple[Storage, str] | None:
        """Where a volume's files are; None for those that end with the Pod."""
        kubelet = self.worker.kubelet
        if volume.hostPath is not None:
            return kubelet.directories, kubelet.host.mount(volume)
        if volume.nfs is not None:
            return kubelet.storage, f"nfs:{volume.nfs.server}:{volume.nfs.path}"
        persistent = self._persistent(volume)
        if persistent is None:
            return None
        spec = persistent.spec
        directory = spec.hostPath or spec.local
        if directory is not None:
            return kubelet.directories, HostPaths.clean(directory.path)
        if spec.csi is not None:
            return kubelet.storage, f"csi:{spec.csi.driver}^{spec.csi.volumeHandle}"
        if spec.nfs is not None:
            return kubelet.storage, f"nfs:{spec.nfs.server}:{spec.nfs.path}"
        return kubelet.storage, f"pv:{persistent.metadata.uid}"

    def _persistent(self, volume: core.Volume) -> core.PersistentVolume | None:
        pod, client = self.worker.pod, self.worker.kubelet.client
        name = f"{pod.metadata.name}-{volume.name}" if volume.ephemeral is not None else ""
        if volume.persistentVolumeClaim is not None:
            name = volume.persistentVolumeClaim.claimName
        if not name:
            return None
        try:
            claim = client.get("persistentvolumeclaims", name, pod.metadata.namespace)
            return client.get("persistentvolumes", claim.spec.volumeName) if claim.spec.volumeName else None
        except ApiError:
            return None


def take(worker: PodWorker, container: Container) -> None:
    """What a container has written is in the Pod's volumes."""
    files = container.process.files_at(worker.clock.now)
    if files != mounted(container.spec, worker.sandbox.volumes):
        written_back(container.spec, worker.sandbox.volumes, files)


def _changed(files: Files, changed: dict[str, str | None]) -> Files:
    found = {**files, **changed}
    return {path: text for path, text in found.items() if text is not None}

"""Files in volumes follow the objects they come from (`pkg/kubelet/util/manager`, `pkg/volume/util/atomic_writer.go`).

A kubelet watches the ConfigMaps and Secrets that its Pods mount. When one has changed, a Pod's volumes are written anew
at the Pod's next sync, which comes about once a minute, or at once when the Pod itself changes. What is mounted by
subPath stays as it was, and so do variables of the environment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api import core_v1 as core
from k8slab.api.request import ADDED, DELETED, MODIFIED
from k8slab.errors import ApiError
from k8slab.kubelet.environment import ConfigError, Lookup
from k8slab.kubelet.stages import ACTIVE
from k8slab.kubelet.streaming import deliver
from k8slab.kubelet.volumes import MountError, is_followed, set_up, sources
from k8slab.sim.clock import MILLISECOND, SECOND

if TYPE_CHECKING:
    from k8slab.kubelet.kubelet import Kubelet
    from k8slab.kubelet.pod_worker import PodWorker

SYNC_PERIOD = 60 * SECOND
SYNC_SPREAD = 0.5
"""A Pod is synced each minute, or up to this part later."""
CHANGES = (ADDED, MODIFIED, DELETED)
AT_ONCE = 300 * MILLISECOND
Source = tuple[str, str, str]
"""A ConfigMap or Secret: resource, namespace, name."""


class Refresher:
    """Keeps the volumes of a node's Pods up to date."""

    def __init__(self, kubelet: Kubelet) -> None:
        self.kubelet = kubelet
        self._users: dict[Source, dict[str, None]] = {}
        self._watches: dict[Source, Any] = {}
        self._due: dict[str, Any] = {}

    # -- what the kubelet tells -------------------------------------------------------------------------------------

    def mounted(self, worker: PodWorker) -> None:
        """A Pod's volumes are set up: follow what they come from."""
        for source in self._sources(worker):
            self._users.setdefault(source, {})[worker.uid] = None
            if source not in self._watches:
                self._watch(source)

    def released(self, worker: PodWorker) -> None:
        """The Pod's volumes are gone."""
        self.kubelet.clock.cancel(self._due.pop(worker.uid, None))
        for source in self._sources(worker):
            users = self._users.get(source)
            if users is None or worker.uid not in users:
                continue
            del users[worker.uid]
            if not users:
                del self._users[source]
                self._stop(source)

    def pod_changed(self, worker: PodWorker, old: core.Pod) -> None:
        """The Pod is synced at once; labels and annotations may be in its volumes."""
        new, before = worker.pod.metadata, old.metadata
        if (new.labels, new.annotations) != (before.labels, before.annotations) and self._has_files(worker):
            self._schedule(worker, AT_ONCE)

    def stop(self) -> None:
        """The kubelet ends: it watches nothing any more."""
        for source in list(self._watches):
            self._stop(source)
        for timer in self._due.values():
            self.kubelet.clock.cancel(timer)
        self._due.clear()

    def start(self) -> None:
        """The kubelet runs again: all may have changed meanwhile."""
        for source in self._users:
            self._watch(source)
        for worker in self.kubelet.workers.values():
            if worker.stage == ACTIVE and self._has_files(worker):
                self._schedule(worker, AT_ONCE)

    # -- watching ---------------------------------------------------------------------------------------------------

    def _sources(self, worker: PodWorker) -> list[Source]:
        namespace = worker.pod.metadata.namespace
        return [(resource, namespace, name) for resource, name in sources(worker.pod)]

    def _has_files(self, worker: PodWorker) -> bool:
        return any(is_followed(volume) for volume in worker.pod.spec.volumes or ())

    def _watch(self, source: Source) -> None:
        """Hear of changes from now on: what is there has been read."""
        resource, namespace, name = source
        client, selector = self.kubelet.client, f"metadata.name={name}"
        try:
            now = client.list(resource, namespace, field_selector=selector).resourceVersion
            watch = client.watch(resource, self._changed, namespace, field_selector=selector, resource_version=now)
        except ApiError:
            watch = None
        self._watches[source] = watch

    def _stop(self, source: Source) -> None:
        watch = self._watches.pop(source, None)
        if watch is not None:
            watch.stop()

    def _changed(self, event: Any) -> None:
        """Something that is mounted has changed."""
        if event.type not in CHANGES:
            return
        found = event.object
        resource = "configmaps" if found.kind == "ConfigMap" else "secrets"
        users = self._users.get((resource, found.metadata.namespace, found.metadata.name))
        for uid in users or ():
            worker = self.kubelet.workers.get(uid)
            if worker is not None and worker.stage == ACTIVE and uid not in self._due:
                self._schedule(worker, self._until_sync())

    def _until_sync(self) -> int:
        """How long until a Pod is looked at next: it may be at any point of its period."""
        rng = self.kubelet.rng
        return int(rng.random() * SYNC_PERIOD * (1 + SYNC_SPREAD * rng.random()))

    def _schedule(self, worker: PodWorker, delay: int) -> None:
        clock = self.kubelet.clock
        clock.cancel(self._due.pop(worker.uid, None))
        self._due[worker.uid] = worker.later(delay, self._refresh, worker)

    # -- writing ----------------------------------------------------------------------------------------------------

    def _refresh(self, worker: PodWorker) -> None:
        self._due.pop(worker.uid, None)
        if worker.stage != ACTIVE or worker.deaf or not self.kubelet.running:
            return
        pod, sandbox = worker.pod, worker.sandbox
        followed = pod.replace(
            spec=pod.spec.replace(volumes=tuple(each for each in pod.spec.volumes or () if is_followed(each)))
        )
        lookup = Lookup(self.kubelet.client, pod.metadata.namespace)
        try:
            found = set_up(followed, lookup, sandbox.facts(), sandbox.volumes)
        except (MountError, ConfigError) as error:
            worker.event("Warning", "FailedMount", str(error))
            return
        for name, files in found.items():
            if files != sandbox.volumes.get(name):
                self._write(worker, name, sandbox.volumes.get(name) or {}, files)
                sandbox.volumes[name] = files

    def _write(self, worker: PodWorker, volume: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        """Let the containers that run see the new files of a volume."""
        changed: dict[str, Any] = {path: new.get(path) for path in (*old, *new) if old.get(path) != new.get(path)}
        for container in worker.containers:
            for mount in container.spec.volumeMounts or ():
                if mount.name == volume and not mount.subPath and not mount.subPathExpr:
                    root = mount.mountPath.rstrip("/")
                    for path, text in changed.items():
                        deliver(worker, container, f"{root}/{path}", text)

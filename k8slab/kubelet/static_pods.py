"""Static Pods: manifests in a folder of the node, and their mirror Pods in the API (pkg/kubelet/config, pod)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from k8slab.api import codec
from k8slab.api import core_v1 as core
from k8slab.api.defaults import set_defaults
from k8slab.api.meta_v1 import OwnerReference
from k8slab.errors import ApiError, K8sLabError
from k8slab.kubelet.pod_worker import PodWorker
from k8slab.sim.clock import MILLISECOND, SECOND

if TYPE_CHECKING:
    from k8slab.kubelet.kubelet import Kubelet

CHECK_PERIOD = 20 * SECOND
MIRROR_RETRY = 1 * SECOND
SOURCE, HASH, MIRROR, SEEN = (
    "kubernetes.io/config.source",
    "kubernetes.io/config.hash",
    "kubernetes.io/config.mirror",
    "kubernetes.io/config.seen",
)


class Manifests(dict[str, str]):
    """The node's `/etc/kubernetes/manifests`: file names to YAML. The kubelet notices changes at once."""

    def __init__(self, owner: Kubelet) -> None:
        super().__init__()
        self.owner = owner

    def __setitem__(self, name: str, text: str) -> None:
        super().__setitem__(name, text)
        self.owner.manifests_changed()

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self.owner.manifests_changed()

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Several files at once."""
        super().update(*args, **kwargs)
        self.owner.manifests_changed()

    def pop(self, name: str, *default: Any) -> Any:
        """Remove a file."""
        found = super().pop(name, *default)
        self.owner.manifests_changed()
        return found

    def __reduce__(self) -> Any:
        return (_restored, (), {"owner": self.owner, "files": dict(self)})

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.owner = state["owner"]
        dict.update(self, state["files"])


def _restored() -> Manifests:
    return Manifests.__new__(Manifests)


class StaticPods:
    """Keeps one worker per manifest, and one mirror Pod per worker.

    Attributes:
        problems: file name to why it cannot be used.
    """

    __slots__ = ("kubelet", "problems", "timers", "workers")

    def __init__(self, kubelet: Kubelet) -> None:
        self.kubelet = kubelet
        self.workers: dict[str, PodWorker] = {}
        self.problems: dict[str, str] = {}
        self.timers: dict[str, Any] = {}

    def sync(self) -> None:
        """Compare the folder with what runs: start what is new, stop what is gone, replace what changed."""
        kubelet = self.kubelet
        wanted: dict[str, core.Pod] = {}
        self.problems = {}
        for file, text in sorted(kubelet.manifests.items()):
            try:
                pod = self.read(file, text)
            except (K8sLabError, ValueError) as error:
                self._cannot(file, str(error))
                continue
            wanted[key_of(pod)] = pod
        for key, worker in list(self.workers.items()):
            if key not in wanted or wanted[key].metadata.uid != worker.uid:
                with kubelet.acting("the manifest is gone or changed"):
                    worker.terminate(worker.grace())
        for key, pod in wanted.items():
            if key not in self.workers:
                self._begin(key, pod)

    def _cannot(self, file: str, error: str) -> None:
        self.problems[file] = error
        path = f"/etc/kubernetes/manifests/{file}"
        why = f"{path}: couldn't parse as pod({error}), please check config file".replace('"', '\\"')
        self.kubelet.log("Can't process manifest file", f'err="{why}" path="{path}"', True, "file.go:187")

    def read(self, file: str, text: str) -> core.Pod:
        """The Pod of a manifest, as this node runs it. Raises K8sLabError for what is not a Pod."""
        found = codec.decode_yaml(text)
        pod: core.Pod = found[0] if found else None
        if not isinstance(pod, core.Pod):
            raise K8sLabError(f"{file}: not a Pod")
        node = self.kubelet.node.name
        digest = hashlib.sha256(f"{node}/{file}/{text}".encode()).hexdigest()[:32]
        metadata = pod.metadata.replace(
            name=f"{pod.metadata.name}-{node.lower()}",
            namespace=pod.metadata.namespace or "default",
            uid=digest,
            annotations={
                **(pod.metadata.annotations or {}),
                HASH: digest,
                SEEN: self.kubelet.clock.rfc3339_micro().replace("000Z", "Z"),
                SOURCE: "file",
            },
        )
        everything = core.Toleration(effect="NoExecute", operator="Exists")
        tolerations = (*(pod.spec.tolerations or ()), everything)
        spec = pod.spec.replace(nodeName=node, tolerations=tolerations)
        return set_defaults(pod.replace(metadata=metadata, spec=spec, status=core.PodStatus(phase="Pending")))

    def _begin(self, key: str, pod: core.Pod) -> None:
        worker = PodWorker(self.kubelet, pod, static=True)
        self.workers[key] = worker
        self.kubelet.workers[worker.uid] = worker
        with self.kubelet.acting("static Pod"):
            worker.accept()
            self.mirror(key)

    def mirror(self, key: str) -> None:
        """Make the mirror Pod, or adopt the one that is there."""
        worker, kubelet = self.workers.get(key), self.kubelet
        self.timers.pop(key, None)
        if worker is None or not kubelet.registered or worker.mirror is not None:
            return
        with kubelet.acting("mirror of a static Pod"):
            try:
                worker.mirror = self._made(worker.pod)
            except ApiError:
                self.timers[key] = kubelet.clock.call_after(MIRROR_RETRY, self.mirror, key)
                return
            worker.reporter.sent = None
            worker.publish()

    def _made(self, pod: core.Pod) -> core.Pod:
        client, metadata = self.kubelet.client, pod.metadata
        owner = OwnerReference(
            apiVersion="v1", kind="Node", name=self.kubelet.node.name, uid=self.kubelet.heartbeat.uid, controller=True
        )
        digest = metadata.annotations[HASH]
        mirror = pod.replace(
            metadata=metadata.replace(
                uid=None, annotations={**metadata.annotations, MIRROR: digest}, ownerReferences=(owner,)
            ),
            status=None,
        )
        try:
            return client.create(mirror)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
        there = client.get("pods", metadata.name, metadata.namespace)
        if (there.metadata.annotations or {}).get(MIRROR) == digest:
            return there
        client.delete("pods", metadata.name, metadata.namespace, 0, uid=there.metadata.uid)
        return client.create(mirror)

    def mirror_seen(self, pod: core.Pod) -> None:
        """The API shows a mirror Pod of this node."""
        key = key_of(pod)
        worker = self.workers.get(key)
        matches = worker is not None and (pod.metadata.annotations or {}).get(MIRROR) == worker.uid
        if matches and not pod.metadata.deletionTimestamp:
            if worker.mirror is None or _newer(pod, worker.mirror):
                worker.mirror = pod
        elif pod.metadata.deletionTimestamp or worker is None:
            self._remove_mirror(pod)

    def _remove_mirror(self, pod: core.Pod) -> None:
        metadata = pod.metadata
        try:
            self.kubelet.client.delete("pods", metadata.name, metadata.namespace, 0, uid=metadata.uid)
        except ApiError as error:
            if error.code not in (404, 409):
                key = f"{key_of(pod)} {metadata.uid}"
                self.timers[key] = self.kubelet.clock.call_after(10 * SECOND, self._remove_mirror, pod)

    def mirror_gone(self, pod: core.Pod) -> None:
        """A mirror Pod was removed from the API: the static Pod does not care, and gets a new one."""
        key = key_of(pod)
        worker = self.workers.get(key)
        if worker is not None:
            worker.mirror = None
            if key not in self.timers:
                self.timers[key] = self.kubelet.clock.call_after(200 * MILLISECOND, self.mirror, key)

    def gone(self, worker: PodWorker) -> None:
        """A static Pod has stopped: its mirror goes, and where the manifest changed its successor comes."""
        key = key_of(worker.pod)
        self.kubelet.workers.pop(worker.uid, None)
        if self.workers.get(key) is worker:
            del self.workers[key]
        if worker.mirror is not None:
            self._remove_mirror(worker.mirror)
        self.sync()

    def registered(self) -> None:
        """The node is known to the API server: mirrors can be made."""
        for key in self.workers:
            self.mirror(key)


def key_of(pod: core.Pod) -> str:
    """namespace/name."""
    return f"{pod.metadata.namespace}/{pod.metadata.name}"


def _newer(pod: core.Pod, other: core.Pod) -> bool:
    same = pod.metadata.uid == other.metadata.uid
    return not same or int(pod.metadata.resourceVersion) > int(other.metadata.resourceVersion)


def is_mirror(pod: core.Pod) -> bool:
    """Whether an API object mirrors a static Pod."""
    return MIRROR in (pod.metadata.annotations or {})

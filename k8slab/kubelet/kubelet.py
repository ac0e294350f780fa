"""The kubelet: the agent of one node (pkg/kubelet/kubelet.go)."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

from k8slab.api import core_v1 as core
from k8slab.api import quantity
from k8slab.api.podphase import is_terminal
from k8slab.api.selector import node_matches
from k8slab.client import Client, Informer, Recorder
from k8slab.errors import ApiError
from k8slab.kubelet.admission import Room, admit, bytes_of
from k8slab.kubelet.attachments import Attachments
from k8slab.kubelet.backoff import Backoff
from k8slab.kubelet.container import Container
from k8slab.kubelet.containerd import DOWN, Containerd
from k8slab.kubelet.disk import Disk
from k8slab.kubelet.environment import Lookup, environment
from k8slab.kubelet.envvars import from_services
from k8slab.kubelet.eviction import Eviction
from k8slab.kubelet.heartbeat import Heartbeat
from k8slab.kubelet.hostpaths import HostPaths
from k8slab.kubelet.images import Image, ImageRegistry, ImageStore, image_id
from k8slab.kubelet.journal import ERROR, INFO, KubeletLog
from k8slab.kubelet.logs import read_log
from k8slab.kubelet.node import NodeSpec, capacity
from k8slab.kubelet.pod_worker import PodWorker
from k8slab.kubelet.process import Process
from k8slab.kubelet.recovery import lose_power, reboot, resume
from k8slab.kubelet.refresh import Refresher
from k8slab.kubelet.runtime import make_process
from k8slab.kubelet.shutdown import CONDITION, REFUSAL, Shutdown
from k8slab.kubelet.stages import TERMINATED
from k8slab.kubelet.static_pods import Manifests, StaticPods, is_mirror
from k8slab.kubelet.storage import Storage
from k8slab.kubelet.streaming import found_container, stream
from k8slab.kubelet.world import World
from k8slab.sim.clock import SECOND, Clock
from k8slab.sim.timestamps import rfc3339

RELIST = 1 * SECOND
"""How often the kubelet asks the runtime what changed (PLEG)."""
BOOT_TIME = 5 * SECOND
PAUSE_IMAGE = "registry.k8s.io/pause:3.10"
CONTROL_PLANE_IMAGES = (
    "registry.k8s.io/kube-apiserver:v1.36.2",
    "registry.k8s.io/kube-controller-manager:v1.36.2",
    "registry.k8s.io/kube-scheduler:v1.36.2",
    "registry.k8s.io/kube-proxy:v1.36.2",
    "registry.k8s.io/etcd:3.6.6-0",
    "registry.k8s.io/coredns/coredns:v1.13.1",
)
"""What `kubeadm init` pulls before it starts anything."""


class Kubelet:
    """Runs the Pods that are bound to its node, and reports on them and on the node.

    Args:
        node: the machine.
        client: the API server, as `system:node:<name>`.
        clock, streams, trace: the lab's.
        images: the registries.
        cni: gives addresses to Pods.
        storage: the disks that any machine may mount.
    """

    def __init__(
        self,
        node: NodeSpec,
        client: Client,
        clock: Clock,
        streams: Any,
        trace: Any,
        images: ImageRegistry,
        cni: Any,
        storage: Storage | None = None,
    ) -> None:
        self.node = node
        self.name = f"kubelet/{node.name}"
        self.client = client
        self.admin = client
        """As whom nodes are marked that join: kubeadm, in a whole cluster."""
        self.clock = clock
        self.trace = trace
        self.registry = images
        self.cni = cni
        self.rng = streams.stream("kubelet")
        self.address = node.address or cni.host(node.name)
        self.spec_with_address = replace(node, address=self.address)
        preloaded = (PAUSE_IMAGE, *(CONTROL_PLANE_IMAGES if node.role == "control-plane" else ()), *node.images)
        self.images = ImageStore(images, preloaded)
        self.allocatable = capacity(node)[1]
        self.room = Room(self.allocatable)
        self.recorder = Recorder(client, clock, trace, "kubelet", node.name)
        self.heartbeat = Heartbeat(self)
        self.attachments = Attachments(self)
        self.refresher = Refresher(self)
        self.memory_capacity = quantity.value(node.memory)
        self.disk = Disk(self)
        self.host = HostPaths()
        self.directories = Storage()
        self.storage = storage or Storage()
        self.eviction = Eviction(self)
        self.journal = KubeletLog(clock)
        self.shutdown = Shutdown(self)
        self.runtime = Containerd(self)
        self.static = StaticPods(self)
        self.manifests = Manifests(self)
        self.world = World(client, cni, streams.stream("kube-proxy"))
        self.workers: dict[str, PodWorker] = {}
        self.crash_backoff = Backoff()
        self.image_backoff = Backoff()
        self.pull_errors: dict[str, str] = {}
        self.pinned = (PAUSE_IMAGE,)
        self.informer = Informer(client, clock, "pods", field_selector=f"spec.nodeName={node.name}")
        self.informer.add_handler(self._pod_added, self._pod_updated, self._pod_deleted)
        self.api_node: core.Node | None = None
        self.running = False
        self.powered = True
        self.rebooted = False
        self.registered = False
        self.complete = True
        self.senders: dict[str, tuple[PodWorker, Any]] = {}
        self.boots = 0
        self.relist_phase = int(self.rng.random() * RELIST)
        self._boot_timer: Any = None
        self._manifest_timer: Any = None
        self._entries: dict[str, core.ContainerImage] = {}
        self._reference: core.ObjectReference | None = None

    # -- life -------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the process: register, watch Pods, go on where containers still run."""
        if self.running or not self.powered:
            return
        self.running = True
        with self.acting("kubelet starts"):
            self.heartbeat.start()
            for worker in list(self.workers.values()):
                if self.rebooted:
                    reboot(worker)
                else:
                    resume(worker)
            self.rebooted = False
            self.static.sync()
            self.informer.start()
            self.complete = False
            self.forget_missing()
            self.refresher.start()

    def stop(self) -> None:
        """Stop the process; containers go on."""
        self.crash()

    def crash(self) -> None:
        """The process dies; containers go on."""
        if not self.running:
            return
        self.running = self.registered = False
        self.heartbeat.stop()
        self.informer.stop()
        self.refresher.stop()
        for worker in self.workers.values():
            worker.pause()
            for container in worker.containers:
                for session in list(container.sessions):
                    session.cut()
        for timer in (self._manifest_timer, *self.static.timers.values()):
            self.clock.cancel(timer)
        self._manifest_timer = None
        self.static.timers.clear()

    def power_off(self) -> None:
        """The machine goes down at once: the kubelet and all containers with it."""
        if not self.powered:
            self.clock.cancel(self._boot_timer)
            return
        self.shutdown.cancel()
        self.crash()
        self.powered = False
        self.clock.cancel(self.runtime.timer)
        self.runtime.up, self.runtime.noticed = True, False
        for worker in self.workers.values():
            worker.sandbox.mounts.flush()
            lose_power(worker)
        self.images.interrupted(self.clock.now)

    def power_on(self, boot_time: int = BOOT_TIME) -> None:
        """Switch the machine on; its kubelet starts after `boot_time` microseconds."""
        if self.powered:
            self.shutdown.again = self.shutdown.active
            return
        self.clock.cancel(self._boot_timer)
        self._boot_timer = self.clock.call_after(boot_time, self._booted)

    def _booted(self) -> None:
        self._boot_timer = None
        self.powered = True
        self.rebooted = True
        self.boots += 1
        self.start()

    # -- Pods -------------------------------------------------------------------------------------------------------

    def _pod_added(self, pod: core.Pod) -> None:
        if is_mirror(pod):
            self.static.mirror_seen(pod)
            return
        worker = self.workers.get(pod.metadata.uid)
        if worker is not None:
            worker.update(pod)
            return
        worker = PodWorker(self, pod)
        if is_terminal(pod):
            self._finished_before(worker, pod)
            return
        self.workers[worker.uid] = worker
        refusal = self._refusal(pod)
        if refusal is None:
            worker.accept()
        else:
            worker.reject(*refusal)

    def _refusal(self, pod: core.Pod) -> tuple[str, str] | None:
        """Why this node does not take the Pod."""
        if self.shutdown.active:
            return REFUSAL
        return admit(pod, self._node_for(pod), self.room, self.heartbeat.pressure)

    def _node_for(self, pod: core.Pod) -> core.Node | None:
        """The Node as known here, asked for again where the Pod does not fit: its labels may have changed since."""
        if self.api_node is not None and not node_matches(pod.spec, self.api_node):
            with contextlib.suppress(ApiError):
                self.api_node = self.client.get("nodes", self.node.name)
        return self.api_node

    def _finished_before(self, worker: PodWorker, pod: core.Pod) -> None:
        """A Pod that had ended before this kubelet knew it: nothing to do until it is deleted."""
        worker.stage = TERMINATED
        worker.reporter.sent = pod.status
        worker.start_time = pod.status.startTime or ""
        self.workers[worker.uid] = worker
        if pod.metadata.deletionTimestamp:
            worker.remove()

    def _pod_updated(self, old: core.Pod, new: core.Pod) -> None:
        if is_mirror(new):
            self.static.mirror_seen(new)
            return
        if old.metadata.uid != new.metadata.uid:
            self._pod_deleted(old)
        worker = self.workers.get(new.metadata.uid)
        if worker is None:
            self._pod_added(new)
        else:
            worker.update(new)

    def _pod_deleted(self, pod: core.Pod) -> None:
        if is_mirror(pod):
            self.static.mirror_gone(pod)
            return
        worker = self.workers.get(pod.metadata.uid)
        if worker is not None:
            self._vanished(worker)

    def _vanished(self, worker: PodWorker) -> None:
        """The Pod is gone from the API: forget it once its containers are stopped (at most a second from now)."""
        if worker.stage == TERMINATED:
            self.released(worker)
            self.workers.pop(worker.uid, None)
        else:
            worker.orphaned = True
            worker.terminate(1 * SECOND)
            worker.stopper.shorten(1 * SECOND)

    def forget_missing(self) -> None:
        """After a start, once Pods could be listed: forget those that were deleted meanwhile."""
        if self.complete or not self.informer.synced:
            return
        self.complete = True
        there = {pod.metadata.uid for pod in self.informer.items()}
        for uid, worker in list(self.workers.items()):
            if not worker.static and uid not in there:
                self._vanished(worker)

    def released(self, worker: PodWorker) -> None:
        """A Pod's containers have ended for good: its resources are free."""
        self.room.release(worker.uid)
        self.attachments.drop(worker.uid)
        worker.sandbox.mounts.drop()
        self.refresher.released(worker)
        for other in self.workers.values():
            if other.resizer.pending is not None and other is not worker:
                other.resizer.look()
        if worker.orphaned:
            self.workers.pop(worker.uid, None)

    def backoff_forget(self, uid: str) -> None:
        """A Pod's back-offs are of no more interest."""
        self.crash_backoff.forget(uid)
        self.image_backoff.forget(uid)

    def find(self, namespace: str, name: str) -> PodWorker | None:
        """The worker of a Pod, by its name."""
        for worker in self.workers.values():
            metadata = worker.pod.metadata
            if metadata.name == name and metadata.namespace == namespace:
                return worker
        return None

    # -- static Pods ------------------------------------------------------------------------------------------------

    def manifests_changed(self) -> None:
        """A file in the manifests folder changed; several changes of one instant count as one."""
        if self.running and self._manifest_timer is None:
            self._manifest_timer = self.clock.call_soon(self._read_manifests)

    def _read_manifests(self) -> None:
        self._manifest_timer = None
        if self.running:
            self.static.sync()

    def static_gone(self, worker: PodWorker) -> None:
        """A static Pod's containers have stopped."""
        self.static.gone(worker)

    # -- what its parts need ----------------------------------------------------------------------------------------

    @property
    def actor(self) -> str:
        """Who acts, as the trace shows it."""
        return self.client.user_agent

    def acting(self, note: str = "") -> Any:
        """A `with` block in which the kubelet acts for the node itself."""
        return self.trace.acting(self.actor, (), note)

    def next_relist(self, now: int) -> int:
        """When the kubelet next learns of changes in the runtime."""
        return now + RELIST - (now - self.relist_phase) % RELIST

    def time_text(self, when: int) -> str:
        """A lab time as the API writes it."""
        return rfc3339(self.clock.unix_at(when))

    def container_id(self) -> str:
        """A new container's ID."""
        return f"{self.rng.getrandbits(256):064x}"

    def began(self, worker: PodWorker, container: Container) -> None:
        """A container runs."""
        limit = self.memory_limit(container)
        self.eviction.began(worker, container, container.process.memory_bound(limit))
        if container.process.sends():
            self.senders[container.id] = (worker, container)

    def ended(self, container: Container) -> None:
        """A container does not run any more."""
        self.eviction.ended(container.id)
        self.disk.fillers.pop(container.id, None)
        self.senders.pop(container.id, None)

    def node_seen(self, node: core.Node) -> None:
        """The Node object as the API server has it."""
        self.api_node = node

    def pod_cidr(self) -> str | None:
        """The range of this node's Pods."""
        if self.api_node is None or not self.api_node.spec or not self.api_node.spec.podCIDR:
            try:
                self.api_node = self.client.get("nodes", self.node.name)
            except ApiError:
                return None
        return self.api_node.spec.podCIDR if self.api_node.spec else None

    def node_ready(self) -> None:
        """The node has registered and is Ready."""
        self.registered = True
        self.static.registered()

    def event(self, obj: Any, type_: str, reason: str, message: str, path: str = "") -> None:
        """Record an event."""
        if self.running:
            self.recorder.event(obj, type_, reason, message, path)

    def node_event(self, type_: str, reason: str, message: str) -> None:
        """Record an event about the node; like the real kubelet's, it names the node as its uid."""
        if self._reference is None:
            self._reference = core.ObjectReference(kind="Node", name=self.node.name, uid=self.node.name)
        self.event(self._reference, type_, reason, message)

    def log(self, message: str, details: str = "", problem: bool = False, source: str = "kubelet.go:1") -> None:
        """Write a line into the kubelet's own log."""
        self.journal.write(ERROR if problem else INFO, message, details, source)

    def troubles(self) -> list[str]:
        """Why the node is not ready, whatever its network says."""
        found = [DOWN] if self.runtime.noticed else []
        return [*found, CONDITION] if self.shutdown.active else found

    def image_arrived(self, name: str, image: Image) -> None:
        """An image was pulled: the node's status changes."""
        if self.images.arrived(name, image):
            self.heartbeat.dirty = True

    def image_entry(self, canonical: str, image: Image) -> core.ContainerImage:
        """An image as the node's status lists it."""
        found = self._entries.get(canonical)
        if found is None or found.sizeBytes != image.size:
            found = core.ContainerImage(names=(image_id(canonical), canonical), sizeBytes=image.size)
            self._entries[canonical] = found
        return found

    def memory_limit(self, container: Container) -> int | None:
        """What a container may use before it is killed: its limit, or all that the node can allot."""
        return bytes_of(container.actual, "memory")

    def environment(self, worker: PodWorker, spec: core.Container) -> dict[str, str]:
        """A container's variables. Raises ConfigError."""
        namespace = worker.pod.metadata.namespace
        services = self.service_variables(worker.pod) if spec.command or spec.args else {}
        return environment(worker.pod, spec, Lookup(self.client, namespace), worker.sandbox.facts(), services)

    def service_variables(self, pod: core.Pod) -> dict[str, str]:
        """Variables about Services: `kubernetes` always, the namespace's own unless enableServiceLinks is false."""
        namespace = pod.metadata.namespace
        try:
            services = [self.client.get("services", "kubernetes", "default")]
            if pod.spec.enableServiceLinks is not False:
                services.extend(self.client.list("services", namespace).items)
        except ApiError:
            return {}
        return from_services(services)

    def process(self, worker: PodWorker, container: Container, image: Image, env: dict[str, str]) -> Process:
        """Start a container's process. Raises StartError."""
        volumes, identity = worker.sandbox.volumes, container.identity
        return make_process(
            container.spec, image, env, volumes, self.clock, worker.ask, worker.etc, identity, worker.shared_writes
        )

    # -- what kubectl asks ------------------------------------------------------------------------------------------

    def logs(
        self,
        namespace: str,
        pod: str,
        container: str = "",
        tail: int | None = None,
        previous: bool = False,
        timestamps: bool = False,
        since: int | None = None,
        limit_bytes: int | None = None,
        **_ignored: Any,
    ) -> str:
        """A container's log, as `kubectl logs` gets it.

        Args:
            namespace, pod, container: whose; the only container may be left out.
            tail: only the last lines.
            previous: of the run before.
            timestamps: each line with its time.
            since: only lines of the last so many seconds.
            limit_bytes: no more than that.

        Raises ApiError in the kubelet's words.
        """
        worker = self.find(namespace, pod)
        if worker is None or not self.running:
            raise ApiError(404, "NotFound", f'pods "{pod}" not found')
        return read_log(worker, container, tail, previous, timestamps, since, limit_bytes)

    def execute(self, namespace: str, pod: str, container: str, command: list[str]) -> tuple[int, str]:
        """Run a command in a container, as `kubectl exec` does: exit code and output. Raises ApiError."""
        chosen = found_container(self, namespace, pod, container)[1]
        code, output, _ = chosen.process.execute(command, self.clock.now)
        return code, output

    def stream(self, kind: str, namespace: str, pod: str, options: dict[str, Any], sink: Any = None) -> Any:
        """Open an exec or attach session, or a port-forward (`streaming.stream`). Raises ApiError."""
        return stream(self, kind, namespace, pod, options, sink)

    def usage(self, at: int | None = None) -> dict[str, tuple[int, int]]:
        """What each Pod wants of the processors and uses of the memory: uid to (millicores, bytes)."""
        now = self.clock.now if at is None else at
        found: dict[str, tuple[int, int]] = {}
        for uid, worker in self.workers.items():
            running = [c.process for c in worker.containers if c.state == "running"]
            if running:
                found[uid] = (sum(p.cpu(now) for p in running), sum(p.memory(now) for p in running))
        return found

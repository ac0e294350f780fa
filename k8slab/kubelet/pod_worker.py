"""One Pod on a node, from admission to its last trace (pkg/kubelet/pod_workers.go, kubelet.go SyncPod).

The worker looks at its Pod when the real one would: when the Pod changes, when the runtime reports a change (the PLEG,
once a second), when a probe's result changes, and when a back-off expires. Each look writes the status if it changed,
then acts. Nothing is polled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from k8slab.api import core_v1 as core
from k8slab.errors import ApiError
from k8slab.kubelet import status
from k8slab.kubelet.container import APP, EPHEMERAL, EXITED, INIT, LISTS, RUNNING, SIDECAR, WAITING, Container
from k8slab.kubelet.containerd import RETRY
from k8slab.kubelet.etc import aliased, etc_files
from k8slab.kubelet.probes import LIVENESS, READINESS, STARTUP, Probe, probes_of
from k8slab.kubelet.process import Process
from k8slab.kubelet.reporter import SYNC_RETRY, Reporter
from k8slab.kubelet.resizing import Resizer
from k8slab.kubelet.restarting import WholeRestart
from k8slab.kubelet.sandbox import SETUP_SPREAD, SETUP_TIME, Sandbox
from k8slab.kubelet.stages import ACTIVE, STARTING, TERMINATED, TERMINATING
from k8slab.kubelet.starting import Starter
from k8slab.kubelet.stopping import Stopper
from k8slab.kubelet.volumes import seen_through
from k8slab.sim.clock import MILLISECOND, SECOND

if TYPE_CHECKING:
    from k8slab.kubelet.kubelet import Kubelet

CLEANUP_TIME = 300 * MILLISECOND
"""Unmounting volumes and removing cgroups, before the last word to the API server."""


class PodWorker:
    """Runs one Pod.

    Args:
        kubelet: the node's.
        pod: the Pod as it was bound to the node, or read from a manifest.
        static: it comes from a manifest; `mirror` is then its image in the API.
    """

    __slots__ = (
        "cause",
        "clock",
        "containers",
        "deadline",
        "disruption",
        "fate",
        "initialised",
        "kubelet",
        "mirror",
        "note",
        "orphaned",
        "pod",
        "renewal",
        "reporter",
        "resizer",
        "sandbox",
        "stage",
        "start_time",
        "started_at",
        "starter",
        "static",
        "step",
        "stopper",
        "sync_at",
        "sync_timer",
        "uid",
    )

    def __init__(self, kubelet: Kubelet, pod: core.Pod, static: bool = False) -> None:
        self.kubelet = kubelet
        self.clock = kubelet.clock
        self.pod = pod
        self.static = static
        self.mirror: core.Pod | None = None
        self.uid = pod.metadata.uid
        self.containers = [
            *(
                Container(spec, SIDECAR if spec.restartPolicy == "Always" else INIT)
                for spec in pod.spec.initContainers or ()
            ),
            *(Container(spec, APP) for spec in pod.spec.containers),
            *(Container(spec, EPHEMERAL) for spec in pod.spec.ephemeralContainers or ()),
        ]
        self.stage = STARTING
        self.disruption: tuple[str, str] | None = None
        self.fate: tuple[str, str, str] | None = None
        self.initialised = False
        self.start_time = ""
        self.started_at = 0
        self.step: Any = None
        self.sync_timer: Any = None
        self.sync_at = 0
        self.deadline: Any = None
        self.orphaned = False
        self.cause: tuple[int, ...] = ()
        self.note = ""
        self.sandbox = Sandbox(self)
        self.reporter = Reporter(self)
        self.starter = Starter(self)
        self.stopper = Stopper(self)
        self.resizer = Resizer(self)
        self.renewal = WholeRestart(self)

    # -- what it is told --------------------------------------------------------------------------------------------

    def accept(self) -> None:
        """The node takes the Pod on: say so, and set it up."""
        self.remember(self.pod)
        now = self.clock.now
        self.start_time = self.clock.rfc3339()
        for container in self.containers:
            spec = container.spec
            if spec.readinessProbe or spec.livenessProbe or spec.startupProbe:
                container.probes = probes_of(self, container, now)
        self.publish()
        self.started_at = self.clock.now
        self.watch_deadline()
        if self.pod.metadata.deletionTimestamp:
            self.terminate(self.grace())
        else:
            self.step = self.later(SETUP_TIME + int(self.kubelet.rng.random() * SETUP_SPREAD), self.sandbox.set_up)

    def reject(self, reason: str, message: str) -> None:
        """The node refuses the Pod: it fails without having started."""
        self.remember(self.pod)
        self.stage = TERMINATED
        self.fate = ("Failed", reason, f"Pod was rejected: {message}")
        self.event("Warning", reason, message)
        self.publish()
        self.remove_later()

    def update(self, pod: core.Pod) -> None:
        """The Pod changed in the API."""
        if self.static:
            self.mirror = pod
            return
        if int(pod.metadata.resourceVersion) <= int(self.pod.metadata.resourceVersion):
            return  # an echo of what this worker wrote itself
        old, self.pod = self.pod, pod
        self.remember(pod)
        self.kubelet.refresher.pod_changed(self, old)
        if pod.spec is not old.spec:
            self._new_spec(pod)
        if pod.metadata.deletionTimestamp:
            self._deleted(old)
        elif self.reporter.contradicted(pod):
            self.reporter.sent = None
            self.request_sync()
        elif pod.metadata.generation != old.metadata.generation or pod.spec.readinessGates:
            self.request_sync()

    def _new_spec(self, pod: core.Pod) -> None:
        """Only images, deadlines and resources may change: containers with a new image are restarted."""
        if self.stage in (STARTING, ACTIVE):
            self.watch_deadline()
        specs = {spec.name: spec for spec in (*(pod.spec.initContainers or ()), *pod.spec.containers)}
        for container in self.containers:
            before, container.spec = container.spec, specs.get(container.name, container.spec)
            if before.image != container.spec.image and container.state == RUNNING and self.stage == ACTIVE:
                self.event(
                    "Normal", "Killing", f"Container {container.name} definition changed, will be restarted", container
                )
                self.stopper.stop(container, self.grace())
        known = {container.name for container in self.containers}
        added = [each for each in pod.spec.ephemeralContainers or () if each.name not in known]
        self.containers.extend(Container(spec, EPHEMERAL) for spec in added)
        if self.stage in (STARTING, ACTIVE) and self.resizer.concerned:
            self.resizer.look()

    def _deleted(self, old: core.Pod) -> None:
        if self.stage == TERMINATED:
            self.remove_later()
        elif self.stage == TERMINATING:
            if old.metadata.deletionGracePeriodSeconds != self.pod.metadata.deletionGracePeriodSeconds:
                self.stopper.shorten(self.grace())
        else:
            self.terminate(self.grace())

    def remember(self, pod: core.Pod) -> None:
        """What is done from now on is done because of this version of the Pod."""
        version = pod.metadata.resourceVersion
        self.cause = (int(version),) if version else ()

    # -- time and words ---------------------------------------------------------------------------------------------

    @property
    def deaf(self) -> bool:
        """The kubelet is down: containers go on, nobody looks."""
        return not self.kubelet.running

    def later(self, delay: int, method: Callable[..., Any], *args: Any) -> Any:
        """Call a bound method after `delay`, in the Pod's name."""
        return self.clock.call_after(delay, self._call, method, args)

    def at(self, when: int, method: Callable[..., Any], *args: Any) -> Any:
        """Call a bound method at a lab time, in the Pod's name."""
        return self.clock.call_at(when, self._call, method, args)

    def _call(self, method: Callable[..., Any], args: tuple[Any, ...]) -> None:
        with self.kubelet.trace.acting(self.kubelet.actor, self.cause, self.note):
            method(*args)

    def event(self, type_: str, reason: str, message: str, container: Container | None = None) -> None:
        """Record an event about the Pod, or about one of its containers."""
        path = ""
        if container is not None:
            path = f"spec.{LISTS[container.kind]}{{{container.name}}}"
        self.kubelet.event(self.pod, type_, reason, message, path)

    def grace(self) -> int:
        """How long its containers may take to stop, in microseconds."""
        metadata, spec = self.pod.metadata, self.pod.spec
        seconds = metadata.deletionGracePeriodSeconds if metadata.deletionTimestamp else None
        if seconds is None:
            seconds = 30 if spec.terminationGracePeriodSeconds is None else spec.terminationGracePeriodSeconds
        return max(1, seconds) * SECOND

    @property
    def policy(self) -> str:
        """The Pod's restartPolicy."""
        return self.pod.spec.restartPolicy or "Always"

    @property
    def full_name(self) -> str:
        """As messages name a Pod: name_namespace(uid)."""
        return f"{self.pod.metadata.name}_{self.pod.metadata.namespace}({self.uid})"

    # -- looking and acting -----------------------------------------------------------------------------------------

    def request_sync(self, delay: int | None = None) -> None:
        """Look at the Pod after `delay`; None: when the runtime next reports (once a second)."""
        now = self.clock.now
        when = self.kubelet.next_relist(now) if delay is None else now + delay
        if self.sync_timer is not None:
            if self.sync_at <= when:
                return
            self.clock.cancel(self.sync_timer)
        self.sync_at = when
        self.sync_timer = self.at(when, self.sync)

    def sync(self) -> None:
        """One look: write the status if it changed, then do what is to be done."""
        self.sync_timer = None
        if self.deaf:
            return
        if not self.kubelet.runtime.up:
            self.request_sync(RETRY)
            return
        if self.starter.busy:
            self.starter.look_again = True
            return
        if self.stage == STARTING:
            self.publish()
            return
        self.resizer.finish()
        if self.renewal.why:
            self.renewal.advance()
        phase = self.publish()
        if self.stage == ACTIVE and not self.renewal.stopping:
            if phase in (status.SUCCEEDED, status.FAILED) or self._done():
                self.terminate(self.grace())
            else:
                self.act()

    def _done(self) -> bool:
        """All app containers have ended for good, while sidecars still run."""
        apps = [c for c in self.containers if c.kind == APP]
        return all(app.state == EXITED and not status.restarts(app, self.policy) for app in apps)

    def act(self) -> None:
        """Start what is to be started."""
        if self.stage == ACTIVE and not self.deaf:
            self.starter.start(self._missing())

    def _missing(self) -> list[Container]:
        """The containers to start now, in order: init containers one by one, then all others."""
        missing = [c for c in self.containers if c.kind == EPHEMERAL and c.state == WAITING]
        for container in self.containers:
            if container.kind == EPHEMERAL:
                continue
            running = container.state == RUNNING
            if container.kind == SIDECAR:
                if not running:
                    missing.append(container)
                if not self.initialised and not (running and container.started):
                    return missing
            elif container.kind == INIT:
                if self.initialised or container.ready_for_api:
                    continue
                if not running and (container.state == WAITING or status.restarts(container, self.policy)):
                    missing.append(container)
                return missing
            elif not running and (container.state == WAITING or status.restarts(container, self.policy)):
                missing.append(container)
        self.initialised = True
        return missing

    # -- containers -------------------------------------------------------------------------------------------------

    def watch_end(self, container: Container) -> None:
        """Be there when the container's process ends."""
        limit = self.kubelet.memory_limit(container)
        if container.id not in self.kubelet.eviction.bounds:
            self.kubelet.began(self, container)
        ending, again = container.process.ending(limit)
        container.ending = ending
        self.clock.cancel(container.timer)
        if ending is not None:
            container.timer = self.at(ending.at, self.exited, container, container.starts)
        elif again is not None:
            container.timer = self.at(again, self._look, container, container.starts)
        else:
            container.timer = None

    def _look(self, container: Container, run: int) -> None:
        if container.starts == run and container.state == RUNNING and not container.stopping:
            self.watch_end(container)

    def exited(self, container: Container, run: int) -> None:
        """The container's process ended."""
        if container.starts != run or container.state != RUNNING or container.ending is None:
            return
        ending, now = container.ending, self.clock.now
        container.timer = None
        self.kubelet.ended(container)
        container.finish(now, ending.code, ending.reason, self._last_words(container, ending.code))
        for probe in container.probes:
            probe.stop()
        for session in list(container.sessions):
            session.container_ended()
        if container.spec.volumeMounts:
            self.stopper.keep_files(container)
        if self.stage == TERMINATING:
            self.stopper.stopped()
        else:
            if container.spec.restartPolicyRules:
                self.renewal.exited(container)
            self.request_sync()

    def _last_words(self, container: Container, code: int) -> str:
        """The termination message: what was written to its file, or with the fallback policy the end of the log."""
        now, spec = self.clock.now, container.spec
        files = container.process.files_at(now)
        text = str(files.get(spec.terminationMessagePath or "/dev/termination-log", ""))
        if not text and code and spec.terminationMessagePolicy == "FallbackToLogsOnError":
            lines = container.process.logs(now)[-80:]
            text = "".join(line + "\n" for _, line in lines)[-2048:]
        return text[:4096]

    def begin_probes(self, container: Container) -> None:
        """A run of the container began."""
        for probe in container.probes:
            probe.reset()
            if probe.kind == STARTUP or container.started:
                probe.begin()

    def probe_changed(self, container: Container, kind: str, success: bool) -> None:
        """A probe's result changed."""
        if kind == READINESS:
            container.ready = success
            self.request_sync(0)
        elif kind == STARTUP and success:
            container.started = True
            for probe in container.probes:
                if probe.kind != STARTUP:
                    probe.begin()
            self.request_sync(0)
        elif self.stage == ACTIVE:
            self._unhealthy(container, kind)

    def _unhealthy(self, container: Container, kind: str) -> None:
        spec = container.spec.livenessProbe if kind == LIVENESS else container.spec.startupProbe
        seconds = spec.terminationGracePeriodSeconds
        grace = self.grace() if seconds is None else max(1, seconds) * SECOND
        text = f"Container {container.name} failed {kind.lower()} probe"
        if self.pod.spec.restartPolicy != "Never":
            text += ", will be restarted"
        self.event("Normal", "Killing", text, container)
        self.stopper.stop(container, grace)

    def probe(self, container: Container, kind: str) -> Probe | None:
        """The container's probe of that kind."""
        return next((probe for probe in container.probes if probe.kind == kind), None)

    # -- ending -----------------------------------------------------------------------------------------------------

    def terminate(self, grace: int) -> None:
        """Stop all containers; then the Pod's last status, and if it was deleted its removal."""
        if self.stage in (TERMINATING, TERMINATED):
            return
        if not self.kubelet.runtime.up:
            self.step = self.later(RETRY, self._terminate_later, grace)
            return
        self.stage = TERMINATING
        self.pause()
        self.clock.cancel(self.deadline)
        self.clock.cancel(self.resizer.timer)
        self.stopper.begin(grace)

    def _terminate_later(self, grace: int) -> None:
        self.step = None
        self.terminate(grace)

    def finish(self) -> None:
        """Nothing runs any more."""
        self.stage = TERMINATED
        self.sandbox.detach()
        self.kubelet.backoff_forget(self.uid)
        if not self.orphaned:
            self.publish()
        self.kubelet.released(self)
        if self.orphaned:
            return
        self.remove_later()

    def remove_later(self) -> None:
        """After the cleanup, if the Pod was deleted."""
        leaves = self.static and not self.kubelet.shutdown.active
        if self.step is None and (self.pod.metadata.deletionTimestamp or leaves):
            self.step = self.later(CLEANUP_TIME, self.remove)

    def remove(self) -> None:
        """The last word: the API server may forget the Pod."""
        self.step = None
        if self.deaf:
            return
        if self.static:
            self.kubelet.static_gone(self)
            return
        metadata = self.pod.metadata
        try:
            self.kubelet.client.delete("pods", metadata.name, metadata.namespace, 0, uid=self.uid)
        except ApiError as error:
            if error.code not in (404, 409):
                self.step = self.later(SYNC_RETRY, self.remove)

    def fail(self, reason: str, message: str, grace: int) -> None:
        """End the Pod as Failed (eviction, deadline)."""
        if self.stage in (TERMINATING, TERMINATED):
            return
        self.fate = ("Failed", reason, message)
        self.note = message.strip()
        self.terminate(grace)

    def disrupt(self, reason: str, message: str) -> None:
        """The next status says that the Pod is ended by a disruption."""
        self.disruption = (reason, message)

    def watch_deadline(self) -> None:
        """End the Pod when its activeDeadlineSeconds are over."""
        seconds = self.pod.spec.activeDeadlineSeconds
        self.clock.cancel(self.deadline)
        if seconds is not None:
            self.deadline = self.at(self.started_at + seconds * SECOND, self.expire)

    def expire(self) -> None:
        """activeDeadlineSeconds are over."""
        self.deadline = None
        if self.stage in (STARTING, ACTIVE):
            message = "Pod was active on the node longer than the specified deadline"
            self.event("Normal", "DeadlineExceeded", message)
            self.fail("DeadlineExceeded", message, self.grace())

    def pause(self) -> None:
        """Drop everything that the kubelet was about to do (containers go on)."""
        for timer in (self.step, self.sync_timer):
            self.clock.cancel(timer)
        self.step = self.sync_timer = None
        self.starter.abandon()

    def publish(self) -> str:
        """Write the status if it differs from what was written last; returns the phase."""
        return self.reporter.publish()

    @property
    def ip(self) -> str:
        """The Pod's address, as long as its sandbox lives."""
        return self.sandbox.ip

    def answer(self, port: int, path: str) -> tuple[int, str]:
        """A request from the network: the first container that listens on the port answers."""
        now = self.clock.now
        for container in self.containers:
            if container.state == RUNNING and container.process.listens(port, now):
                return container.process.page(port, path, now)
        return 0, ""

    def shared_writes(self, process: Process, until: int) -> list[tuple[int, str, str | None]]:
        """What the scripts of other containers wrote into the volumes of a process since its start."""
        reader = next((each for each in self.containers if each.process is process), None)
        if reader is None or not reader.spec.volumeMounts or len(self.containers) == 1:
            return []
        found: list[tuple[int, str, str | None]] = []
        for writer in self.containers:
            runs = [run for run in (writer.history and writer.history[0], writer.process) if run is not None]
            for run in dict.fromkeys(runs) if writer is not reader else ():
                found.extend(seen_through(writer.spec, reader.spec, run.effects("file", until)))
        return [write for write in found if write[0] > process.started]

    def ask(self, kind: str, target: Any) -> Any:
        """A question of one of its programs to the world outside."""
        if kind in ("http", "tcp") and target[0] in ("localhost", "127.0.0.1"):
            status, body = self.answer(target[1], target[2])
            return (1, "") if kind == "tcp" and status < 0 else (status, body)
        if self.pod.spec.hostAliases:
            is_name = kind in ("dns", "lookup")
            known = aliased(self.pod, target if is_name else target[0])
            target = known if is_name else (known, *target[1:])
        return self.kubelet.world.ask(self.pod.metadata.namespace, kind, target)

    def etc(self) -> dict[str, str]:
        """The files that the kubelet puts into /etc of each container."""
        return etc_files(self.pod, self.sandbox.ip)

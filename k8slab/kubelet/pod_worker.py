"""One Pod on a node, from admission to its last trace (pkg/kubelet/pod_workers.go, kubelet.go SyncPod).

The worker looks at its Pod when the real one would: when the Pod changes, when the runtime reports a change (the PLEG,
once a second), when a probe's result changes, and when a back-off expires. Each look writes the status if it changed,
then acts. Nothing is polled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from k8slab.api import core_v1 as core
from k8slab.errors import ApiError, K8sLabError
from k8slab.kubelet import status
from k8slab.kubelet.container import APP, EXITED, INIT, RUNNING, SIDECAR, WAITING, Container
from k8slab.kubelet.environment import ConfigError, Lookup
from k8slab.kubelet.probes import LIVENESS, READINESS, STARTUP, Probe, probes_of
from k8slab.kubelet.starting import Starter
from k8slab.kubelet.stopping import Stopper
from k8slab.kubelet.volumes import Files, MountError, set_up
from k8slab.sim.clock import MILLISECOND, SECOND

if TYPE_CHECKING:
    from k8slab.kubelet.kubelet import Kubelet

STARTING, ACTIVE, TERMINATING, TERMINATED = "starting", "active", "terminating", "terminated"
SETUP_TIME = 400 * MILLISECOND
"""Mounting volumes, making the sandbox, attaching the network."""
SETUP_SPREAD = 200 * MILLISECOND
CLEANUP_TIME = 300 * MILLISECOND
"""Unmounting volumes and removing cgroups, before the last word to the API server."""
MOUNT_RETRY_FIRST, MOUNT_RETRY_LAST = 500 * MILLISECOND, 122 * SECOND
SYNC_RETRY = 10 * SECOND


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
        "fate",
        "initialised",
        "ip",
        "kubelet",
        "mirror",
        "mount_failures",
        "orphaned",
        "pod",
        "sandbox",
        "sent",
        "stage",
        "start_time",
        "starter",
        "static",
        "step",
        "stopper",
        "sync_at",
        "sync_timer",
        "uid",
        "volumes",
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
        ]
        self.stage = STARTING
        self.fate: tuple[str, str, str] | None = None
        self.ip = ""
        self.sandbox = False
        self.initialised = False
        self.volumes: dict[str, Files] = {}
        self.start_time = ""
        self.sent: core.PodStatus | None = None
        self.step: Any = None
        self.sync_timer: Any = None
        self.sync_at = 0
        self.deadline: Any = None
        self.mount_failures = 0
        self.orphaned = False
        self.cause: tuple[int, ...] = ()
        self.starter = Starter(self)
        self.stopper = Stopper(self)

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
        if self.pod.spec.activeDeadlineSeconds is not None:
            wait = self.pod.spec.activeDeadlineSeconds * SECOND
            self.deadline = self.later(wait, self.expire)
        if self.pod.metadata.deletionTimestamp:
            self.terminate(self.grace())
        else:
            self.step = self.later(SETUP_TIME + int(self.kubelet.rng.random() * SETUP_SPREAD), self.set_up)

    def reject(self, reason: str, message: str) -> None:
        """The node refuses the Pod: it fails without having started."""
        self.remember(self.pod)
        self.stage = TERMINATED
        self.fate = ("Failed", reason, f"Pod was rejected: {message}")
        self.event("Warning", reason, message)
        self.publish()
        if self.pod.metadata.deletionTimestamp:
            self.step = self.later(CLEANUP_TIME, self.remove)

    def update(self, pod: core.Pod) -> None:
        """The Pod changed in the API."""
        if self.static:
            self.mirror = pod
            return
        if int(pod.metadata.resourceVersion) <= int(self.pod.metadata.resourceVersion):
            return  # an echo of what this worker wrote itself
        old, self.pod = self.pod, pod
        self.remember(pod)
        if pod.spec is not old.spec:
            self._new_spec(pod)
        if pod.metadata.deletionTimestamp:
            self._deleted(old)
        elif self._meddled(pod):
            self.sent = None
            self.request_sync()
        elif pod.metadata.generation != old.metadata.generation or pod.spec.readinessGates:
            self.request_sync()

    def _new_spec(self, pod: core.Pod) -> None:
        """Only images, deadlines and resources may change: containers with a new image are restarted."""
        specs = {spec.name: spec for spec in (*(pod.spec.initContainers or ()), *pod.spec.containers)}
        for container in self.containers:
            before, container.spec = container.spec, specs.get(container.name, container.spec)
            if before.image != container.spec.image and container.state == RUNNING and self.stage == ACTIVE:
                self.event(
                    "Normal", "Killing", f"Container {container.name} definition changed, will be restarted", container
                )
                self.stopper.stop(container, self.grace())

    def _deleted(self, old: core.Pod) -> None:
        if self.stage == TERMINATED:
            if self.step is None:
                self.step = self.later(CLEANUP_TIME, self.remove)
        elif self.stage == TERMINATING:
            if old.metadata.deletionGracePeriodSeconds != self.pod.metadata.deletionGracePeriodSeconds:
                self.stopper.shorten(self.grace())
        else:
            self.terminate(self.grace())

    def _meddled(self, pod: core.Pod) -> bool:
        """Whether somebody else changed what the kubelet says (the node controller does when the node was away)."""
        if self.sent is None or pod.status is None:
            return False
        mine = {c.type: c.status for c in self.sent.conditions or () if c.type in status.OWNED}
        theirs = {c.type: c.status for c in pod.status.conditions or () if c.type in status.OWNED}
        return mine != theirs or pod.status.phase != self.sent.phase

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
        with self.kubelet.trace.acting(self.kubelet.actor, self.cause):
            method(*args)

    def event(self, type_: str, reason: str, message: str, container: Container | None = None) -> None:
        """Record an event about the Pod, or about one of its containers."""
        path = ""
        if container is not None:
            path = f"spec.{'containers' if container.kind == APP else 'initContainers'}{{{container.name}}}"
        self.kubelet.event(self.pod, type_, reason, message, path)

    def grace(self) -> int:
        """How long its containers may take to stop, in microseconds."""
        metadata, spec = self.pod.metadata, self.pod.spec
        seconds = metadata.deletionGracePeriodSeconds if metadata.deletionTimestamp else None
        if seconds is None:
            seconds = 30 if spec.terminationGracePeriodSeconds is None else spec.terminationGracePeriodSeconds
        return max(1, seconds) * SECOND

    @property
    def full_name(self) -> str:
        """As messages name a Pod: name_namespace(uid)."""
        return f"{self.pod.metadata.name}_{self.pod.metadata.namespace}({self.uid})"

    # -- setting up -------------------------------------------------------------------------------------------------

    def set_up(self) -> None:
        """Mount the volumes and make the sandbox; where something is missing, try again later."""
        self.step = None
        if self.stage != STARTING or self.deaf:
            return
        lookup = Lookup(self.kubelet.client, self.pod.metadata.namespace)
        try:
            self.volumes = set_up(self.pod, lookup, self.facts())
        except (MountError, ConfigError) as error:
            wait = min(MOUNT_RETRY_FIRST << self.mount_failures, MOUNT_RETRY_LAST)
            self.mount_failures += 1
            self.event("Warning", "FailedMount", str(error))
            self.step = self.later(wait, self.set_up)
            return
        try:
            self._attach()
        except K8sLabError as error:
            self.event(
                "Warning",
                "FailedCreatePodSandBox",
                "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox: "
                f'plugin type="bridge" failed (add): {error}',
            )
            self.step = self.later(SYNC_RETRY, self.set_up)
            return
        self.mount_failures = 0
        self.sandbox = True
        self.stage = ACTIVE
        self.act()

    def _attach(self) -> None:
        if self.pod.spec.hostNetwork:
            self.ip = self.kubelet.address
        else:
            self.ip = self.kubelet.cni.allocate(self.kubelet.node.name, self.kubelet.pod_cidr(), self.uid)
        self.kubelet.cni.plug(self.ip, self)

    def detach(self) -> None:
        """Stop the sandbox and give its address back; the status keeps showing it."""
        if self.sandbox:
            self.kubelet.cni.unplug(self.ip, self)
            if not self.pod.spec.hostNetwork:
                self.kubelet.cni.release(self.kubelet.node.name, self.ip, self.uid)
        self.sandbox = False

    def answer(self, port: int, path: str) -> tuple[int, str]:
        """A request from the network: the first container that listens on the port answers."""
        now = self.clock.now
        for container in self.containers:
            if container.state == RUNNING and container.process.listens(port, now):
                status_ = container.process.answer(port, path, now)
                return status_, container.process.program.body if status_ == 200 else ""
        return 0, ""

    def ask(self, kind: str, target: Any) -> Any:
        """A question of one of its programs to the world outside."""
        return self.kubelet.world.ask(self.pod.metadata.namespace, kind, target)

    def facts(self) -> dict[str, str]:
        """Downward values that the node knows."""
        address = self.kubelet.address
        return {
            "spec.nodeName": self.kubelet.node.name,
            "status.hostIP": address,
            "status.hostIPs": address,
            "status.podIP": self.ip,
            "status.podIPs": self.ip,
            **{f"allocatable.{name}": str(amount) for name, amount in self.kubelet.allocatable.items()},
        }

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
        if self.starter.busy:
            self.starter.look_again = True
            return
        if self.stage == STARTING:
            self.publish()
            return
        phase = self.publish()
        if self.stage == ACTIVE:
            if phase in (status.SUCCEEDED, status.FAILED) or self._done():
                self.terminate(self.grace())
            else:
                self.act()

    def _done(self) -> bool:
        """All app containers have ended for good, while sidecars still run."""
        policy = self.pod.spec.restartPolicy or "Always"
        apps = [c for c in self.containers if c.kind == APP]
        return all(app.state == EXITED and not status.restarts(app, policy) for app in apps)

    def act(self) -> None:
        """Start what is to be started."""
        if self.stage == ACTIVE and not self.deaf:
            self.starter.start(self._missing())

    def _missing(self) -> list[Container]:
        """The containers to start now, in order: init containers one by one, then all others."""
        missing: list[Container] = []
        policy = self.pod.spec.restartPolicy or "Always"
        for container in self.containers:
            running = container.state == RUNNING
            if container.kind == SIDECAR:
                if not running:
                    missing.append(container)
                if not self.initialised and not (running and container.started):
                    return missing
            elif container.kind == INIT:
                if self.initialised or container.ready_for_api:
                    continue
                if not running and (container.state == WAITING or status.restarts(container, policy)):
                    missing.append(container)
                return missing
            elif not running and (container.state == WAITING or status.restarts(container, policy)):
                missing.append(container)
        self.initialised = True
        return missing

    # -- containers -------------------------------------------------------------------------------------------------

    def watch_end(self, container: Container) -> None:
        """Be there when the container's process ends."""
        limit = self.kubelet.memory_limit(container.spec)
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
        container.finish(now, ending.code, ending.reason, self._last_words(container, ending.code))
        for probe in container.probes:
            probe.stop()
        if container.spec.volumeMounts:
            self.stopper.keep_files(container)
        if self.stage == TERMINATING:
            self.stopper.stopped()
        else:
            self.request_sync()

    def _last_words(self, container: Container, code: int) -> str:
        """The termination message: what was written to its file, or with the fallback policy the end of the log."""
        now, spec = self.clock.now, container.spec
        files = container.process.files_at(now)
        text = files.get(spec.terminationMessagePath or "/dev/termination-log", "")
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
        self.stage = TERMINATING
        self.pause()
        self.clock.cancel(self.deadline)
        self.stopper.begin(grace)

    def finish(self) -> None:
        """Nothing runs any more."""
        self.stage = TERMINATED
        self.detach()
        self.kubelet.backoff_forget(self.uid)
        if not self.orphaned:
            self.publish()
        self.kubelet.released(self)
        if self.orphaned:
            return
        if self.pod.metadata.deletionTimestamp or self.static:
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
        self.terminate(grace)

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

    def resume(self) -> None:
        """The kubelet is back: look where things stand."""
        if self.stage == TERMINATED:
            self.sent = None
            self.publish()
            if self.pod.metadata.deletionTimestamp:
                self.step = self.later(CLEANUP_TIME, self.remove)
        elif self.stage == TERMINATING:
            self.stopper.stopped()
        elif self.pod.metadata.deletionTimestamp:
            self.terminate(self.grace())
        elif self.stage == STARTING:
            self.step = self.later(SETUP_TIME, self.set_up)
        else:
            self._resume_probes()
            self.sent = None
            self.request_sync()

    def _resume_probes(self) -> None:
        for container in self.containers:
            if container.state == RUNNING:
                for probe in container.probes:
                    if probe.kind == STARTUP or container.started:
                        probe.begin()

    def lose_power(self) -> None:
        """The machine went down with everything on it."""
        self.pause()
        self.clock.cancel(self.deadline)
        for container in self.containers:
            self.clock.cancel(container.timer)
            self.clock.cancel(container.stop_timer)
            for probe in container.probes:
                probe.stop()
            if container.state == RUNNING:
                container.finish(self.clock.now, 255, "Unknown")
        self.detach()

    def reboot(self) -> None:
        """The machine is back: everything begins again in a new sandbox, as far as the restart policy allows."""
        if self.stage == TERMINATED:
            self.resume()
            return
        if self.stage == TERMINATING or self.pod.metadata.deletionTimestamp:
            self.stage = TERMINATING
            self.stopper.stopped()
            return
        policy = self.pod.spec.restartPolicy or "Always"
        begun = any(c.starts for c in self.containers)
        self.initialised = False
        self.stage = ACTIVE
        self.publish()
        if begun and status.phase(self.containers, policy, False) in (status.SUCCEEDED, status.FAILED):
            self.terminate(self.grace())
            return
        self.stage = STARTING
        if begun:
            self.event("Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
        for container in self.containers:
            if container.kind == INIT and container.state == EXITED:
                container.previous = container.terminated(self.kubelet.time_text)
                container.state = WAITING
        self.step = self.later(SETUP_TIME, self.set_up)

    # -- the status -------------------------------------------------------------------------------------------------

    def publish(self) -> str:
        """Write the status if it differs from what was written last; returns the phase."""
        for container in self.containers:
            if container.state == RUNNING and container.started and not container.ready:
                self._try_readiness(container)
        target = self.mirror if self.static else self.pod
        if target is None:
            return status.phase(self.containers, self.pod.spec.restartPolicy or "Always", False)
        new = self.status(target.status)
        if new != self.sent:
            self._write(target, new)
        return new.phase

    def _try_readiness(self, container: Container) -> None:
        probe = self.probe(container, READINESS)
        if probe is None:
            container.ready = True
        else:
            probe.trigger()

    def status(self, old: core.PodStatus | None) -> core.PodStatus:
        """The status as it is now."""
        old = old or core.PodStatus()
        policy = self.pod.spec.restartPolicy or "Always"
        times = self.kubelet.time_text
        ending = self.stage in (TERMINATING, TERMINATED)
        reason, message = old.reason, old.message
        phase = status.phase(self.containers, policy, ending)
        if old.phase in ("Succeeded", "Failed") and self.fate is None:
            phase = old.phase
        if self.fate is not None:
            phase, reason, message = self.fate
        waits_for = status.waiting_reason(self.containers)
        target = self.mirror if self.static else self.pod
        generation = target.metadata.generation
        facts = status.conditions(self.pod, self.containers, phase, self.sandbox)
        rejected = self.stage == TERMINATED and not self.start_time
        inits = tuple(c.status(times, waits_for) for c in self.containers if c.kind != APP)
        apps = tuple(c.status(times, waits_for) for c in self.containers if c.kind == APP)
        address = self.kubelet.address
        return old.replace(
            phase=phase,
            reason=reason,
            message=message,
            observedGeneration=generation,
            conditions=status.merged(old.conditions, facts, self.clock.rfc3339(), generation),
            hostIP=address,
            hostIPs=(core.HostIP(ip=address),),
            podIP=self.ip or None,
            podIPs=(core.PodIP(ip=self.ip),) if self.ip else None,
            startTime=self.start_time or self.clock.rfc3339() if not old.startTime else old.startTime,
            initContainerStatuses=None if rejected else inits or None,
            containerStatuses=None if rejected else apps,
        )

    def _write(self, target: core.Pod, new: core.PodStatus) -> None:
        if self.deaf:
            return
        client = self.kubelet.client
        try:
            try:
                stored = client.update_status(target.replace(status=new))
            except ApiError as error:
                if error.code != 409:
                    raise
                fresh = client.get("pods", target.metadata.name, target.metadata.namespace)
                if fresh.metadata.uid != target.metadata.uid:
                    return
                new = self.status(fresh.status)
                stored = client.update_status(fresh.replace(status=new))
        except ApiError as error:
            if error.code != 404:
                self.request_sync(SYNC_RETRY)
            return
        self.sent = new
        if self.static:
            self.mirror = stored
        else:
            self._keep(stored)

    def _keep(self, stored: core.Pod) -> None:
        """Go on from the version that the last write made, unless it brings news that `update` must see."""
        before = self.pod.metadata
        same = stored.spec is self.pod.spec or stored.spec == self.pod.spec
        if same and stored.metadata.deletionTimestamp == before.deletionTimestamp:
            self.pod = stored

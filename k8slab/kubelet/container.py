"""One container of a Pod on a node: its states, its runs, and what the API says of it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from k8slab.api import core_v1 as core
from k8slab.kubelet.process import Ending, Process
from k8slab.kubelet.security import ROOT, Identity

WAITING, RUNNING, EXITED = "waiting", "running", "exited"
INIT, SIDECAR, APP, EPHEMERAL = "init", "sidecar", "app", "ephemeral"
LISTS = {INIT: "initContainers", SIDECAR: "initContainers", APP: "containers", EPHEMERAL: "ephemeralContainers"}
"""Where a Pod's spec has containers of a kind."""


class Container:
    """The state of one container, over all its restarts.

    Attributes:
        kind: INIT, SIDECAR (restartPolicy Always among the init containers), APP or EPHEMERAL.
        allocated: the resources that the node has given it.
        actual: the resources that it runs with.
        resized: it is restarted because of a resize.
        state: WAITING (never ran), RUNNING or EXITED.
        trouble: `(reason, message)` why it is not started; shown as waiting.
        starts: how often it was started; restartCount is one less.
        ending: how the current run will end, if that is known.
        started: its startup probe succeeded (or it has none).
        ready: its readiness probe succeeds (or it has none).
        stopping: it is being killed.
        sessions: what runs beside its own process or listens to it (exec, attach).
    """

    __slots__ = (
        "actual",
        "allocated",
        "ending",
        "exit_code",
        "exit_message",
        "exit_reason",
        "finished_at",
        "history",
        "id",
        "identity",
        "image_id",
        "image_name",
        "kind",
        "name",
        "previous",
        "probes",
        "process",
        "ready",
        "resized",
        "sessions",
        "spec",
        "started",
        "started_at",
        "starts",
        "state",
        "stop_timer",
        "stopping",
        "timer",
        "trouble",
    )

    def __init__(self, spec: Any, kind: str) -> None:
        self.spec = spec
        self.name = spec.name
        self.kind = kind
        self.allocated: core.ResourceRequirements | None = spec.resources
        self.actual: core.ResourceRequirements | None = spec.resources
        self.resized = False
        self.identity = ROOT
        self.state = WAITING
        self.trouble: tuple[str, str] | None = None
        self.starts = 0
        self.id = ""
        self.image_name = ""
        self.image_id = ""
        self.started_at = 0
        self.finished_at = 0
        self.exit_code = 0
        self.exit_reason = ""
        self.exit_message = ""
        self.process: Process | None = None
        self.history: tuple[Process, int] | None = None
        self.previous: core.ContainerStateTerminated | None = None
        self.ending: Ending | None = None
        self.timer: Any = None
        self.stop_timer: Any = None
        self.started = False
        self.ready = False
        self.stopping = False
        self.probes: tuple[Any, ...] = ()
        self.sessions: list[Any] = []

    def begin(self, process: Process, identity: str, image_name: str, image_id: str, now: int) -> None:
        """A new run begins."""
        self.process = process
        self.id = identity
        self.image_name = image_name
        self.image_id = image_id
        self.state = RUNNING
        self.actual = self.allocated
        self.resized = False
        self.trouble = None
        self.starts += 1
        self.started_at = now
        self.stopping = False
        self.started = not self.spec.startupProbe
        self.ready = False

    def finish(self, now: int, code: int, reason: str, message: str = "") -> None:
        """The run ends."""
        self.state = EXITED
        self.finished_at = now
        self.exit_code = code
        self.exit_reason = reason
        self.exit_message = message
        self.ending = None
        self.ready = False
        self.started = False
        if self.process is not None:
            self.history = (self.process, now)

    def terminated(self, times: Any) -> core.ContainerStateTerminated:
        """The last run's end, as the API shows it; `times` turns lab time into RFC 3339."""
        return core.ContainerStateTerminated(
            containerID=f"containerd://{self.id}" if self.id else None,
            exitCode=self.exit_code,
            finishedAt=times(self.finished_at),
            message=self.exit_message or None,
            reason=self.exit_reason,
            startedAt=times(self.started_at),
        )

    def status(self, times: Any, waiting_reason: str) -> core.ContainerStatus:
        """The container's status; `waiting_reason` is what it waits for while nothing is wrong."""
        spec, last = self.spec, self.previous
        if self.state == RUNNING:
            state = core.ContainerState(running=core.ContainerStateRunning(startedAt=times(self.started_at)))
        elif self.trouble is not None or self.state == WAITING:
            reason, message = self.trouble or (waiting_reason, "")
            state = core.ContainerState(waiting=core.ContainerStateWaiting(reason=reason, message=message or None))
            last = self.terminated(times) if self.state == EXITED else last
        else:
            state = core.ContainerState(terminated=self.terminated(times))
        ran = self.starts > 0
        resources = self.actual if self.state == RUNNING else self.allocated
        requests = self.allocated.requests if self.allocated else None
        return core.ContainerStatus(
            allocatedResources=requests or None if ran else None,
            containerID=f"containerd://{self.id}" if ran else None,
            image=self.image_name if ran else spec.image,
            imageID=self.image_id if ran else "",
            lastState=core.ContainerState(terminated=last) if last else core.ContainerState(),
            name=self.name,
            ready=self.ready_for_api,
            resources=(resources or core.ResourceRequirements()) if ran else None,
            restartCount=max(0, self.starts - 1),
            started=None if self.kind == EPHEMERAL else self.state == RUNNING and self.started,
            state=state,
            user=_user(self.identity) if self.state == RUNNING else None,
            volumeMounts=mounts_status(spec),
        )

    @property
    def ready_for_api(self) -> bool:
        """`ready` as the API means it: an init container is ready once it has succeeded."""
        if self.kind == EPHEMERAL:
            return False
        if self.kind == INIT:
            return self.state == EXITED and self.exit_code == 0 and self.trouble is None
        return self.state == RUNNING and self.ready and self.started


@lru_cache(maxsize=256)
def _user(identity: Identity) -> core.ContainerUser:
    groups = identity.groups
    return core.ContainerUser(
        linux=core.LinuxContainerUser(gid=identity.gid, supplementalGroups=groups, uid=identity.uid)
    )


def mounts_status(spec: core.Container) -> tuple[core.VolumeMountStatus, ...] | None:
    """The mounts as a container's status lists them."""
    if not spec.volumeMounts:
        return None
    return tuple(
        core.VolumeMountStatus(
            mountPath=mount.mountPath,
            name=mount.name,
            readOnly=mount.readOnly or None,
            recursiveReadOnly="Disabled" if mount.readOnly else None,
        )
        for mount in spec.volumeMounts
    )

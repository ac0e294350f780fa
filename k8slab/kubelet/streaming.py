"""Exec, attach and port-forward on a node (pkg/kubelet/server/server.go, containerd's streaming server).

A session's process is a script beside the container's own: it is run ahead on virtual time like any other, and timers
deliver what it does when its time comes. What it writes into files, the container's process and its probes see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.errors import ApiError
from k8slab.kubelet.commandline import SHELLS, command_node
from k8slab.kubelet.container import RUNNING, Container
from k8slab.kubelet.node import KUBELET_PORT
from k8slab.kubelet.process import Process
from k8slab.kubelet.program import Program
from k8slab.kubelet.runtime import not_found
from k8slab.kubelet.shell import ShellSyntaxError
from k8slab.kubelet.shell.commands import COMMANDS
from k8slab.kubelet.volumes import shared_paths
from k8slab.sim.clock import MILLISECOND, SECOND

if TYPE_CHECKING:
    from k8slab.kubelet.kubelet import Kubelet
    from k8slab.kubelet.pod_worker import PodWorker

UPGRADE = "unable to upgrade connection: "
"""What clients put before the answer of a kubelet that would not open a session."""
LOOK_AHEAD = 10 * SECOND
LEAST_WAIT = 5 * MILLISECOND
"""Output that comes faster than this is delivered together."""
MAX_INPUT = 16 << 20
"""Characters that a session takes from its client in all."""
FIRST_PID, PID_STEP = 7, 6
KILLED, HUNG_UP = 137, 129
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NO_BASH = ("busybox", "alpine")


def stream(kubelet: Kubelet, kind: str, namespace: str, pod: str, options: dict[str, Any], sink: Any) -> Any:
    """Open what `kind` (exec, attach, portforward) asks for.

    Args:
        kubelet: the node's.
        kind, namespace, pod: what, and of which Pod.
        options: the fields of PodExecOptions or PodAttachOptions.
        sink: bound method that gets `(channel, value)`: `stdout` and `stderr` with text, `end` with a Status.

    Raises ApiError in the kubelet's words, after `UPGRADE`.
    """
    if kind == "portforward":
        return Forward(running_worker(kubelet, namespace, pod))
    if not any(options.get(name) for name in ("stdin", "stdout", "stderr")):
        raise ApiError(400, "BadRequest", UPGRADE + "you must specify at least 1 of stdin, stdout, stderr")
    worker, container = found_container(kubelet, namespace, pod, options.get("container") or "")
    return (Exec if kind == "exec" else Attach)(worker, container, options, sink)


def running_worker(kubelet: Kubelet, namespace: str, pod: str) -> PodWorker:
    """The worker of a Pod that has a sandbox. Raises ApiError."""
    worker = _worker(kubelet, namespace, pod)
    if not worker.sandbox.ready:
        raise ApiError(500, "InternalError", f'{UPGRADE}pod not found ("{pod}_{namespace}")')
    return worker


def found_container(kubelet: Kubelet, namespace: str, pod: str, name: str) -> tuple[PodWorker, Container]:
    """A running container. Raises ApiError."""
    worker = _worker(kubelet, namespace, pod)
    chosen = next((c for c in worker.containers if not name or c.name == name), None)
    if chosen is None or chosen.process is None or chosen.state != RUNNING:
        raise ApiError(500, "InternalError", f'{UPGRADE}container not found ("{name}")')
    return worker, chosen


def _worker(kubelet: Kubelet, namespace: str, pod: str) -> PodWorker:
    if not kubelet.running:
        why = "connect: connection refused" if kubelet.powered else "connect: no route to host"
        raise ApiError(500, "", f"error dialing backend: dial tcp {kubelet.address}:{KUBELET_PORT}: {why}")
    worker = kubelet.find(namespace, pod)
    if worker is None:
        raise ApiError(404, "NotFound", UPGRADE + "pod does not exist")
    return worker


class Session:
    """What one client sees of a process in a container, and sends to it.

    Attributes:
        number: under which inputs are journalled, set by who opens it.
        inlet: bound method `(session, action, *values)` through which the client's input comes, set likewise.
        process: whose output it delivers.
        status: the Status with which it ended, None while it goes on.
    """

    def __init__(self, worker: PodWorker, container: Container, options: dict[str, Any], sink: Any) -> None:
        self.worker, self.container = worker, container
        self.kubelet, self.clock = worker.kubelet, worker.clock
        self.number = 0
        self.inlet: Any = None
        self.tty = bool(options.get("tty"))
        self.wanted = {name for name in ("stdin", "stdout", "stderr") if options.get(name)}
        if self.tty:
            self.wanted.discard("stderr")
        self.sink = sink
        self.status: dict[str, Any] | None = None
        self.process: Process = container.process
        self.position = 0
        self._received = 0
        self._timer: Any = None
        self._story: Any = None
        self._events: list[tuple[int, str, Any]] = []

    # -- from the client --------------------------------------------------------------------------------------------

    def type(self, text: str) -> None:
        """The client sends text to standard input; at a terminal these are keys."""
        self._received += len(text)
        if "stdin" in self.wanted and self.status is None and self._received <= MAX_INPUT:
            self.process.type(text, self.clock.now)
            self.replan()

    def end_input(self) -> None:
        """The client closes standard input."""
        if "stdin" in self.wanted and self.status is None and not self.tty:
            self.process.end_input(self.clock.now)
            self.replan()

    def resize(self, rows: int, columns: int) -> None:
        """The client's window has another size."""
        if self.tty and self.status is None:
            self.process.resize(rows, columns, self.clock.now)
            self.replan()

    def detach(self) -> None:
        """The client is gone; the process goes on without it, unless it hung up a terminal."""
        self.sink = None

    def replan(self) -> None:
        """The process may do something else than was thought: others that look at it do so again."""
        for session in self.container.sessions:
            session.think_again()

    def think_again(self) -> None:
        """The process may do something else than was worked out."""
        if self.process is not self.container.process:
            self.process.forget()
        self.plan()

    # -- to the client ----------------------------------------------------------------------------------------------

    def send(self, channel: str, value: Any) -> None:
        """Hand something to the client."""
        if self.sink is not None:
            self.sink((channel, value))

    def deliver(self) -> None:
        """Hand over what has happened up to now, and be here again when more happens."""
        if self.status is not None:
            return
        now = self.clock.now
        texts: list[tuple[str, str]] = []
        for at, kind, value in self._known(now)[self.position :]:
            if at > now:
                break
            self.position += 1
            if kind in ("out", "err"):
                texts.append(("stderr" if kind == "err" and not self.tty else "stdout", value))
            else:
                self.act(kind, value)
        self._show(texts)
        self.look()
        self.plan()

    def _show(self, texts: list[tuple[str, str]]) -> None:
        for channel in ("stdout", "stderr"):
            text = "".join(value for name, value in texts if name == channel)
            if text and channel in self.wanted:
                self.send(channel, text.replace("\n", "\r\n") if self.tty else text)

    def _known(self, now: int) -> list[tuple[int, str, Any]]:
        story = self.process.story(now + LOOK_AHEAD)
        if story is None or story is not self._story:
            self._story, self._events = story, self.process.events(now + LOOK_AHEAD)
        return self._events

    def plan(self) -> None:
        """Set the timer to the next thing that happens."""
        self.clock.cancel(self._timer)
        self._timer = None
        if self.status is not None:
            return
        now = self.clock.now
        events = self._known(now)
        when = self.next_look(now)
        if self.position < len(events):
            when = min(events[self.position][0], when or events[self.position][0])
        if when is not None:
            self._timer = self.worker.at(max(when, now + 1), self._fire)

    def _fire(self) -> None:
        # A moment later there may be more: busy scripts write every millisecond.
        self._timer = self.worker.later(LEAST_WAIT, self.deliver)

    def act(self, kind: str, value: Any) -> None:
        """The session's own process did something to others."""

    def look(self) -> None:
        """Is it over?"""

    def next_look(self, now: int) -> int | None:
        """When to look again, whatever is written before that."""
        story = self.process.story(now + LOOK_AHEAD)
        if story is None:
            return now + LOOK_AHEAD
        times = [self.process.started + at for at in (story.exit_at, story.again_at) if at is not None]
        return min((at for at in times if at > now), default=None)

    def finish(self, status: dict[str, Any]) -> None:
        """End the session with a Status."""
        if self.status is not None:
            return
        self.status = status
        self.clock.cancel(self._timer)
        self._timer = None
        if self in self.container.sessions:
            self.container.sessions.remove(self)
        self.send("end", status)
        self.sink = None

    def cut(self) -> None:
        """The node or its kubelet is gone: the connection breaks without a last word."""
        if self.status is None:
            self.send("cut", None)
            self.sink = None
            self.finish(internal_error("unexpected EOF"))

    def container_ended(self) -> None:
        """The container's own process has ended, and with it everything in the container."""


class Exec(Session):
    """A command that runs in a container."""

    def __init__(self, worker: PodWorker, container: Container, options: dict[str, Any], sink: Any) -> None:
        super().__init__(worker, container, options, sink)
        self.pid = FIRST_PID
        self.command = [str(word) for word in options.get("command") or ()]
        pids: list[int] = [each.pid for each in container.sessions if isinstance(each, Exec)]
        self.pid = max(pids) + PID_STEP if pids else FIRST_PID
        container.sessions.append(self)
        missing = self._missing()
        if missing:
            self.process = self._begin(("seq", ()))
            self.worker.later(1, self._refuse, missing)
            return
        try:
            self.process = self._begin(command_node(self.command))
        except ShellSyntaxError as error:
            self.process = self._begin(("seq", (command_node(["echo", f"sh: {error}"]), command_node(["exit", "2"]))))
        self.plan()

    def _missing(self) -> str:
        """What the runtime says where there is no such command."""
        if not self.command:
            return "no command specified"
        found, name = self.command[0], self.command[0].rsplit("/", 1)[-1]
        image = self.kubelet.images.present(self.container.spec.image or "")
        if image is None or image.any_command:
            return ""
        repository = (self.container.image_name.partition("@")[0]).rpartition(":")[0].rsplit("/", 1)[-1]
        known = found in image.binaries or name in image.binaries or name in self.container.process.program.checks
        if image.shell:
            files = self.container.process.files_at(self.clock.now)
            known = known or name in COMMANDS or name in SHELLS or found in files
            known = known and not (name == "bash" and repository in NO_BASH)
        if known:
            return ""
        return not_found(found)

    def _binaries(self) -> tuple[str, ...]:
        """The programs of the image, which the shell's own commands do not stand for."""
        image = self.kubelet.images.present(self.container.spec.image or "")
        names = [word.rsplit("/", 1)[-1] for word in (image.binaries if image is not None else ())]
        return tuple(name for name in names if name not in COMMANDS)

    def _refuse(self, reason: str) -> None:
        identity = self.kubelet.container_id()
        text = (
            f'failed to exec in container: failed to start exec "{identity}": OCI runtime exec failed: exec failed: '
            f"unable to start container process: {reason}: unknown"
        )
        self.finish(internal_error(f"error executing command in container: {text}"))

    def _begin(self, node: tuple[Any, ...]) -> Process:
        main, now = self.container.process, self.clock.now
        return Process(
            Program(ready_after=0, ports=(), memory=0, cpu=0, checks=main.program.checks),
            now,
            self.clock.unix_us,
            node,
            env=self._environment(),
            files=main.files_at(now),
            ask=self.ask,
            clock=self.clock,
            argv=tuple(self.command),
            stdin="stdin" in self.wanted,
            tty=self.tty,
            raw=True,
            neighbour=main,
            verdict=(0, "ok\n") if main.ready(now) else (1, ""),
            cwd=main.cwd,
            identity=main.identity,
            serves=self._binaries(),
            mounts=main.mounts,
            pid=self.pid,
        )

    def _environment(self) -> dict[str, str]:
        spec, env = self.container.spec, self.container.process.env
        home = "/" if self.container.process.identity.uid else "/root"
        terminal = {"TERM": "xterm"} if self.tty else {}
        services = {} if spec.command or spec.args else self.kubelet.service_variables(self.worker.pod)
        missing = {name: value for name, value in {**services, **terminal, "HOME": home}.items() if name not in env}
        return {"PATH": PATH, "HOSTNAME": env.get("HOSTNAME", ""), **env, **missing}

    def ask(self, kind: str, target: Any) -> Any:
        """A question of the process: about its neighbours, or to the world outside."""
        if kind != "processes":
            return self.worker.ask(kind, target)
        main = self.container.process
        others = [each for each in self.container.sessions if isinstance(each, Exec)]
        return [[1, " ".join(main.argv)], *([each.pid, " ".join(each.command)] for each in others)]

    def act(self, kind: str, value: Any) -> None:
        """Let others see a file that was written, and feel a signal."""
        if kind == "file":
            path, text = value
            write_file(self.worker, self.container, path, text, by=self)
            return
        pid, number = value
        if pid == 1:
            self.worker.stopper.strike(self.container)
            return
        for session in list(self.container.sessions):
            if isinstance(session, Exec) and session.pid == pid:
                session.finish(exited(session.command, 128 + number))

    def look(self) -> None:
        """Is it over, or has it done more than a lab can bear?"""
        now = self.clock.now
        story = self.process.story(now)
        if story.exit_at is not None and self.process.started + story.exit_at <= now:
            self.finish(exited(self.command, story.code))
        elif story.again_at is not None and self.next_look(now) is None and self.position >= len(self._events):
            self.finish(exited(self.command, KILLED))

    def detach(self) -> None:
        """The client is gone: its terminal hangs up, or its end of the pipe is closed."""
        if self.status is None and self.tty:
            self.finish(exited(self.command, HUNG_UP))
        else:
            self.end_input()
        super().detach()

    def container_ended(self) -> None:
        """It is killed with the container."""
        self.deliver()
        self.finish(exited(self.command, KILLED))


class Attach(Session):
    """A client that looks at a container's own process and may type to it."""

    def __init__(self, worker: PodWorker, container: Container, options: dict[str, Any], sink: Any) -> None:
        super().__init__(worker, container, options, sink)
        self.tty = container.process.terminal is not None
        if not container.spec.stdin:
            self.wanted.discard("stdin")
        now = self.clock.now
        self.position = sum(at <= now for at, _, _ in self._known(now))
        container.sessions.append(self)
        self.plan()

    def act(self, kind: str, value: Any) -> None:
        """What the container's own process does to its files is known without this."""

    def replan(self) -> None:
        """The container's process goes on otherwise than was thought."""
        worker, container = self.worker, self.container
        if container.state == RUNNING and not container.stopping:
            worker.watch_end(container)
            for probe in container.probes:
                probe.poke()
        super().replan()

    def detach(self) -> None:
        """The client is gone; with stdinOnce the process has seen the last of its input."""
        if self.container.spec.stdinOnce and self.status is None:
            self.end_input()
        if self.status is None:
            self.finish(success())
        super().detach()

    def container_ended(self) -> None:
        """Nothing more will come."""
        self.deliver()
        self.finish(success())


class Forward:
    """The ports of a Pod, as a client that forwards them reaches them."""

    def __init__(self, worker: PodWorker) -> None:
        self.worker = worker

    @property
    def alive(self) -> bool:
        """Whether the Pod still has its sandbox."""
        return self.worker.sandbox.ready

    def connect(self, port: int) -> str:
        """ "" where something listens on the port, else what containerd says."""
        worker = self.worker
        now = worker.clock.now
        if self.alive and any(c.state == RUNNING and c.process.listens(port, now) for c in worker.containers):
            return ""
        identity = worker.uid.replace("-", "")
        sandbox = (identity * 2)[:64]
        refused = "connect: connection refused"
        return (
            f"error forwarding port {port} to pod {sandbox}, uid : failed to execute portforward in network namespace "
            f'"/var/run/netns/cni-{worker.uid}": failed to connect to localhost:{port} inside namespace "{sandbox}", '
            f"IPv4: dial tcp4 127.0.0.1:{port}: {refused} IPv6 dial tcp6: address localhost: no suitable address found "
        )

    def request(self, port: int, path: str) -> tuple[int, str]:
        """A request to the port: status (0: refused, -1: it speaks no HTTP) and body."""
        return self.worker.answer(port, path) if self.alive else (0, "")


def write_file(worker: PodWorker, container: Container, path: str, text: str | None, by: Session | None = None) -> None:
    """Write a file of a container, or remove it (None): its processes, its probes and its neighbours see that."""
    for other, theirs in shared_paths(worker.pod, container.spec, path, worker.sandbox.volumes, text):
        reached = next((each for each in worker.containers if each.name == other), None)
        if reached is not None:
            deliver(worker, reached, theirs, text, by)
    worker.sandbox.mounts.save()


def deliver(worker: PodWorker, reached: Container, path: str, text: str | None, by: Session | None = None) -> None:
    """Let what runs in one container see that a file has another content, or is gone (None)."""
    if reached.process is None or reached.state != RUNNING:
        return
    now = worker.clock.now
    reached.process.touch(path, text, now)
    for session in reached.sessions:
        if session is not by and isinstance(session, Exec):
            session.process.touch(path, text, now)
        session.think_again()
    if reached.process.script is not None and not reached.stopping:
        worker.watch_end(reached)
    for probe in reached.probes:
        probe.poke()


def success() -> dict[str, Any]:
    """The Status of a session that ended well."""
    return {"metadata": {}, "status": "Success"}


def exited(command: list[str], code: int) -> dict[str, Any]:
    """The Status of a command's end (`remotecommand/exec.go`)."""
    if code == 0:
        return success()
    said = f"error executing command [{' '.join(command)}], exit code {code}"
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: {said}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def internal_error(message: str) -> dict[str, Any]:
    """The Status of a session that could not do its work (`apierrors.NewInternalError`)."""
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"Internal error occurred: {message}",
        "reason": "InternalError",
        "details": {"causes": [{"message": message}]},
        "code": 500,
    }

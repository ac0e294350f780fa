"""What `kubectl logs` shows (pkg/kubelet/kubelet_pods.go validateContainerLogStatus, kuberuntime/logs)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8slab.errors import ApiError
from k8slab.kubelet.container import EXITED, RUNNING, WAITING, Container
from k8slab.sim.clock import SECOND
from k8slab.sim.timestamps import rfc3339_micro

if TYPE_CHECKING:
    from k8slab.kubelet.pod_worker import PodWorker


def read_log(
    worker: PodWorker,
    container: str,
    tail: int | None,
    previous: bool,
    timestamps: bool,
    since: int | None,
    limit_bytes: int | None,
) -> str:
    """A container's log as text. Raises ApiError (BadRequest) where there is none."""
    chosen = _chosen(worker, container)
    lines = _lines(worker, chosen, previous)
    now = worker.clock.now
    if since is not None:
        lines = [line for line in lines if line[0] >= now - since * SECOND]
    if tail is not None and tail >= 0:
        lines = lines[-tail:] if tail else []
    unix_at = worker.clock.unix_at
    text = "".join(f"{rfc3339_micro(unix_at(at))} {line}\n" if timestamps else f"{line}\n" for at, line in lines)
    return text if limit_bytes is None else text[:limit_bytes]


def _chosen(worker: PodWorker, name: str) -> Container:
    if not name:
        return next(c for c in worker.containers if c.kind == "app")
    for container in worker.containers:
        if container.name == name:
            return container
    raise ApiError(400, "BadRequest", f"container {name} is not valid for pod {worker.pod.metadata.name}")


def _lines(worker: PodWorker, container: Container, previous: bool) -> list[tuple[int, str]]:
    name, pod = container.name, worker.pod.metadata.name
    now = worker.clock.now
    if previous:
        if container.previous is None and not (container.state == EXITED and container.trouble):
            raise ApiError(400, "BadRequest", f'previous terminated container "{name}" in pod "{pod}" not found')
        return container.history[0].logs(container.history[1]) if container.history else []
    if container.state == RUNNING:
        return followed(worker, container, container.process.logs(now), now)
    if container.state == EXITED:
        until = container.finished_at
        return followed(worker, container, container.process.logs(until), until) if container.process else []
    if container.state == WAITING:
        reason = container.trouble
        why = (
            f"{reason[0]}"
            if reason
            else "ContainerCreating"
            if not worker.pod.spec.initContainers
            else "PodInitializing"
        )
        detail = "trying and failing to pull image" if why in ("ErrImagePull", "ImagePullBackOff") else why
        if detail == "ContainerCreating" or detail == "PodInitializing" or reason:
            text = f'container "{name}" in pod "{pod}" is waiting to start: {detail}'
            raise ApiError(400, "BadRequest", text)
    return []


def followed(
    worker: PodWorker, container: Container, lines: list[tuple[int, str]], until: int
) -> list[tuple[int, str]]:
    """The lines with those that `tail -f` adds: what the Pod's containers write into the file."""
    follows = container.process.effects("follow", until)
    if not follows:
        return lines
    added: list[tuple[int, str]] = []
    for since, path, whole in follows:
        added.extend(_growth(worker, container, path, since, whole, until))
    return sorted((*lines, *added), key=_time)


def _growth(
    worker: PodWorker, reader: Container, path: str, since: int, whole: bool, until: int
) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for writer in worker.containers:
        if writer.process is None:
            continue
        theirs = path if writer is reader else _same_file(reader, path, writer)
        before = ""
        for at, name, text in writer.process.effects("file", until):
            if name != theirs or at > until:
                continue
            new = (text or "").removeprefix(before)
            before = text or ""
            if at > since or (whole and writer is not reader):
                found.extend((max(at, since), line) for line in new.splitlines())
    return found


def _same_file(reader: Container, path: str, writer: Container) -> str:
    """Where another container of the Pod sees a file, through a volume that both mount; "" where it does not."""
    for mount in reader.spec.volumeMounts or ():
        root = mount.mountPath.rstrip("/") + "/"
        if not path.startswith(root):
            continue
        for other in writer.spec.volumeMounts or ():
            if other.name == mount.name and not other.subPath and not mount.subPath:
                return other.mountPath.rstrip("/") + "/" + path[len(root) :]
    return ""


def _time(line: tuple[int, str]) -> int:
    return line[0]

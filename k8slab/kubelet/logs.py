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
    epoch = worker.clock.epoch
    text = "".join(f"{rfc3339_micro(epoch + at)} {line}\n" if timestamps else f"{line}\n" for at, line in lines)
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
        return container.process.logs(now)
    if container.state == EXITED:
        return container.process.logs(container.finished_at) if container.process else []
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

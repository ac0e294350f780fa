"""What a Pod's worker tells the API server (pkg/kubelet/status/status_manager.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8slab.api import core_v1 as core
from k8slab.errors import ApiError
from k8slab.kubelet import status
from k8slab.kubelet.container import APP, EPHEMERAL, RUNNING, Container
from k8slab.kubelet.probes import READINESS
from k8slab.kubelet.stages import ACTIVE, TERMINATED, TERMINATING
from k8slab.sim.clock import SECOND

if TYPE_CHECKING:
    from k8slab.kubelet.pod_worker import PodWorker

SYNC_RETRY = 10 * SECOND


class Reporter:
    """Makes and writes a Pod's status.

    Attributes:
        sent: the status as last written.
    """

    __slots__ = ("sent", "worker")

    def __init__(self, worker: PodWorker) -> None:
        self.worker = worker
        self.sent: core.PodStatus | None = None

    @property
    def target(self) -> core.Pod | None:
        """The API object: the Pod, or a static Pod's mirror (None until that is made)."""
        return self.worker.mirror if self.worker.static else self.worker.pod

    def contradicted(self, pod: core.Pod) -> bool:
        """Whether somebody else changed what the kubelet says (the node controller does when the node was away)."""
        if self.sent is None or pod.status is None:
            return False
        mine = {c.type: c.status for c in self.sent.conditions or () if c.type in status.OWNED}
        theirs = {c.type: c.status for c in pod.status.conditions or () if c.type in status.OWNED}
        return mine != theirs or pod.status.phase != self.sent.phase

    def publish(self) -> str:
        """Write the status if it differs from what was written last; returns the phase."""
        worker = self.worker
        for container in worker.containers:
            if container.state == RUNNING and container.started and not container.ready:
                self._try_readiness(container)
        target = self.target
        if target is None:
            return self._phase(core.PodStatus())
        new = self.status(target)
        if new != self.sent:
            self._write(target, new)
        return new.phase

    def _try_readiness(self, container: Container) -> None:
        probe = self.worker.probe(container, READINESS)
        if probe is None:
            container.ready = True
        else:
            probe.trigger()

    def _phase(self, old: core.PodStatus) -> str:
        worker = self.worker
        if worker.fate is not None:
            return worker.fate[0]
        if old.phase in (status.SUCCEEDED, status.FAILED):
            return old.phase
        if worker.renewal.why and worker.stage == ACTIVE:
            return status.ACTIVE
        ending = worker.stage in (TERMINATING, TERMINATED)
        return status.phase(worker.containers, worker.policy, ending)

    def status(self, target: core.Pod) -> core.PodStatus:
        """The status as it is now."""
        worker, kubelet = self.worker, self.worker.kubelet
        old = target.status or core.PodStatus()
        phase = self._phase(old)
        reason, message = worker.fate[1:] if worker.fate else (old.reason, old.message)
        generation = target.metadata.generation
        now, address, ip = kubelet.clock.rfc3339(), kubelet.address, worker.sandbox.ip
        facts = status.conditions(worker.pod, worker.containers, phase, worker.sandbox.ready)
        facts = (*worker.resizer.conditions(), *worker.renewal.conditions(), *facts)
        if worker.disruption:
            facts = (("DisruptionTarget", True, *worker.disruption), *facts)
        inits, apps, ephemerals = self._containers()
        return old.replace(
            phase=phase,
            reason=reason,
            message=message,
            observedGeneration=generation,
            conditions=status.merged(old.conditions, facts, now, generation),
            hostIP=address,
            hostIPs=(core.HostIP(ip=address),),
            podIP=ip or None,
            podIPs=(core.PodIP(ip=ip),) if ip else None,
            startTime=old.startTime or worker.start_time or now,
            allocatedResources=worker.resizer.requests,
            resources=worker.resizer.actual,
            initContainerStatuses=inits,
            containerStatuses=apps,
            ephemeralContainerStatuses=ephemerals,
        )

    def _containers(self) -> tuple[tuple[core.ContainerStatus, ...] | None, ...]:
        """Statuses of init, app and ephemeral containers; a Pod that was refused has none."""
        worker = self.worker
        if worker.stage == TERMINATED and not worker.start_time:
            return None, None, None
        times, waits_for = worker.kubelet.time_text, status.waiting_reason(worker.containers)
        apps = tuple(c.status(times, waits_for) for c in worker.containers if c.kind == APP)
        if len(apps) == len(worker.containers):
            return None, apps, None
        inits = tuple(c.status(times, waits_for) for c in worker.containers if c.kind not in (APP, EPHEMERAL))
        ephemerals = tuple(c.status(times, "ContainerCreating") for c in worker.containers if c.kind == EPHEMERAL)
        return inits or None, apps, ephemerals or None

    def _write(self, target: core.Pod, new: core.PodStatus) -> None:
        worker = self.worker
        if worker.deaf:
            return
        try:
            stored, new = self._stored(target, new)
        except ApiError as error:
            if error.code != 404:
                worker.request_sync(SYNC_RETRY)
            return
        if stored is None:
            return
        self.sent = new
        if worker.static:
            worker.mirror = stored
        else:
            self._keep(stored)

    def _stored(self, target: core.Pod, new: core.PodStatus) -> tuple[core.Pod | None, core.PodStatus]:
        """Write; on a conflict once more, on top of what is there now. None where that is another Pod."""
        client = self.worker.kubelet.client
        try:
            return client.update_status(target.replace(status=new)), new
        except ApiError as error:
            if error.code != 409:
                raise
        fresh = client.get("pods", target.metadata.name, target.metadata.namespace)
        if fresh.metadata.uid != target.metadata.uid:
            return None, new
        new = self.status(fresh)
        return client.update_status(fresh.replace(status=new)), new

    def _keep(self, stored: core.Pod) -> None:
        """Go on from the version that the last write made, unless it brings news that the worker must see."""
        worker = self.worker
        same = stored.spec is worker.pod.spec or stored.spec == worker.pod.spec
        if same and stored.metadata.deletionTimestamp == worker.pod.metadata.deletionTimestamp:
            worker.pod = stored

"""Whether everything that was asked for runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.cluster.history import Snapshot
from k8slab.etcd.renewal import is_renewal

if TYPE_CHECKING:
    from k8slab.cluster.cluster import Cluster


def all_ready(snapshot: Snapshot) -> bool:
    """Whether every workload has its copies, and every Pod is ready or has completed."""
    return (
        all(map(_replicas_ready, snapshot.list("deployments")))
        and all(map(_members_ready, snapshot.list("statefulsets")))
        and all(map(_daemons_ready, snapshot.list("daemonsets")))
        and all(map(_pod_ready, snapshot.list("pods")))
    )


def _replicas_ready(deployment: Any) -> bool:
    status = deployment.status
    return (
        status is not None and (status.readyReplicas or 0) == (status.updatedReplicas or 0) == deployment.spec.replicas
    )


def _members_ready(statefulset: Any) -> bool:
    status = statefulset.status
    return status is not None and (status.readyReplicas or 0) == statefulset.spec.replicas


def _daemons_ready(daemonset: Any) -> bool:
    status = daemonset.status
    return (
        status is not None
        and (status.observedGeneration or 0) >= (daemonset.metadata.generation or 0)
        and (status.numberReady or 0) == (status.desiredNumberScheduled or 0)
    )


def _pod_ready(pod: Any) -> bool:
    if pod.status is None or pod.metadata.deletionTimestamp:
        return False
    if pod.status.phase == "Succeeded":
        return True
    return any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions or ())


class Stillness:
    """Whether nothing but heartbeats and events has been written for a while."""

    QUIET_KEYS = ("/registry/leases/", "/registry/events/")

    def __init__(self, cluster: Cluster, quiet: int) -> None:
        self._cluster, self._quiet = cluster, quiet
        self._seen, self._last = cluster.store.revision, cluster.clock.now

    def reached(self) -> bool:
        """Whether it is so at this instant."""
        for revision, entry in enumerate(self._cluster.store.entries(self._seen + 1), self._seen + 1):
            if is_renewal(entry):
                continue
            write = self._cluster.trace.write(revision)
            if write is None or not write.key.startswith(self.QUIET_KEYS):
                self._last = write.time if write else self._cluster.clock.now
        self._seen = self._cluster.store.revision
        return self._cluster.clock.now - self._last >= self._quiet

"""What `kubectl rollout status` says about a workload. Follows kubectl's StatusViewers."""

from __future__ import annotations

from typing import Any

from k8slab.kubectl.failure import CommandError


def rollout_message(obj: dict[str, Any], revision: int = 0) -> tuple[str, bool]:
    """The line to print and whether the rollout is done. Raises CommandError when it cannot be or has failed."""
    viewer = {"Deployment": _deployment, "DaemonSet": _daemon_set, "StatefulSet": _stateful_set}.get(obj["kind"])
    if viewer is None:
        group = obj["apiVersion"].rpartition("/")[0]
        raise CommandError(f"no status viewer has been implemented for {obj['kind']}.{group}".rstrip("."))
    if revision > 0 and obj["kind"] == "Deployment":
        current = int((obj["metadata"].get("annotations") or {}).get("deployment.kubernetes.io/revision", "0"))
        if current != revision:
            raise CommandError(f"desired revision ({revision}) is different from the running revision ({current})")
    return viewer(obj, obj["metadata"]["name"], obj.get("spec") or {}, obj.get("status") or {})


def _observed(obj: dict[str, Any], status: dict[str, Any]) -> bool:
    return obj["metadata"].get("generation", 0) <= status.get("observedGeneration", 0)


def _deployment(obj: dict[str, Any], name: str, spec: dict[str, Any], status: dict[str, Any]) -> tuple[str, bool]:
    if not _observed(obj, status):
        return "Waiting for deployment spec update to be observed...", False
    progressing: dict[str, Any] = next(
        (each for each in status.get("conditions") or () if each["type"] == "Progressing"), {}
    )
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        raise CommandError(f'deployment "{name}" exceeded its progress deadline')
    wanted = spec.get("replicas", 1)
    total, updated, available = (status.get(key) or 0 for key in ("replicas", "updatedReplicas", "availableReplicas"))
    prefix = f'Waiting for deployment "{name}" rollout to finish: '
    if updated < wanted:
        return f"{prefix}{updated} out of {wanted} new replicas have been updated...", False
    if total > updated:
        return f"{prefix}{total - updated} old replicas are pending termination...", False
    if available < updated:
        return f"{prefix}{available} of {updated} updated replicas are available...", False
    return f'deployment "{name}" successfully rolled out', True


def _rolling(spec: dict[str, Any]) -> None:
    if (spec.get("updateStrategy") or {}).get("type", "RollingUpdate") != "RollingUpdate":
        raise CommandError("rollout status is only available for RollingUpdate strategy type")


def _daemon_set(obj: dict[str, Any], name: str, spec: dict[str, Any], status: dict[str, Any]) -> tuple[str, bool]:
    _rolling(spec)
    if not _observed(obj, status):
        return "Waiting for daemon set spec update to be observed...", False
    wanted = status.get("desiredNumberScheduled") or 0
    updated, available = status.get("updatedNumberScheduled") or 0, status.get("numberAvailable") or 0
    prefix = f'Waiting for daemon set "{name}" rollout to finish: '
    if updated < wanted:
        return f"{prefix}{updated} out of {wanted} new pods have been updated...", False
    if available < wanted:
        return f"{prefix}{available} of {wanted} updated pods are available...", False
    return f'daemon set "{name}" successfully rolled out', True


def _stateful_set(obj: dict[str, Any], name: str, spec: dict[str, Any], status: dict[str, Any]) -> tuple[str, bool]:
    _rolling(spec)
    if not status.get("observedGeneration") or not _observed(obj, status):
        return "Waiting for statefulset spec update to be observed...", False
    wanted, ready = spec.get("replicas", 1), status.get("readyReplicas") or 0
    if ready < wanted:
        return f"Waiting for {wanted - ready} pods to be ready...", False
    updated = status.get("updatedReplicas") or 0
    partition = ((spec.get("updateStrategy") or {}).get("rollingUpdate") or {}).get("partition")
    if partition is not None:
        if updated < wanted - partition:
            return (
                f"Waiting for partitioned roll out to finish: {updated} out of {wanted - partition} "
                "new pods have been updated...",
                False,
            )
        return f"partitioned roll out complete: {updated} new pods have been updated...", True
    old, new = status.get("currentRevision"), status.get("updateRevision")
    if new != old:
        return f"waiting for statefulset rolling update to complete {updated} pods at revision {new}...", False
    current = status.get("currentReplicas") or 0
    return f"statefulset rolling update complete {current} pods at revision {old}...", True

"""A DaemonSet's rolling update (pkg/controller/daemon/update.go)."""

from __future__ import annotations

from typing import Any

from k8slab.api.apps_v1 import DaemonSet
from k8slab.api.core_v1 import Pod
from k8slab.controllers import pods as podlib
from k8slab.controllers.daemonset import placement
from k8slab.controllers.deployment.arithmetic import scaled_value

HASH_LABEL = "controller-revision-hash"


def is_updated(owner: DaemonSet, pod: Pod, digest: str) -> bool:
    """Whether the Pod has the current template."""
    return (pod.metadata.labels or {}).get(HASH_LABEL) == digest


def allows_surge(owner: DaemonSet) -> bool:
    """Whether a new Pod may run beside the old one."""
    return _surge(owner, 100) > 0


def _surge(owner: DaemonSet, desired: int) -> int:
    strategy = owner.spec.updateStrategy
    if strategy.type != "RollingUpdate" or strategy.rollingUpdate is None:
        return 0
    return scaled_value(strategy.rollingUpdate.maxSurge, desired, up=True)


def _limits(controller: Any, owner: DaemonSet) -> tuple[int, int]:
    """How many nodes may have two Pods, and how many none that is available."""
    desired = sum(placement.should_run(owner, node)[0] for node in controller.nodes.items())
    rolling = owner.spec.updateStrategy.rollingUpdate
    unavailable = scaled_value(rolling.maxUnavailable, desired, up=True) if rolling is not None else 1
    surge = _surge(owner, desired)
    return (surge, unavailable) if surge or unavailable else (0, 1)


def _available(controller: Any, owner: DaemonSet, pod: Pod) -> bool:
    return podlib.is_available(pod, owner.spec.minReadySeconds or 0, controller.clock.unix_us)


def _split(owner: DaemonSet, pods: list[Pod], digest: str) -> tuple[Pod | None, Pod | None, bool]:
    """The new and the old Pod of a node; False when there are several of a kind."""
    new: list[Pod] = []
    old: list[Pod] = []
    for pod in pods:
        if pod.metadata.deletionTimestamp is None:
            (new if is_updated(owner, pod, digest) else old).append(pod)
    return (new or [None])[0], (old or [None])[0], len(new) <= 1 and len(old) <= 1


def pods_to_replace(controller: Any, owner: DaemonSet, by_node: dict[str, list[Pod]], digest: str) -> list[Pod]:
    """Outdated Pods that may be deleted now: unavailable ones always, others within maxUnavailable."""
    surge, most = _limits(controller, owner)
    if surge:
        return []
    unavailable, broken, candidates = 0, [], []
    for pods in by_node.values():
        new, old, clear = _split(owner, pods, digest)
        if not clear or (new is None) == (old is None):
            unavailable += 1
        elif new is not None:
            unavailable += not _available(controller, owner, new)
        elif not _available(controller, owner, old):
            broken.append(old)
        else:
            candidates.append(old)
    return broken + candidates[: max(0, most - unavailable - len(broken))]


def surge_on_node(controller: Any, owner: DaemonSet, running: list[Pod], digest: str) -> tuple[list[Pod], bool]:
    """With surge: which of a node's Pods may go, and whether a new one may be started beside the old."""
    new, old, clear = _split(owner, running, digest)
    if not clear:
        by_kind = [pod for pod in running if is_updated(owner, pod, digest) is (new is not None)]
        return by_kind[1:], False
    if old is None:
        return [], False
    if new is not None:
        # The old one stays until the new one is available, unless it does not work anyway.
        done = _available(controller, owner, new) or not podlib.is_ready(old)
        return ([old] if done else []), False
    surging = sum(1 for pods in _pods_by_node(controller, owner).values() if all(_split(owner, pods, digest)[:2]))
    return [], surging < _limits(controller, owner)[0] or not podlib.is_ready(old)


def _pods_by_node(controller: Any, owner: DaemonSet) -> dict[str, list[Pod]]:
    by_node: dict[str, list[Pod]] = {}
    for pod in controller.pods.by_index("controller-uid", owner.metadata.uid):
        by_node.setdefault(placement.target_of(pod), []).append(pod)
    return by_node

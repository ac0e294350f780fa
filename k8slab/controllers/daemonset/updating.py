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


def changes(
    controller: Any, owner: DaemonSet, by_node: dict[str, list[Pod]], digest: str
) -> tuple[list[Pod], list[str]]:
    """Which outdated Pods may be deleted now, and, with surge, on which nodes a new one may be started beside the old.

    `by_node` are the Pods of each node; nodes that lack theirs count as well.
    """
    for node in controller.nodes.items():
        if placement.should_run(owner, node)[0]:
            by_node.setdefault(node.metadata.name, [])
    surge, most = _limits(controller, owner)
    if surge:
        return _surging(controller, owner, by_node, digest, surge)
    return _replacing(controller, owner, by_node, digest, most), []


def _replacing(controller: Any, owner: DaemonSet, by_node: dict[str, list[Pod]], digest: str, most: int) -> list[Pod]:
    """Unavailable Pods always, others within maxUnavailable."""
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


def _surging(
    controller: Any, owner: DaemonSet, by_node: dict[str, list[Pod]], digest: str, surge: int
) -> tuple[list[Pod], list[str]]:
    """Old Pods whose successors are available; nodes whose old Pod is not available, and others within maxSurge."""
    doomed: list[Pod] = []
    leaving: list[Pod] = []
    allowed: list[str] = []
    candidates: list[str] = []
    surging = available = 0
    for name, pods in by_node.items():
        new, old, clear = _split(owner, pods, digest)
        if not clear:
            surging += 1
            continue
        shown = old if old is not None else new
        works = shown is not None and _available(controller, owner, shown)
        available += works
        if old is None:
            continue
        if new is None:
            wanted = _belongs(controller, owner, name)
            if wanted:
                (candidates if works else allowed).append(name)
            else:
                (leaving if works else doomed).append(old)
        elif _available(controller, owner, new):
            doomed.append(old)
        else:
            surging += 1
    desired = sum(placement.should_run(owner, node)[0] for node in controller.nodes.items())
    # Where Pods move from some nodes to others, those that work stay until the others do.
    doomed += leaving[: max(0, available - desired)]
    return doomed, allowed + candidates[: max(0, surge - surging)]


def _belongs(controller: Any, owner: DaemonSet, name: str) -> bool:
    node = controller.nodes.get("", name)
    return node is not None and placement.should_run(owner, node)[0]


def excess(controller: Any, owner: DaemonSet, running: list[Pod], digest: str) -> list[Pod]:
    """With surge, a node may have an old and a new Pod while the old one is ready and the new one not available yet.

    `running` are the node's Pods, oldest first; those beyond that are returned.
    """
    new = next((pod for pod in running if is_updated(owner, pod, digest)), None)
    old = next((pod for pod in running if not is_updated(owner, pod, digest)), None)
    doomed = [pod for pod in running if pod is not new and pod is not old]
    if new is not None and old is not None and (not podlib.is_ready(old) or _available(controller, owner, new)):
        doomed.append(old)
    return doomed

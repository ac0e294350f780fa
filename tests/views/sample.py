"""Hand-made clusters for the pictures' tests: typed objects, no server."""

from __future__ import annotations

from typing import Any

from k8slab.api import core_v1 as core
from k8slab.api.meta_v1 import ObjectMeta, OwnerReference

HASHES = {"frontend": "6d9f7c8b5d", "redis-leader": "5b8c7d9f64", "redis-follower": "7f4d6c9b8"}


class Snapshot:
    """What the views need of a snapshot."""

    def __init__(self, nodes: list[core.Node], pods: list[core.Pod], time: int = 90_000_000) -> None:
        self._lists = {"nodes": tuple(nodes), "pods": tuple(pods)}
        self.time, self.revision = time, 321

    def list(self, resource: str, namespace: str | None = None) -> tuple[Any, ...]:
        return self._lists[resource]


def node(name: str, ready: str = "True", cordoned: bool = False, role: str = "", **more: Any) -> core.Node:
    labels = {"kubernetes.io/hostname": name}
    taints = []
    if role:
        labels[f"node-role.kubernetes.io/{role}"] = ""
        taints.append(core.Taint(key=f"node-role.kubernetes.io/{role}", effect="NoSchedule"))
    if ready != "True":
        taints.append(core.Taint(key="node.kubernetes.io/unreachable", effect="NoExecute"))
    if cordoned:
        taints.append(core.Taint(key="node.kubernetes.io/unschedulable", effect="NoSchedule"))
    size = {"cpu": more.get("cpu", "8"), "memory": more.get("memory", "16Gi"), "pods": "110"}
    return core.Node(
        metadata=ObjectMeta(name=name, uid=f"uid-{name}", labels=labels),
        spec=core.NodeSpec(unschedulable=cordoned or None, taints=tuple(taints) or None),
        status=core.NodeStatus(
            allocatable=size,
            capacity=size,
            conditions=(core.NodeCondition(type="Ready", status=ready, reason="KubeletReady"),),
        ),
    )


def pod(
    name: str,
    on: str = "",
    phase: str = "Running",
    ready: bool = True,
    waiting: str = "",
    terminated: str = "",
    namespace: str = "default",
    owner: str = "",
    cpu: str = "100m",
    memory: str = "128Mi",
    **more: Any,
) -> core.Pod:
    hash_ = HASHES.get(owner, "")
    labels = {"app": owner or name, **({"pod-template-hash": hash_} if hash_ else {})}
    owners = None
    if owner:
        full = f"{owner}-{hash_}" if hash_ else owner
        owners = (
            OwnerReference(apiVersion="apps/v1", kind="ReplicaSet", name=full, uid=f"uid-{full}", controller=True),
        )
    state = core.ContainerState(
        running=core.ContainerStateRunning(startedAt="2026-01-01T00:00:10Z")
        if not waiting and not terminated
        else None,
        waiting=core.ContainerStateWaiting(reason=waiting) if waiting else None,
        terminated=core.ContainerStateTerminated(reason=terminated, exitCode=1) if terminated else None,
    )
    statuses = None
    if on and (phase != "Pending" or waiting):
        statuses = (
            core.ContainerStatus(
                name="main", ready=ready, restartCount=more.get("restarts", 0), state=state, image="x"
            ),
        )
    return core.Pod(
        metadata=ObjectMeta(
            name=name,
            namespace=namespace,
            uid=more.get("uid", f"uid-{namespace}-{name}"),
            labels=labels,
            ownerReferences=owners,
            creationTimestamp="2026-01-01T00:00:05Z",
            deletionTimestamp=more.get("deleted"),
        ),
        spec=core.PodSpec(
            nodeName=on or None,
            containers=(
                core.Container(
                    name="main", image="x", resources=core.ResourceRequirements(requests={"cpu": cpu, "memory": memory})
                ),
            ),
        ),
        status=core.PodStatus(
            phase=phase,
            podIP="10.244.1.7" if on else None,
            containerStatuses=statuses,
            conditions=(core.PodCondition(type="Ready", status="True" if ready and phase == "Running" else "False"),),
        ),
    )


def copies(app: str, places: str, letter: str = "x", **more: Any) -> list[core.Pod]:
    """One Pod of ``app`` for each character of ``places``: the number of its worker, ``-`` for none."""
    made = []
    for index, place in enumerate(places):
        on = "" if place == "-" else f"worker-{place}"
        name = f"{app}-{HASHES.get(app, 'abc')}-{letter}{index}k4z"
        made.append(pod(name, on, owner=app, **({"phase": "Pending", "ready": False, **more} if not on else more)))
    return made


def system_pods(nodes: list[str]) -> list[core.Pod]:
    parts = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]
    made = [pod(f"{part}-control-plane-1", "control-plane-1", namespace="kube-system") for part in parts]
    return made + [pod(f"kube-proxy-{name[0]}{name[-1]}2lm", name, namespace="kube-system") for name in nodes]


def guestbook() -> Snapshot:
    """A control plane and three workers, one of them gone, with an application in all kinds of trouble."""
    nodes = [
        node("control-plane-1", role="control-plane", cpu="4", memory="8Gi"),
        node("worker-1"),
        node("worker-2", ready="Unknown"),
        node("worker-3", cordoned=True),
    ]
    pods = [
        *system_pods([n.metadata.name for n in nodes]),
        *copies("frontend", "1133", cpu="1500m"),
        *copies("redis-leader", "1"),
        *copies("redis-follower", "3", ready=False),
        *copies("redis-follower", "2", "q", deleted="2026-01-01T00:06:00Z"),
        *copies("frontend", "2", "w", deleted="2026-01-01T00:06:00Z"),
        *copies("frontend", "--", "n"),
        pod("migrate", "worker-1", phase="Succeeded", ready=False),
        pod("import-data", "worker-3", phase="Failed", ready=False, terminated="Error"),
        pod("cart", "worker-1", ready=False, waiting="CrashLoopBackOff", restarts=4),
        pod("web", "worker-3", phase="Pending", ready=False, waiting="ContainerCreating"),
        pod("shop", "worker-3", phase="Pending", ready=False, waiting="ImagePullBackOff"),
    ]
    return Snapshot(nodes, pods)


def healthy(workers: int = 3, pods: int = 9) -> Snapshot:
    nodes = [node("control-plane-1", role="control-plane"), *(node(f"worker-{i + 1}") for i in range(workers))]
    made = [pod(f"frontend-6d9f7c8b5d-{i:05d}", f"worker-{i % workers + 1}", owner="frontend") for i in range(pods)]
    return Snapshot(nodes, made + system_pods([n.metadata.name for n in nodes]))

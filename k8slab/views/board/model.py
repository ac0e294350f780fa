"""What the board shows, as plain data made from a snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from k8slab.api.quantity import milli, value
from k8slab.api.resources import pod_requests
from k8slab.views.state import (
    FAILED,
    NODE_READY,
    STATES,
    SUCCEEDED,
    node_state,
    pod_state,
    ready_count,
    restarts,
    roles,
)

#: Namespaces of the cluster itself, set apart from what learners run.
SYSTEM_NAMESPACES = frozenset({"kube-system"})


class PodCell(NamedTuple):
    """One Pod on the board. ``cpu`` is requested in thousandths of a CPU, ``memory`` in bytes."""

    uid: str
    namespace: str
    name: str
    app: str
    node: str
    state: int
    reason: str
    ready: int
    containers: int
    restarts: int
    cpu: int
    memory: int
    ip: str
    created: str

    @property
    def suffix(self) -> str:
        """The last part of the Pod's name, where it has more than its application's."""
        return self.name.rpartition("-")[2] if self.app != self.name else ""

    @property
    def system(self) -> bool:
        """Whether it belongs to the cluster itself."""
        return self.namespace in SYSTEM_NAMESPACES


class NodeBox(NamedTuple):
    """One node with its Pods.

    ``cpu`` (thousandths) and ``memory`` (bytes) are allocatable, ``*_requested`` the sums of its Pods' requests.
    """

    name: str
    roles: tuple[str, ...]
    ready: int
    cordoned: bool
    taints: tuple[str, ...]
    cpu: int
    memory: int
    capacity: int
    pods: tuple[PodCell, ...]
    cpu_requested: int
    memory_requested: int
    version: str


class Board(NamedTuple):
    """The whole board at lab time ``time`` (microseconds); ``waiting`` are the Pods without a node."""

    time: int
    revision: int
    nodes: tuple[NodeBox, ...]
    waiting: tuple[PodCell, ...]
    show_system: bool = True

    def pods(self) -> Iterable[PodCell]:
        """All Pods that are shown, by node, the waiting ones last."""
        for node in self.nodes:
            yield from node.pods
        yield from self.waiting

    def counts(self) -> dict[int, int]:
        """How many Pods are in each state, the system's own not counted; only states that occur."""
        found: dict[int, int] = {}
        for pod in self.pods():
            if not pod.system:
                found[pod.state] = found.get(pod.state, 0) + 1
        return dict(sorted(found.items()))

    def summary(self) -> str:
        """The board in one line: ``3 of 4 nodes Ready; 12 Pods: 10 Running, 2 Pending``."""
        ready = sum(node.ready == NODE_READY for node in self.nodes)
        counts = self.counts()
        total = sum(counts.values())
        parts = ", ".join(f"{number} {STATES[state].name}" for state, number in counts.items())
        nodes = f"{ready} of {len(self.nodes)} nodes Ready"
        return f"{nodes}; {total} Pod{'' if total == 1 else 's'}{': ' + parts if parts else ''}"


def board_model(
    snapshot: Any, namespaces: Iterable[str] | None = None, selector: str = "", show_system: bool = True
) -> Board:
    """The board of a snapshot (anything with ``time``, ``revision`` and ``list(resource)``).

    ``namespaces`` and ``selector`` (labels, as kubectl takes them) choose Pods; ``show_system`` keeps kube-system. The
    nodes' bars count all their Pods, chosen or not.
    """
    chosen = _Choice(namespaces, selector, show_system)
    by_node: dict[str, list[Any]] = {}
    for pod in snapshot.list("pods"):
        by_node.setdefault((pod.spec.nodeName if pod.spec else None) or "", []).append(pod)
    nodes = tuple(_box(node, by_node.pop(node.metadata.name, []), chosen) for node in snapshot.list("nodes"))
    waiting = [pod for name in sorted(by_node) for pod in by_node[name]]
    return Board(snapshot.time, snapshot.revision, nodes, _cells(waiting, chosen), show_system)


class _Choice:
    """Which Pods are wanted on the board."""

    def __init__(self, namespaces: Iterable[str] | None, selector: str, show_system: bool) -> None:
        self.namespaces = None if namespaces is None else frozenset(namespaces)
        self.show_system = show_system
        self.requests = Requests()
        self.matches = None
        if selector:
            from k8slab.api.selector import parse_labels

            self.matches = parse_labels(selector).matches

    def takes(self, pod: Any) -> bool:
        namespace = pod.metadata.namespace
        if self.namespaces is not None and namespace not in self.namespaces:
            return False
        if not self.show_system and namespace in SYSTEM_NAMESPACES:
            return False
        return self.matches is None or self.matches(pod.metadata.labels or {})


def _box(node: Any, pods: list[Any], chosen: _Choice) -> NodeBox:
    ready, cordoned = node_state(node)
    allocatable = (node.status.allocatable or node.status.capacity or {}) if node.status else {}
    requests = [chosen.requests.of(pod) for pod in pods if pod_state(pod)[0] not in (SUCCEEDED, FAILED)]
    return NodeBox(
        name=node.metadata.name,
        roles=roles(node),
        ready=ready,
        cordoned=cordoned,
        taints=tuple(f"{t.key}{'=' + t.value if t.value else ''}:{t.effect}" for t in (node.spec.taints or ())),
        cpu=milli(allocatable.get("cpu", 0)),
        memory=value(allocatable.get("memory", 0)),
        capacity=value(allocatable.get("pods", 0)),
        pods=_cells(pods, chosen),
        cpu_requested=sum(cpu for cpu, _ in requests),
        memory_requested=sum(memory for _, memory in requests),
        version=(node.status.nodeInfo.kubeletVersion if node.status and node.status.nodeInfo else "") or "",
    )


def _cells(pods: list[Any], chosen: _Choice) -> tuple[PodCell, ...]:
    cells = [pod_cell(pod, chosen.requests) for pod in pods if chosen.takes(pod)]
    # Oldest first: a Pod keeps its place while younger ones come and go behind it.
    return tuple(sorted(cells, key=lambda cell: (cell.system, cell.created, cell.namespace, cell.name)))


def pod_cell(pod: Any, requests: Requests) -> PodCell:
    """One Pod as the board shows it."""
    state, reason = pod_state(pod)
    ready, containers = ready_count(pod)
    cpu, memory = requests.of(pod)
    meta = pod.metadata
    return PodCell(
        uid=meta.uid or f"{meta.namespace}/{meta.name}",
        namespace=meta.namespace or "default",
        name=meta.name,
        app=app_name(pod),
        node=(pod.spec.nodeName if pod.spec else None) or "",
        state=state,
        reason=reason,
        ready=ready,
        containers=containers,
        restarts=restarts(pod),
        cpu=cpu,
        memory=memory,
        ip=(pod.status.podIP if pod.status else None) or "",
        created=meta.creationTimestamp or "",
    )


def app_name(pod: Any) -> str:
    """What the Pod's family is called: its Deployment, StatefulSet or other controller; a bare Pod's own name."""
    meta = pod.metadata
    owner = next((ref for ref in meta.ownerReferences or () if ref.controller), None)
    if owner is None or not meta.name.startswith(owner.name):
        # A static Pod's mirror ends in its node's name and is owned by the Node.
        return meta.name.removesuffix(f"-{pod.spec.nodeName}") if owner and pod.spec else meta.name
    suffix = (meta.labels or {}).get("pod-template-hash")
    return owner.name.removesuffix(f"-{suffix}") if suffix else owner.name


class Requests:
    """What Pods ask for. Most Pods are copies of few templates: equal ones are worked out once."""

    def __init__(self) -> None:
        self._known: dict[Any, tuple[int, int]] = {}

    def of(self, pod: Any) -> tuple[int, int]:
        """The CPU (thousandths) and memory (bytes) that the Pod asks for."""
        spec = pod.spec
        if spec is None:
            return 0, 0
        if spec.initContainers or spec.overhead or spec.resources:
            return _requested(pod)
        key = tuple(_amounts(container) for container in spec.containers or ())
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = _requested(pod)
        return found


def _amounts(container: Any) -> tuple[Any, ...]:
    requests = container.resources.requests if container.resources else None
    return tuple(requests.items()) if requests else ()


def _requested(pod: Any) -> tuple[int, int]:
    requests = pod_requests(pod)
    return milli(requests.get("cpu", 0)), value(requests.get("memory", 0))

"""What would have to change for a Pod to fit on a node that was rejected, in one sentence."""

from __future__ import annotations

from collections.abc import Callable

from k8slab.scheduler.framework import CycleState, Status
from k8slab.scheduler.nodeinfo import NodeInfo
from k8slab.scheduler.tolerations import untolerated


def advice(state: CycleState, node: NodeInfo, status: Status) -> str:
    """The advice for a rejection by a built-in plugin; "" where there is none to give."""
    found = ADVICE.get(status.plugin)
    return found(state, node, status) if found is not None else ""


def _fit(state: CycleState, node: NodeInfo, status: Status) -> str:
    shape = state.pod_info.shape
    parts = []
    if "Too many pods" in status.reasons:
        parts.append(f"remove a Pod (the node takes {node.allowed_pods})")
    used = {"cpu": node.requested_cpu, "memory": node.requested_memory, "ephemeral-storage": node.requested_ephemeral}
    for name, number in shape.requests.items():
        if f"Insufficient {name}" in status.reasons:
            free = node.allocatable.get(name, 0) - used.get(name, node.requested_scalars.get(name, 0))
            parts.append(
                f"free {_amount(name, number - free)} of {name} (wanted {_amount(name, number)}, "
                f"free {_amount(name, free)} of {_amount(name, node.allocatable.get(name, 0))})"
            )
    return "; ".join(parts)


def _amount(resource: str, number: int) -> str:
    if resource == "cpu":
        return f"{number}m" if number % 1000 else str(number // 1000)
    if resource in ("memory", "ephemeral-storage") or resource.startswith("hugepages-"):
        for unit, size in (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
            if number and number % size == 0:
                return f"{number // size}{unit}"
    return str(number)


def _taint(state: CycleState, node: NodeInfo, status: Status) -> str:
    taint = untolerated(state.pod_info.shape.tolerations, node.taints)
    if taint is None:
        return ""
    value = f"={taint.value}" if taint.value else ""
    return f"tolerate, or remove, the taint {taint.key}{value}:{taint.effect}"


def _cordon(state: CycleState, node: NodeInfo, status: Status) -> str:
    return f"kubectl uncordon {node.name}"


def _affinity(state: CycleState, node: NodeInfo, status: Status) -> str:
    missing = [
        f"{key}={value}" for key, value in state.pod_info.shape.node_requirement.labels if node.labels.get(key) != value
    ]
    if missing:
        return f"label the node {', '.join(missing)}, or change the Pod's nodeSelector"
    return "label the node so that a term of the Pod's required node affinity matches, or change that"


def _ports(state: CycleState, node: NodeInfo, status: Status) -> str:
    taken = [str(port[2]) for port in state.pod_info.shape.ports if node.port_conflict((port,))]
    return f"remove the Pod that uses host port {', '.join(dict.fromkeys(taken))}, or ask for another"


def _spread(state: CycleState, node: NodeInfo, status: Status) -> str:
    if "missing required label" in status.message:
        return "label the node with the topology key of the constraint"
    return "place matching Pods in emptier domains first, or raise maxSkew"


def _company(state: CycleState, node: NodeInfo, status: Status) -> str:
    if "existing pods" in status.message:
        return "remove the Pods on the node's domain whose anti-affinity rejects this Pod"
    if "anti-affinity" in status.message:
        return "remove the matching Pods from the node's domain, or drop the anti-affinity"
    return "place a matching Pod in the node's domain first"


ADVICE: dict[str, Callable[[CycleState, NodeInfo, Status], str]] = {
    "NodeResourcesFit": _fit,
    "TaintToleration": _taint,
    "NodeUnschedulable": _cordon,
    "NodeAffinity": _affinity,
    "NodePorts": _ports,
    "PodTopologySpread": _spread,
    "InterPodAffinity": _company,
}

"""On which nodes a DaemonSet's Pods belong, and what its Pods look like.

Follows pkg/controller/daemon/daemon_controller.go (NodeShouldRunDaemonPod) and util/daemonset_util.go.
"""

from __future__ import annotations

from k8slab.api.apps_v1 import DaemonSet
from k8slab.api.core_v1 import (
    Affinity,
    Node,
    NodeAffinity,
    NodeSelector,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    Pod,
    PodSpec,
    Toleration,
)
from k8slab.api.selector import node_matches
from k8slab.api.taints import tolerates

AUTOMATIC = (
    Toleration(key="node.kubernetes.io/not-ready", operator="Exists", effect="NoExecute"),
    Toleration(key="node.kubernetes.io/unreachable", operator="Exists", effect="NoExecute"),
    Toleration(key="node.kubernetes.io/disk-pressure", operator="Exists", effect="NoSchedule"),
    Toleration(key="node.kubernetes.io/memory-pressure", operator="Exists", effect="NoSchedule"),
    Toleration(key="node.kubernetes.io/pid-pressure", operator="Exists", effect="NoSchedule"),
    Toleration(key="node.kubernetes.io/unschedulable", operator="Exists", effect="NoSchedule"),
)
FOR_HOST_NETWORK = Toleration(key="node.kubernetes.io/network-unavailable", operator="Exists", effect="NoSchedule")


def tolerations(spec: PodSpec) -> tuple[Toleration, ...]:
    """The template's tolerations and those that every daemon Pod has."""
    result = list(spec.tolerations or ())
    for toleration in (*AUTOMATIC, FOR_HOST_NETWORK) if spec.hostNetwork else AUTOMATIC:
        same = [t for t in result if _same_target(t, toleration)]
        if same:
            result[result.index(same[0])] = toleration
        else:
            result.append(toleration)
    return tuple(result)


def _same_target(one: Toleration, other: Toleration) -> bool:
    return (one.key, one.effect, one.operator or "Equal", one.value) == (
        other.key,
        other.effect,
        other.operator,
        other.value,
    )


def should_run(owner: DaemonSet, node: Node) -> tuple[bool, bool]:
    """Whether a Pod should be started there, and whether one that is there may stay."""
    spec = owner.spec.template.spec
    if spec.nodeName and spec.nodeName != node.metadata.name:
        return False, False
    if not node_matches(spec, node):
        return False, False
    tolerated = tolerations(spec)
    untolerated = [
        taint
        for taint in node.spec.taints or ()
        if taint.effect in ("NoSchedule", "NoExecute") and not any(tolerates(t, taint) for t in tolerated)
    ]
    return not untolerated, all(taint.effect == "NoSchedule" for taint in untolerated)


def spec_for(owner: DaemonSet, node_name: str) -> PodSpec:
    """The template's spec, bound to one node by affinity: the scheduler does the rest."""
    spec = owner.spec.template.spec
    only = NodeSelectorRequirement(key="metadata.name", operator="In", values=(node_name,))
    affinity = spec.affinity or Affinity()
    node_affinity = affinity.nodeAffinity or NodeAffinity()
    required = node_affinity.requiredDuringSchedulingIgnoredDuringExecution
    terms = (required.nodeSelectorTerms if required is not None else None) or (NodeSelectorTerm(),)
    bound = tuple(term.replace(matchFields=(only,)) for term in terms)
    node_affinity = node_affinity.replace(
        requiredDuringSchedulingIgnoredDuringExecution=NodeSelector(nodeSelectorTerms=bound)
    )
    return spec.replace(tolerations=tolerations(spec), affinity=affinity.replace(nodeAffinity=node_affinity))


def target_of(pod: Pod) -> str:
    """The node where a daemon Pod is or is meant to be; "" if it does not say."""
    if pod.spec.nodeName:
        return pod.spec.nodeName
    affinity = pod.spec.affinity.nodeAffinity if pod.spec.affinity is not None else None
    required = affinity.requiredDuringSchedulingIgnoredDuringExecution if affinity is not None else None
    for term in (required.nodeSelectorTerms or ()) if required is not None else ():
        for field in term.matchFields or ():
            if field.key == "metadata.name" and field.operator == "In" and len(field.values or ()) == 1:
                return field.values[0]
    return ""

"""What a node is made of, and how it describes itself to the API server."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from k8slab.api import core_v1 as core
from k8slab.api import quantity
from k8slab.api.base import Quantity
from k8slab.api.labels import kubelet_may_set
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.kubelet.thresholds import HARD, amount
from k8slab.sim.seed import uuid_text

KUBELET_VERSION = "v1.36.2"
OS_IMAGE = "Debian GNU/Linux 12 (bookworm)"
KERNEL_VERSION = "6.1.0-41-amd64"
RUNTIME_VERSION = "containerd://2.1.5"
KUBELET_PORT = 10250
DECLARED_FEATURES = ("InPlacePodLevelResourcesVerticalScaling", "RestartAllContainersOnContainerExits")
"""What v1.36 kubelets declare by default (`component-helpers/nodedeclaredfeatures/features`), sorted."""
CLUSTER_DNS = "10.96.0.10"
Amounts = dict[str, Quantity]


@dataclass(frozen=True)
class NodeSpec:
    """The shape of one machine.

    Args:
        name: also the host name.
        cpu: cores.
        memory: bytes as a quantity; the node allots what it reserves, and what hard eviction keeps free, less.
        pods: `maxPods`.
        ephemeral_storage: size of the root disk; 90 % can be allotted.
        labels: added to the well-known ones.
        taints: registered with the node.
        role: `control-plane` gives the usual role labels and the NoSchedule taint; `worker` nothing.
        address: InternalIP; given by the lab where it is empty.
        zone, region, instance_type: topology labels, left out when empty.
        images: names of images that are on the disk from the beginning.
        system_reserved, kube_reserved: what the node keeps for itself: `{"cpu": "200m", "memory": "500Mi"}`.
        eviction_hard, eviction_soft, eviction_soft_grace, eviction_minimum_reclaim: by signal (`memory.available`,
            `nodefs.available`, `imagefs.available`, `pid.available`); what `eviction_hard` does not name keeps its
            default.
        eviction_max_grace: seconds that Pods get at most after a soft threshold (evictionMaxPodGracePeriod).
        pids: how many processes and threads there can be.
        image_gc_high, image_gc_low: percent of the disk at which unused images are deleted, and down to which.
        shutdown_grace_period, shutdown_grace_period_critical_pods: what a clean shutdown grants; the second is the part
            of the first that is kept for critical Pods. Real kubelets have 0 here unless somebody sets it.
        cloud_provider: `external`: a cloud controller completes the Node, and Pods wait for it (--cloud-provider).
    """

    name: str
    cpu: str = "8"
    memory: str = "16Gi"
    pods: int = 110
    ephemeral_storage: str = "100Gi"
    labels: dict[str, str] = field(default_factory=dict)
    taints: tuple[core.Taint, ...] = ()
    role: str = "worker"
    address: str = ""
    zone: str = ""
    region: str = ""
    instance_type: str = ""
    images: tuple[str, ...] = ()
    provider_id: str = ""
    system_reserved: dict[str, str] = field(default_factory=dict)
    kube_reserved: dict[str, str] = field(default_factory=dict)
    eviction_hard: dict[str, str] = field(default_factory=dict)
    eviction_soft: dict[str, str] = field(default_factory=dict)
    eviction_soft_grace: dict[str, str] = field(default_factory=dict)
    eviction_minimum_reclaim: dict[str, str] = field(default_factory=dict)
    eviction_max_grace: int = 0
    pids: int = 32768
    image_gc_high: int = 85
    image_gc_low: int = 80
    shutdown_grace_period: str = "30s"
    shutdown_grace_period_critical_pods: str = "10s"
    cloud_provider: str = ""


Machine = NodeSpec


def all_labels(spec: NodeSpec) -> dict[str, str]:
    """The labels of a machine's node: those that every kubelet sets, then the machine's own."""
    labels = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": spec.name.lower(),
        "kubernetes.io/os": "linux",
    }
    if spec.instance_type:
        labels["node.kubernetes.io/instance-type"] = spec.instance_type
    if spec.region:
        labels["topology.kubernetes.io/region"] = spec.region
    if spec.zone:
        labels["topology.kubernetes.io/zone"] = spec.zone
    if spec.role == "control-plane":
        labels["node-role.kubernetes.io/control-plane"] = ""
        labels["node.kubernetes.io/exclude-from-external-load-balancers"] = ""
    return {**labels, **spec.labels}


def well_known_labels(spec: NodeSpec) -> dict[str, str]:
    """The labels with which a kubelet registers: not those that kubelets may not set."""
    return {key: value for key, value in all_labels(spec).items() if kubelet_may_set(key)}


def administrators_labels(spec: NodeSpec) -> dict[str, str]:
    """The labels that kubeadm puts on a node that has joined."""
    return {key: value for key, value in all_labels(spec).items() if not kubelet_may_set(key)}


def node_object(spec: NodeSpec, status: core.NodeStatus) -> core.Node:
    """The Node as the kubelet registers it."""
    taints = tuple(core.Taint(**taint) if isinstance(taint, dict) else taint for taint in spec.taints)
    if spec.role == "control-plane" and not any(t.key == "node-role.kubernetes.io/control-plane" for t in taints):
        taints = (*taints, core.Taint(key="node-role.kubernetes.io/control-plane", effect="NoSchedule"))
    if spec.cloud_provider == "external":
        waiting = core.Taint(key="node.cloudprovider.kubernetes.io/uninitialized", value="true", effect="NoSchedule")
        taints = (*taints, waiting)
    return core.Node(
        metadata=ObjectMeta(
            name=spec.name,
            labels=well_known_labels(spec),
            annotations={"volumes.kubernetes.io/controller-managed-attach-detach": "true"},
        ),
        spec=core.NodeSpec(taints=taints or None, providerID=spec.provider_id or None),
        status=status,
    )


def capacity(spec: NodeSpec) -> tuple[Amounts, Amounts]:
    """Capacity and allocatable as the kubelet writes them (memory in Ki, storage less its 10 % reserve)."""
    memory_ki = quantity.value(spec.memory) // 1024
    storage = quantity.value(spec.ephemeral_storage)
    common = {"cpu": spec.cpu, "hugepages-1Gi": "0", "hugepages-2Mi": "0", "pods": str(spec.pods)}
    have: Amounts = {**common, "ephemeral-storage": f"{storage // 1024}Ki", "memory": f"{memory_ki}Ki"}
    kept = {name: reserved(spec, name) for name in ("cpu", "memory", "ephemeral-storage")}
    limits = {**HARD, **spec.eviction_hard}
    keep = amount(limits["memory.available"], memory_ki * 1024) + kept["memory"]
    disk = storage - amount(limits["nodefs.available"], storage) - kept["ephemeral-storage"]
    allot: Amounts = {
        **common,
        "ephemeral-storage": str(max(0, disk)),
        "memory": f"{max(0, memory_ki - keep // 1024)}Ki",
    }
    if kept["cpu"]:
        allot["cpu"] = quantity.from_milli(max(0, quantity.milli(spec.cpu) - kept["cpu"]))
    return dict(sorted(have.items())), dict(sorted(allot.items()))


def reserved(spec: NodeSpec, name: str) -> int:
    """What a node keeps for itself: bytes, or millicores."""
    unit = quantity.milli if name == "cpu" else quantity.value
    return sum(unit(each[name]) for each in (spec.system_reserved, spec.kube_reserved) if name in each)


def system_info(spec: NodeSpec, boot: int = 0) -> core.NodeSystemInfo:
    """Versions and identifiers; the boot ID changes with every boot of the machine."""
    machine = hashlib.sha256(f"machine/{spec.name}".encode()).hexdigest()
    booted = hashlib.sha256(f"boot/{spec.name}/{boot}".encode()).hexdigest()
    return core.NodeSystemInfo(
        architecture="amd64",
        bootID=uuid_text(booted),
        containerRuntimeVersion=RUNTIME_VERSION,
        kernelVersion=KERNEL_VERSION,
        kubeletVersion=KUBELET_VERSION,
        kubeProxyVersion="",
        machineID=machine[:32],
        operatingSystem="linux",
        osImage=OS_IMAGE,
        systemUUID=uuid_text(machine[32:]),
    )


def node_status(
    spec: NodeSpec, boot: int, conditions: tuple[core.NodeCondition, ...], images: tuple[core.ContainerImage, ...]
) -> core.NodeStatus:
    """The whole status, as a report contains it."""
    have, allot = capacity(spec)
    internal = () if spec.cloud_provider else (core.NodeAddress(type="InternalIP", address=spec.address),)
    return core.NodeStatus(
        addresses=(*internal, core.NodeAddress(type="Hostname", address=spec.name.lower())),
        allocatable=allot,
        capacity=have,
        conditions=conditions,
        declaredFeatures=DECLARED_FEATURES,
        daemonEndpoints=core.NodeDaemonEndpoints(kubeletEndpoint=core.DaemonEndpoint(Port=KUBELET_PORT)),
        features=core.NodeFeatures(supplementalGroupsPolicy=True),
        images=images or None,
        nodeInfo=system_info(spec, boot),
        runtimeHandlers=(
            core.NodeRuntimeHandler(
                name="runc",
                features=core.NodeRuntimeHandlerFeatures(recursiveReadOnlyMounts=True, userNamespaces=True),
            ),
        ),
    )

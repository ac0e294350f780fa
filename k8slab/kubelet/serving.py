"""What a kubelet answers on its port 10250 (pkg/kubelet/server/server.go), as `nodes/proxy` passes it on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from k8slab.api.codec import to_dict
from k8slab.kubelet.heartbeat import REPORT_PERIOD
from k8slab.kubelet.node import CLUSTER_DNS
from k8slab.kubelet.summary import summary
from k8slab.kubelet.thresholds import HARD
from k8slab.sim.clock import SECOND

if TYPE_CHECKING:
    from k8slab.kubelet.kubelet import Kubelet

NOT_FOUND = "404 page not found\n"


def answer(kubelet: Kubelet, path: str, loads: Mapping[str, float]) -> Any:
    """The body for a path; plain text, or data that is sent as JSON. None where there is no such page."""
    path = path.strip("/")
    if path == "stats/summary":
        return summary(kubelet, loads)
    if path == "healthz" or path.startswith("healthz/"):
        return "ok"
    if path == "pods":
        pods = [to_dict(worker.pod) for worker in kubelet.workers.values()]
        return {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": pods}
    if path == "configz":
        return {"kubeletconfig": configuration(kubelet)}
    return resource_metrics(kubelet, loads) if path == "metrics/resource" else None


def configuration(kubelet: Kubelet) -> dict[str, Any]:
    """The kubelet's configuration, as far as a node's shape decides it."""
    node = kubelet.node
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "clusterDNS": [CLUSTER_DNS],
        "clusterDomain": "cluster.local",
        "staticPodPath": "/etc/kubernetes/manifests",
        "nodeStatusReportFrequency": f"{REPORT_PERIOD // SECOND // 60}m0s",
        "maxPods": node.pods,
        "serializeImagePulls": True,
        "imageGCHighThresholdPercent": node.image_gc_high,
        "imageGCLowThresholdPercent": node.image_gc_low,
        "evictionHard": {**HARD, **node.eviction_hard},
        "evictionSoft": dict(node.eviction_soft),
        "evictionSoftGracePeriod": dict(node.eviction_soft_grace),
        "evictionMinimumReclaim": dict(node.eviction_minimum_reclaim),
        "evictionPressureTransitionPeriod": "5m0s",
        "systemReserved": dict(node.system_reserved),
        "kubeReserved": dict(node.kube_reserved),
        "shutdownGracePeriod": node.shutdown_grace_period,
        "shutdownGracePeriodCriticalPods": node.shutdown_grace_period_critical_pods,
    }


def resource_metrics(kubelet: Kubelet, loads: Mapping[str, float]) -> str:
    """`/metrics/resource`: what metrics-server reads."""
    told = summary(kubelet, loads)
    lines = [
        "# TYPE node_memory_working_set_bytes gauge",
        f"node_memory_working_set_bytes {told['node']['memory']['workingSetBytes']}",
        "# TYPE container_memory_working_set_bytes gauge",
    ]
    for pod in told["pods"]:
        where = f'namespace="{pod["podRef"]["namespace"]}",pod="{pod["podRef"]["name"]}"'
        for container in pod["containers"]:
            name, used = container["name"], container["memory"]["workingSetBytes"]
            lines.append(f'container_memory_working_set_bytes{{container="{name}",{where}}} {used}')
    return "\n".join((*lines, ""))

"""PodTopologyLabels: a Pod learns its node's zone and region when it is bound (KEP-4742)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.apiserver.admission.plugin import PODS, Plugin
from k8slab.apiserver.meta import with_meta

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call
    from k8slab.apiserver.server import APIServer

LABELS = ("topology.kubernetes.io/region", "topology.kubernetes.io/zone")


class PodTopologyLabels(Plugin):
    """Copies topology labels to Pods that are created on a node; those of bindings are copied when binding."""

    name = "PodTopologyLabels"
    resources = PODS

    def admit(self, call: Call, obj: Any, old: Any) -> Any:
        """Label a Pod that comes with its node."""
        if not obj.spec.nodeName:
            return obj
        labels = topology_labels(call.server, obj.spec.nodeName)
        return with_meta(obj, labels=(obj.metadata.labels or {}) | labels) if labels else obj


def topology_labels(server: APIServer, node_name: str) -> dict[str, str]:
    """The labels that Pods take over from this node; none where the node is not known."""
    node = server.peek("nodes", node_name)
    own = (node.metadata.labels or {}) if node is not None else {}
    return {key: own[key] for key in LABELS if key in own}

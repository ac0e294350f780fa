"""PodResizeValidator: a Pod is not resized beyond what its node has at all (`plugin/pkg/admission/podresize`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api.quantity import milli
from k8slab.api.resources import pod_requests
from k8slab.apiserver.admission.plugin import PODS, Plugin, refuse
from k8slab.errors import quote

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

SYSTEM_LABEL = "kubernetes.io/os"


class PodResizeValidator(Plugin):
    """Guards the subresource resize."""

    name = "PodResizeValidator"
    resources = PODS
    operations = frozenset({"UPDATE"})

    def validate(self, call: Call, obj: Any, old: Any) -> None:
        """Refuse what the node could never give."""
        if call.subresource != "resize" or not obj.spec.nodeName or obj.spec == old.spec:
            return
        node = call.server.peek("nodes", obj.spec.nodeName)
        if node is None:
            raise refuse(call, obj, f"node {quote(obj.spec.nodeName)} not found")
        system = (node.metadata.labels or {}).get(SYSTEM_LABEL, "linux")
        if system != "linux":
            why = f"pod resize is only supported on linux nodes, node {quote(node.metadata.name)} is {quote(system)}"
            raise refuse(call, obj, why, ({"reason": "UnsupportedPlatform"},))
        missing = _beyond(obj, (node.status.allocatable if node.status is not None else None) or {})
        if missing:
            why = f"node didn't have enough allocatable resources: {'; '.join(missing)}"
            raise refuse(call, obj, why, ({"reason": "NodeCapacity"},))


def _beyond(pod: Any, allocatable: dict[str, Any]) -> list[str]:
    wanted, found = pod_requests(pod), []
    for name, unit in (("cpu", 1), ("memory", 1000)):
        asked, there = milli(wanted.get(name, "0")), milli(allocatable.get(name, "0"))
        if asked > there:
            found.append(f"{name}, requested: {-(-asked // unit)}, allocatable: {-(-there // unit)}")
    return found

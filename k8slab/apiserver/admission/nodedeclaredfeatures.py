"""NodeDeclaredFeatureValidator: a bound Pod is not changed into something that its node cannot do.

Follows `plugin/pkg/admission/nodedeclaredfeatures` and `component-helpers/nodedeclaredfeatures`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.apiserver.admission.plugin import PODS, Plugin, refuse
from k8slab.errors import quote

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

POD_LEVEL_RESIZE = "InPlacePodLevelResourcesVerticalScaling"


class NodeDeclaredFeatureValidator(Plugin):
    """Compares what an update needs with what the node declares."""

    name = "NodeDeclaredFeatureValidator"
    resources = PODS
    operations = frozenset({"UPDATE"})

    def validate(self, call: Call, obj: Any, old: Any) -> None:
        """Refuse updates that need a feature which the node lacks."""
        if call.subresource not in ("", "resize") or not obj.spec.nodeName or obj.spec is old.spec:
            return
        needed = _needed(obj, old)
        if not needed:
            return
        node = call.server.peek("nodes", obj.spec.nodeName)
        if node is None:
            raise refuse(call, obj, f"node {quote(obj.spec.nodeName)} not found")
        declared = (node.status.declaredFeatures if node.status is not None else None) or ()
        missing = [name for name in needed if name not in declared]
        if missing:
            lacking = f"which are not available on node {quote(node.metadata.name)}"
            raise refuse(call, obj, f"pod update requires features {', '.join(missing)} {lacking}")


def _needed(pod: Any, old: Any) -> list[str]:
    return [POD_LEVEL_RESIZE] if pod.spec.resources != old.spec.resources else []

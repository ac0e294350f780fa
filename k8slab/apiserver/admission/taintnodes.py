"""TaintNodesByCondition: a new node takes no Pods until its controller has seen it ready."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api.core_v1 import Taint
from k8slab.apiserver.admission.plugin import Plugin

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

NOT_READY = Taint(key="node.kubernetes.io/not-ready", effect="NoSchedule")


class TaintNodesByCondition(Plugin):
    """Taints new nodes."""

    name = "TaintNodesByCondition"
    resources = frozenset({("", "nodes")})

    def admit(self, call: Call, obj: Any, old: Any) -> Any:
        """Add the taint `node.kubernetes.io/not-ready:NoSchedule`."""
        taints = obj.spec.taints or ()
        if any((each.key, each.effect) == (NOT_READY.key, NOT_READY.effect) for each in taints):
            return obj
        return obj.replace(spec=obj.spec.replace(taints=(*taints, NOT_READY)))

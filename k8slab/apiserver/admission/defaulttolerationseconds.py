"""DefaultTolerationSeconds: Pods stay five minutes on a node that is not ready or unreachable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api.core_v1 import Toleration
from k8slab.apiserver.admission.plugin import PODS, Plugin

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

DEFAULTS = tuple(
    Toleration(key=key, operator="Exists", effect="NoExecute", tolerationSeconds=300)
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
)


class DefaultTolerationSeconds(Plugin):
    """Adds the two default tolerations."""

    name = "DefaultTolerationSeconds"
    resources = PODS
    operations = frozenset({"CREATE", "UPDATE"})

    def admit(self, call: Call, obj: Any, old: Any) -> Any:
        """Add each of them unless the Pod says something about its taint."""
        present = obj.spec.tolerations or ()
        missing = tuple(each for each in DEFAULTS if not any(_covers(own, each) for own in present))
        return obj.replace(spec=obj.spec.replace(tolerations=(*present, *missing))) if missing else obj


def _covers(toleration: Any, default: Any) -> bool:
    return (not toleration.key or toleration.key == default.key) and toleration.effect in (None, "", "NoExecute")

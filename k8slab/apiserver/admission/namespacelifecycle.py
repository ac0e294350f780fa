"""NamespaceLifecycle: nothing new in namespaces that are missing or going away; some namespaces stay for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.apiserver.admission.plugin import Plugin, refuse
from k8slab.errors import not_found

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

IMMORTAL = frozenset({"default", "kube-system", "kube-public"})


class NamespaceLifecycle(Plugin):
    """Guards namespaces."""

    name = "NamespaceLifecycle"
    operations = frozenset({"CREATE", "UPDATE"})

    def admit(self, call: Call, obj: Any, old: Any) -> Any:
        """Refuse objects in a missing namespace, and new ones in a terminating one."""
        name = call.namespace
        if name is None:
            return obj
        namespace = call.server.peek("namespaces", name)
        if namespace is None:
            raise not_found("namespaces", name)
        if call.operation == "CREATE" and namespace.status.phase == "Terminating":
            why = f"unable to create new content in namespace {name} because it is being terminated"
            cause = {
                "reason": "NamespaceTerminating",
                "message": f"namespace {name} is being terminated",
                "field": "metadata.namespace",
            }
            raise refuse(call, obj, why, (cause,))
        return obj

    def check_delete(self, call: Call, obj: Any) -> None:
        """Refuse to delete the namespaces that the system needs."""
        if obj.kind == "Namespace" and obj.metadata.name in IMMORTAL:
            raise refuse(call, obj, "this namespace may not be deleted")

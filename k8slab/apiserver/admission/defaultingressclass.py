"""DefaultIngressClass: Ingresses that name no class get the default one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.apiserver.admission.plugin import Plugin

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

IS_DEFAULT = "ingressclass.kubernetes.io/is-default-class"
CLASS_ANNOTATION = "kubernetes.io/ingress.class"


class DefaultIngressClass(Plugin):
    """Sets the class of Ingresses."""

    name = "DefaultIngressClass"
    resources = frozenset({("networking.k8s.io", "ingresses")})

    def admit(self, call: Call, obj: Any, old: Any) -> Any:
        """Fill in the name of the newest class that is marked as default."""
        if (
            obj.spec is None
            or obj.spec.ingressClassName is not None
            or CLASS_ANNOTATION in (obj.metadata.annotations or {})
        ):
            return obj
        classes = call.server.peek_all("ingressclasses", group="networking.k8s.io")
        marked = [each for each in classes if (each.metadata.annotations or {}).get(IS_DEFAULT) == "true"]
        if not marked:
            return obj
        return obj.replace(spec=obj.spec.replace(ingressClassName=max(marked, key=_created).metadata.name))


def _created(ingress_class: Any) -> str:
    return ingress_class.metadata.creationTimestamp

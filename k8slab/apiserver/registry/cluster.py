"""Namespaces, nodes and storage objects (`pkg/registry/core`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api.core_v1 import (
    NamespaceSpec,
    NamespaceStatus,
)
from k8slab.apiserver.meta import with_meta
from k8slab.apiserver.registry.strategy import Strategy

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call

NAME_LABEL = "kubernetes.io/metadata.name"


class NamespaceStrategy(Strategy):
    """Rules of namespaces: a finalizer in the spec keeps them until their content is gone."""

    def prepare_create(self, obj: Any, call: Call) -> Any:
        """Active, with the finalizer `kubernetes` and the label that carries the name."""
        finalizers = tuple((obj.spec.finalizers if obj.spec is not None else None) or ())
        if "kubernetes" not in finalizers:
            finalizers = (*finalizers, "kubernetes")
        obj = obj.replace(spec=NamespaceSpec(finalizers=finalizers), status=NamespaceStatus(phase="Active"))
        return _labelled(obj)

    def prepare_update(self, obj: Any, old: Any, call: Call) -> Any:
        """Finalizers change through /finalize only, the status through /status only."""
        return _labelled(obj.replace(spec=old.spec, status=old.status))


def _labelled(namespace: Any) -> Any:
    labels = namespace.metadata.labels or {}
    if labels.get(NAME_LABEL) == namespace.metadata.name:
        return namespace
    return with_meta(namespace, labels=labels | {NAME_LABEL: namespace.metadata.name})


class NodeStrategy(Strategy):
    """Rules of nodes: a kubelet registers its node together with the status."""

    keeps_status_on_create = True


class PersistentVolumeStrategy(Strategy):
    """Rules of persistentvolumes."""

    returns_deleted = True

    def prepare_create(self, obj: Any, call: Call) -> Any:
        """Pending since now."""
        return obj.replace(status=obj.status.replace(lastPhaseTransitionTime=call.server.clock.rfc3339()))

    def prepare_status(self, obj: Any, old: Any, call: Call) -> Any:
        """Note when the phase changed."""
        obj = super().prepare_status(obj, old, call)
        before = old.status.phase if old.status is not None else None
        if obj.status is not None and obj.status.phase != before:
            now = call.server.clock.rfc3339()
            if obj.status.lastPhaseTransitionTime in (None, old.status and old.status.lastPhaseTransitionTime):
                return obj.replace(status=obj.status.replace(lastPhaseTransitionTime=now))
        return obj


class ReturnedStrategy(Strategy):
    """Rules of kinds whose deletion answers with the object."""

    returns_deleted = True

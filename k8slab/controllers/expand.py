"""Claims that grow: tells who is waited for. No volume plugin in the tree can grow volumes any more.

Follows pkg/controller/volume/expand/expand_controller.go.
"""

from __future__ import annotations

from k8slab.api import quantity
from k8slab.api.core_v1 import PersistentVolume, PersistentVolumeClaim
from k8slab.client import Request, Result
from k8slab.controllers.controller import Controller

WAITING = "waiting for an external controller to expand this PVC"
PRE_RESIZE = "volume.alpha.kubernetes.io/pre-resize-capacity"
"""On a volume: its claim's size before it grew, until the node has grown the file system as well."""


class ExpandController(Controller):
    """Says of each claim that grows that an external resizer has to do it."""

    name = "persistentvolume-expander-controller"
    about = "tells claims that want to grow who is waited for"
    source = "volume_expand"

    def setup(self) -> None:
        """Watch claims."""
        self.claims = self.informer("persistentvolumeclaims")
        self.claims.add_handler(on_update=self._claim_updated)
        self.volumes = self.informer("persistentvolumes")

    def _claim_updated(self, old: PersistentVolumeClaim, new: PersistentVolumeClaim) -> None:
        if old.spec is not new.spec and quantity.compare(wanted_size(new), wanted_size(old)) > 0:
            self.enqueue(new)

    def reconcile(self, request: Request) -> Result | None:
        """One claim that wants to grow."""
        claim = self.claims.get(request.namespace, request.name)
        volume = self.volumes.get("", claim.spec.volumeName or "") if claim is not None else None
        if volume is None or not belong_together(claim, volume):
            return None
        if quantity.compare(wanted_size(claim), given_size(claim)) > 0:
            kind = "Normal" if volume.spec.csi is not None else "Warning"
            self.recorder.event(claim, kind, "ExternalExpanding", WAITING)
        return None


def wanted_size(claim: PersistentVolumeClaim) -> str:
    """What a claim asks for."""
    resources = claim.spec.resources
    return str(((resources.requests if resources is not None else None) or {}).get("storage", "0"))


def given_size(claim: PersistentVolumeClaim) -> str:
    """What a claim has."""
    return str(((claim.status.capacity if claim.status is not None else None) or {}).get("storage", "0"))


def belong_together(claim: PersistentVolumeClaim, volume: PersistentVolume) -> bool:
    """Whether the volume is bound to this very claim."""
    reference = volume.spec.claimRef
    return reference is not None and reference.uid == claim.metadata.uid

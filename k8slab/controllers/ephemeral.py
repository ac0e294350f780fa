"""Makes the claims of generic ephemeral volumes: a claim that lives as long as its Pod.

Follows pkg/controller/volume/ephemeral/controller.go.
"""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import PersistentVolumeClaim, Pod, Volume
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.ownership import controller_reference
from k8slab.client import Request, Result
from k8slab.controllers.controller import Controller
from k8slab.errors import ApiError


class EphemeralVolumeController(Controller):
    """Creates `<pod>-<volume>` for each ephemeral volume of a Pod."""

    name = "ephemeral-volume-controller"
    about = "makes the PersistentVolumeClaims of Pods' own (ephemeral) volumes"
    source = "ephemeral_volume"

    def setup(self) -> None:
        """Watch Pods, and claims that somebody deletes."""
        self.pods = self.informer("pods")
        self.pods.add_handler(self._pod_added)
        self.claims = self.informer("persistentvolumeclaims")
        self.claims.add_handler(on_delete=self._claim_deleted)

    def _pod_added(self, pod: Pod) -> None:
        if any(volume.ephemeral is not None for volume in pod.spec.volumes or ()):
            self.enqueue(pod)

    def _claim_deleted(self, claim: PersistentVolumeClaim) -> None:
        for owner in claim.metadata.ownerReferences or ():
            if owner.controller and owner.kind == "Pod":
                self.queue.add(Request(claim.metadata.namespace, owner.name))

    def reconcile(self, request: Request) -> Result | None:
        """Make what is missing for one Pod. Raises ApiError."""
        pod = self.pods.get(request.namespace, request.name)
        if pod is None or pod.metadata.deletionTimestamp is not None:
            return None
        for volume in pod.spec.volumes or ():
            if volume.ephemeral is not None:
                self._provide(pod, volume)
        return None

    def _provide(self, pod: Pod, volume: Volume) -> None:
        name = f"{pod.metadata.name}-{volume.name}"
        found = self.claims.get(pod.metadata.namespace, name)
        if found is None:
            self.say(f"Pod {pod.metadata.name} has the ephemeral volume {volume.name}")
            self._create(pod, self._claim(pod, volume, name))
        elif not any(owner.uid == pod.metadata.uid for owner in found.metadata.ownerReferences or ()):
            place = f"{pod.metadata.namespace}/{pod.metadata.name}"
            text = f"PVC {pod.metadata.namespace}/{name} was not created for pod {place} (pod is not owner)"
            raise ApiError(500, "InternalError", text)

    def _claim(self, pod: Pod, volume: Volume, name: str) -> PersistentVolumeClaim:
        template = volume.ephemeral.volumeClaimTemplate
        given: Any = template.metadata if template.metadata is not None else ObjectMeta()
        metadata = ObjectMeta(
            name=name,
            namespace=pod.metadata.namespace,
            labels=given.labels,
            annotations=given.annotations,
            ownerReferences=(controller_reference(pod),),
        )
        return PersistentVolumeClaim(metadata=metadata, spec=template.spec)

    def _create(self, pod: Pod, claim: PersistentVolumeClaim) -> None:
        try:
            self.client.create(claim)
        except ApiError as error:
            text = f"ephemeral volume controller failed to create PVC {claim.metadata.name}: {error}"
            self.recorder.event(pod, "Warning", "FailedBinding", text)
            raise

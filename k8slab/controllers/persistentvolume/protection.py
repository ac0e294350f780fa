"""Claims in use by Pods, and bound volumes, are not removed before their time.

Follows pkg/controller/volume/pvcprotection and pvprotection.
"""

from __future__ import annotations

from typing import Any

from k8slab.client import Request, Result
from k8slab.controllers import pods as podlib
from k8slab.controllers.controller import Controller
from k8slab.controllers.persistentvolume.binder import uses
from k8slab.errors import ApiError

CLAIM_FINALIZER = "kubernetes.io/pvc-protection"
VOLUME_FINALIZER = "kubernetes.io/pv-protection"
ATTRIBUTES_FINALIZER = "kubernetes.io/vac-protection"


class Protection(Controller):
    """Adds a finalizer to what lives, and takes it off when nobody needs the object any more."""

    finalizer = ""
    resource = ""

    def setup(self) -> None:
        """Watch what is protected."""
        self.protected = self.informer(self.resource)
        self.protected.add_handler(self.enqueue, self.enqueue_new)

    def in_use(self, obj: Any) -> str:
        """Who uses it, or ""."""
        raise NotImplementedError

    def reconcile(self, request: Request) -> Result | None:
        """Add or remove the finalizer."""
        obj = self.protected.get(request.namespace, request.name)
        if obj is None:
            return None
        finalizers = obj.metadata.finalizers or ()
        if obj.metadata.deletionTimestamp is None and self.finalizer not in finalizers:
            self.say(f"{request.name} is protected from now on")
            self._write(obj, (*finalizers, self.finalizer))
        elif obj.metadata.deletionTimestamp is not None and self.finalizer in finalizers and not self.in_use(obj):
            self.say(f"{request.name} is being deleted and nobody uses it")
            self._write(obj, tuple(name for name in finalizers if name != self.finalizer))
        return None

    def _write(self, obj: Any, finalizers: tuple[str, ...]) -> None:
        metadata = obj.metadata.replace(finalizers=finalizers or None)
        try:
            self.client.update(obj.replace(metadata=metadata))
        except ApiError as error:
            if error.code != 404:
                raise


class ClaimProtection(Protection):
    """Keeps claims that Pods use."""

    name = "persistentvolumeclaim-protection-controller"
    about = "keeps PersistentVolumeClaims that are being deleted until no Pod uses them"
    finalizer = CLAIM_FINALIZER
    resource = "persistentvolumeclaims"

    def setup(self) -> None:
        """Watch also Pods."""
        super().setup()
        self.pods = self.informer("pods")
        self.pods.add_handler(on_update=self._pod_updated, on_delete=self._pod_gone)

    def _pod_updated(self, old: Any, new: Any) -> None:
        if podlib.is_terminal(new) and not podlib.is_terminal(old):
            self._pod_gone(new)

    def _pod_gone(self, pod: Any) -> None:
        for volume in pod.spec.volumes or ():
            if volume.persistentVolumeClaim is not None:
                self.queue.add(Request(pod.metadata.namespace, volume.persistentVolumeClaim.claimName))
            elif volume.ephemeral is not None:
                self.queue.add(Request(pod.metadata.namespace, f"{pod.metadata.name}-{volume.name}"))

    def in_use(self, obj: Any) -> str:
        """A scheduled Pod that has not finished uses it."""
        for pod in self.pods.list(obj.metadata.namespace):
            if pod.spec.nodeName and not podlib.is_terminal(pod) and uses(pod, obj):
                return pod.metadata.name
        return ""


class VolumeProtection(Protection):
    """Keeps volumes that are bound."""

    name = "persistentvolume-protection-controller"
    about = "keeps PersistentVolumes that are being deleted while a claim is bound to them"
    finalizer = VOLUME_FINALIZER
    resource = "persistentvolumes"

    def in_use(self, obj: Any) -> str:
        """A bound claim uses it."""
        if obj.status.phase != "Bound":
            return ""
        return obj.spec.claimRef.name if obj.spec.claimRef is not None else ""


class AttributesProtection(Protection):
    """Keeps classes of attributes that volumes have (pkg/controller/storage/vacprotection)."""

    name = "volumeattributesclass-protection-controller"
    about = "keeps VolumeAttributesClasses that are being deleted while a volume or claim names them"
    finalizer = ATTRIBUTES_FINALIZER
    resource = "volumeattributesclasses"

    def setup(self) -> None:
        """Watch also claims and volumes."""
        super().setup()
        self.claims = self.informer("persistentvolumeclaims")
        self.claims.add_handler(on_update=self._let_go, on_delete=self._gone)
        self.volumes = self.informer("persistentvolumes")
        self.volumes.add_handler(on_update=self._let_go, on_delete=self._gone)

    def _let_go(self, old: Any, new: Any) -> None:
        for name in sorted(_attributes_of(old) - _attributes_of(new)):
            self.queue.add(Request("", name))

    def _gone(self, obj: Any) -> None:
        for name in sorted(_attributes_of(obj)):
            self.queue.add(Request("", name))

    def in_use(self, obj: Any) -> str:
        """A volume or a claim names it."""
        users = (*self.claims.items(), *self.volumes.items())
        return next((user.metadata.name for user in users if obj.metadata.name in _attributes_of(user)), "")


def _attributes_of(obj: Any) -> set[str]:
    """The classes of attributes that a claim or a volume wants, has, or is being given."""
    status = obj.status
    current = getattr(status, "currentVolumeAttributesClassName", None)
    target = getattr(getattr(status, "modifyVolumeStatus", None), "targetVolumeAttributesClassName", None)
    return {name for name in (obj.spec.volumeAttributesClassName, current, target) if name}

"""A StatefulSet's claims: made before their Pod, kept or deleted by the retention policy.

Follows pkg/controller/statefulset/stateful_pod_control.go and stateful_set_utils.go.
"""

from __future__ import annotations

from k8slab.api.apps_v1 import StatefulSet
from k8slab.api.core_v1 import PersistentVolumeClaim, Pod
from k8slab.api.meta_v1 import OwnerReference
from k8slab.api.ownership import controller_reference
from k8slab.client import Client, Informer, Recorder
from k8slab.controllers.statefulset import identity
from k8slab.errors import ApiError


class ClaimControl:
    """Creates claims, and says in their owner references with whom they go."""

    def __init__(self, client: Client, recorder: Recorder, informer: Informer) -> None:
        self.client = client
        self.recorder = recorder
        self.informer = informer

    def create_missing(self, owner: StatefulSet, pod: Pod) -> None:
        """Make the claims of a Pod that do not exist. Raises ApiError."""
        for claim in identity.claims(owner, identity.ordinal(pod)):
            found = self.informer.get(claim.metadata.namespace, claim.metadata.name)
            if found is not None and found.metadata.deletionTimestamp is not None:
                raise ApiError(409, "Conflict", f"pvc {claim.metadata.name} is being deleted")
            if found is None:
                self._create(owner, pod, claim)

    def _create(self, owner: StatefulSet, pod: Pod, claim: PersistentVolumeClaim) -> None:
        names = f"Claim {claim.metadata.name} Pod {pod.metadata.name} in StatefulSet {owner.metadata.name}"
        try:
            self.client.create(claim)
        except ApiError as error:
            if error.reason == "AlreadyExists":
                return
            text = names.replace(" Pod ", " for Pod ", 1)
            self.recorder.event(owner, "Warning", "FailedCreate", f"create {text} failed error: {error}")
            raise
        self.recorder.event(owner, "Normal", "SuccessfulCreate", f"Create {names} success")

    def apply_retention(self, owner: StatefulSet, pod: Pod) -> bool:
        """Set the owner references of a Pod's claims as the policy wants them; whether any changed. Raises ApiError."""
        changed = False
        for wanted in identity.claims(owner, identity.ordinal(pod)):
            claim = self.informer.get(wanted.metadata.namespace, wanted.metadata.name)
            if claim is not None:
                changed = self._own(claim, owner, pod) or changed
        return changed

    def _own(self, claim: PersistentVolumeClaim, owner: StatefulSet, pod: Pod) -> bool:
        mine = {owner.metadata.uid, pod.metadata.uid}
        known = claim.metadata.ownerReferences or ()
        kept = [reference for reference in known if reference.uid not in mine]
        wanted = _owner_by_policy(owner, pod)
        references = [*kept, wanted] if wanted is not None else kept
        if list(known) == references:
            return False
        self.client.trace.note = f"{claim.metadata.name} goes with {wanted.name if wanted is not None else 'nobody'}"
        self.client.update(claim.replace(metadata=claim.metadata.replace(ownerReferences=tuple(references) or None)))
        return True


def _owner_by_policy(owner: StatefulSet, pod: Pod) -> OwnerReference | None:
    policy = owner.spec.persistentVolumeClaimRetentionPolicy
    scaled_away = not identity.in_range(owner, pod)
    if policy is not None and policy.whenScaled == "Delete" and scaled_away:
        return controller_reference(pod)
    if policy is not None and policy.whenDeleted == "Delete":
        return controller_reference(owner)
    return None

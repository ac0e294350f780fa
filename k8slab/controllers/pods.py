"""What is true of Pods for those who control them, and how controllers create and delete them.

Follows pkg/api/v1/pod and RealPodControl of pkg/controller/controller_utils.go.
"""

from __future__ import annotations

from typing import Any

from msgspec import to_builtins

from k8slab.api.core_v1 import Pod
from k8slab.api.meta_v1 import ObjectMeta, OwnerReference
from k8slab.api.podphase import is_terminal as is_terminal
from k8slab.client import Client, Recorder
from k8slab.errors import ApiError
from k8slab.sim.clock import SECOND
from k8slab.sim.timestamps import parse_rfc3339


def is_active(pod: Pod) -> bool:
    """Neither finished nor being deleted."""
    return pod.metadata.deletionTimestamp is None and not is_terminal(pod)


def is_terminating(pod: Pod) -> bool:
    """Being deleted, and not finished yet."""
    return pod.metadata.deletionTimestamp is not None and not is_terminal(pod)


def phase(pod: Pod) -> str:
    """The phase, or ""."""
    return (pod.status.phase or "") if pod.status is not None else ""


def condition(obj: Any, type_: str) -> Any:
    """The status condition of that type, or None."""
    for found in (obj.status.conditions or ()) if obj.status is not None else ():
        if found.type == type_:
            return found
    return None


def is_ready(pod: Pod) -> bool:
    """Condition Ready is True."""
    ready = condition(pod, "Ready")
    return ready is not None and ready.status == "True"


def available_in(pod: Pod, min_ready_seconds: int, now: int) -> int | None:
    """Microseconds until a ready Pod counts as available (0: it does), None for one that is not ready.

    `now` is Unix time in microseconds.
    """
    ready = condition(pod, "Ready")
    if ready is None or ready.status != "True":
        return None
    if not min_ready_seconds or not ready.lastTransitionTime:
        return 0
    return max(0, parse_rfc3339(ready.lastTransitionTime) + min_ready_seconds * SECOND - now)


def is_available(pod: Pod, min_ready_seconds: int, now: int) -> bool:
    """Ready, and for at least so many seconds. `now` is Unix time in microseconds."""
    return available_in(pod, min_ready_seconds, now) == 0


class PodControl:
    """Creates and deletes Pods for a controller, and tells about it in events on the owner."""

    def __init__(self, client: Client, recorder: Recorder) -> None:
        self.client = client
        self.recorder = recorder

    def create(self, owner: Any, template: Any, reference: OwnerReference, **changes: Any) -> Pod:
        """Create a Pod from the template, named after its owner. Raises ApiError after a FailedCreate event.

        `changes` replace what the template says: `name`, `prefix`, `annotations`, `labels`, `finalizers`, `spec`.
        """
        pod = pod_from_template(owner, template, reference, **changes)
        try:
            created = self.client.create(pod)
        except ApiError as error:
            if not namespace_terminating(error):
                self.recorder.event(owner, "Warning", "FailedCreate", f"Error creating: {error}")
            raise
        self.recorder.event(owner, "Normal", "SuccessfulCreate", f"Created pod: {created.metadata.name}")
        return created

    def delete(self, owner: Any, pod: Pod) -> None:
        """Delete a Pod. Raises ApiError after a FailedDelete event (none if it is gone already)."""
        try:
            self.client.delete("pods", pod.metadata.name, pod.metadata.namespace)
        except ApiError as error:
            if error.code != 404:
                self.recorder.event(owner, "Warning", "FailedDelete", f"Error deleting: {error}")
            raise
        self.recorder.event(owner, "Normal", "SuccessfulDelete", f"Deleted pod: {pod.metadata.name}")


def pod_from_template(
    owner: Any, template: Any, reference: OwnerReference, name: str | None = None, **changes: Any
) -> Pod:
    """A Pod as its template describes it, owned by `owner`."""
    described = template.metadata or ObjectMeta()
    metadata = ObjectMeta(
        name=name,
        generateName=None if name else changes.pop("prefix", owner.metadata.name + "-"),
        namespace=owner.metadata.namespace,
        labels=changes.pop("labels", described.labels),
        annotations=changes.pop("annotations", described.annotations),
        finalizers=changes.pop("finalizers", described.finalizers),
        ownerReferences=(reference,),
    )
    return Pod(metadata=metadata, spec=changes.pop("spec", template.spec))


def namespace_terminating(error: ApiError) -> bool:
    """Whether a create was refused because its namespace is going away."""
    return error.code == 403 and "because it is being terminated" in str(error)


def with_condition(pod: Pod, type_: str, status: str, reason: str, message: str, stamp: str) -> list[dict[str, Any]]:
    """The Pod's conditions as plain data, with one set; its transition is now (`stamp`) if the status changes."""
    new: dict[str, Any] = {"type": type_, "status": status, "reason": reason, "message": message}
    known = condition(pod, type_)
    same = known is not None and known.status == status
    new["lastTransitionTime"] = known.lastTransitionTime if same else stamp
    if pod.metadata.generation:
        new["observedGeneration"] = pod.metadata.generation
    kept = [to_builtins(entry) for entry in pod.status.conditions or () if entry.type != type_]
    return [*kept, new]

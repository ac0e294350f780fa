"""Which Pods hold on to a volume, and what is said where a volume is wanted on a second node."""

from __future__ import annotations

from collections.abc import Sequence

from k8slab.api.core_v1 import PersistentVolume, Pod
from k8slab.api.podphase import is_terminal


def still_uses(pod: Pod) -> bool:
    """Whether the Pod may still use its volumes: it has not ended (IsPodTerminated)."""
    status = pod.status
    if is_terminal(pod):
        return False
    if pod.metadata.deletionTimestamp is None:
        return True
    states = [one.state for one in (status.containerStatuses if status is not None else None) or ()]
    return any(state is not None and state.terminated is None and state.waiting is None for state in states)


def allows_many_nodes(volume: PersistentVolume) -> bool:
    """Whether the volume may be attached to several nodes at once (IsMultiAttachAllowed)."""
    modes = volume.spec.accessModes or ()
    return not modes or "ReadWriteMany" in modes or "ReadOnlyMany" in modes


def multi_attach_text(name: str, pod: Pod, users: Sequence[Pod]) -> str:
    """The famous message, with the Pods on other nodes that want the volume, where there are any."""
    own = [user.metadata.name for user in users if user.metadata.namespace == pod.metadata.namespace]
    strangers = len(users) - len(own)
    if not users:
        why = "Volume is already exclusively attached to one node and can't be attached to another"
    elif not strangers:
        why = f"Volume is already used by pod(s) {', '.join(own)}"
    elif not own:
        why = f"Volume is already used by {strangers} pod(s) in different namespaces"
    else:
        why = f"Volume is already used by pod(s) {', '.join(own)} and {strangers} pod(s) in different namespaces"
    return f'Multi-Attach error for volume "{name}" {why}'

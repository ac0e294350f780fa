"""NodeVolumeLimits: a node can attach so many volumes per CSI driver (plugins/nodevolumelimits/csi.go)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8slab.api.volumes import claim_names, uses_claim
from k8slab.scheduler.cache import Cache
from k8slab.scheduler.events import ASSIGNED_POD, ATTACHMENT, CLAIM, CSI_NODE, Action, EventHint
from k8slab.scheduler.framework import SKIP, CycleState, Plugin, Status, unschedulable
from k8slab.scheduler.nodeinfo import NodeInfo

FULL = unschedulable("node(s) exceed max volume count", plugin="NodeVolumeLimits")


class NodeVolumeLimits(Plugin):
    """Filters nodes by the attach limits in their CSINode objects."""

    def pre_filter(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> Status | None:
        """Skip Pods without claims."""
        return None if pod.spec.volumes and claim_names(pod) else SKIP

    def filter(self, state: CycleState, pod: Any, node: NodeInfo) -> Status | None:
        """Reject a node on which the Pod's volumes would be too many."""
        limits = _limits(state.cache, node.name)
        if not limits:
            return None
        wanted = _volumes(state.cache, pod)
        if not wanted:
            return None
        attached = _attached(state.cache, node)
        for driver in dict.fromkeys(wanted.values()):
            fresh = sum(1 for volume, own in wanted.items() if own == driver and volume not in attached)
            present = sum(1 for own in attached.values() if own == driver)
            if driver in limits and fresh and present + fresh > limits[driver]:
                return FULL
        return None

    def events_to_register(self) -> tuple[EventHint, ...]:
        """Drivers register or raise limits; Pods with volumes go; claims are bound."""
        return (
            EventHint(CSI_NODE, Action.ADD | Action.UPDATE),
            EventHint(ASSIGNED_POD, Action.DELETE, self.after_pod_deleted),
            EventHint(CLAIM, Action.ADD | Action.UPDATE, self.after_claim),
            EventHint(ATTACHMENT, Action.DELETE),
        )

    def after_pod_deleted(self, pod: Any, old: Any, new: Any) -> bool:
        """Whether it had claims."""
        return bool(claim_names(old))

    def after_claim(self, pod: Any, old: Any, new: Any) -> bool:
        """Whether this Pod uses the claim."""
        return uses_claim(pod, new)


def _limits(cache: Cache, node_name: str) -> dict[str, int]:
    found = cache.get("csinodes", None, node_name)
    if found is None:
        return {}
    return {
        driver.name: driver.allocatable.count
        for driver in found.spec.drivers or ()
        if driver.allocatable is not None and driver.allocatable.count is not None
    }


def _attached(cache: Cache, node: NodeInfo) -> dict[str, str]:
    """Volume -> driver of everything attached to, or used on, a node."""
    found: dict[str, str] = {}
    for info in node.volume_pods.values():
        found.update(_volumes(cache, info.pod))
    for one in cache.objects["volumeattachments"].values():
        name = one.spec.source.persistentVolumeName
        volume = cache.get("persistentvolumes", None, name) if name and one.spec.nodeName == node.name else None
        if volume is not None and volume.spec.csi is not None:
            csi = volume.spec.csi
            found[f"{csi.driver}/{csi.volumeHandle}"] = csi.driver
    return found


def _volumes(cache: Cache, pod: Any) -> dict[str, str]:
    """Volume -> driver of the CSI volumes behind a Pod's claims."""
    found: dict[str, str] = {}
    namespace = pod.metadata.namespace
    for name in claim_names(pod):
        claim = cache.get("persistentvolumeclaims", namespace, name)
        if claim is None:
            continue
        volume = cache.get("persistentvolumes", None, claim.spec.volumeName) if claim.spec.volumeName else None
        if volume is not None:
            if volume.spec.csi is not None:
                csi = volume.spec.csi
                found[f"{csi.driver}/{csi.volumeHandle}"] = csi.driver
            continue
        chosen = cache.get("storageclasses", None, claim.spec.storageClassName or "")
        if chosen is not None:
            found[f"{chosen.provisioner}/{namespace}/{name}"] = chosen.provisioner
    return found

"""Asks for volumes to be attached to the nodes whose Pods want them, and to be detached when nobody does.

Follows pkg/controller/volume/attachdetach (reconciler.go, desired_state_of_world_populator.go) and
pkg/volume/csi/csi_attacher.go. The real one compares both worlds ten times a second; here a volume is looked at when
something about it changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from k8slab.api.core_v1 import Node, PersistentVolume, PersistentVolumeClaim, Pod
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.api.storage_v1 import VolumeAttachment, VolumeAttachmentSource, VolumeAttachmentSpec
from k8slab.api.volumes import claim_names, unique_name
from k8slab.client import Request, Result
from k8slab.controllers.attachdetach import nodes as nodelib
from k8slab.controllers.attachdetach.reports import AttachedReports
from k8slab.controllers.attachdetach.wanted import allows_many_nodes, multi_attach_text, still_uses
from k8slab.controllers.controller import Controller
from k8slab.errors import ApiError
from k8slab.sim.clock import SECOND

MAX_WAIT_FOR_UNMOUNT = 360 * SECOND
"""A volume that a lost node has mounted is detached by force after this time."""
ATTACH_TIMEOUT = 120 * SECOND

Place = tuple[str, str]
"""A volume's name and a node's."""


class AttachDetachController(Controller):
    """Compares, for each volume, the nodes that want it with those that it is attached to."""

    name = "persistentvolume-attach-detach-controller"
    about = "has volumes attached to the nodes whose Pods want them, and detached again"
    source = "attachdetach-controller"

    def setup(self) -> None:
        """Watch Pods with claims, claims, volumes, attachments and nodes."""
        self.pods = self.informer("pods")
        self.pods.add_index("claims", claims_of)
        self.pods.add_handler(self._pod_changed, self._pod_updated, self._pod_changed)
        self.claims = self.informer("persistentvolumeclaims")
        self.claims.add_handler(self._claim_changed, self._claim_updated)
        self.volumes = self.informer("persistentvolumes")
        self.volumes.add_handler(self.enqueue, self.enqueue_new)
        self.drivers = self.informer("csidrivers")
        self.nodes = self.informer("nodes")
        self.nodes.add_handler(self._node_changed, self._node_updated, self._node_gone)
        self.attachments = self.informer("volumeattachments")
        self.attachments.add_index("volume", volume_of)
        self.attachments.add_index("node", node_of)
        self.attachments.add_handler(self._attachment_changed, self._attachment_updated, self._attachment_changed)
        self.reports = AttachedReports(self.client, self.nodes)
        self.pending: dict[Place, int] = {}
        self.unwanted: dict[Place, int] = {}
        self.told: dict[Place, str] = {}
        self.lost_in_use: dict[str, tuple[str, ...]] = {}

    def reset(self) -> None:
        """A new process learns what is attached from the API."""
        for memory in (self.pending, self.unwanted, self.told, self.lost_in_use):
            memory.clear()
        self.reports.clear()

    # --- what makes it look

    def _pod_changed(self, pod: Pod) -> None:
        for name in claim_names(pod):
            claim = self.claims.get(pod.metadata.namespace, name)
            if claim is not None:
                self._claim_changed(claim)

    def _pod_updated(self, old: Pod, new: Pod) -> None:
        if old.spec.nodeName != new.spec.nodeName or still_uses(old) != still_uses(new):
            self._pod_changed(new)

    def _claim_changed(self, claim: PersistentVolumeClaim) -> None:
        if claim.spec.volumeName:
            self.queue.add(Request("", claim.spec.volumeName))

    def _claim_updated(self, old: PersistentVolumeClaim, new: PersistentVolumeClaim) -> None:
        if old.spec.volumeName != new.spec.volumeName:
            self._claim_changed(new)

    def _node_changed(self, node: Node) -> None:
        for attachment in self.attachments.by_index("node", node.metadata.name):
            self._attachment_changed(attachment)

    def _node_updated(self, old: Node, new: Node) -> None:
        if nodelib.matters(old) != nodelib.matters(new):
            self._node_changed(new)

    def _node_gone(self, node: Node) -> None:
        name = node.metadata.name
        self.reports.forget(name)
        if self.attachments.by_index("node", name):
            self.lost_in_use[name] = nodelib.in_use(node)
        self._node_changed(node)

    def _attachment_changed(self, attachment: VolumeAttachment) -> None:
        for name in volume_of(attachment):
            self.queue.add(Request("", name))

    def _attachment_updated(self, old: VolumeAttachment, new: VolumeAttachment) -> None:
        self._attachment_changed(new)

    # --- one volume

    def reconcile(self, request: Request) -> Result | None:
        """Detach it where nobody wants it, then attach it where somebody does."""
        volume = self.volumes.get("", request.name)
        if volume is None or not unique_name(volume):
            return None
        there = sorted(self.attachments.by_index("volume", request.name), key=_node_name)
        wanted = self._wanted(volume)
        self._forget_unwanted(request.name, wanted)
        waits = [self._leave(volume, one) for one in there if one.spec.nodeName not in wanted]
        for node, pods in wanted.items():
            own = next((one for one in there if one.spec.nodeName == node), None)
            self.unwanted.pop((request.name, node), None)
            if own is None:
                self._attach(volume, node, pods, [one for one in there if one.spec.nodeName != node], wanted)
            else:
                waits.append(self._progress(volume, own, pods))
        waits = [wait for wait in waits if wait]
        return Result(requeue_after=min(waits)) if waits else None

    def _forget_unwanted(self, name: str, wanted: dict[str, list[Pod]]) -> None:
        for place in [place for place in self.told if place[0] == name and place[1] not in wanted]:
            del self.told[place]

    def _wanted(self, volume: PersistentVolume) -> dict[str, list[Pod]]:
        """The nodes whose Pods want the volume, each with these."""
        found: dict[str, list[Pod]] = {}
        reference = volume.spec.claimRef
        if reference is None or not self._attachable(volume):
            return found
        claim = self.claims.get(reference.namespace, reference.name)
        if claim is None or claim.spec.volumeName != volume.metadata.name:
            return found
        pods = self.pods.by_index("claims", (reference.namespace, reference.name))
        for pod in sorted(pods, key=_pod_name):
            node = self.nodes.get("", pod.spec.nodeName) if pod.spec.nodeName else None
            if node is not None and nodelib.is_managed(node) and still_uses(pod):
                found.setdefault(node.metadata.name, []).append(pod)
        return found

    def _attachable(self, volume: PersistentVolume) -> bool:
        driver = self.drivers.get("", volume.spec.csi.driver)
        return driver is None or driver.spec.attachRequired is not False

    # --- attaching

    def _attach(
        self,
        volume: PersistentVolume,
        node: str,
        pods: Sequence[Pod],
        others: Sequence[VolumeAttachment],
        wanted: dict[str, list[Pod]],
    ) -> None:
        name = volume.metadata.name
        if others and not allows_many_nodes(volume):
            self._refuse(
                volume, (name, node), pods, [pod for place in wanted if place != node for pod in wanted[place]]
            )
            return
        self.say(f"{pods[0].metadata.name} wants {name} on {node}")
        self.pending[(name, node)] = self.clock.now
        spec = VolumeAttachmentSpec(
            attacher=volume.spec.csi.driver, nodeName=node, source=VolumeAttachmentSource(persistentVolumeName=name)
        )
        metadata = ObjectMeta(name=attachment_name(volume, node))
        try:
            self.client.create(VolumeAttachment(metadata=metadata, spec=spec))
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise

    def _refuse(self, volume: PersistentVolume, place: Place, pods: Sequence[Pod], users: Sequence[Pod]) -> None:
        """Said once: another node has the volume."""
        if place not in self.told:
            self.told[place] = "Multi-Attach"
            for pod in pods:
                text = multi_attach_text(volume.metadata.name, pod, users)
                self.recorder.event(pod, "Warning", "FailedAttachVolume", text)

    def _progress(self, volume: PersistentVolume, attachment: VolumeAttachment, pods: Sequence[Pod]) -> int:
        """What has become of an attachment. Returns when to look again, in microseconds."""
        place = (volume.metadata.name, attachment.spec.nodeName)
        if attachment.metadata.deletionTimestamp is not None:
            return 0  # wanted again, but on its way out: it is made anew once it is gone
        status = attachment.status
        if status is not None and status.attached:
            self._attached(volume, place, pods)
            return 0
        error = status.attachError.message if status is not None and status.attachError is not None else ""
        since = self.pending.setdefault(place, self.clock.now)
        if error and self.told.get(place) != error:
            self._failed(place, error, pods)
        left = since + ATTACH_TIMEOUT - self.clock.now
        if left > 0:
            return left
        csi = volume.spec.csi
        text = f"timed out waiting for external-attacher of {csi.driver} CSI driver to attach volume {csi.volumeHandle}"
        self._failed(place, text, pods)
        self.pending[place] = self.clock.now
        return ATTACH_TIMEOUT

    def _failed(self, place: Place, error: str, pods: Sequence[Pod]) -> None:
        self.told[place] = error
        for pod in pods:
            text = f'AttachVolume.Attach failed for volume "{place[0]}" : {error}'
            self.recorder.event(pod, "Warning", "FailedAttachVolume", text)

    def _attached(self, volume: PersistentVolume, place: Place, pods: Sequence[Pod]) -> None:
        self.told.pop(place, None)
        if self.pending.pop(place, None) is not None:
            for pod in pods:
                text = f'AttachVolume.Attach succeeded for volume "{place[0]}"'
                self.recorder.event(pod, "Normal", "SuccessfulAttachVolume", text)
        self.say(f"{place[0]} is attached to {place[1]}")
        self.reports.add(place[1], unique_name(volume))

    # --- detaching

    def _leave(self, volume: PersistentVolume, attachment: VolumeAttachment) -> int:
        """Detach a volume that no Pod of the node wants. Returns when to look again, in microseconds."""
        node = attachment.spec.nodeName
        place = (volume.metadata.name, node)
        self.pending.pop(place, None)
        if attachment.metadata.deletionTimestamp is not None:
            return 0
        left = self.unwanted.setdefault(place, self.clock.now) + MAX_WAIT_FOR_UNMOUNT - self.clock.now
        if self._mounted(volume, node) and not self._lost(node, left <= 0):
            return max(left, 0)
        self.say(f"no Pod on {node} wants {volume.metadata.name} any more")
        self.reports.remove(node, unique_name(volume))
        self.unwanted.pop(place, None)
        try:
            self.client.delete("volumeattachments", attachment.metadata.name)
        except ApiError as error:
            if error.code != 404:
                raise
        return 0

    def _mounted(self, volume: PersistentVolume, name: str) -> bool:
        node = self.nodes.get("", name)
        known = nodelib.in_use(node) if node is not None else self.lost_in_use.get(name, ())
        return unique_name(volume) in known

    def _lost(self, name: str, waited: bool) -> bool:
        """Whether a volume may be taken from the node although that has it mounted."""
        node = self.nodes.get("", name)
        if node is not None and nodelib.is_out_of_service(node):
            return True
        return waited and (node is None or not nodelib.is_ready(node))


def claims_of(pod: Pod) -> tuple[tuple[str, str], ...]:
    """Index function: namespace and name of each claim of a Pod."""
    return tuple((pod.metadata.namespace, name) for name in claim_names(pod))


def volume_of(attachment: VolumeAttachment) -> tuple[str, ...]:
    """Index function: the volume that an attachment is about."""
    name = attachment.spec.source.persistentVolumeName
    return (name,) if name else ()


def node_of(attachment: VolumeAttachment) -> tuple[str, ...]:
    """Index function: the node that an attachment is about."""
    return (attachment.spec.nodeName,)


def attachment_name(volume: PersistentVolume, node: str) -> str:
    """The name of a VolumeAttachment (csi_attacher.go getAttachmentName)."""
    csi = volume.spec.csi
    return "csi-" + hashlib.sha256(f"{csi.volumeHandle}{csi.driver}{node}".encode()).hexdigest()


def _node_name(attachment: Any) -> str:
    return attachment.spec.nodeName


def _pod_name(pod: Pod) -> tuple[str, str]:
    return (pod.metadata.namespace, pod.metadata.name)

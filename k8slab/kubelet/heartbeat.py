"""How a node tells that it lives: registration, status reports, Lease renewals (pkg/kubelet/kubelet_node_status.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.api import coordination_v1 as coordination
from k8slab.api import core_v1 as core
from k8slab.api.meta_v1 import ObjectMeta, OwnerReference
from k8slab.errors import ApiError
from k8slab.kubelet.node import administrators_labels, node_object, node_status, well_known_labels
from k8slab.sim.clock import MILLISECOND, SECOND

if TYPE_CHECKING:
    from k8slab.kubelet.kubelet import Kubelet

LEASE_NAMESPACE = "kube-node-lease"
LEASE_SECONDS = 40
RENEW_PERIOD = 10 * SECOND
REPORT_PERIOD = 300 * SECOND
REGISTER_RETRY_FIRST, REGISTER_RETRY_LAST = 100 * MILLISECOND, 7 * SECOND
NETWORK_TIME = 1 * SECOND
"""From the registration of a new node until its network plugin is set up and it is Ready."""
MAX_IMAGES = 50
NETWORK_NOT_READY = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin "
    "returns error: cni plugin not initialized"
)

Pressure = tuple[str, str, str]


class Heartbeat:
    """Registers the node and keeps its status and its Lease fresh: one timer, every 10 s.

    Attributes:
        dirty: something in the status changed since the last report.
        pressure: condition types that hold (`MemoryPressure`, ...).
        ready: the network plugin is set up.
    """

    __slots__ = (
        "changed_at",
        "dirty",
        "failures",
        "known",
        "kubelet",
        "lease",
        "pressure",
        "ready",
        "reported_at",
        "timer",
        "uid",
    )

    def __init__(self, kubelet: Kubelet) -> None:
        self.kubelet = kubelet
        self.timer: Any = None
        self.lease: coordination.Lease | None = None
        self.reported_at = 0
        self.changed_at: dict[str, str] = {}
        self.known: dict[str, str] = {}
        self.dirty = False
        self.ready = False
        self.pressure: set[str] = set()
        self.failures = 0
        self.uid = ""

    def start(self) -> None:
        """Register, and beat from now on."""
        self._register()

    def stop(self) -> None:
        """No more heartbeats."""
        self.kubelet.clock.cancel(self.timer)
        self.timer = None
        self.lease = None

    def _register(self) -> None:
        kubelet = self.kubelet
        with kubelet.acting("the node registers itself"):
            try:
                node = self._created()
            except ApiError:
                wait = min(REGISTER_RETRY_FIRST << self.failures, REGISTER_RETRY_LAST)
                self.failures += 1
                self.timer = kubelet.clock.call_after(wait, self._register)
                return
            self.failures = 0
            self.uid = node.metadata.uid
            self._announce()
            self.renew()
        wait = 0 if self.ready else NETWORK_TIME
        self.timer = kubelet.clock.call_after(wait, self._network_ready)

    def _created(self) -> core.Node:
        kubelet = self.kubelet
        client, spec = kubelet.client, kubelet.node
        try:
            node = self._marked(client.create(node_object(spec, self._status())))
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
            node = self._labelled(client.get("nodes", spec.name))
            self.ready = True
            self._adopt(node)
        kubelet.node_seen(node)
        return node

    def _marked(self, node: core.Node) -> core.Node:
        """Let kubeadm put on the labels that no kubelet may set itself."""
        marks = administrators_labels(self.kubelet.node)
        if not marks:
            return node
        metadata = node.metadata.replace(labels={**(node.metadata.labels or {}), **marks})
        return self.kubelet.admin.update(node.replace(metadata=metadata))

    def _labelled(self, node: core.Node) -> core.Node:
        """Put back the labels that a kubelet owns (updateDefaultLabels)."""
        spec = self.kubelet.node
        wanted = well_known_labels(spec)
        labels = node.metadata.labels or {}
        missing = {key: value for key, value in wanted.items() if key not in spec.labels and labels.get(key) != value}
        if not missing:
            return node
        metadata = node.metadata.replace(labels={**labels, **missing})
        return self.kubelet.client.update(node.replace(metadata=metadata))

    def _adopt(self, node: core.Node) -> None:
        """A node that was here before: conditions that did not change keep their times."""
        for condition in (node.status.conditions if node.status else None) or ():
            self.known[condition.type] = condition.status
            self.changed_at[condition.type] = condition.lastTransitionTime

    def _announce(self) -> None:
        kubelet = self.kubelet
        kubelet.node_event("Normal", "Starting", "Starting kubelet.")
        if kubelet.rebooted:
            info = node_status(kubelet.node, kubelet.boots, (), ()).nodeInfo
            kubelet.node_event(
                "Warning", "Rebooted", f"Node {kubelet.node.name} has been rebooted, boot id: {info.bootID}"
            )
        for reason in ("NodeHasSufficientMemory", "NodeHasNoDiskPressure", "NodeHasSufficientPID"):
            kubelet.node_event("Normal", reason, f"Node {kubelet.node.name} status is now: {reason}")
        kubelet.node_event("Normal", "NodeAllocatableEnforced", "Updated Node Allocatable limit across pods")

    def _network_ready(self) -> None:
        kubelet = self.kubelet
        with kubelet.acting("the node is ready"):
            self.ready = True
            self.report()
        kubelet.node_ready()
        phase = int(kubelet.rng.random() * RENEW_PERIOD)
        self.timer = kubelet.clock.call_after(phase, self._beat)

    def _beat(self) -> None:
        kubelet, now = self.kubelet, self.kubelet.clock.now
        self.timer = kubelet.clock.call_after(RENEW_PERIOD, self._beat)
        with kubelet.acting("heartbeat"):
            self.renew()
            if not kubelet.complete:
                kubelet.forget_missing()
            if kubelet.eviction.needed:
                kubelet.eviction.check()
            if self.dirty or now - self.reported_at >= REPORT_PERIOD:
                self.report()

    # -- the Lease --------------------------------------------------------------------------------------------------

    def renew(self) -> None:
        """Renew the node's Lease; make it where it is missing."""
        kubelet = self.kubelet
        now = kubelet.clock.rfc3339_micro()
        try:
            if self.lease is None:
                self.lease = self._found_lease(now)
                return
            renewed = self.lease.replace(spec=self.lease.spec.replace(renewTime=now))
            self.lease = kubelet.client.update(renewed)
        except ApiError:
            self.lease = None  # ask again next time

    def _found_lease(self, now: str) -> coordination.Lease:
        kubelet = self.kubelet
        client, name = kubelet.client, kubelet.node.name
        try:
            lease = client.get("leases.coordination.k8s.io", name, LEASE_NAMESPACE)
            return client.update(lease.replace(spec=lease.spec.replace(renewTime=now, holderIdentity=name)))
        except ApiError as error:
            if error.code != 404:
                raise
        owner = OwnerReference(apiVersion="v1", kind="Node", name=name, uid=self.uid)
        spec = coordination.LeaseSpec(holderIdentity=name, leaseDurationSeconds=LEASE_SECONDS, renewTime=now)
        metadata = ObjectMeta(name=name, namespace=LEASE_NAMESPACE, ownerReferences=(owner,))
        return client.create(coordination.Lease(metadata=metadata, spec=spec))

    # -- the status -------------------------------------------------------------------------------------------------

    def report(self) -> None:
        """Write the node's status."""
        kubelet = self.kubelet
        client, name = kubelet.client, kubelet.node.name
        try:
            node = client.get("nodes", name)
            status = self._status()
            others = tuple(
                c for c in (node.status.conditions if node.status else None) or () if c.type not in self._types()
            )
            old = node.status or core.NodeStatus()
            node = client.update_status(
                node.replace(
                    status=status.replace(
                        conditions=(*others, *status.conditions),
                        addresses=(kubelet.node.cloud_provider and old.addresses) or status.addresses,
                        volumesAttached=old.volumesAttached,
                        volumesInUse=kubelet.attachments.in_use(),
                    )
                )
            )
        except ApiError:
            self.dirty = True
            return
        kubelet.node_seen(node)
        self.dirty = False
        self.reported_at = kubelet.clock.now

    @staticmethod
    def _types() -> tuple[str, ...]:
        return ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")

    def _status(self) -> core.NodeStatus:
        kubelet = self.kubelet
        images = kubelet.images.images
        listed = sorted(images.items(), key=_by_size)[:MAX_IMAGES]
        return node_status(
            kubelet.spec_with_address,
            kubelet.boots,
            self._conditions(),
            tuple(kubelet.image_entry(name, image) for name, image in listed),
        )

    def _conditions(self) -> tuple[core.NodeCondition, ...]:
        return (
            self._pressured("MemoryPressure", "SufficientMemory", "InsufficientMemory", "memory available"),
            self._pressured("DiskPressure", "NoDiskPressure", "DiskPressure", "disk pressure"),
            self._pressured("PIDPressure", "SufficientPID", "InsufficientPID", "PID available"),
            self._condition("Ready", True, "KubeletReady", "kubelet is posting ready status")
            if self.ready
            else self._condition("Ready", False, "KubeletNotReady", NETWORK_NOT_READY),
        )

    def _pressured(self, type_: str, good: str, bad: str, words: str) -> core.NodeCondition:
        holds = type_ in self.pressure
        if type_ == "DiskPressure":
            text = "kubelet has disk pressure" if holds else "kubelet has no disk pressure"
        else:
            text = f"kubelet has {'insufficient' if holds else 'sufficient'} {words}"
        return self._condition(type_, holds, f"KubeletHas{bad if holds else good}", text)

    def _condition(self, type_: str, holds: bool, reason: str, message: str) -> core.NodeCondition:
        kubelet = self.kubelet
        now, status = kubelet.clock.rfc3339(), "True" if holds else "False"
        if self.known.get(type_) != status:
            if type_ == "Ready" and self.known.get(type_) is not None:
                word = "NodeReady" if holds else "NodeNotReady"
                kubelet.node_event("Normal", word, f"Node {kubelet.node.name} status is now: {word}")
            self.known[type_] = status
            self.changed_at[type_] = now
        return core.NodeCondition(
            lastHeartbeatTime=now,
            lastTransitionTime=self.changed_at[type_],
            message=message,
            reason=reason,
            status=status,
            type=type_,
        )


def _by_size(item: tuple[str, Any]) -> tuple[int, str]:
    return (-item[1].size, item[0])

"""How a node tells that it lives: registration, status reports, Lease renewals (pkg/kubelet/kubelet_node_status.go).

A beat comes every 10 seconds: it renews the Lease, and every 5 minutes, or when something changed, reports the status.
While nothing is to be said but that the node lives, the kubelet asks the API server once to go on renewing for it
(``client.renew``): what is written then, when, and at which revision is the same as if each beat had been sent. As
soon as anything is to be done, or somebody else writes the Lease or the Node, beats are sent again, at the same times.
"""

from __future__ import annotations

from binascii import crc32
from typing import TYPE_CHECKING, Any

from k8slab.api import coordination_v1 as coordination
from k8slab.api import core_v1 as core
from k8slab.api.meta_v1 import ObjectMeta, OwnerReference
from k8slab.errors import ApiError
from k8slab.kubelet import csinode
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
    """Registers the node and keeps its status and its Lease fresh: one timer, for the next beat that has work to do.

    Attributes:
        dirty: something in the status changed since the last report.
        pressure: condition types that hold (`MemoryPressure`, ...).
        ready: the network plugin is set up.
    """

    __slots__ = (
        "_dirty",
        "beat_at",
        "beating",
        "changed_at",
        "failures",
        "known",
        "kubelet",
        "lease",
        "pressure",
        "ready",
        "renewal",
        "reported",
        "reported_at",
        "reports",
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
        self._dirty = False
        self.ready = False
        self.beat_at = 0
        self.beating = False
        self.renewal: Any = None
        self.reports: Any = None
        self.reported: core.NodeStatus | None = None
        self.pressure: set[str] = set()
        self.failures = 0
        self.uid = ""

    @property
    def dirty(self) -> bool:
        """Whether something in the status changed since the last report."""
        return self._dirty

    @dirty.setter
    def dirty(self, dirty: bool) -> None:
        self._dirty = dirty
        if dirty:
            self.wake()

    def start(self) -> None:
        """Register, and beat from now on."""
        self._register()

    def stop(self) -> None:
        """No more heartbeats."""
        kubelet = self.kubelet
        kubelet.clock.cancel(self.timer)
        kubelet.client.rest(self.renewal)
        self._rest_reports()
        self.beating = False
        self.timer = self.renewal = self.lease = None

    def _register(self) -> None:
        kubelet = self.kubelet
        with kubelet.acting("the node registers itself"):
            try:
                node = self._created()
                csinode.initialize(kubelet.client, node)
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
        self.beat_at = kubelet.clock.now + phase
        self.beating = True
        self.timer = kubelet.clock.call_after(phase, self._beat)

    def _beat(self) -> None:
        kubelet, now = self.kubelet, self.kubelet.clock.now
        self.beat_at = now
        self.timer = None
        with kubelet.acting("heartbeat"):
            if self.renewal is None:
                self.renew()
            if not kubelet.complete:
                kubelet.forget_missing()
            if kubelet.eviction.needed:
                kubelet.eviction.check()
            if self._dirty or (self.reports is None and now - self.reported_at >= REPORT_PERIOD):
                self.report()
            self._hand_over()
        self.wake()

    # -- steady times -----------------------------------------------------------------------------------------------

    @property
    def _is_busy(self) -> bool:
        """Whether the next beat has more to do than to tell that the node lives."""
        kubelet = self.kubelet
        return self.renewal is None or self._dirty or not kubelet.complete or kubelet.eviction.needed

    def _hand_over(self) -> None:
        """Let the API server go on with what has become the same each time."""
        kubelet, first = self.kubelet, self.beat_at + RENEW_PERIOD
        order = 2 * crc32(kubelet.node.name.encode())
        if self.renewal is None and self.lease is not None:
            self.renewal = kubelet.client.renew(self.lease, "", first, RENEW_PERIOD, order, self.broken)
        if self.renewal is None or self.reports is not None or self._dirty:
            return
        node = self._unchanged()
        if node is not None:
            due = self._beat_from(self.reported_at + REPORT_PERIOD)
            self.reports = kubelet.client.renew(node, "status", due, REPORT_PERIOD, order + 1, self._reports_broken)

    def _unchanged(self) -> core.Node | None:
        """The Node as it is, if a report would change nothing but the time of the heartbeat."""
        kubelet = self.kubelet
        try:
            node = kubelet.client.get("nodes", kubelet.node.name)
        except ApiError:
            return None
        # What was reported last is what would be reported again, unless somebody else has changed it.
        return node if self.reported is not None and node.status == self.reported else None

    def wake(self) -> None:
        """Set the timer for the next beat that has something to do."""
        clock = self.kubelet.clock
        if not self.beating:
            return
        due = self._beat_from(clock.now + 1)
        if not self._is_busy:
            if self.reports is not None:
                return
            due = max(self._beat_from(self.reported_at + REPORT_PERIOD), due)
        if self.timer is None or self.timer[0] > due:
            clock.cancel(self.timer)
            self.timer = clock.call_at(due, self._beat)

    def _beat_from(self, time: int) -> int:
        """The first beat that is not before a lab time."""
        return self.beat_at + max(0, -(-(time - self.beat_at) // RENEW_PERIOD)) * RENEW_PERIOD

    def broken(self) -> None:
        """Somebody else wrote the Lease: the next beat will find out."""
        self.lease = self.renewal.latest().value
        self.renewal = None
        self.wake()

    def _reports_broken(self) -> None:
        """Somebody else wrote the Node: the next report adds to that."""
        self._rest_reports()
        self.wake()

    def _rest_reports(self) -> None:
        if self.reports is not None:
            self.kubelet.client.rest(self.reports)
            if self.reports.last_time is not None:
                self.reported_at = self.reports.last_time
                self.reported = self.reports.latest().value.status
            self.reports = None

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
        self._rest_reports()
        try:
            node = client.get("nodes", name)
            status, old = self._status(), node.status or core.NodeStatus()
            others = tuple(c for c in old.conditions or () if c.type not in self._types())
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
        self.reported = node.status
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
            self._readiness(),
        )

    def _readiness(self) -> core.NodeCondition:
        problems = [*self.kubelet.troubles(), *(() if self.ready else (NETWORK_NOT_READY,))]
        if not problems:
            return self._condition("Ready", True, "KubeletReady", "kubelet is posting ready status")
        text = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
        return self._condition("Ready", False, "KubeletNotReady", text)

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

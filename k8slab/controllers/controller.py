"""What all controllers have in common: a name, a queue, a loop, shared informers; start, stop, pause and resume."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from k8slab.api.request import UserInfo
from k8slab.client import Client, Informer, Informers, Loop, RateLimiter, Recorder, Request, Result, WorkQueue
from k8slab.client.throttle import Throttle
from k8slab.sim.clock import MILLISECOND, SECOND, Clock
from k8slab.sim.seed import Streams
from k8slab.sim.trace import Trace


class Options(Struct, frozen=True):
    """kube-controller-manager's flags; durations in microseconds."""

    node_monitor_period: int = 5 * SECOND
    node_monitor_grace_period: int = 50 * SECOND
    node_startup_grace_period: int = 60 * SECOND
    node_eviction_rate: float = 0.1
    secondary_node_eviction_rate: float = 0.01
    unhealthy_zone_threshold: float = 0.55
    large_cluster_size_threshold: int = 50
    terminated_pod_gc_threshold: int = 12_500
    cluster_cidr: str = "10.244.0.0/16"
    node_cidr_mask_size: int = 24
    allocate_node_cidrs: bool = True
    namespace_sync_period: int = 300 * SECOND
    horizontal_pod_autoscaler_sync_period: int = 15 * SECOND
    horizontal_pod_autoscaler_downscale_stabilization: int = 300 * SECOND
    horizontal_pod_autoscaler_cpu_initialization_period: int = 300 * SECOND
    horizontal_pod_autoscaler_initial_readiness_delay: int = 30 * SECOND
    horizontal_pod_autoscaler_tolerance: float = 0.1
    pv_claim_binder_sync_period: int = 15 * SECOND
    resource_quota_sync_period: int = 300 * SECOND
    root_ca: str = ""
    """Certificates that clients inside the cluster trust (PEM); "": the one of `cluster_signing`."""
    cluster_signing: Any = None
    """Who signs certificates (`pki.x509.Authority`); None: nobody does."""
    cluster_signing_duration: int = 365 * 24 * 3600 * SECOND
    legacy_service_account_token_clean_up_period: int = 365 * 24 * 3600 * SECOND
    service_account_key: Any = None
    """Who signs tokens that Secrets keep: something with `sign(claims)`; None: nobody does."""
    request_time: int = 5 * MILLISECOND
    """How long a write takes that a controller waits for."""
    kube_api_qps: int = 20
    """Writes a second that each controller's client allows itself; 0: as many as it likes."""
    kube_api_burst: int = 30


class Context:
    """What the manager hands to each controller."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        streams: Streams,
        trace: Trace,
        informers: Informers,
        options: Options,
        metrics: Any = None,
        cloud: Any = None,
    ) -> None:
        self.client = client
        self.clock = clock
        self.streams = streams
        self.trace = trace
        self.informers = informers
        self.options = options
        self.metrics = metrics
        self.cloud = cloud


ACCOUNTS = {
    "certificatesigningrequest-approving-controller": "certificate-controller",
    "certificatesigningrequest-cleaner-controller": "certificate-controller",
    "certificatesigningrequest-signing-controller": "certificate-controller",
    "cloud-node-controller": "cloud-controller-manager",
    "cloud-node-lifecycle-controller": "cloud-controller-manager",
    "csi-attacher": "csi-provisioner",
    "csi-resizer": "csi-provisioner",
    "csi-node-driver-registrar": "csi-provisioner",
    "daemonset-controller": "daemon-set-controller",
    "endpoints-controller": "endpoint-controller",
    "endpointslice-mirroring-controller": "endpointslicemirroring-controller",
    "garbage-collector-controller": "generic-garbage-collector",
    "legacy-serviceaccount-token-cleaner-controller": "legacy-service-account-token-cleaner",
    "horizontal-pod-autoscaler-controller": "horizontal-pod-autoscaler",
    "node-ipam-controller": "node-controller",
    "node-lifecycle-controller": "node-controller",
    "node-route-controller": "cloud-controller-manager",
    "persistentvolume-attach-detach-controller": "attachdetach-controller",
    "persistentvolume-binder-controller": "persistent-volume-binder",
    "persistentvolume-expander-controller": "expand-controller",
    "persistentvolume-protection-controller": "pv-protection-controller",
    "persistentvolumeclaim-protection-controller": "pvc-protection-controller",
    "pod-garbage-collector-controller": "pod-garbage-collector",
    "replicationcontroller-controller": "replication-controller",
    "root-ca-certificate-publisher-controller": "root-ca-cert-publisher",
    "service-lb-controller": "cloud-controller-manager",
    "serviceaccount-controller": "service-account-controller",
    "taint-eviction-controller": "node-controller",
}
"""Controllers whose ServiceAccount is not called like them."""


def account(name: str) -> UserInfo:
    """As whom a controller asks the API server (`--use-service-account-credentials`, as kubeadm sets it)."""
    groups = ("system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated")
    return UserInfo(name=f"system:serviceaccount:kube-system:{ACCOUNTS.get(name, name)}", groups=groups)


class Controller:
    """One control loop of kube-controller-manager.

    A subclass registers its handlers in `setup` and works in `reconcile`; `self.say` tells why it writes.
    """

    name = ""
    """As in kube-controller-manager's --controllers flag; the actor of its writes."""
    about = ""
    """One line for people."""
    source = ""
    """Source of its events, where that is not its name."""
    max_retries: int | None = None
    first_retry = 5_000
    """First delay after a failure, in microseconds."""

    def __init__(self, context: Context) -> None:
        shared = context.client
        self.clock = context.clock
        self.trace = context.trace
        self.streams = context.streams
        self.options = context.options
        self.informers = context.informers
        self.cloud = context.cloud
        self.client = Client(
            shared.handle, self.clock, self.trace, user=account(self.name), user_agent=self.name, scheme=shared.scheme
        )
        self.recorder = Recorder(self.client, self.clock, self.trace, self.source or self.name)
        self.queue = WorkQueue(self.clock, self.trace, self.name, RateLimiter(self.clock, base=self.first_retry))
        self.loop = Loop(self.name, self.queue, self.reconcile, self.clock, self.trace, max_retries=self.max_retries)
        self.loop.write_cost = self.options.request_time
        self.loop.throttle = Throttle(self.clock, self.options.kube_api_qps, self.options.kube_api_burst)
        self.paused = False
        self.running = False
        self._periodic: list[Periodic] = []
        self.setup()

    def setup(self) -> None:
        """Register handlers, indexes and periodic work."""

    def reconcile(self, request: Request) -> Result | None:
        """Bring one object closer to what is wanted."""
        raise NotImplementedError

    def informer(self, resource: str) -> Informer:
        """The manager's shared informer of a resource."""
        return self.informers.of(resource)

    def every(self, period: int, action: Callable[[], None], delay: int | None = None) -> None:
        """Call the bound method each `period` microseconds while running, first after `delay` (default: at once)."""
        self._periodic.append(Periodic(self, action, period, delay))

    def say(self, note: str) -> None:
        """Why the next writes are made, in words."""
        self.trace.note = note

    def enqueue(self, obj: Any) -> None:
        """Queue an object for `reconcile`."""
        self.queue.add(Request(obj.metadata.namespace or "", obj.metadata.name))

    def enqueue_new(self, old: Any, new: Any) -> None:
        """Queue the new version of a changed object."""
        self.enqueue(new)

    def start(self) -> None:
        """Begin to work."""
        self.running = True
        self.loop.start()
        for periodic in self._periodic:
            periodic.start()

    def stop(self) -> None:
        """Stop, and forget all that was only in memory."""
        self.running = False
        self.loop.stop()
        for periodic in self._periodic:
            periodic.stop()
        self.reset()

    def reset(self) -> None:
        """Forget what a new process would not know."""

    def pause(self) -> None:
        """Do nothing until `resume`; what happens meanwhile is queued."""
        self.paused = True
        self.loop.pause()

    def resume(self) -> None:
        """Catch up with what happened, and go on."""
        self.paused = False
        self.loop.resume()
        for periodic in self._periodic:
            periodic.catch_up()


class Periodic:
    """Work that a controller does at fixed intervals; what comes due during a pause is done once at its end."""

    def __init__(self, controller: Controller, action: Callable[[], None], period: int, delay: int | None) -> None:
        self.controller = controller
        self.action = action
        self.period = period
        self.delay = delay or 0
        self.missed = False
        self._timer: Any = None

    def start(self) -> None:
        """Set the first timer."""
        self._timer = self.controller.clock.call_after(self.delay, self._fire)

    def stop(self) -> None:
        """Cancel."""
        self.controller.clock.cancel(self._timer)
        self._timer = None
        self.missed = False

    def catch_up(self) -> None:
        """Do now what a pause held back."""
        if self.missed and self._timer is not None:
            self._run()

    def _fire(self) -> None:
        self._timer = self.controller.clock.call_after(self.period, self._fire)
        self._run()

    def _run(self) -> None:
        self.missed = self.controller.paused
        if not self.missed:
            with self.controller.trace.acting(self.controller.name):
                self.action()

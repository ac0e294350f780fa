"""Leader election on a Lease: of several candidates one leads, and another takes over when it falls silent.

Follows client-go/tools/leaderelection; the times are those of component-base's defaults. While nobody else writes the
Lease, a leader asks the API server once to go on renewing it (``client.renew``), as kubelets do with theirs: what is
written, and when, is the same as if it had sent each renewal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zlib import crc32

from k8slab.api.coordination_v1 import Lease, LeaseSpec
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.client.client import Client
from k8slab.client.recorder import Recorder
from k8slab.errors import ApiError
from k8slab.sim.clock import SECOND

LEASE_DURATION = 15 * SECOND
RENEW_DEADLINE = 10 * SECOND
RETRY_PERIOD = 2 * SECOND
JITTER_FACTOR = 1.2
LAG = 317
"""Microseconds by which a leader's renewals come after the start of its work, at least."""


class LeaderElector:
    """One candidate for a Lease.

    Args:
        client: reads and writes the Lease.
        clock: the lab's clock.
        trace: names the candidate as the writer.
        name: of the Lease, such as `kube-scheduler`.
        identity: of the candidate, such as `control-plane-1_<uid>`, or with `streams` its host: as a process is
            another one after each start, it then gets an identity of its own each time.
        on_started: bound method, called when this candidate begins to lead.
        on_stopped: bound method, called when it no longer leads (the real process exits then).
        rng: the stream that jitters attempts (`streams.stream(...)`).
        namespace: of the Lease.
        release_on_stop: whether a clean stop frees the Lease (kube-scheduler does, kube-controller-manager does not).
        lease_duration: how long others wait after the last renewal they saw, in microseconds.
        renew_deadline: how long the leader tries to renew before it gives up.
        retry_period: pause between attempts.
        streams: the lab's, where each start makes a new identity.
    """

    def __init__(
        self,
        client: Client,
        clock: Any,
        trace: Any,
        name: str,
        identity: str,
        on_started: Callable[[], None],
        on_stopped: Callable[[], None],
        rng: Any,
        namespace: str = "kube-system",
        release_on_stop: bool = False,
        lease_duration: int = LEASE_DURATION,
        renew_deadline: int = RENEW_DEADLINE,
        retry_period: int = RETRY_PERIOD,
        streams: Any = None,
    ) -> None:
        self.client = client
        self.clock = clock
        self.trace = trace
        self.name = name
        self.identity = identity
        self.host = identity if streams is not None else ""
        self.streams = streams
        self.namespace = namespace
        self.on_started = on_started
        self.on_stopped = on_stopped
        self.rng = rng
        self.release_on_stop = release_on_stop
        self.lease_duration = lease_duration
        self.renew_deadline = renew_deadline
        self.retry_period = retry_period
        self.recorder = Recorder(client, clock, trace, name)
        self.leading = False
        self.observed: Lease | None = None
        self._observed_at = 0
        self._renewed_at = 0
        self._timer: Any = None
        self._renewal: Any = None

    def start(self) -> None:
        """Become a candidate; the first attempt is made at once."""
        if self.host:
            self.identity = f"{self.host}_{self.streams.uid('leader-election')}"
        self._timer = self.clock.call_soon(self._tick)

    def stop(self) -> None:
        """Stop cleanly; frees the Lease if so configured."""
        leading = self.leading
        self.crash()
        if leading and self.release_on_stop:
            self._release()

    def crash(self) -> None:
        """Fall silent without a word; `on_stopped` is not called."""
        self.clock.cancel(self._timer)
        self.client.rest(self._renewal)
        self._timer = self._renewal = None
        self.leading = False
        self.observed = None

    @property
    def leader(self) -> str:
        """The holder's identity as last seen, or ""."""
        return (self.observed.spec.holderIdentity or "") if self.observed else ""

    def _tick(self) -> None:
        with self.trace.acting(self.client.user_agent, note=f"{self.identity} wants the Lease {self.name}"):
            acquired = self._try()
        if acquired:
            self._renewed_at = self.clock.now
        elif self.leading and self.clock.now - self._renewed_at >= self.renew_deadline:
            self._lost()
            return
        if not acquired or not self._hand_over():
            self._timer = self.clock.call_after(self._pause(acquired), self._tick)
        if acquired and not self.leading:
            self._won()

    def _hand_over(self) -> bool:
        """Let the API server renew the Lease from now on. Returns whether it does."""
        self._timer = None
        first, order = self.clock.now + self._pause(True), crc32(self.identity.encode())
        with self.trace.acting(self.client.user_agent, note=f"{self.identity} wants the Lease {self.name}"):
            self._renewal = self.client.renew(self.observed, "", first, self.retry_period, order, self._broken)
        return self._renewal is not None

    def _broken(self) -> None:
        """Somebody else wrote the Lease: the next renewal will find out."""
        renewal, self._renewal = self._renewal, None
        if renewal.last_time is not None:
            self._renewed_at = renewal.last_time
        self.observed = renewal.latest().value
        self._timer = self.clock.call_at(max(self._renewed_at + self.retry_period, self.clock.now), self._tick)

    def _pause(self, acquired: bool) -> int:
        if acquired and not self.leading:
            # A new leader starts its work first, then renews: never at the very instant of its other rounds.
            return self.retry_period + LAG + crc32(self.identity.encode()) % LAG
        if self.leading:
            return self.retry_period
        return self.retry_period + int(self.retry_period * JITTER_FACTOR * self.rng.random())

    def _won(self) -> None:
        self.leading = True
        self.recorder.event(self.observed, "Normal", "LeaderElection", f"{self.identity} became leader")
        self.on_started()

    def _lost(self) -> None:
        self.leading = False
        self._timer = None
        self.on_stopped()

    def _try(self) -> bool:
        if self.leading and self.leader == self.identity and self._take(self.observed):
            return True  # the leader knows the Lease: it writes without reading first
        try:
            lease = self.client.get("leases.coordination.k8s.io", self.name, self.namespace)
        except ApiError as error:
            return error.code == 404 and self._create()
        self._observe(lease)
        holder = lease.spec.holderIdentity
        expired = self.clock.now - self._observed_at >= self.lease_duration
        if holder and holder != self.identity and not expired:
            return False
        return self._take(lease)

    def _observe(self, lease: Lease) -> None:
        if self.observed is None or self.observed.spec != lease.spec:
            self._observed_at = self.clock.now
        self.observed = lease

    def _create(self) -> bool:
        now = self.clock.rfc3339_micro()
        spec = LeaseSpec(
            holderIdentity=self.identity,
            leaseDurationSeconds=self.lease_duration // SECOND,
            acquireTime=now,
            renewTime=now,
            leaseTransitions=0,
        )
        try:
            created = self.client.create(
                Lease(metadata=ObjectMeta(name=self.name, namespace=self.namespace), spec=spec)
            )
        except ApiError:
            return False
        self._observe(created)
        return True

    def _take(self, lease: Lease) -> bool:
        now = self.clock.rfc3339_micro()
        mine = lease.spec.holderIdentity == self.identity
        spec = lease.spec.replace(
            holderIdentity=self.identity,
            leaseDurationSeconds=self.lease_duration // SECOND,
            renewTime=now,
            acquireTime=lease.spec.acquireTime if mine else now,
            leaseTransitions=(lease.spec.leaseTransitions or 0) + (0 if mine else 1),
        )
        return self._put(lease.replace(spec=spec))

    def _put(self, lease: Lease) -> bool:
        try:
            self._observe(self.client.update(lease))
        except ApiError:
            return False
        return True

    def _release(self) -> None:
        with self.trace.acting(self.client.user_agent, note=f"{self.identity} gives the Lease {self.name} back"):
            try:
                lease = self.client.get("leases.coordination.k8s.io", self.name, self.namespace)
            except ApiError:
                return
            if lease.spec.holderIdentity != self.identity:
                return
            now = self.clock.rfc3339_micro()
            spec = lease.spec.replace(holderIdentity="", leaseDurationSeconds=1, renewTime=now, acquireTime=now)
            self._put(lease.replace(spec=spec))

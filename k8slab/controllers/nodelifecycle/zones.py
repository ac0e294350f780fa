"""Zones of nodes: how disturbed each is, and how fast its nodes may be tainted NoExecute.

Follows pkg/controller/nodelifecycle/node_lifecycle_controller.go (handleDisruption, ComputeZoneState) and
scheduler/rate_limited_queue.go.
"""

from __future__ import annotations

from typing import Any

from k8slab.controllers.controller import Options
from k8slab.sim.clock import SECOND

NORMAL, PARTIAL, FULL = "Normal", "PartialDisruption", "FullDisruption"
REGION_LABEL = "topology.kubernetes.io/region"
ZONE_LABEL = "topology.kubernetes.io/zone"


def zone_of(node: Any) -> str:
    """Region and zone of a node, as one key."""
    labels = node.metadata.labels or {}
    region, zone = labels.get(REGION_LABEL, ""), labels.get(ZONE_LABEL, "")
    return f"{region}:\x00:{zone}" if region or zone else ""


def zone_state(good: int, nodes: int, threshold: float) -> str:
    """How disturbed a zone is, given how many of its nodes are ready."""
    bad = nodes - good
    if good == 0 and bad > 0:
        return FULL
    if bad > 2 and bad / nodes >= threshold:
        return PARTIAL
    return NORMAL


class Census:
    """How many nodes each zone has, and how many of them are ready."""

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}
        self.ready: dict[str, int] = {}
        self._nodes: dict[str, tuple[str, bool]] = {}

    def put(self, name: str, zone: str, ready: bool) -> None:
        """A node was looked at."""
        self.drop(name)
        self._nodes[name] = (zone, ready)
        self.sizes[zone] = self.sizes.get(zone, 0) + 1
        self.ready[zone] = self.ready.get(zone, 0) + ready

    def drop(self, name: str) -> None:
        """A node does not count (any more)."""
        known = self._nodes.pop(name, None)
        if known is None:
            return
        zone, ready = known
        self.sizes[zone] -= 1
        self.ready[zone] -= ready
        if not self.sizes[zone]:
            del self.sizes[zone], self.ready[zone]

    def clear(self) -> None:
        """Forget everything."""
        for each in (self.sizes, self.ready, self._nodes):
            each.clear()


def rate_for(state: str, size: int, options: Options) -> float:
    """Nodes per second which may be tainted in a zone of that state and size."""
    if state == PARTIAL:
        return options.secondary_node_eviction_rate if size > options.large_cluster_size_threshold else 0.0
    return options.node_eviction_rate


class ZoneQueue:
    """Nodes of one zone waiting for their NoExecute taint; a token bucket of one.

    A node is remembered after its turn, so that it is not tainted twice; `remove` forgets it.
    """

    def __init__(self, clock: Any, rate: float) -> None:
        self.clock = clock
        self.rate = rate
        self.waiting: list[str] = []
        self.known: dict[str, None] = {}
        self._tokens = 1.0
        self._filled_at = clock.now

    def add(self, name: str) -> bool:
        """Queue a node, unless it is known."""
        if name in self.known:
            return False
        self.known[name] = None
        self.waiting.append(name)
        return True

    def remove(self, name: str) -> bool:
        """Forget a node."""
        if name in self.waiting:
            self.waiting.remove(name)
        return self.known.pop(name, 0) is None

    def set_rate(self, rate: float) -> None:
        """Another rate; who had to wait before still waits for a whole token."""
        if rate == self.rate:
            return
        spent = not self.accept()
        self.rate = rate
        self._tokens = 0.0 if spent else 1.0
        self._filled_at = self.clock.now

    def accept(self) -> bool:
        """Take a token if there is one."""
        if self.rate <= 0:
            return False
        elapsed = self.clock.now - self._filled_at
        self._filled_at = self.clock.now
        self._tokens = min(1.0, self._tokens + elapsed * self.rate / SECOND)
        # Adding tenths of a token many times must still make a whole one.
        if self._tokens < 1.0 - 1e-9:
            return False
        self._tokens -= 1.0
        return True

    def next_token(self) -> int | None:
        """Microseconds until a token is there; None if never at this rate."""
        if self.rate <= 0:
            return None
        missing = 1.0 - self._tokens - (self.clock.now - self._filled_at) * self.rate / SECOND
        return max(0, int(missing * SECOND / self.rate))

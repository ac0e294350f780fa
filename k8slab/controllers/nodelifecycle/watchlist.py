"""Whom the monitor has to look at: of thousands of nodes, those that something may have become of.

A node is calm when it was found ready and untainted, and its Lease is renewed at a steady pace. Looking at it again
would only show that it was renewed, for as long as it is; so it is left out of the rounds until its Node changes or
the renewals end. Then what the rounds in between would have noted is worked out: when which sign of life was seen.
"""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

from k8slab.api.core_v1 import Node
from k8slab.client import Informer
from k8slab.controllers.nodelifecycle.health import Health

LEASES = "kube-node-lease"
ROUNDS = 16
"""So many rounds back it is known when they were: more than fit between two renewals."""


class Calm(NamedTuple):
    """A node that needs no looking at: its objects as they were delivered, and what renews its Lease."""

    node: Node
    lease: Any
    pace: Any


class Watchlist:
    """Nodes by name: the restless ones, to be looked at in each round, and the calm ones.

    Args:
        nodes, leases: the controller's informers.
        grace: how long a node may be silent, in microseconds.
    """

    def __init__(self, nodes: Informer, leases: Informer, grace: int) -> None:
        self.nodes = nodes
        self.leases = leases
        self.grace = grace
        self.rounds: deque[int] = deque(maxlen=ROUNDS)
        self.joined: dict[str, None] = {}
        self.left: dict[str, None] = {}
        self._restless: dict[str, None] = {}
        self._calm: dict[str, Calm] = {}
        self._order: dict[str, int] = {}
        self._count = 0

    def clear(self) -> None:
        """Forget everything."""
        for each in (self.joined, self.left, self._restless, self._calm, self._order, self.rounds):
            each.clear()

    def added(self, name: str) -> None:
        """A node has come."""
        self._count += 1
        self._order[name] = self._count
        self.joined[name] = None
        self._restless[name] = None

    def changed(self, name: str) -> None:
        """A node is not as it was, by more than a heartbeat."""
        self._restless[name] = None

    def removed(self, name: str) -> None:
        """A node has gone."""
        self.left[name] = None
        self._order.pop(name, None)
        self._restless[name] = None

    def due(self, health: dict[str, Health]) -> list[str]:
        """Who is to be looked at now, oldest first; ``health`` is brought up to the last round."""
        for name, calm in self._calm.items():
            if calm.pace.closed:
                self._restless[name] = None
        for name in self._restless:
            stirred = self._calm.pop(name, None)
            if stirred is not None and name in health:
                self._catch_up(health[name], stirred)
        present = [name for name in self._restless if name in self._order]
        self._restless = dict.fromkeys(present)
        return sorted(present, key=self._order.__getitem__)

    def relax(self, name: str, lease: Any) -> None:
        """A node was found in order: it is calm as long as its Lease is renewed."""
        held = self.leases.held(LEASES, name) if lease is not None else None
        pace = self.leases.pace(held) if held is not None else None
        node = self.nodes.held("", name)
        # With a grace period that is not much longer than the pace, a node may be silent between two renewals.
        if pace is not None and node is not None and 2 * pace.period < self.grace:
            self._restless.pop(name, None)
            self._calm[name] = Calm(node, held, pace)

    def _catch_up(self, health: Health, calm: Calm) -> None:
        """What the rounds would have seen: the last renewal that had arrived, and the first round that saw it."""
        last = self.rounds[-1]
        node, lease = self.nodes.newest(calm.node, last), self.leases.newest(calm.lease, last)
        health.conditions = node.status.conditions or ()
        if lease.spec.renewTime > health.renewed:
            health.renewed = lease.spec.renewTime
            arrived = self.leases.arrival(calm.lease, last)
            health.probed_at = next(time for time in self.rounds if time >= arrived)

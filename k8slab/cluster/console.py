"""What one can do at a cloud provider's console: look at machines, load balancers and routes; stop, delete, limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8slab.controllers.cloud import Cloud, Machine
from k8slab.controllers.cloud.provider import Balancer, Route
from k8slab.errors import K8sLabError

if TYPE_CHECKING:
    from k8slab.cluster.cluster import Cluster


class Console:
    """The cloud that a cluster runs in (``Lab(cloud=True)``).

    What changes something is a fault like any other: journalled, repeated in a replay. ``print(lab.cloud)`` lists
    everything.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @property
    def _cloud(self) -> Cloud:
        if self._cluster.provider is None:
            raise K8sLabError("this lab runs in no cloud: make one with Lab(cloud=True)")
        return self._cluster.provider

    @property
    def machines(self) -> list[Machine]:
        """All machines, also deleted ones."""
        return list(self._cloud.machines.values())

    @property
    def load_balancers(self) -> list[Balancer]:
        """All load balancers."""
        return list(self._cloud.balancers.values())

    @property
    def routes(self) -> list[Route]:
        """All routes."""
        return list(self._cloud.routes.values())

    def stop(self, machine: str) -> None:
        """Switch a machine off, as at the console: the cloud knows that it is."""
        self._cluster.faults.stop_machine(machine)

    def start(self, machine: str) -> None:
        """Switch a machine on again."""
        self._cluster.faults.start_machine(machine)

    def delete(self, machine: str) -> None:
        """Delete a machine for good."""
        self._cluster.faults.delete_machine(machine)

    def fail(self, api: str, message: str = "") -> None:
        """Let a part of the cloud's API (instances, loadbalancers, routes) refuse every request."""
        self._cluster.faults.fail_cloud(api, message)

    def recover(self, api: str) -> None:
        """Let that part of the API work again."""
        self._cluster.faults.recover_cloud(api)

    def quota(self, api: str, limit: int | None) -> None:
        """Allow no more than so many load balancers or routes; None: as many as one likes."""
        self._cluster.faults.limit_cloud(api, "" if limit is None else str(limit))

    def __repr__(self) -> str:
        sections: list[tuple[str, list[tuple[str, ...]]]] = [
            ("MACHINE", [(m.name, m.identity, m.state, m.instance_type, m.zone, m.external) for m in self.machines]),
            ("LOAD BALANCER", [(b.service, b.address, _ports(b), ",".join(b.nodes)) for b in self.load_balancers]),
            ("ROUTE", [(r.cidr, r.node) for r in self.routes]),
        ]
        lines = []
        for title, rows in sections:
            lines += [title, *("  " + "  ".join(row) for row in rows)]
        return "\n".join(lines)


def _ports(balancer: Balancer) -> str:
    return ",".join(f"{port}:{node_port}/{protocol}" for protocol, port, node_port in balancer.ports)

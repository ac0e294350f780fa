"""The simulated cloud: machines, load balancers and routes, and an API that can fail or run out of quota.

Nothing in here knows Kubernetes' objects beyond what a provider's library would be told; the controllers of
cloud-controller-manager ask it through the methods below, as they ask `cloudprovider.Interface` in a real cluster.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from k8slab.errors import K8sLabError
from k8slab.sim.clock import SECOND

NAME = "lab"
"""The provider's name: the scheme of its provider IDs."""
APIS = ("instances", "loadbalancers", "routes")
"""The parts of the cloud's API, each of which can fail by itself."""
RUNNING, STOPPED, TERMINATED = "running", "stopped", "terminated"
REGION = "lab-1"
ZONES = ("lab-1a", "lab-1b", "lab-1c")
PUBLIC, VIRTUAL = "198.51.100", "203.0.113"
"""Addresses of machines and of load balancers that the rest of the world sees: ranges kept for documentation."""
CREATE_TIME, CHANGE_TIME, DELETE_TIME = 5 * SECOND, 1 * SECOND, 3 * SECOND
"""How long the cloud takes for a load balancer."""
UNAVAILABLE = "cloud API error 503: the service is temporarily unavailable"


class CloudError(K8sLabError):
    """The cloud's API refused a request; the text is the cloud's."""


class Machine(Struct):
    """One machine: its name, instance ID, where it is, what it is, its addresses, and whether it runs."""

    name: str
    identity: str
    zone: str
    region: str
    instance_type: str
    internal: str
    external: str
    state: str = RUNNING

    @property
    def provider_id(self) -> str:
        """As in the Node's spec.providerID."""
        return f"{NAME}://{self.zone}/{self.identity}"


class Balancer(Struct):
    """One load balancer: whose it is (namespace/name), its address, ports, and the machines behind it."""

    name: str
    service: str
    address: str
    ports: tuple[tuple[str, int, int], ...]
    """Protocol, port, and the port of the nodes."""
    nodes: tuple[str, ...]
    health_port: int = 0
    """The node port that is asked whether a node has endpoints of its own (externalTrafficPolicy: Local); 0: none."""
    source_ranges: tuple[str, ...] = ()


class Route(Struct, frozen=True):
    """Packets for this range of Pods go to this node."""

    name: str
    node: str
    cidr: str


class Cloud:
    """What one account has in the cloud.

    Args:
        clock: the lab's clock.
        streams: the lab's randomness (instance IDs).
    """

    def __init__(self, clock: Any, streams: Any) -> None:
        self.clock = clock
        self.rng = streams.stream("cloud")
        self.machines: dict[str, Machine] = {}
        self.balancers: dict[str, Balancer] = {}
        self.routes: dict[str, Route] = {}
        self.failing: dict[str, str] = {}
        self.quotas: dict[str, int] = {}
        self._operations: dict[str, int] = {}

    # -- machines ---------------------------------------------------------------------------------------------------

    def add_machine(
        self, name: str, internal: str, cpu: str, zone: str = "", region: str = "", kind: str = ""
    ) -> Machine:
        """Start a machine; zones are filled in turn where none is named."""
        number = len(self.machines)
        machine = Machine(
            name=name,
            identity=f"i-{self.rng.getrandbits(64):016x}",
            zone=zone or ZONES[number % len(ZONES)],
            region=region or (REGION if not zone else zone.rstrip("abcdefgh").rstrip("-") or REGION),
            instance_type=kind or f"standard-{cpu}",
            internal=internal,
            external=f"{PUBLIC}.{number + 10}",
        )
        self.machines[name] = machine
        return machine

    def machine(self, name: str, provider_id: str = "") -> Machine | None:
        """The machine behind a Node, by provider ID where it has one; None where it was deleted. Raises CloudError."""
        self.check("instances")
        found = self.machines.get(name)
        if found is None or found.state == TERMINATED or (provider_id and found.provider_id != provider_id):
            return None
        return found

    # -- load balancers ---------------------------------------------------------------------------------------------

    def balancer(self, name: str) -> Balancer | None:
        """The load balancer of that name. Raises CloudError."""
        self.check("loadbalancers")
        return self.balancers.get(name)

    def check_balancer(self, name: str, wanted_address: str = "") -> None:
        """Whether a load balancer could be made or changed now. Raises CloudError."""
        self.check("loadbalancers")
        limit = self.quotas.get("loadbalancers")
        if name not in self.balancers and limit is not None and len(self.balancers) >= limit:
            raise CloudError(f"cloud API error 403: quota exceeded for load balancers: limit {limit}")
        owner = next((one for one in self.balancers.values() if one.address == wanted_address), None)
        if wanted_address and owner is not None and owner.name != name:
            raise CloudError(f"cloud API error 409: address {wanted_address} is already in use")

    def ensure_balancer(self, wanted: Balancer) -> Balancer:
        """Make or change a load balancer; an empty address means any. Raises CloudError."""
        self.check_balancer(wanted.name, wanted.address)
        known = self.balancers.get(wanted.name)
        if not wanted.address:
            wanted.address = known.address if known is not None else self._free_address()
        self.balancers[wanted.name] = wanted
        return wanted

    def update_balancer(self, name: str, nodes: tuple[str, ...]) -> None:
        """Other machines behind a load balancer. Raises CloudError."""
        self.check("loadbalancers")
        if name not in self.balancers:
            raise CloudError(f"cloud API error 404: load balancer {name} not found")
        self.balancers[name].nodes = nodes

    def delete_balancer(self, name: str) -> None:
        """Delete a load balancer, if it is there. Raises CloudError."""
        self.check("loadbalancers")
        self.balancers.pop(name, None)

    def _free_address(self) -> str:
        used = {one.address for one in self.balancers.values()}
        for number in range(10, 255):
            if f"{VIRTUAL}.{number}" not in used:
                return f"{VIRTUAL}.{number}"
        raise CloudError("cloud API error 403: quota exceeded for addresses: limit 245")

    # -- routes -----------------------------------------------------------------------------------------------------

    def list_routes(self) -> list[Route]:
        """All routes. Raises CloudError."""
        self.check("routes")
        return list(self.routes.values())

    def create_route(self, hint: str, node: str, cidr: str) -> None:
        """Send packets for a range of Pods to a node. Raises CloudError."""
        self.check("routes")
        limit = self.quotas.get("routes")
        if limit is not None and len(self.routes) >= limit:
            raise CloudError(f"cloud API error 403: quota exceeded for routes: limit {limit}")
        route = Route(name=f"kubernetes-{hint}", node=node, cidr=cidr)
        self.routes[f"{node} {cidr}"] = route

    def delete_route(self, route: Route) -> None:
        """Delete a route. Raises CloudError."""
        self.check("routes")
        self.routes.pop(f"{route.node} {route.cidr}", None)

    # -- what it is like --------------------------------------------------------------------------------------------

    def check(self, api: str) -> None:
        """Raises CloudError where that part of the API is failing."""
        text = self.failing.get(api)
        if text:
            raise CloudError(text)

    def time_left(self, operation: str, takes: int) -> int:
        """How long an operation still takes (microseconds); it begins with the first call, and ends with a 0."""
        ends = self._operations.setdefault(operation, self.clock.now + takes)
        if ends > self.clock.now:
            return ends - self.clock.now
        del self._operations[operation]
        return 0

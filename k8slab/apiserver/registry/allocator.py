"""Service addresses and node ports: which are taken, and which is given out next.

What is taken follows from the stored Services, so that restarts, copies and restores need no repair. Dynamic choices
prefer the upper part of a range, leaving the lower one to explicit requests
(`pkg/registry/core/service/ipallocator`, `portallocator`; KEP-3070).
"""

from __future__ import annotations

from ipaddress import IPv4Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random

    from k8slab.etcd.store import Event, Store

NODE_PORTS = (30000, 32767)


class Allocator:
    """Keeps a number of a range unique among Services.

    Args:
        first: the lowest number that can be given out.
        size: how many numbers there are.
        reserved: how many at the bottom are given out dynamically only when the rest is used up.
        rng: the stream of choices.
    """

    __slots__ = ("first", "owners", "reserved", "rng", "size")

    def __init__(self, first: int, size: int, reserved: int, rng: Random) -> None:
        self.first, self.size, self.rng = first, size, rng
        self.reserved = reserved if reserved < size else 0
        self.owners: dict[int, str] = {}

    def has(self, number: int) -> bool:
        """Whether the number belongs to the range."""
        return self.first <= number < self.first + self.size

    def next(self, taken: set[int]) -> int | None:
        """A free number that is not in `taken` either; None where there is none."""
        return self._pick(self.reserved, self.size, taken) or self._pick(0, self.reserved, taken)

    def _pick(self, low: int, high: int, taken: set[int]) -> int | None:
        span = high - low
        if span <= 0:
            return None
        offset = int(self.rng.random() * span)
        for step in range(span):
            number = self.first + low + (offset + step) % span
            if number not in self.owners and number not in taken:
                return number
        return None


class ServiceAllocators:
    """Addresses and node ports of all Services, following the store."""

    def __init__(self, store: Store, prefix: str, cidr: str, ip_rng: Random, port_rng: Random) -> None:
        network = ip_network(cidr)
        assert isinstance(network, IPv4Network)
        size = network.num_addresses - 2
        self.cidr = network
        self.ips = Allocator(int(network.network_address) + 1, size, min(max(16, size // 16), 256), ip_rng)
        low, high = NODE_PORTS
        span = high - low + 1
        self.ports = Allocator(low, span, min(max(16, span // 32), 128), port_rng)
        for kv in store.range(prefix):
            self._take(kv.key, kv.value)
        self.subscription = store.watch(prefix, self._on_event)

    def _on_event(self, event: Event) -> None:
        if event.prev is not None:
            self._release(event.kv.key, event.prev.value)
        if event.kv.value is not None:
            self._take(event.kv.key, event.kv.value)

    def _take(self, key: str, service: Any) -> None:
        for number in addresses(service):
            self.ips.owners[number] = key
        for port in node_ports(service):
            self.ports.owners[port] = key

    def _release(self, key: str, service: Any) -> None:
        for number in addresses(service):
            if self.ips.owners.get(number) == key:
                del self.ips.owners[number]
        for port in node_ports(service):
            if self.ports.owners.get(port) == key:
                del self.ports.owners[port]


def addresses(service: Any) -> list[int]:
    """The cluster addresses of a Service as numbers."""
    ips = service.spec.clusterIPs or ((service.spec.clusterIP,) if service.spec.clusterIP else ())
    return [int(ip_address(ip)) for ip in ips if ip and ip != "None" and ":" not in ip]


def node_ports(service: Any) -> list[int]:
    """The node ports of a Service, with that of its health check."""
    found = [port.nodePort for port in service.spec.ports or () if port.nodePort]
    if service.spec.healthCheckNodePort:
        found.append(service.spec.healthCheckNodePort)
    return found


def address_text(number: int) -> str:
    """An address as it is written."""
    return str(ip_address(number))

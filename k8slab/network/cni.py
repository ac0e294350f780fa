"""Addresses: each node's Pods get theirs from the node's podCIDR, as the host-local IPAM plugin gives them."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any, Protocol

from k8slab.errors import K8sLabError

POD_NETWORK = "10.244.0.0"
FIRST_HOST = "192.168.0.10"


class NoAddresses(K8sLabError):
    """The range of a node is used up; the text is the plugin's."""


class Endpoint(Protocol):
    """Who answers at an address."""

    def answer(self, port: int, path: str) -> tuple[int, str]:
        """Status and body of a request; status 0: nothing listens on the port, -1: it speaks no HTTP."""


class Range:
    """The addresses of one node: handed out round and round, the gateway (.1) and the ends never."""

    __slots__ = ("_base", "_next", "_size", "cidr", "used")

    def __init__(self, cidr: str) -> None:
        network = ip_network(cidr, strict=False)
        self.cidr = cidr
        self._base = int(network.network_address)
        self._size = network.num_addresses
        self._next = 2
        self.used: dict[int, str] = {}

    def take(self, owner: str) -> str:
        """The next free address. Raises NoAddresses."""
        for _ in range(self._size - 3):
            number = self._next
            self._next = number + 1 if number + 1 < self._size - 1 else 2
            if number not in self.used:
                self.used[number] = owner
                return _dotted(self._base + number)
        raise NoAddresses(f"failed to allocate for range 0: no IP addresses available in range set: {self.cidr}")

    def free(self, address: str, owner: str) -> None:
        """Give an address back; another owner's stays."""
        number = _number(address) - self._base
        if self.used.get(number) == owner:
            del self.used[number]


class CNI:
    """Pod addresses by node, and the addresses of the machines themselves.

    >>> cni = CNI()
    >>> cni.allocate("worker-1", "10.244.1.0/24", "uid-1"), cni.allocate("worker-1", "10.244.1.0/24", "uid-2")
    ('10.244.1.2', '10.244.1.3')
    """

    def __init__(self, streams: Any = None) -> None:
        """`streams` is not needed: addresses are handed out in order."""
        self._ranges: dict[str, Range] = {}
        self._hosts: dict[str, str] = {}
        self._owners: dict[str, tuple[str, str]] = {}
        self._endpoints: dict[str, list[Endpoint]] = {}

    def host(self, node_name: str) -> str:
        """The machine's own address: 192.168.0.10 and on, in the order in which machines are added."""
        if node_name not in self._hosts:
            self._hosts[node_name] = _dotted(_number(FIRST_HOST) + len(self._hosts))
        return self._hosts[node_name]

    def allocate(self, node_name: str, pod_cidr: str | None, pod_uid: str) -> str:
        """An address for a Pod's sandbox. Without a podCIDR the node gets the next /24 of 10.244.0.0/16.

        Raises NoAddresses where the node's range is used up.
        """
        found = self._ranges.get(node_name)
        if found is None or (pod_cidr and found.cidr != pod_cidr):
            found = self._ranges[node_name] = Range(pod_cidr or self._spare())
        address = found.take(pod_uid)
        self._owners[address] = (node_name, pod_uid)
        return address

    def release(self, node_name: str, address: str, pod_uid: str) -> None:
        """Take an address back."""
        if node_name in self._ranges:
            self._ranges[node_name].free(address, pod_uid)
        if self._owners.get(address) == (node_name, pod_uid):
            del self._owners[address]

    def owner(self, address: str) -> tuple[str, str] | None:
        """Which (node, Pod uid) has this address."""
        return self._owners.get(address)

    def plug(self, address: str, endpoint: Endpoint) -> None:
        """Someone answers at this address from now on; several may share a machine's address."""
        self._endpoints.setdefault(address, []).append(endpoint)

    def unplug(self, address: str, endpoint: Endpoint) -> None:
        """Nobody answers there any more."""
        there = self._endpoints.get(address, [])
        if endpoint in there:
            there.remove(endpoint)
        if not there:
            self._endpoints.pop(address, None)

    def at(self, address: str) -> tuple[Endpoint, ...]:
        """Who answers at an address."""
        return tuple(self._endpoints.get(address, ()))

    def request(self, address: str, port: int, path: str = "/") -> tuple[int, str]:
        """An HTTP request to an address: `(status, body)`; status 0: refused, -1: not HTTP, -2: nobody there."""
        endpoints = self._endpoints.get(address)
        if not endpoints:
            return -2, ""
        for endpoint in endpoints:
            status, body = endpoint.answer(port, path)
            if status:
                return status, body
        return 0, ""

    def _spare(self) -> str:
        taken = {found.cidr for found in self._ranges.values()}
        number = len(self._ranges)
        while (cidr := f"{_dotted(_number(POD_NETWORK) + (number << 8))}/24") in taken:
            number += 1
        return cidr


def _number(address: str) -> int:
    a, b, c, d = address.split(".")
    return int(a) << 24 | int(b) << 16 | int(c) << 8 | int(d)


def _dotted(number: int) -> str:
    return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"

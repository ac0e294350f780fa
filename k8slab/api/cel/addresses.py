"""Addresses and networks (`apiserver/pkg/cel/library/ip.go`, `cidr.go`)."""

from __future__ import annotations

import ipaddress
from typing import Any

from k8slab.api.cel.overloads import Table, declare
from k8slab.api.cel.values import CelError

IP, CIDR = "net.IP", "net.CIDR"


class IPValue:
    """An address as a value."""

    __slots__ = ("address",)
    kind = IP

    def __init__(self, address: Any) -> None:
        self.address = address

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IPValue) and self.address == other.address

    def __hash__(self) -> int:
        return hash(self.address)

    def __str__(self) -> str:
        return str(self.address)


class CIDRValue:
    """A network as a value: the address as it was written, and how long its prefix is."""

    __slots__ = ("interface",)
    kind = CIDR

    def __init__(self, interface: Any) -> None:
        self.interface = interface

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CIDRValue) and self.interface == other.interface

    def __hash__(self) -> int:
        return hash(self.interface)

    def __str__(self) -> str:
        return self.interface.with_prefixlen


def _ip(text: str) -> IPValue:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        why = f'ParseAddr("{text}"): unable to parse IP'
        raise CelError(f'IP Address "{text}" parse error during conversion from string: {why}') from None
    if getattr(found, "scope_id", None):
        raise CelError(f'IP address "{text}" with zone value is not allowed')
    if getattr(found, "ipv4_mapped", None):
        raise CelError(f'IPv4-mapped IPv6 address "{text}" is not allowed')
    return IPValue(found)


def _is_ip(text: str) -> bool:
    try:
        _ip(text)
    except CelError:
        return False
    return True


def _is_canonical(text: str) -> bool:
    return str(_ip(text).address) == text


def _family(value: IPValue) -> int:
    return value.address.version


def _global_unicast(value: IPValue) -> bool:
    address = value.address
    is_broadcast = address.version == 4 and int(address) == 2**32 - 1
    special = address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local
    return not special and not is_broadcast


def _link_local_multicast(value: IPValue) -> bool:
    address = value.address
    return address in ipaddress.ip_network("224.0.0.0/24" if address.version == 4 else "ff02::/16")


def _unspecified(value: IPValue) -> bool:
    return value.address.is_unspecified


def _loopback(value: IPValue) -> bool:
    return value.address.is_loopback


def _link_local_unicast(value: IPValue) -> bool:
    return value.address.is_link_local


def _cidr(text: str) -> CIDRValue:
    try:
        if "/" not in text:
            raise ValueError(text)
        return CIDRValue(ipaddress.ip_interface(text))
    except ValueError:
        why = f"netip.ParsePrefix(\"{text}\"): no '/'"
        raise CelError(f"network address parse error during conversion from string: {why}") from None


def _is_cidr(text: str) -> bool:
    try:
        _cidr(text)
    except CelError:
        return False
    return True


def _contains_ip(value: CIDRValue, address: Any) -> bool:
    found = _ip(address) if isinstance(address, str) else address
    return found.address in value.interface.network


def _contains_cidr(value: CIDRValue, other: Any) -> bool:
    found = (_cidr(other) if isinstance(other, str) else other).interface.network
    own = value.interface.network
    return found.version == own.version and found.subnet_of(own)


def _address(value: CIDRValue) -> IPValue:
    return IPValue(value.interface.ip)


def _prefix_length(value: CIDRValue) -> int:
    return value.interface.network.prefixlen


def _masked(value: CIDRValue) -> CIDRValue:
    return CIDRValue(ipaddress.ip_interface(value.interface.network.with_prefixlen))


def add_addresses(table: Table) -> None:
    """Declare what addresses and networks can do."""
    declare(table, _ip, f"ip(string) {IP}")
    declare(table, _is_ip, "isIP(string) bool")
    declare(table, _is_canonical, "ip.isCanonical(string) bool")
    declare(table, _family, f"{IP}~family() int")
    declare(table, _unspecified, f"{IP}~isUnspecified() bool")
    declare(table, _loopback, f"{IP}~isLoopback() bool")
    declare(table, _link_local_multicast, f"{IP}~isLinkLocalMulticast() bool")
    declare(table, _link_local_unicast, f"{IP}~isLinkLocalUnicast() bool")
    declare(table, _global_unicast, f"{IP}~isGlobalUnicast() bool")
    declare(table, str, f"string({IP}) string", f"string({CIDR}) string")
    declare(table, _cidr, f"cidr(string) {CIDR}")
    declare(table, _is_cidr, "isCIDR(string) bool")
    declare(table, _contains_ip, f"{CIDR}~containsIP(string) bool", f"{CIDR}~containsIP({IP}) bool")
    declare(table, _contains_cidr, f"{CIDR}~containsCIDR(string) bool", f"{CIDR}~containsCIDR({CIDR}) bool")
    declare(table, _address, f"{CIDR}~ip() {IP}")
    declare(table, _prefix_length, f"{CIDR}~prefixLength() int")
    declare(table, _masked, f"{CIDR}~masked() {CIDR}")

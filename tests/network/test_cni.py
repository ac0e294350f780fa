"""Addresses of Pods and machines."""

import pytest

from k8slab.network.cni import CNI, NoAddresses


def test_addresses_come_from_the_nodes_range_in_order():
    cni = CNI()
    assert [cni.allocate("a", "10.244.3.0/24", f"u{n}") for n in range(3)] == ["10.244.3.2", "10.244.3.3", "10.244.3.4"]
    assert cni.allocate("b", "10.244.7.0/24", "u9") == "10.244.7.2"
    assert cni.owner("10.244.7.2") == ("b", "u9")


def test_a_released_address_is_reused_last():
    cni = CNI()
    first = cni.allocate("a", "10.0.0.0/29", "u1")
    cni.release("a", first, "u1")
    taken = [cni.allocate("a", "10.0.0.0/29", f"v{n}") for n in range(5)]
    assert taken == ["10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.2"]
    with pytest.raises(NoAddresses, match="no IP addresses available"):
        cni.allocate("a", "10.0.0.0/29", "w")


def test_only_the_owner_releases():
    cni = CNI()
    address = cni.allocate("a", "10.0.0.0/24", "u1")
    cni.release("a", address, "other")
    assert cni.owner(address) == ("a", "u1")


def test_nodes_without_a_range_get_one_each():
    cni = CNI()
    assert cni.allocate("a", None, "u1") == "10.244.0.2"
    assert cni.allocate("b", None, "u2") == "10.244.1.2"
    for number in range(300):
        cni.allocate(f"n{number}", None, "x")
    assert cni.allocate("last", None, "y") == "10.245.46.2"


def test_machines():
    cni = CNI()
    assert [cni.host("a"), cni.host("b"), cni.host("a")] == ["192.168.0.10", "192.168.0.11", "192.168.0.10"]

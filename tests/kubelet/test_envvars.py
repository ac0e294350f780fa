"""Variables about Services."""

from __future__ import annotations

from k8slab.api import core_v1 as core
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.kubelet.envvars import from_services


def _named(name: str, address: str, *ports: core.ServicePort) -> core.Service:
    spec = core.ServiceSpec(clusterIP=address, ports=ports)
    return core.Service(metadata=ObjectMeta(name=name), spec=spec)


def test_all_variables_of_a_service():
    web = core.ServicePort(name="web-ui", port=80)
    dns = core.ServicePort(name="dns", port=53, protocol="UDP")
    assert from_services([_named("my-db", "10.96.0.9", web, dns)]) == {
        "MY_DB_SERVICE_HOST": "10.96.0.9",
        "MY_DB_SERVICE_PORT": "80",
        "MY_DB_SERVICE_PORT_WEB_UI": "80",
        "MY_DB_SERVICE_PORT_DNS": "53",
        "MY_DB_PORT": "tcp://10.96.0.9:80",
        "MY_DB_PORT_80_TCP": "tcp://10.96.0.9:80",
        "MY_DB_PORT_80_TCP_PROTO": "tcp",
        "MY_DB_PORT_80_TCP_PORT": "80",
        "MY_DB_PORT_80_TCP_ADDR": "10.96.0.9",
        "MY_DB_PORT_53_UDP": "udp://10.96.0.9:53",
        "MY_DB_PORT_53_UDP_PROTO": "udp",
        "MY_DB_PORT_53_UDP_PORT": "53",
        "MY_DB_PORT_53_UDP_ADDR": "10.96.0.9",
    }


def test_a_service_without_address_or_ports_has_none():
    assert from_services([_named("headless", "None", core.ServicePort(port=80)), _named("bare", "10.96.0.9")]) == {}


def test_addresses_of_version_six_are_in_brackets():
    found = from_services([_named("six", "fd00::1", core.ServicePort(port=80))])
    assert found["SIX_PORT"] == "tcp://[fd00::1]:80"
    assert found["SIX_PORT_80_TCP_ADDR"] == "fd00::1"

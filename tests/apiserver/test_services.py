from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from k8slab.apiserver import APIServer
from k8slab.sim.seed import Streams
from tests.apiserver.conftest import Lab


def service(name: str, **spec: Any) -> dict[str, Any]:
    ports = [{"port": 80}]
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": ports, **spec}}


def test_addresses_are_unique_and_in_the_range() -> None:
    lab = Lab(service_cidr="10.0.0.0/28")
    seen = {lab.get("services", "kubernetes").spec.clusterIP}
    assert seen == {"10.0.0.1"}
    for index in range(13):
        seen.add(lab.create("services", service(f"s{index}")).spec.clusterIP)
    assert len(seen) == 14 and all(ip.startswith("10.0.0.") for ip in seen)
    full = lab.send("create", "services", body=service("more"))
    assert full.code == 500 and "range is full" in full.body["message"]
    lab.ok("delete", "services", "s3")
    assert lab.create("services", service("more")).spec.clusterIP not in ("", None)


def test_refused_service_keeps_nothing_taken(lab: Lab) -> None:
    taken = dict(lab.server.allocators.ips.owners)
    assert lab.send("create", "services", body=service("Bad_Name")).code == 422
    lab.create("services", service("dry", type="NodePort"), dry_run=True)
    assert lab.server.allocators.ips.owners == taken and not lab.server.allocators.ports.owners


def test_type_changes_take_and_release_ports(lab: Lab) -> None:
    made = lab.create("services", service("s"))
    ip = made.spec.clusterIP
    opened = lab.patch("services", "s", {"spec": {"type": "NodePort"}})
    port = opened.spec.ports[0].nodePort
    assert opened.spec.clusterIP == ip and 30000 <= port <= 32767
    assert lab.patch("services", "s", {"spec": {"type": "LoadBalancer"}}).spec.ports[0].nodePort == port
    closed = lab.patch("services", "s", {"spec": {"type": "ClusterIP"}})
    assert closed.spec.ports[0].nodePort is None and not lab.server.allocators.ports.owners
    external = {"spec": {"type": "ExternalName", "externalName": "db.example", "clusterIP": None, "clusterIPs": None}}
    assert lab.patch("services", "s", external).spec.clusterIP is None
    assert ip not in map(str, lab.server.allocators.ips.owners.values())


@pytest.mark.parametrize("renew", [copy.deepcopy, lambda lab: pickle.loads(pickle.dumps(lab))])
def test_copies_allocate_independently_and_alike(lab: Lab, renew: Any) -> None:
    lab.create("services", service("a", type="NodePort"))
    other = renew(lab)
    mine, theirs = (each.create("services", service("b", type="NodePort")) for each in (lab, other))
    assert mine.spec == theirs.spec and mine.metadata.uid == theirs.metadata.uid
    other.ok("delete", "services", "b")
    assert mine.spec.ports[0].nodePort in lab.server.allocators.ports.owners


def test_restarted_server_knows_what_is_taken(lab: Lab) -> None:
    made = lab.create("services", service("a", type="NodePort"))
    restarted = APIServer(lab.store, lab.clock, Streams(9), lab.trace)
    lab.server = restarted
    clash = lab.send("create", "services", body=service("b", clusterIP=made.spec.clusterIP))
    assert clash.code == 422 and "provided IP is already allocated" in clash.body["message"]


def test_headless_and_external_services_have_no_address(lab: Lab) -> None:
    headless = lab.create("services", service("h", clusterIP="None", selector={"a": "b"}))
    assert headless.spec.clusterIPs == ("None",)
    external = lab.create("services", service("e", type="ExternalName", externalName="db.example"))
    assert external.spec.clusterIP is None and external.spec.ipFamilies is None

"""What Endpoints and EndpointSlices say beyond addresses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.controllers.lab import Lab

NAME = "kubernetes.io/service-name=web"


def slices(lab: Lab) -> list[Any]:
    return list(lab.client.list("endpointslices", "default", label_selector=NAME).items)


def endpoints(lab: Lab) -> list[Any]:
    return [endpoint for piece in slices(lab) for endpoint in piece.endpoints or ()]


def zoned(replicas: int = 3, **service: Any) -> Lab:
    lab = Lab(nodes=2)
    for name, zone in (("worker-1", "a"), ("worker-2", "b")):
        lab.client.patch("nodes", name, {"metadata": {"labels": {"topology.kubernetes.io/zone": zone}}})
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80}], **service}
    lab.apply("Service", "web", spec, api="v1")
    lab.deployment(replicas=replicas)
    lab.run(5)
    return lab


def test_at_most_a_hundred_endpoints_fit_into_a_slice():
    lab = zoned(replicas=120)
    assert sorted(len(piece.endpoints) for piece in slices(lab)) == [20, 100]
    (older,) = [e for e in lab.client.list("endpoints", "default").items if e.metadata.name == "web"]
    assert len(older.subsets[0].addresses) == 120


@pytest.mark.parametrize("wish", ["PreferSameZone", "PreferClose", "PreferSameNode"])
def test_traffic_is_kept_near_where_that_is_wished(wish):
    found = endpoints(zoned(trafficDistribution=wish))
    assert len(found) == 3
    for endpoint in found:
        assert [one.name for one in endpoint.hints.forZones] == [endpoint.zone]
        nodes = [one.name for one in endpoint.hints.forNodes or ()]
        assert nodes == ([endpoint.nodeName] if wish == "PreferSameNode" else [])


def test_hints_come_and_go_with_the_wish():
    lab = zoned()
    assert all(endpoint.hints is None for endpoint in endpoints(lab))
    lab.client.patch("services", "web", {"spec": {"trafficDistribution": "PreferSameZone"}}, "default")
    lab.run(2)
    assert all(endpoint.hints is not None for endpoint in endpoints(lab))
    lab.client.patch("services", "web", {"spec": {"trafficDistribution": None}}, "default")
    lab.run(2)
    assert all(endpoint.hints is None for endpoint in endpoints(lab))


def test_a_pod_that_was_to_be_disrupted_and_was_not_is_told_so_after_two_minutes():
    lab = Lab()
    lab.deployment(replicas=1)
    lab.run(5)
    (pod,) = lab.pods()
    target = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "PreemptionByScheduler",
        "lastTransitionTime": lab.clock.rfc3339(),
    }
    patch = {"status": {"conditions": [target]}}
    merge = "application/strategic-merge-patch+json"
    lab.client.patch("pods", pod.metadata.name, patch, "default", "status", patch_type=merge)
    lab.run(110)
    assert condition(lab) == ("True", "PreemptionByScheduler")
    lab.run(20)
    assert condition(lab) == ("False", None)


def condition(lab: Lab) -> tuple[str, str | None]:
    (pod,) = lab.pods()
    (found,) = [one for one in pod.status.conditions if one.type == "DisruptionTarget"]
    return found.status, found.reason


def test_a_class_of_attributes_that_is_in_use_stays():
    lab = Lab()
    body = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "VolumeAttributesClass",
        "metadata": {"name": "fast"},
        "driverName": "ebs.csi.aws.com",
        "parameters": {"iops": "1"},
    }
    lab.client.create(body)
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "volumeAttributesClassName": "fast",
    }
    lab.apply("PersistentVolumeClaim", "c", spec, api="v1")
    lab.run(1)
    lab.client.delete("volumeattributesclasses", "fast")
    lab.run(5)
    assert lab.client.get("volumeattributesclasses", "fast").metadata.finalizers == ("kubernetes.io/vac-protection",)
    lab.client.delete("persistentvolumeclaims", "c", "default")
    lab.run(5)
    assert lab.client.list("volumeattributesclasses").items == ()

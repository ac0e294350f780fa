"""Rolling updates of DaemonSets that start the new Pod beside the old one."""

from __future__ import annotations

from typing import Any

from tests.controllers.lab import Lab, workload
from tests.controllers.test_workloads import IMAGE_2

SURGE = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def daemons(lab: Lab, **pod_spec: Any) -> None:
    lab.apply("DaemonSet", "agent", {**workload("agent", **pod_spec), "updateStrategy": SURGE})
    lab.run(5)


def alive(lab: Lab) -> list[tuple[str, str]]:
    pods = [pod for pod in lab.pods() if pod.metadata.deletionTimestamp is None]
    return sorted((pod.spec.nodeName or "", pod.spec.containers[0].image) for pod in pods)


def test_one_node_at_a_time_has_two_pods():
    lab = Lab(nodes=3)
    daemons(lab)
    lab.client.patch("daemonsets", "agent", IMAGE_2, "default")
    most = 0
    for _ in range(150):
        lab.run(0.1)
        most = max(most, len(alive(lab)))
        assert lab.get("daemonsets", "agent").status.numberReady == 3
    assert most == 4
    assert {image for _, image in alive(lab)} == {"app:2"}


def test_a_new_pod_that_does_not_get_ready_keeps_the_old_one():
    lab = Lab(nodes=2)
    daemons(lab)
    broken = {"spec": {"template": {"metadata": {"annotations": {"fake/ready": "false"}}}}}
    lab.client.patch("daemonsets", "agent", broken, "default")
    lab.run(20)
    assert len(alive(lab)) == 3
    assert lab.get("daemonsets", "agent").status.numberReady == 2


def test_a_deleted_pod_is_replaced_before_it_has_ended():
    lab = Lab(nodes=1)
    daemons(lab)
    pod = lab.pods()[0]
    lab.client.delete("pods", pod.metadata.name, "default")
    lab.run(0.5)
    assert len(lab.pods()) == 2

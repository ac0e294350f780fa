"""Processes: several of a component, leaders, and controllers that rest."""

from __future__ import annotations

import doctest

import pytest

from k8slab import Lab
from k8slab.cluster import processes
from k8slab.cluster.faults import NoSuchTargetError
from k8slab.cluster.topology import TopologyError

LEASES = ("kube-controller-manager", "kube-scheduler")


def holder(lab: Lab, name: str) -> str:
    return lab.get(f"lease/{name}", namespace="kube-system").spec.holderIdentity


def leaders(lab: Lab) -> list[str]:
    return [name for name, one in lab.cluster.components.items() if getattr(one, "leading", False)]


def replicas_ready(lab: Lab) -> int:
    return lab.get("deployment/web").status.readyReplicas or 0


def test_examples():
    assert doctest.testmod(processes).failed == 0


def test_components_hold_leases():
    lab = Lab(workers=1)
    assert [one.metadata.name for one in lab.list("leases", namespace="kube-system")] == list(LEASES)
    for name in LEASES:
        lease = lab.get(f"lease/{name}", namespace="kube-system")
        assert lease.spec.holderIdentity.startswith("control-plane-1_") and lease.spec.leaseDurationSeconds == 15
    lab.run("5s")
    assert lab.get("lease/kube-scheduler", namespace="kube-system").spec.renewTime > lease.spec.renewTime
    messages = [e.message for e in lab.list("events") if e.reason == "LeaderElection"]
    assert [text.split()[1:] for text in messages] == [["became", "leader"]] * 2


def test_a_leader_whose_lease_is_taken_or_deleted_notices():
    lab = Lab(workers=1)
    lab.delete("lease/kube-scheduler", namespace="kube-system")
    lab.run("3s")
    assert holder(lab, "kube-scheduler").startswith("control-plane-1_")
    lab.patch("lease/kube-scheduler", {"spec": {"holderIdentity": "intruder"}}, namespace="kube-system")
    lab.run("14s")
    assert holder(lab, "kube-scheduler") == "intruder" and "kube-scheduler" not in leaders(lab)
    lab.run("20s")
    assert holder(lab, "kube-scheduler").startswith("control-plane-1_") and "kube-scheduler" in leaders(lab)


@pytest.mark.parametrize("component", LEASES)
def test_another_takes_over_when_the_leader_crashes(component):
    lab = Lab(workers=1, replicas={component: 2})
    lab.run("1m")
    assert component in leaders(lab) and f"{component}-2" not in leaders(lab)
    first = holder(lab, component)
    lab.faults.crash(component)
    lab.kubectl("create deployment web --image=nginx --replicas=2", echo=False)
    lab.run("12s")
    assert replicas_ready(lab) == 0 and holder(lab, component) == first
    lab.run("10s")
    assert f"{component}-2" in leaders(lab) and holder(lab, component).startswith("control-plane-2_")
    lab.run("10s")
    assert replicas_ready(lab) == 2
    lease = lab.get(f"lease/{component}", namespace="kube-system")
    assert lease.spec.leaseTransitions == 1
    lab.faults.heal()
    lab.run("1m")
    assert f"{component}-2" in leaders(lab) and component not in leaders(lab)


def test_a_scheduler_that_is_stopped_hands_over_at_once():
    lab = Lab(workers=1, replicas={"kube-scheduler": 2})
    lab.faults.stop("kube-scheduler")
    assert holder(lab, "kube-scheduler") == ""
    lab.run("5s")
    assert "kube-scheduler-2" in leaders(lab)


def test_a_process_that_crashed_alone_waits_for_its_old_lease():
    lab = Lab(workers=1)
    before = holder(lab, "kube-scheduler")
    lab.faults.crash("kube-scheduler")
    lab.faults.start("kube-scheduler")
    lab.run("10s")
    assert holder(lab, "kube-scheduler") == before and "kube-scheduler" not in leaders(lab)
    lab.run("10s")
    assert holder(lab, "kube-scheduler") != before and "kube-scheduler" in leaders(lab)


def test_decisions_are_remembered_whoever_made_them():
    lab = Lab(workers=2, replicas={"kube-scheduler": 2})
    lab.kubectl("run one --image=nginx", echo=False)
    lab.run("2s")
    lab.faults.crash("kube-scheduler")
    lab.run("25s")
    lab.kubectl("run two --image=nginx", echo=False)
    lab.run("2s")
    assert "worker" in str(lab.explain("pod/one")) and "worker" in str(lab.explain("pod/two"))


def test_one_controller_rests_while_all_others_go_on(tmp_path):
    lab = Lab(workers=1)
    lab.faults.pause("replicaset")
    lab.kubectl("create deployment web --image=nginx --replicas=2", echo=False)
    lab.run("20s")
    assert len(lab.list("replicasets")) == 1 and lab.list("pods", namespace="default") == []
    lab.save(tmp_path / "rest.k8slab")
    for one in (lab, Lab.load(tmp_path / "rest.k8slab"), lab.fork()):
        one.faults.resume("replicaset-controller")
        one.run("20s")
        assert replicas_ready(one) == 2
    lab.faults.pause("deployment-controller")
    lab.faults.heal()
    lab.kubectl("scale deployment web --replicas=3", echo=False)
    lab.run("10s")
    assert replicas_ready(lab) == 3


def test_slips_are_told():
    with pytest.raises(TopologyError, match="replicas: 'kubelet' does not elect a leader: choose from kube-contr"):
        Lab(workers=1, replicas={"kubelet": 2})
    with pytest.raises(TopologyError, match="replicas: this cluster has no cloud-controller-manager"):
        Lab(workers=1, replicas={"cloud-controller-manager": 2})
    with pytest.raises(TopologyError, match="kube-scheduler must be a number from 1 to 9, not 0"):
        Lab(workers=1, replicas={"kube-scheduler": 0})
    lab = Lab(workers=1)
    with pytest.raises(NoSuchTargetError, match=r"there is no controller 'nothing': choose one of .*job-controller"):
        lab.faults.pause("nothing")
    with pytest.raises(NoSuchTargetError, match="there is no component 'kube-scheduler-2': choose one of"):
        lab.faults.crash("kube-scheduler-2")

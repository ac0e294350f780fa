"""Claims that name a volume, and volumes that lose their claim."""

from __future__ import annotations

from typing import Any

from k8slab.api.codec import from_dict
from tests.controllers.lab import Lab


def volume(lab: Lab, name: str, size: str = "1Gi", **spec: Any) -> None:
    source = {"hostPath": {"path": "/x"}} if "nfs" not in spec and "local" not in spec else {}
    spec = {"capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], **source, **spec}
    body = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}
    lab.client.create(from_dict(body))


def claim(lab: Lab, name: str, **spec: Any) -> None:
    asked = {"resources": {"requests": {"storage": "1Gi"}}, "accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    lab.apply("PersistentVolumeClaim", name, {**asked, **spec}, api="v1")


def test_a_claim_is_told_why_the_volume_that_it_names_is_not_for_it():
    lab = Lab(nodes=0)
    volume(lab, "small", size="500Mi")
    volume(lab, "taken")
    claim(lab, "first", volumeName="taken")
    lab.run(3)
    claim(lab, "second", volumeName="taken")
    claim(lab, "third", volumeName="small")
    lab.run(3)
    assert lab.get("persistentvolumeclaims", "first").status.phase == "Bound"
    assert lab.events("FailedBinding") == ['volume "taken" already bound to a different claim.']
    assert lab.events("VolumeMismatch") == ['Cannot bind to requested volume "small": requested PV is too small']


def test_a_volume_reserved_by_hand_stays_reserved_when_its_claim_has_another():
    lab = Lab(nodes=0)
    volume(lab, "a")
    lab.run(1)
    claim(lab, "mine")
    lab.run(1)
    owner = lab.get("persistentvolumeclaims", "mine")
    reference = {"namespace": "default", "name": "mine", "uid": owner.metadata.uid, "kind": "PersistentVolumeClaim"}
    volume(lab, "b", claimRef=reference)
    lab.run(3)
    other = lab.client.get("persistentvolumes", "b")
    assert (other.spec.claimRef.name, other.spec.claimRef.uid, other.status.phase) == ("mine", None, "Available")


def test_a_volume_that_nobody_can_recycle_fails():
    lab = Lab(nodes=0)
    affinity = {"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "k", "operator": "Exists"}]}]}}
    policy = {"persistentVolumeReclaimPolicy": "Recycle"}
    volume(lab, "a", local={"path": "/x"}, nodeAffinity=affinity, **policy)
    lab.run(1)
    claim(lab, "mine")
    lab.run(1)
    lab.client.delete("persistentvolumeclaims", "mine", "default")
    lab.run(3)
    assert lab.client.get("persistentvolumes", "a").status.phase == "Failed"
    assert lab.events("VolumeFailedRecycle") == ["No recycler plugin found for the volume!"]

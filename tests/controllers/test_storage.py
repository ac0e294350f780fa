from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import k8slab
from k8slab.api.codec import from_dict
from k8slab.client import Client
from k8slab.controllers import StorageDrivers
from tests.controllers.lab import Lab


class StorageLab(Lab):
    """A lab with storage drivers."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        client = Client(self.handle, self.clock, self.trace, user_agent="csi-drivers")
        self.drivers = StorageDrivers(client, self.clock, self.streams, self.trace)
        self.drivers.start()

    def storage_class(self, provisioner: str, **more: Any) -> None:
        body = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": provisioner, **more}
        self.client.create(from_dict({**body, "metadata": {"name": "fast"}}))

    def claim(self, mode: str = "ReadWriteOnce", **more: Any) -> None:
        spec = {"accessModes": [mode], "resources": {"requests": {"storage": "1Gi"}}, **more}
        self.apply("PersistentVolumeClaim", "c", {"storageClassName": "fast", **spec}, api="v1")

    def select_node(self, name: str) -> None:
        """What the scheduler does for a claim that waits for its first consumer."""
        patch = {"metadata": {"annotations": {"volume.kubernetes.io/selected-node": name}}}
        self.client.patch("persistentvolumeclaims", "c", patch, "default")

    def volume(self) -> Any:
        (found,) = self.client.list("persistentvolumes").items
        return found


def test_a_claim_gets_a_volume_of_its_class_and_it_goes_with_the_claim():
    lab = StorageLab()
    lab.storage_class("ebs.csi.aws.com")
    lab.claim()
    lab.run(2)
    assert lab.get("persistentvolumeclaims", "c").status.phase == "Pending"
    lab.run(5)
    claim, volume = lab.get("persistentvolumeclaims", "c"), lab.volume()
    assert claim.status.phase == "Bound" and claim.spec.volumeName == volume.metadata.name
    assert volume.metadata.name == f"pvc-{claim.metadata.uid}"
    assert volume.status.phase == "Bound" and volume.spec.capacity == {"storage": "1Gi"}
    assert volume.spec.csi.driver == "ebs.csi.aws.com" and volume.spec.csi.fsType == "ext4"
    assert lab.events("ProvisioningSucceeded") == [f"Successfully provisioned volume {volume.metadata.name}"]
    lab.client.delete("persistentvolumeclaims", "c", "default")
    lab.run(5)
    assert lab.client.list("persistentvolumes").items == ()


def test_retained_volumes_stay_released():
    lab = StorageLab()
    lab.storage_class("k8s.io/minikube-hostpath", reclaimPolicy="Retain")
    lab.claim()
    lab.run(5)
    lab.client.delete("persistentvolumeclaims", "c", "default")
    lab.run(60)
    assert lab.volume().status.phase == "Released"


def test_an_unknown_provisioner_is_waited_for():
    lab = StorageLab()
    lab.storage_class("example.com/none")
    lab.claim()
    lab.run(60)
    claim = lab.get("persistentvolumeclaims", "c")
    assert claim.status.phase == "Pending"
    assert claim.metadata.annotations["volume.kubernetes.io/storage-provisioner"] == "example.com/none"
    assert lab.events("ExternalProvisioning")[0].startswith(
        "Waiting for a volume to be created either by the external provisioner 'example.com/none' or manually"
    )
    assert lab.client.list("persistentvolumes").items == ()


def test_waiting_for_the_first_consumer_makes_the_volume_where_the_pod_goes():
    lab = StorageLab()
    lab.storage_class("rancher.io/local-path", volumeBindingMode="WaitForFirstConsumer")
    lab.claim()
    lab.run(60)
    assert lab.events("WaitForFirstConsumer") and not lab.events("ExternalProvisioning")
    assert lab.client.list("persistentvolumes").items == ()
    lab.select_node("worker-2")
    lab.run(10)
    term = lab.volume().spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0]
    assert (term.key, term.values) == ("kubernetes.io/hostname", ("worker-2",))
    assert lab.get("persistentvolumeclaims", "c").status.phase == "Bound"


def test_a_chosen_node_that_is_gone_is_chosen_again():
    lab = StorageLab()
    lab.storage_class("rancher.io/local-path", volumeBindingMode="WaitForFirstConsumer")
    lab.claim()
    lab.run(1)
    lab.select_node("nowhere")
    lab.run(10)
    notes = lab.get("persistentvolumeclaims", "c").metadata.annotations
    assert "volume.kubernetes.io/selected-node" not in notes
    assert lab.client.list("persistentvolumes").items == ()


def test_disks_are_made_in_a_zone_that_the_class_allows():
    lab = StorageLab()
    for number, zone in ((1, "a"), (2, "b"), (3, "c")):
        patch = {"metadata": {"labels": {"topology.kubernetes.io/zone": zone}}}
        lab.client.patch("nodes", f"worker-{number}", patch)
    expression = {"key": "topology.kubernetes.io/zone", "values": ["b"]}
    lab.storage_class("pd.csi.storage.gke.io", allowedTopologies=[{"matchLabelExpressions": [expression]}])
    lab.claim()
    lab.run(10)
    term = lab.volume().spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0]
    assert (term.key, term.values) == ("topology.kubernetes.io/zone", ("b",))


@pytest.mark.parametrize(
    ("provisioner", "mode", "text"),
    [
        ("ebs.csi.aws.com", "ReadWriteMany", "Volume capabilities not supported"),
        ("rancher.io/local-path", "ReadWriteOnce", "configuration error, no node was specified"),
    ],
)
def test_what_a_driver_cannot_make_is_told_and_tried_again(provisioner: str, mode: str, text: str):
    lab = StorageLab()
    lab.storage_class(provisioner)
    lab.claim(mode)
    lab.run(60)
    assert text in lab.events("ProvisioningFailed")[0]
    (event,) = [e for e in lab.client.list("events").items if e.reason == "ProvisioningFailed"]
    assert event.count > 2
    assert lab.get("persistentvolumeclaims", "c").status.phase == "Pending"


def test_names_of_old_in_tree_provisioners_mean_their_successors():
    lab = StorageLab()
    lab.storage_class("kubernetes.io/gce-pd")
    lab.claim()
    lab.run(10)
    assert lab.volume().spec.csi.driver == "pd.csi.storage.gke.io"


def test_a_crashed_driver_catches_up():
    lab = StorageLab()
    lab.drivers.crash()
    lab.storage_class("nfs.csi.k8s.io")
    lab.claim("ReadWriteMany")
    lab.run(60)
    assert lab.client.list("persistentvolumes").items == ()
    lab.drivers.start()
    lab.run(5)
    assert lab.get("persistentvolumeclaims", "c").status.phase == "Bound"


def test_cassandra_of_the_tutorial_runs():
    manifest = Path(__file__).parents[2] / ".." / "shared" / "manifests" / "cassandra.yaml"
    if not manifest.exists():
        pytest.skip("no shared manifests beside the repository")
    lab = k8slab.Lab(workers=3, seed=7)
    lab.apply(manifest.read_text())
    lab.run("180s")
    stateful = lab.get("statefulset/cassandra")
    assert stateful.status.readyReplicas == 3
    assert [claim.status.phase for claim in lab.list("pvc")] == ["Bound"] * 3


def ephemeral_pod(lab: StorageLab) -> Any:
    template = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
    template |= {"metadata": {"labels": {"of": "scratch"}}}
    template["spec"]["storageClassName"] = "fast"
    volume = {"name": "scratch", "ephemeral": {"volumeClaimTemplate": template}}
    spec = {"containers": [{"name": "c", "image": "a"}], "volumes": [volume]}
    return lab.apply("Pod", "p", spec, api="v1")


def test_an_ephemeral_volume_comes_and_goes_with_its_pod():
    lab = StorageLab()
    lab.storage_class("nfs.csi.k8s.io")
    ephemeral_pod(lab)
    lab.run(5)
    claim = lab.get("persistentvolumeclaims", "p-scratch")
    assert claim.status.phase == "Bound" and claim.metadata.labels == {"of": "scratch"}
    assert [(owner.kind, owner.name) for owner in claim.metadata.ownerReferences] == [("Pod", "p")]
    lab.client.delete("pods", "p", "default")
    lab.run(20)
    assert lab.client.list("persistentvolumeclaims").items == lab.client.list("persistentvolumes").items == ()


def test_an_ephemeral_volume_never_takes_a_claim_of_somebody_else():
    lab = StorageLab()
    lab.storage_class("nfs.csi.k8s.io")
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    lab.apply("PersistentVolumeClaim", "p-scratch", {"storageClassName": "fast", **spec}, api="v1")
    ephemeral_pod(lab)
    lab.run(5)
    assert lab.get("persistentvolumeclaims", "p-scratch").metadata.ownerReferences is None
    failures = lab.manager.controllers["ephemeral-volume-controller"].loop.errors
    assert "was not created for pod default/p (pod is not owner)" in failures[0].message

"""Claims grow, and change the attributes of their volumes."""

from __future__ import annotations

import pickle

import pytest

from k8slab import Lab

MANIFESTS = """
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: disk}
provisioner: ebs.csi.aws.com
allowVolumeExpansion: true
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: share}
provisioner: nfs.csi.k8s.io
allowVolumeExpansion: true
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: directory}
provisioner: k8s.io/minikube-hostpath
allowVolumeExpansion: true
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fixed}
provisioner: ebs.csi.aws.com
""" + "".join(
    f"""---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: {name}}}
spec: {{accessModes: [ReadWriteOnce], storageClassName: {name}, resources: {{requests: {{storage: 1Gi}}}}}}
"""
    for name in ("disk", "share", "directory", "fixed")
)
POD = """
apiVersion: v1
kind: Pod
metadata: {name: user}
spec:
  containers: [{name: c, image: nginx, volumeMounts: [{name: data, mountPath: /data}]}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: disk}}]
"""


@pytest.fixture(scope="module")
def template() -> Lab:
    lab = Lab(workers=2)
    lab.apply(MANIFESTS, echo=False)
    lab.run("20s")
    return lab


@pytest.fixture
def lab(template: Lab) -> Lab:
    return pickle.loads(pickle.dumps(template))


def grow(lab: Lab, claim: str, size: str = "5Gi") -> None:
    lab.patch(f"pvc/{claim}", {"spec": {"resources": {"requests": {"storage": size}}}})


def reasons(lab: Lab, name: str) -> list[str]:
    found = [e for e in lab.list("events") if e.involvedObject.name == name]
    return [e.reason for e in sorted(found, key=lambda e: int(e.metadata.resourceVersion))]


def state(lab: Lab, claim: str) -> tuple[str, str | None, list[str]]:
    status = lab.get(f"pvc/{claim}").status
    stages = status.allocatedResourceStatuses or {}
    return status.capacity["storage"], stages.get("storage"), [one.type for one in status.conditions or ()]


def volume_of(lab: Lab, claim: str):
    return lab.get(f"pv/{lab.get(f'pvc/{claim}').spec.volumeName}")


def test_a_disk_grows_and_waits_for_a_pod_to_grow_its_file_system(lab):
    grow(lab, "disk")
    lab.run("1s")
    assert state(lab, "disk") == ("1Gi", "ControllerResizeInProgress", ["Resizing"])
    lab.run("2s")
    assert state(lab, "disk") == ("1Gi", "NodeResizePending", ["FileSystemResizePending"])
    assert volume_of(lab, "disk").spec.capacity["storage"] == "5Gi"
    assert volume_of(lab, "disk").metadata.annotations["volume.alpha.kubernetes.io/pre-resize-capacity"] == "1Gi"
    assert "Waiting for user to (re-)start a pod" in lab.kubectl("describe pvc disk", echo=False).text
    lab.run("10m")
    assert state(lab, "disk")[0] == "1Gi"
    lab.apply(POD, echo=False)
    lab.run("30s")
    assert state(lab, "disk") == ("5Gi", None, [])
    assert "volume.alpha.kubernetes.io/pre-resize-capacity" not in volume_of(lab, "disk").metadata.annotations
    wanted = ["Resizing", "ExternalExpanding", "FileSystemResizeRequired", "FileSystemResizeSuccessful"]
    assert [reason for reason in reasons(lab, "disk") if reason in wanted] == wanted
    assert "FileSystemResizeSuccessful" in reasons(lab, "user")


def test_a_running_pod_sees_its_disk_grow_at_the_next_sync(lab):
    lab.apply(POD, echo=False)
    lab.run("40s")
    grow(lab, "disk")
    lab.run("95s")
    assert state(lab, "disk") == ("5Gi", None, [])
    grow(lab, "disk", "7Gi")
    lab.run("95s")
    assert state(lab, "disk")[0] == volume_of(lab, "disk").spec.capacity["storage"] == "7Gi"


def test_a_share_has_no_file_system_of_its_own(lab):
    grow(lab, "share")
    lab.run("5s")
    assert state(lab, "share") == ("5Gi", None, [])
    assert reasons(lab, "share")[-1] == "VolumeResizeSuccessful"


def test_a_directory_is_grown_by_nobody(lab):
    grow(lab, "directory")
    lab.run("5m")
    assert state(lab, "directory") == ("1Gi", None, [])
    (event,) = [e for e in lab.list("events") if e.reason == "ExternalExpanding"]
    assert (event.type, event.message) == ("Warning", "waiting for an external controller to expand this PVC")


def test_what_must_not_grow_or_shrink_is_refused(lab):
    patch = """patch pvc {} -p '{{"spec":{{"resources":{{"requests":{{"storage":"{}"}}}}}}}}'"""
    refused = lab.kubectl(patch.format("fixed", "2Gi"), echo=False).text
    assert "the storageclass that provisions the pvc must support resize" in refused
    grow(lab, "share")
    lab.run("5s")
    refused = lab.kubectl(patch.format("share", "2Gi"), echo=False).text
    assert "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity" in refused


def test_attributes_change_with_their_class(lab):
    lab.patch("pvc/disk", {"spec": {"volumeAttributesClassName": "fast"}})
    lab.run("5s")
    status = lab.get("pvc/disk").status.modifyVolumeStatus
    assert (status.status, status.targetVolumeAttributesClassName) == ("Pending", "fast")
    assert reasons(lab, "disk")[-1] == "VolumeModifyFailed"
    lab.apply(
        """
apiVersion: storage.k8s.io/v1
kind: VolumeAttributesClass
metadata: {name: fast}
driverName: ebs.csi.aws.com
parameters: {iops: "4000"}
""",
        echo=False,
    )
    lab.run("1s")
    assert [one.type for one in lab.get("pvc/disk").status.conditions] == ["ModifyingVolume"]
    lab.run("4s")
    status = lab.get("pvc/disk").status
    assert (status.currentVolumeAttributesClassName, status.modifyVolumeStatus, status.conditions) == (
        "fast",
        None,
        None,
    )
    assert volume_of(lab, "disk").spec.volumeAttributesClassName == "fast"
    assert reasons(lab, "disk")[-1] == "VolumeModifySuccessful"


def test_a_lab_in_the_middle_of_growing_can_be_copied(lab):
    lab.apply(POD, echo=False)
    lab.run("40s")
    grow(lab, "disk")
    lab.run("1s")
    twin = pickle.loads(pickle.dumps(lab))
    for one in (lab, twin):
        one.run("100s")
    assert state(twin, "disk") == state(lab, "disk") == ("5Gi", None, [])
    assert twin.cluster.store.revision == lab.cluster.store.revision


def test_no_driver_lacks_a_right(lab):
    lab.apply(POD, echo=False)
    grow(lab, "disk")
    lab.run("2m")
    managers = [*lab.cluster.managers, lab.cluster.components["csi-drivers"]]
    failures = [str(f) for m in managers for c in m.controllers.values() for f in c.loop.errors]
    assert [text for text in failures if "is forbidden" in text] == []

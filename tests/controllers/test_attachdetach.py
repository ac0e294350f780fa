"""Volumes are attached to nodes before Pods start, and detached after them."""

from __future__ import annotations

import pickle

import pytest

from k8slab import Lab

CLASS = """
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: disk}
provisioner: ebs.csi.aws.com
volumeBindingMode: WaitForFirstConsumer
"""
STATEFUL = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 1
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: c, image: redis, volumeMounts: [{name: data, mountPath: /data}]}]}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], storageClassName: disk, resources: {requests: {storage: 1Gi}}}
"""
CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], storageClassName: disk, resources: {requests: {storage: 1Gi}}}
"""
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: c, image: nginx, volumeMounts: [{name: data, mountPath: /data}]}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
"""


@pytest.fixture(scope="module")
def running() -> Lab:
    lab = Lab(workers=3)
    lab.apply(CLASS + "---" + STATEFUL, echo=False)
    lab.run("40s")
    return lab


@pytest.fixture
def lab(running: Lab) -> Lab:
    return pickle.loads(pickle.dumps(running))


def events(lab: Lab, name: str, *reasons: str) -> list[str]:
    found = [e for e in lab.list("events") if e.involvedObject.name == name and (not reasons or e.reason in reasons)]
    return [e.message for e in sorted(found, key=lambda e: int(e.metadata.resourceVersion))]


def node_of(lab: Lab, pod: str = "db-0") -> str:
    return lab.get(f"pod/{pod}").spec.nodeName


def attachments(lab: Lab) -> dict[str, bool]:
    return {one.spec.nodeName: bool(one.status and one.status.attached) for one in lab.list("volumeattachments")}


def seconds_until_running(lab: Lab, name: str = "db-0") -> float:
    began = lab.now
    lab.run_until(lambda lab: lab.get(f"pod/{name}").status.phase == "Running", "20m")
    return lab.now - began


def lose_the_node(lab: Lab) -> str:
    """The node dies, and its Pod is marked for deletion after its five minutes of patience."""
    name = node_of(lab)
    lab.fail_node(name)
    lab.run("6m")
    assert lab.get("pod/db-0").metadata.deletionTimestamp and node_of(lab) == name
    return name


def test_a_pod_starts_when_its_volume_is_attached(lab):
    node = lab.get(f"node/{node_of(lab)}")
    (volume,) = lab.list("pv")
    unique = f"kubernetes.io/csi/ebs.csi.aws.com^{volume.spec.csi.volumeHandle}"
    assert node.status.volumesInUse == (unique,)
    assert [one.name for one in node.status.volumesAttached] == [unique]
    assert attachments(lab) == {node.metadata.name: True}
    assert "external-attacher/ebs-csi-aws-com" in volume.metadata.finalizers
    text = f'AttachVolume.Attach succeeded for volume "{volume.metadata.name}"'
    assert events(lab, "db-0", "SuccessfulAttachVolume") == [text]


def test_it_is_detached_when_the_pod_has_gone_and_deleted_with_its_claim(lab):
    node = node_of(lab)
    lab.kubectl("delete statefulset db --wait=false", echo=False)
    lab.run("25s")
    assert attachments(lab) == {} and lab.get(f"node/{node}").status.volumesAttached is None
    lab.kubectl("delete pvc data-db-0 --wait=false", echo=False)
    lab.run("20s")
    assert lab.list("pv") == []


def test_a_volume_that_is_still_attached_is_not_deleted(lab):
    lab.kubectl("delete statefulset db --wait=false", echo=False)
    lab.kubectl("delete pvc data-db-0 --wait=false", echo=False)
    (volume,) = lab.list("pv")
    lab.run("40s")
    (text,) = events(lab, volume.metadata.name, "VolumeFailedDelete")
    assert text.startswith(f"persistentvolume {volume.metadata.name} is still attached to node worker-")
    assert lab.list("pv") == []


def test_a_statefulsets_pod_waits_for_ever_on_a_dead_node(lab):
    node = lose_the_node(lab)
    lab.run("30m")
    assert node_of(lab) == node and attachments(lab) == {node: True}
    lab.recover_node(node)
    lab.run("90s")
    assert lab.get("pod/db-0").status.phase == "Running"


def test_a_pod_deleted_by_force_gets_its_volume_after_six_minutes(lab):
    node = lose_the_node(lab)
    lab.kubectl("delete pod db-0 --force --grace-period=0", echo=False)
    taken = seconds_until_running(lab)
    assert 360 < taken < 480
    (volume,) = lab.list("pv")
    text = f'Multi-Attach error for volume "{volume.metadata.name}" Volume is already exclusively attached to one node'
    assert events(lab, "db-0", "FailedAttachVolume") == [f"{text} and can't be attached to another"]
    (waiting,) = events(lab, "db-0", "FailedMount")
    assert waiting.startswith("Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[data]")
    assert node_of(lab) != node and attachments(lab) == {node_of(lab): True}
    lab.recover_node(node)
    lab.run("30s")
    assert lab.get(f"node/{node}").status.volumesInUse is None


def test_a_node_that_is_declared_out_of_service_gives_its_volumes_back_at_once(lab):
    node = lose_the_node(lab)
    lab.kubectl(f"taint node {node} node.kubernetes.io/out-of-service=nodeshutdown:NoExecute", echo=False)
    lab.run("25s")
    assert node_of(lab) != node and seconds_until_running(lab) < 60


def test_a_volume_of_a_node_that_reports_is_never_taken_by_force(lab):
    node = node_of(lab)
    lab.faults.crash(f"kubelet/{node}")
    lab.kubectl("delete pod db-0 --force --grace-period=0", echo=False)
    lab.run("30s")
    lab.faults.start(f"kubelet/{node}")
    lab.run("60s")
    assert lab.get("pod/db-0").status.phase == "Running"


def test_a_second_node_waits_for_the_first():
    lab = Lab(workers=2)
    lab.apply("---".join((CLASS, CLAIM, DEPLOYMENT)), echo=False)
    lab.run("40s")
    (old,) = lab.list("pods", selector="app=web")
    lab.kubectl(f"drain {old.spec.nodeName} --ignore-daemonsets --timeout=1s", echo=False)
    lab.run("5s")
    (new,) = [pod for pod in lab.list("pods", selector="app=web") if pod.metadata.uid != old.metadata.uid]
    (text,) = events(lab, new.metadata.name, "FailedAttachVolume")
    assert text.startswith("Multi-Attach error for volume ")
    assert seconds_until_running(lab, new.metadata.name) < 60
    assert attachments(lab) == {new.spec.nodeName: True}


def test_a_node_takes_so_many_volumes_and_no_more():
    lab = Lab(workers=1, control_planes=0)
    lab.apply(CLASS.replace("ebs.csi.aws.com", "disk.csi.azure.com") + "---" + STATEFUL, echo=False)
    lab.kubectl("delete statefulset db", echo=False)
    parallel = STATEFUL.replace("replicas: 1", "replicas: 17, podManagementPolicy: Parallel".replace(", ", "\n  "))
    lab.apply(parallel, echo=False)
    lab.run("2m")
    (node,) = lab.list("csinodes")
    assert [(one.name, one.allocatable.count) for one in node.spec.drivers] == [("disk.csi.azure.com", 16)]
    phases = [pod.status.phase for pod in lab.list("pods", selector="app=db")]
    assert phases.count("Running") == 16 and phases.count("Pending") == 1
    (pending,) = [pod for pod in lab.list("pods", selector="app=db") if pod.status.phase == "Pending"]
    assert "node(s) exceed max volume count" in pending.status.conditions[0].message


def test_a_driver_that_is_not_there_never_attaches():
    lab = Lab(workers=1)
    lab.apply(
        """
apiVersion: v1
kind: PersistentVolume
metadata: {name: far}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  storageClassName: manual
  csi: {driver: example.com, volumeHandle: h-1}
---
"""
        + CLAIM.replace("disk", "manual")
        + "---"
        + DEPLOYMENT,
        echo=False,
    )
    lab.run("3m")
    (pod,) = lab.list("pods", selector="app=web")
    assert pod.status.phase == "Pending"
    assert events(lab, pod.metadata.name, "FailedAttachVolume") == [
        'AttachVolume.Attach failed for volume "far" : timed out waiting for external-attacher of example.com CSI '
        "driver to attach volume h-1"
    ]


def test_a_new_manager_goes_on_where_the_old_one_was(lab):
    lab.faults.crash("kube-controller-manager")
    lab.kubectl("delete pod db-0 --wait=false", echo=False)
    lab.run("30s")
    lab.faults.heal()
    lab.run("60s")
    assert lab.get("pod/db-0").status.phase == "Running"
    attached = [e.involvedObject.uid for e in lab.list("events") if e.reason == "SuccessfulAttachVolume"]
    assert len(attached) == len(set(attached)) == 2  # once for the old Pod, once for the new one

"""What Pods write onto volumes is there for those that mount them afterwards, or at the same time."""

from __future__ import annotations

import pickle

import pytest

CLASS = """apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {{name: disks}}
provisioner: {}
volumeBindingMode: {}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data}}
spec: {{storageClassName: disks, accessModes: [{}], resources: {{requests: {{storage: 1Gi}}}}}}
"""
POD = """apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  terminationGracePeriodSeconds: 1
  nodeSelector: {node}
  containers:
  - {{name: c, image: busybox, command: [sh, -c, "{script}"], volumeMounts: [{{name: v, mountPath: /data{more}}}]}}
  volumes: [{{name: v, {volume}}}]
"""
CLAIM = "persistentVolumeClaim: {claimName: data}"
WAITS, AT_ONCE = "WaitForFirstConsumer", "Immediate"


def pod(name, script="sleep 100000", node="", volume=CLAIM, more=""):
    where = "{kubernetes.io/hostname: " + node + "}" if node else "{}"
    return POD.format(name=name, node=where, script=script, volume=volume, more=more)


@pytest.fixture
def run(lab, kubectl):
    """Make a Pod and wait until it runs."""

    def make(*args, **options):
        kubectl("apply -f -", pod(*args, **options))
        lab.run("40s")
        assert lab.get(f"pod/{args[0]}").status.phase == "Running"

    return make


def test_a_disk_goes_with_its_pod_to_another_node(lab, kubectl, run):
    kubectl("apply -f -", CLASS.format("hostpath.csi.k8s.io", AT_ONCE, "ReadWriteOnce"))
    run("first", "echo early > /data/a; sleep 100000")
    kubectl("exec first -- sh -c 'mkdir /data/d; echo kept > /data/d/b'")
    node = lab.get("pod/first").spec.nodeName
    kubectl("delete pod first")
    kubectl(f"cordon {node}")
    volume = lab.list("pv")[0]
    assert volume.spec.csi is not None
    run("second")
    assert kubectl("exec second -- cat /data/a /data/d/b") == "early\nkept\n"


def test_a_directory_of_one_node_stays_there(lab, kubectl, run):
    volume = "hostPath: {path: /srv/x, type: DirectoryOrCreate}"
    run("first", "echo here > /data/a; sleep 100000", "worker-1", volume)
    run("same", "sleep 100000", "worker-1", volume)
    run("other", "sleep 100000", "worker-2", volume)
    assert kubectl("exec same -- cat /data/a") == "here\n"
    assert kubectl("exec other -- ls /data") == ""


def test_a_share_shows_what_others_write(lab, kubectl, run):
    kubectl("apply -f -", CLASS.format("nfs.csi.k8s.io", AT_ONCE, "ReadWriteMany"))
    run("one", node="worker-1")
    run("two", node="worker-2")
    kubectl("exec one -- sh -c 'echo hello > /data/x'")
    assert kubectl("exec two -- cat /data/x") == "hello\n"
    kubectl("exec two -- sh -c 'echo more > /data/y'")
    kubectl("exec two -- rm /data/x")
    assert kubectl("exec one -- ls /data") == "y\n"
    kubectl("delete pod one two")
    twin = pickle.loads(pickle.dumps(lab))
    for each in (lab, twin):
        each.kubectl("apply -f -", pod("three"), echo=False)
        each.run("30s")
        assert each.kubectl("exec three -- cat /data/y", echo=False).stdout == "more\n"


def test_a_power_cut_leaves_what_was_written(lab, kubectl, run):
    kubectl("apply -f -", CLASS.format("rancher.io/local-path", WAITS, "ReadWriteOnce"))
    run("first", "date > /data/a; while true; do sleep 5; done")
    written = kubectl("exec first -- cat /data/a")
    node = lab.get("pod/first").spec.nodeName
    lab.fail_node(node)
    lab.run("30s")
    kubectl("delete pod first --force --grace-period=0")
    lab.recover_node(node)
    lab.run("1m")
    run("second")
    assert kubectl("exec second -- cat /data/a") == written


def test_a_new_claim_begins_empty(lab, kubectl, run):
    claim = CLASS.format("rancher.io/local-path", WAITS, "ReadWriteOnce")
    kubectl("apply -f -", claim)
    run("first", "echo old > /data/a; sleep 100000")
    kubectl("delete pod first")
    kubectl("delete pvc data")
    lab.run("20s")
    kubectl("apply -f -", claim)
    run("second")
    assert kubectl("exec second -- ls /data") == ""


def test_part_of_a_volume(lab, kubectl, run):
    kubectl("apply -f -", CLASS.format("rancher.io/local-path", WAITS, "ReadWriteOnce"))
    run("first", "echo inside > /data/a; sleep 100000", more=", subPath: part")
    kubectl("exec first -- sh -c 'echo typed > /data/b'")
    kubectl("delete pod first")
    run("whole")
    assert kubectl("exec whole -- ls /data") == "part\n"
    assert kubectl("exec whole -- cat /data/part/a /data/part/b") == "inside\ntyped\n"


def test_an_empty_volume_is_a_directory(lab, kubectl, run):
    run("first", volume="emptyDir: {}")
    assert kubectl("exec first -- ls /data") == ""
    assert "data\n" in kubectl("exec first -- ls /")

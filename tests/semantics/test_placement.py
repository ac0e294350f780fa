"""Where Pods go, and what keeps them from it."""

from __future__ import annotations

POD = """apiVersion: v1
kind: Pod
metadata: {name: choosy}
spec:
  nodeSelector: {disk: ssd}
  containers: [{name: c, image: "nginx:1.29"}]
"""


def test_a_label_put_on_later_lets_the_pod_run(lab, kubectl):
    kubectl("apply -f -", POD)
    lab.run("10s")
    assert lab.get("pod/choosy").status.phase == "Pending"
    kubectl("label node worker-2 disk=ssd")
    lab.run("30s")
    pod = lab.get("pod/choosy")
    assert (pod.status.phase, pod.spec.nodeName) == ("Running", "worker-2")


DISK = """apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: disks}
provisioner: ebs.csi.aws.com
volumeBindingMode: WaitForFirstConsumer
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 1
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "redis:7.4", volumeMounts: [{name: data, mountPath: /data}]}]}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {storageClassName: disks, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""


def test_a_pod_is_replaced_by_one_of_its_name_while_its_volume_is_made(lab, kubectl):
    kubectl("apply -f -", DISK)
    lab.run(
        "902ms"
    )  # kubectl takes 100 ms; so both Pods look at their claim at nearly the same time, the first one first
    first = lab.get("pod/db-0")
    assert not first.spec.nodeName
    kubectl("delete pod db-0 --force --grace-period=0")
    lab.run("1m")
    second = lab.get("pod/db-0")
    assert second.metadata.uid != first.metadata.uid
    assert second.status.phase == "Running"

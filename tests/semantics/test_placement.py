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

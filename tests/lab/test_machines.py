"""Machines of a lab: static Pods' manifests, shutdown, the kubelet's log, usage."""

import pytest

from k8slab import Lab
from k8slab.cluster.cluster import replay
from k8slab.cluster.faults import NoSuchTargetError
from k8slab.errors import K8sLabError
from k8slab.sim.journal import Journal

WEB = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
  - {name: web, image: "nginx:1.27"}
"""


@pytest.fixture
def lab():
    return Lab(workers=2)


def names(lab):
    return [pod.metadata.name for pod in lab.list("pods", namespace="default")]


def test_a_manifest_is_run_changed_and_removed(lab):
    folder = lab.node("worker-1").manifests
    folder["web.yaml"] = WEB
    lab.run("20s")
    assert names(lab) == ["web-worker-1"]
    assert lab.get("pod/web-worker-1").status.phase == "Running"
    assert list(folder) == ["web.yaml"]
    folder["web.yaml"] = WEB.replace("1.27", "1.28")
    lab.run("30s")
    assert lab.get("pod/web-worker-1").spec.containers[0].image == "nginx:1.28"
    del folder["web.yaml"]
    lab.run("30s")
    assert names(lab) == []
    with pytest.raises(KeyError):
        del folder["web.yaml"]


def test_a_broken_manifest_is_a_line_in_the_log(lab):
    node = lab.node("worker-1")
    node.manifests["web.yaml"] = WEB
    node.manifests["bad.yaml"] = "kind: [Pod"
    lab.run("20s")
    assert names(lab) == ["web-worker-1"]
    line = node.journal(tail=1)
    assert "Can't process manifest file" in line
    assert "/etc/kubernetes/manifests/bad.yaml" in line
    assert "please check config file" in line


def test_a_folder_of_the_learners_own(lab, tmp_path):
    node = lab.node("worker-2")
    (tmp_path / "web.yaml").write_text(WEB)
    (tmp_path / "notes.txt").write_text("not a manifest")
    assert node.manifests.follow(tmp_path) == ["web.yaml"]
    lab.run("20s")
    assert names(lab) == ["web-worker-2"]
    assert node.manifests.follow(tmp_path) == []
    (tmp_path / "web.yaml").unlink()
    assert node.manifests.follow(tmp_path) == ["web.yaml"]
    lab.run("20s")
    assert names(lab) == []


def test_manifests_are_inputs(lab):
    lab.node("worker-1").manifests["web.yaml"] = WEB
    lab.run("20s")
    again = replay(Journal.loads(lab.cluster.dump_journal()))
    assert (
        again.snapshot().get("pods", "default", "web-worker-1").metadata.uid == lab.get("pod/web-worker-1").metadata.uid
    )


def test_refusals(lab):
    with pytest.raises(NoSuchTargetError, match="there is no node 'worker-9'"):
        lab.node("worker-9")
    with pytest.raises(K8sLabError, match="a manifest's name is that of a file"):
        lab.node("worker-1").manifests["a/b.yaml"] = WEB
    with pytest.raises(K8sLabError, match="a manifest is YAML text, not dict"):
        lab.node("worker-1").manifests["b.yaml"] = {}


def test_a_clean_shutdown_moves_pods_at_once(lab):
    lab.kubectl("create deployment web --image=nginx --replicas=4", echo=False)
    lab.settle()
    lab.shutdown_node("worker-1")
    lab.run("40s")
    running = [pod for pod in lab.list("pods", namespace="default") if pod.status.phase == "Running"]
    assert [pod.spec.nodeName for pod in running] == ["worker-2"] * 4
    assert "off" in repr(lab.node("worker-1"))
    ended = [pod.status.reason for pod in lab.list("pods", namespace="default") if pod.status.phase == "Failed"]
    assert ended == ["Terminated"] * 2
    lab.recover_node("worker-1")
    lab.run("30s")
    assert "True" in lab.kubectl("get node worker-1 -o jsonpath={.status.conditions[-1:].status}", echo=False).text


def test_usage_as_the_kubelet_tells_it(lab):
    lab.kubectl("run web --image=nginx", echo=False)
    lab.run("20s")
    stats = lab.node(lab.get("pod/web").spec.nodeName).stats()
    pod = stats["pods"][0]
    assert pod["podRef"]["name"] == "web"
    assert pod["containers"][0]["memory"]["workingSetBytes"] == 8 << 20
    assert stats["node"]["memory"]["workingSetBytes"] > 8 << 20
    assert stats["node"]["cpu"]["usageNanoCores"] == 46_000_000


def test_the_runtime_is_a_component(lab):
    lab.faults.crash("containerd/worker-1")
    lab.run("45s")
    node = lab.get("node/worker-1")
    assert next(c.message for c in node.status.conditions if c.type == "Ready") == "container runtime is down"
    lab.faults.heal()
    lab.run("10s")
    assert lab.cluster.kubelets["worker-1"].troubles() == []


def test_why_a_pod_ended(lab):
    lab.kubectl("create deployment web --image=nginx --replicas=2", echo=False)
    lab.settle()
    pod = next(p for p in lab.list("pods", namespace="default") if p.spec.nodeName == "worker-1")
    lab.shutdown_node("worker-1")
    lab.run("20s")
    text = str(lab.why(f"pod/{pod.metadata.name}"))
    assert "Pod was terminated in response to imminent node shutdown." in text
    assert "lab.faults.shutdown_node('worker-1')" in text


def test_why_a_pod_was_evicted(lab):
    lab.apply(
        """
apiVersion: v1
kind: Pod
metadata: {name: hog}
spec:
  restartPolicy: Never
  containers:
  - name: hog
    image: busybox
    command: [sh, -c, dd if=/dev/zero of=/tmp/big bs=1M count=200; sleep 1000]
    resources: {limits: {ephemeral-storage: 50Mi}}
""",
        echo=False,
    )
    lab.run("40s")
    assert lab.get("pod/hog").status.reason == "Evicted"
    assert "exceeds the total limit of containers 50Mi" in str(lab.why("pod/hog"))


def test_why_a_node_is_not_ready(lab):
    lab.faults.crash("containerd/worker-1")
    lab.run("40s")
    assert "containerd crashed" in str(lab.why("node/worker-1"))


def test_the_kubelet_behind_the_api_server(lab):
    def raw(path):
        output = lab.kubectl(f"get --raw /api/v1/nodes/worker-1/proxy/{path}", echo=False)
        return output.stdout + output.stderr

    assert raw("healthz") == "ok"
    assert '"nodeName":"worker-1"' in raw("stats/summary").replace(" ", "")
    assert '"memory.available":"100Mi"' in raw("configz").replace(" ", "")
    assert "node_memory_working_set_bytes" in raw("metrics/resource")
    lab.faults.crash("kubelet/worker-1")
    assert "connect: connection refused" in raw("healthz")


def test_static_pods_end_with_their_machine_and_come_back(lab):
    lab.node("worker-1").manifests["web.yaml"] = WEB
    lab.run("20s")
    lab.shutdown_node("worker-1")
    lab.run("40s")
    status = lab.get("pod/web-worker-1").status
    assert (status.phase, status.reason) == ("Failed", "Terminated")
    lab.recover_node("worker-1")
    lab.run("40s")
    assert lab.get("pod/web-worker-1").status.phase == "Running"

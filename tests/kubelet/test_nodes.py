"""The node: registration, heartbeats, loss and return, static Pods."""

import pytest

from k8slab.kubelet import NodeSpec
from k8slab.kubelet.addons import addon_objects, control_plane_manifests
from k8slab.sim.clock import SECOND
from tests.kubelet.conftest import Bench

STATIC = """
apiVersion: v1
kind: Pod
metadata: {name: agent, labels: {tier: node}}
spec:
  containers: [{name: agent, image: nginx, imagePullPolicy: IfNotPresent}]
"""


def node(bench, name="worker-1"):
    return bench.client.get("nodes", name)


def ready(bench, name="worker-1"):
    return next(c for c in node(bench, name).status.conditions if c.type == "Ready")


def lease(bench, name="worker-1"):
    return bench.client.get("leases.coordination.k8s.io", name, "kube-node-lease")


def test_registration(bench):
    found = node(bench)
    assert found.metadata.labels["kubernetes.io/hostname"] == "worker-1"
    assert found.status.capacity["cpu"] == "8"
    assert found.status.allocatable["pods"] == "110"
    assert found.status.nodeInfo.kubeletVersion == "v1.36.2"
    assert (ready(bench).status, ready(bench).reason) == ("True", "KubeletReady")
    assert lease(bench).metadata.ownerReferences[0].name == "worker-1"
    reasons = [e.reason for e in bench.client.list("events", "default").items]
    assert reasons == [
        "Starting", "NodeHasSufficientMemory", "NodeHasNoDiskPressure", "NodeHasSufficientPID",
        "NodeAllocatableEnforced", "NodeReady",
    ]  # fmt: skip


def test_a_control_plane_node_is_tainted():
    bench = Bench(nodes=())
    bench.add_node(NodeSpec("control-plane-1", cpu="4", memory="8Gi", role="control-plane", zone="a"))
    bench.run(5)
    found = node(bench, "control-plane-1")
    assert [(t.key, t.effect) for t in found.spec.taints] == [("node-role.kubernetes.io/control-plane", "NoSchedule")]
    assert found.metadata.labels["node-role.kubernetes.io/control-plane"] == ""
    assert found.metadata.labels["topology.kubernetes.io/zone"] == "a"


def test_lease_every_ten_seconds_and_status_every_five_minutes(bench):
    writes = {}
    before = bench.store.revision
    bench.run(600)
    for revision, write in bench.trace.writes.items():
        if revision > before:
            writes[write.key] = writes.get(write.key, 0) + 1
    assert writes == {"/registry/leases/kube-node-lease/worker-1": 60, "/registry/minions/worker-1": 2}


def test_idle_nodes_are_cheap():
    """Not a time measurement: callbacks and writes per node and period."""
    bench = Bench(nodes=[f"n{number}" for number in range(20)], preload=())
    fired, revision = bench.clock.fired, bench.store.revision
    bench.run(100)
    assert bench.clock.fired - fired <= 20 * 10 + 1
    assert bench.store.revision - revision <= 20 * 11


def test_a_crashed_kubelet_leaves_its_containers_running(bench):
    bench.script("sleep 20; echo done; sleep 1000")
    bench.run(10)
    bench.kubelet.crash()
    renewed = lease(bench).spec.renewTime
    bench.run(60)
    assert lease(bench).spec.renewTime == renewed
    bench.kubelet.start()
    bench.run(5)
    status = bench.get("job").status
    assert status.containerStatuses[0].restartCount == 0
    assert bench.kubelet.logs("default", "job") == "done\n"
    assert lease(bench).spec.renewTime > renewed


def test_what_happens_while_the_kubelet_is_down_is_seen_later(bench):
    bench.script("sleep 20; exit 1", name="ends", restartPolicy="Never")
    bench.script("sleep 1000", name="deleted", terminationGracePeriodSeconds=1)
    bench.script("sleep 1000", name="forced")
    bench.run(10)
    bench.kubelet.crash()
    bench.client.delete("pods", "deleted", "default")
    bench.client.delete("pods", "forced", "default", 0)
    bench.script("sleep 1000", name="fresh")
    bench.run(60)
    assert bench.get("ends").status.phase == "Running"
    assert not bench.gone("deleted")
    bench.kubelet.start()
    bench.run(10)
    assert bench.get("ends").status.phase == "Failed"
    assert bench.gone("deleted")
    assert bench.get("fresh").status.phase == "Running"
    assert len(bench.kubelet.workers) == 2


def test_power_loss_and_return(bench):
    bench.pod()
    bench.script("sleep 1000", name="never", restartPolicy="Never")
    bench.script("sleep 1000", name="deleted")
    bench.run(10)
    address = bench.get().status.podIP
    bench.kubelet.power_off()
    bench.client.delete("pods", "deleted", "default")
    bench.run(120)
    assert bench.get().status.phase == "Running", "nobody says otherwise"
    assert not bench.gone("deleted")
    bench.kubelet.power_on()
    bench.run(20)
    status = bench.get().status
    container = status.containerStatuses[0]
    assert (status.phase, container.restartCount, container.ready) == ("Running", 1, True)
    assert (container.lastState.terminated.exitCode, container.lastState.terminated.reason) == (255, "Unknown")
    assert status.podIP != address
    assert bench.get("never").status.phase == "Failed"
    assert bench.gone("deleted")
    assert "Pod sandbox changed, it will be killed and re-created." in bench.messages("web")
    assert any(e.reason == "Rebooted" for e in bench.client.list("events", "default").items)


def test_the_kubelet_corrects_what_others_wrote(bench):
    bench.pod()
    bench.run(10)
    pod = bench.get()
    conditions = tuple(
        c.replace(status="False", reason="NodeNotReady") if c.type == "Ready" else c for c in pod.status.conditions
    )
    bench.client.update_status(pod.replace(status=pod.status.replace(conditions=conditions)))
    bench.run(5)
    assert bench.condition("web", "Ready").status == "True"


def test_pulled_images_are_listed(bench):
    bench.pod(container={"image": "redis:7"})
    bench.run(30)
    names = [name for image in node(bench).status.images for name in image.names]
    assert "docker.io/library/redis:7" in names


def test_static_pod_and_its_mirror(bench):
    bench.kubelet.manifests["agent.yaml"] = STATIC
    bench.run(10)
    mirror = bench.get("agent-worker-1")
    annotations = mirror.metadata.annotations
    assert annotations["kubernetes.io/config.source"] == "file"
    assert annotations["kubernetes.io/config.mirror"] == annotations["kubernetes.io/config.hash"]
    owner = mirror.metadata.ownerReferences[0]
    assert (owner.kind, owner.name, owner.controller) == ("Node", "worker-1", True)
    assert mirror.status.phase == "Running"
    assert mirror.status.containerStatuses[0].ready


def test_deleting_a_mirror_only_makes_a_new_one(bench):
    bench.kubelet.manifests["agent.yaml"] = STATIC
    bench.run(10)
    before = bench.get("agent-worker-1")
    bench.client.delete("pods", "agent-worker-1", "default")
    bench.run(5)
    after = bench.get("agent-worker-1")
    assert after.metadata.uid != before.metadata.uid
    assert after.status.containerStatuses[0].containerID == before.status.containerStatuses[0].containerID
    assert after.status.containerStatuses[0].restartCount == 0


def test_removing_and_changing_a_manifest(bench):
    bench.kubelet.manifests["agent.yaml"] = STATIC
    bench.run(10)
    bench.kubelet.manifests["agent.yaml"] = STATIC.replace("image: nginx", "image: nginx:1.27")
    bench.run(20)
    assert bench.get("agent-worker-1").status.containerStatuses[0].image == "docker.io/library/nginx:1.27"
    del bench.kubelet.manifests["agent.yaml"]
    bench.run(10)
    assert bench.gone("agent-worker-1")
    assert bench.kubelet.workers == {}
    assert bench.kubelet.static.workers == {}


@pytest.mark.parametrize("text", ["kind: [", "apiVersion: v1\nkind: Service\nmetadata: {name: x}\n", "hello"])
def test_a_bad_manifest_is_reported_and_harms_nothing(bench, text):
    bench.kubelet.manifests["agent.yaml"] = STATIC
    bench.kubelet.manifests["bad.yaml"] = text
    bench.run(10)
    assert bench.get("agent-worker-1").status.phase == "Running"
    assert "bad.yaml" in bench.kubelet.static.problems


def test_control_plane_components():
    bench = Bench(nodes=())
    kubelet = bench.add_node(NodeSpec("control-plane-1", cpu="4", memory="8Gi", role="control-plane"))
    kubelet.manifests.update(control_plane_manifests())
    bench.run(60)
    pods = {pod.metadata.name: pod for pod in bench.client.list("pods", "kube-system").items}
    assert sorted(pods) == [
        "etcd-control-plane-1", "kube-apiserver-control-plane-1", "kube-controller-manager-control-plane-1",
        "kube-scheduler-control-plane-1",
    ]  # fmt: skip
    for pod in pods.values():
        assert pod.status.phase == "Running"
        assert pod.status.containerStatuses[0].ready, pod.metadata.name
        assert pod.status.containerStatuses[0].restartCount == 0
        assert pod.status.podIP == pod.status.hostIP
        assert pod.spec.priority == 2_000_001_000


def test_addons_can_be_applied(bench):
    for obj in addon_objects():
        bench.client.create(obj)
    assert bench.client.get("services", "kube-dns", "kube-system").spec.clusterIP == "10.96.0.10"


def test_programs_reach_services(bench):
    bench.apply("""
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default}
spec: {selector: {app: web}, ports: [{port: 8080, targetPort: 80}]}
""")
    bench.script("until wget -q -O- web:8080; do echo waiting; sleep 2; done; echo done", restartPolicy="Never")
    bench.pod()
    bench.run(20)
    assert bench.get("job").status.phase == "Running"
    pod = bench.get()
    bench.apply(f"""
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: web-1, namespace: default, labels: {{kubernetes.io/service-name: web}}}}
addressType: IPv4
ports: [{{name: "", port: 80, protocol: TCP}}]
endpoints: [{{addresses: [{pod.status.podIP}], conditions: {{ready: true}}}}]
""")
    bench.until(lambda: bench.get("job").status.phase == "Succeeded", 20)
    log = bench.kubelet.logs("default", "job")
    assert "waiting" in log
    assert "Welcome to nginx!" in log
    assert log.endswith("done\n")


def test_lost_api_server(bench):
    bench.pod()
    bench.run(10)
    handle = bench.kubelet.client.handle
    bench.kubelet.client.handle = unavailable
    bench.run(60)
    bench.kubelet.client.handle = handle
    bench.run(20)
    assert bench.get().status.phase == "Running"
    assert lease(bench).spec.renewTime.startswith("2026-01-01T00:01:2") or bench.clock.now > 89 * SECOND


def unavailable(request):
    from k8slab.api.request import Response
    from k8slab.errors import service_unavailable

    return Response(503, service_unavailable("connection refused").status())


def test_init_containers_run_again_after_a_reboot(bench):
    init = [{"name": "setup", "image": "busybox", "command": ["sh", "-c", "sleep 3"]}]
    bench.pod(initContainers=init)
    bench.run(15)
    bench.kubelet.power_off()
    bench.run(10)
    bench.kubelet.power_on()
    bench.run(30)
    status = bench.get().status
    assert status.phase == "Running"
    assert status.initContainerStatuses[0].restartCount == 1
    assert status.initContainerStatuses[0].state.terminated.finishedAt >= "2026-01-01T00:00:30Z"
    assert status.containerStatuses[0].restartCount == 1


def test_a_csinode_comes_with_the_node():
    bench = Bench()
    node, found = bench.client.get("nodes", "worker-1"), bench.client.get("csinodes", "worker-1")
    assert found.metadata.ownerReferences[0].uid == node.metadata.uid
    assert "kubernetes.io/aws-ebs" in found.metadata.annotations["storage.alpha.kubernetes.io/migrated-plugins"]
    version = found.metadata.resourceVersion
    bench.kubelet.stop()
    bench.kubelet.start()
    bench.run(30)
    assert bench.client.get("csinodes", "worker-1").metadata.resourceVersion == version

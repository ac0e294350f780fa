"""cloud-controller-manager and the simulated cloud."""

from __future__ import annotations

import pickle

import pytest

import k8slab
from k8slab import Lab
from k8slab.errors import K8sLabError

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}
"""


@pytest.fixture(scope="module")
def template() -> Lab:
    return Lab(workers=3, cloud=True)


@pytest.fixture
def lab(template: Lab) -> Lab:
    return pickle.loads(pickle.dumps(template))


def events(lab: Lab, name: str) -> list[tuple[str, str]]:
    found = [e for e in lab.list("events") if e.involvedObject.name == name]
    return [(e.reason, e.message) for e in sorted(found, key=lambda e: int(e.metadata.resourceVersion))]


def taints(lab: Lab, node: str) -> list[str]:
    return [taint.key for taint in lab.get(f"node/{node}").spec.taints or ()]


def ingress(lab: Lab) -> list[str]:
    return [one.ip for one in lab.get("service/web").status.loadBalancer.ingress or ()]


def test_nodes_are_completed_by_the_cloud(lab):
    machine = next(one for one in lab.cloud.machines if one.name == "worker-1")
    node = lab.get("node/worker-1")
    labels = node.metadata.labels
    assert node.spec.providerID == machine.provider_id and node.spec.taints is None
    assert labels["topology.kubernetes.io/zone"] == labels["failure-domain.beta.kubernetes.io/zone"] == "lab-1b"
    assert labels["node.kubernetes.io/instance-type"] == "standard-8"
    assert [(a.type, a.address) for a in node.status.addresses] == [
        ("InternalIP", machine.internal),
        ("ExternalIP", machine.external),
        ("Hostname", "worker-1"),
    ]
    assert ("Synced", "Node synced successfully") in events(lab, "worker-1")
    (network,) = [c for c in node.status.conditions if c.type == "NetworkUnavailable"]
    assert (network.status, network.reason) == ("False", "RouteCreated")
    assert [(route.node, route.cidr) for route in lab.cloud.routes][1] == ("worker-1", node.spec.podCIDR)


def test_its_controllers_run_in_a_pod(lab):
    lab.run("1m")
    pod = lab.get("pod/cloud-controller-manager-control-plane-1", namespace="kube-system")
    assert pod.status.containerStatuses[0].ready and pod.status.containerStatuses[0].restartCount == 0


def test_without_its_controller_nodes_stay_uninitialized_and_take_no_pods():
    parts = ("kube-apiserver", "kube-scheduler", "kube-controller-manager", "kubelet")
    lab = Lab(workers=1, control_planes=0, cloud=True, components=parts)
    node = lab.get("node/worker-1")
    assert taints(lab, "worker-1") == ["node.cloudprovider.kubernetes.io/uninitialized"]
    assert [a.type for a in node.status.addresses] == ["Hostname"] and node.spec.providerID is None
    lab.kubectl("run web --image=nginx", echo=False)
    lab.run("5s")
    (condition,) = [c for c in lab.get("pod/web").status.conditions if c.type == "PodScheduled"]
    assert "untolerated taint(s)" in condition.message and condition.status == "False"


def test_a_load_balancer_comes_and_goes_with_its_service(lab):
    lab.apply(SERVICE, echo=False)
    lab.run("1s")
    assert ingress(lab) == []
    assert lab.get("service/web").metadata.finalizers == ("service.kubernetes.io/load-balancer-cleanup",)
    lab.run("6s")
    (balancer,) = lab.cloud.load_balancers
    assert ingress(lab) == [balancer.address]
    assert balancer.nodes == ("worker-1", "worker-2", "worker-3")
    assert [reason for reason, _ in events(lab, "web")] == ["EnsuringLoadBalancer", "EnsuredLoadBalancer"]
    lab.kubectl("delete service web --wait=false", echo=False)
    lab.run("1s")
    assert lab.get("service/web").metadata.deletionTimestamp
    lab.run("4s")
    assert lab.list("services", selector="app=web") == [] and lab.cloud.load_balancers == []
    assert [reason for reason, _ in events(lab, "web")][2:] == ["DeletingLoadBalancer", "DeletedLoadBalancer"]


def test_another_type_of_service_gives_the_load_balancer_back(lab):
    lab.apply(SERVICE, echo=False)
    lab.run("10s")
    lab.patch("service/web", {"spec": {"type": "ClusterIP"}})
    lab.run("10s")
    assert lab.cloud.load_balancers == [] and lab.get("service/web").metadata.finalizers is None
    assert not lab.get("service/web").status.loadBalancer.ingress


def test_a_class_of_its_own_is_left_to_others(lab):
    lab.apply(SERVICE.replace("type:", "loadBalancerClass: example.com/mine, type:"), echo=False)
    lab.run("20s")
    assert lab.cloud.load_balancers == [] and events(lab, "web") == []


def test_what_changes_while_the_cloud_works_is_done_afterwards(lab):
    lab.apply(SERVICE, echo=False)
    lab.run("2s")
    lab.patch("service/web", {"spec": {"ports": [{"port": 81}]}})
    lab.run("10s")
    (balancer,) = lab.cloud.load_balancers
    assert [port for _, port, _ in balancer.ports] == [81]
    assert [reason for reason, _ in events(lab, "web")] == ["EnsuringLoadBalancer", "EnsuredLoadBalancer"]
    assert next(e.count for e in lab.list("events") if e.reason == "EnsuredLoadBalancer") == 2


def test_nodes_behind_load_balancers_follow_labels_and_local_traffic_has_a_health_port(lab):
    lab.apply(SERVICE.replace("type:", "externalTrafficPolicy: Local, type:"), echo=False)
    lab.run("10s")
    (balancer,) = lab.cloud.load_balancers
    assert balancer.health_port == lab.get("service/web").spec.healthCheckNodePort > 0
    lab.kubectl("label node worker-2 node.kubernetes.io/exclude-from-external-load-balancers=", echo=False)
    lab.run("2s")
    assert lab.cloud.load_balancers[0].nodes == ("worker-1", "worker-3")
    assert events(lab, "web")[-1] == ("UpdatedLoadBalancer", "Updated load balancer with new hosts")


def test_pods_reach_a_load_balancer(lab):
    lab.kubectl("create deployment web --image=nginx", echo=False)
    lab.apply(SERVICE, echo=False)
    lab.run("20s")
    lab.kubectl(f"run ask --image=busybox --restart=Never -- wget -qO- http://{ingress(lab)[0]}", echo=False)
    lab.run("20s")
    assert lab.get("pod/ask").status.phase == "Succeeded"
    assert "nginx" in lab.kubectl("logs ask", echo=False).text


def test_a_cloud_that_fails_is_asked_again_with_growing_pauses(lab):
    lab.cloud.fail("loadbalancers", "quota service unavailable")
    lab.apply(SERVICE, echo=False)
    lab.run("40s")
    failed = next(e for e in lab.list("events") if e.reason == "SyncLoadBalancerFailed")
    assert failed.message == "Error syncing load balancer: failed to ensure load balancer: quota service unavailable"
    assert failed.count == 4  # at 0, 5, 15, 35 s
    lab.cloud.recover("loadbalancers")
    lab.run("50s")
    assert ingress(lab)


def test_a_quota_refuses_the_second_load_balancer(lab):
    lab.cloud.quota("loadbalancers", 1)
    lab.apply(SERVICE, echo=False)
    lab.apply(SERVICE.replace("name: web", "name: api"), echo=False)
    lab.run("20s")
    assert ingress(lab) and not lab.get("service/api").status.loadBalancer.ingress
    assert "quota exceeded for load balancers: limit 1" in events(lab, "api")[-1][1]
    lab.cloud.quota("loadbalancers", None)
    lab.run("30s")
    assert len(lab.cloud.load_balancers) == 2


def test_a_machine_that_is_switched_off_is_tainted_and_comes_back(lab):
    lab.cloud.stop("worker-1")
    lab.run("70s")
    assert "node.cloudprovider.kubernetes.io/shutdown" in taints(lab, "worker-1")
    lab.cloud.start("worker-1")
    lab.run("30s")
    assert taints(lab, "worker-1") == []


def test_a_machine_that_fails_is_not_tainted_as_switched_off(lab):
    lab.fail_node("worker-1")
    lab.run("70s")
    assert taints(lab, "worker-1") == ["node.kubernetes.io/unreachable"] * 2


def test_the_node_of_a_deleted_machine_is_deleted_with_its_route(lab):
    lab.cloud.delete("worker-2")
    lab.run("40s")
    assert len(lab.list("nodes")) == 4  # not before it stops reporting
    lab.run("40s")
    assert "worker-2" not in [node.metadata.name for node in lab.list("nodes")]
    text = "Deleting node worker-2 because it does not exist in the cloud provider"
    assert ("DeletingNode", text) in events(lab, "worker-2")
    assert "worker-2" not in [route.node for route in lab.cloud.routes]
    lab.faults.heal()
    lab.run("30s")
    assert len(lab.list("nodes")) == 3


def test_routes_that_cannot_be_made_are_told(lab):
    lab.cloud.quota("routes", 1)
    for route in lab.cloud.routes:
        lab.cluster.provider.delete_route(route)
    lab.run("20s")
    (condition,) = [c for c in lab.get("node/worker-1").status.conditions if c.type == "NetworkUnavailable"]
    assert (condition.status, condition.reason) == ("True", "NoRouteCreated")
    assert "node.kubernetes.io/network-unavailable" in taints(lab, "worker-1")
    assert any(reason == "FailedToCreateRoute" for reason, _ in events(lab, "worker-1"))


def test_without_a_cloud_load_balancers_stay_pending():
    lab = Lab(workers=1)
    lab.apply(SERVICE, echo=False)
    lab.run("30s")
    assert "<pending>" in lab.kubectl("get service web", echo=False).text
    with pytest.raises(K8sLabError, match=r"this lab runs in no cloud: make one with Lab\(cloud=True\)"):
        lab.cloud.stop("worker-1")


def test_faults_of_the_cloud_are_part_of_a_saved_lab(lab, tmp_path):
    lab.apply(SERVICE, echo=False)
    lab.cloud.stop("worker-1")
    lab.cloud.fail("loadbalancers")
    lab.run("60s")
    lab.save(tmp_path / "cloud.k8slab")
    again = k8slab.Lab.load(tmp_path / "cloud.k8slab")
    assert repr(again.cloud) == repr(lab.cloud) and again.cluster.store.revision == lab.cluster.store.revision
    for one in (lab, again, pickle.loads(pickle.dumps(lab))):
        one.faults.heal()
        one.run("300s")
        assert ingress(one) and one.cluster.store.revision == lab.cluster.store.revision


def test_no_controller_of_the_cloud_lacks_a_right(lab):
    lab.apply(SERVICE, echo=False)
    lab.cloud.delete("worker-2")
    lab.run("90s")
    lab.kubectl("delete service web --wait=false", echo=False)
    lab.run("10s")
    failures = [str(f) for m in lab.cluster.managers for c in m.controllers.values() for f in c.loop.errors]
    assert [text for text in failures if "is forbidden" in text] == []


@pytest.mark.parametrize("cloud", [True, False])
def test_the_manifest_says_who_looks_after_the_cloud(cloud):
    lab = Lab(workers=1, cloud=cloud)
    manifest = lab.kubectl("get pod kube-controller-manager-control-plane-1 -n kube-system -o yaml", echo=False).stdout
    assert ("- --cloud-provider=external" in manifest) is cloud

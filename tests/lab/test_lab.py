"""The surface that notebooks use."""

from __future__ import annotations

import copy
import pickle

import pytest

from k8slab import Lab
from k8slab.cluster.topology import TopologyError
from k8slab.errors import ApiError, K8sLabError
from k8slab.lab import CommandError
from k8slab.sim.duration import DurationError
from k8slab.sim.journal import JournalError

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx:1.29
"""


@pytest.fixture
def lab():
    return Lab(workers=3)


@pytest.fixture
def web(lab):
    lab.run("1s")
    lab.apply(WEB, echo=False)
    assert lab.run_until_ready("2m")
    return lab


def pods(lab):
    return lab.list("pods", namespace="default")


def test_ready_at_once(lab):
    assert lab.now == 0
    nodes = lab.list("nodes")
    assert [node.metadata.name for node in nodes] == ["control-plane-1", "worker-1", "worker-2", "worker-3"]
    for node in nodes:
        assert {c.type: c.status for c in node.status.conditions}["Ready"] == "True"
    assert nodes[1].status.capacity["cpu"] == "8"
    assert nodes[1].status.capacity["memory"] == "16Gi" or nodes[1].status.capacity["memory"].endswith("Ki")
    assert nodes[1].status.capacity["pods"] == "110"


def test_control_plane_runs_as_static_pods(lab):
    names = {pod.metadata.name for pod in lab.list("pods", namespace="kube-system")}
    components = ("etcd", "kube-apiserver", "kube-scheduler", "kube-controller-manager")
    assert {f"{component}-control-plane-1" for component in components} <= names


def test_shapes():
    lab = Lab(workers=[{"cpu": "4", "zone": "a"}, {"name": "big", "cpu": "32", "memory": "64Gi", "pods": 200}])
    assert lab.get("node/worker-1").metadata.labels["topology.kubernetes.io/zone"] == "a"
    assert lab.get("node/big").status.capacity["pods"] == "200"
    assert Lab(workers=2, worker={"cpu": "2"}).get("node/worker-2").status.capacity["cpu"] == "2"


@pytest.mark.parametrize(
    ("setup", "message"),
    [
        ({"workers": -1}, "negative"),
        ({"workers": "three"}, "number or a list"),
        ({"workers": [{"cpus": 4}]}, "unknown field 'cpus'"),
        ({"workers": [{"cpu": "many"}]}, "cpu 'many'"),
        ({"workers": [{"name": "a"}, {"name": "a"}]}, "same name"),
        ({"control_planes": 2}, "control_planes"),
        ({"components": ["kube-magic"]}, "no component 'kube-magic'"),
        ({"workers": 10**9}, "more than this lab simulates"),
    ],
)
def test_impossible_setups_are_refused_with_a_reason(setup, message):
    with pytest.raises(TopologyError, match=message):
        Lab(**setup)


def test_a_manifest_becomes_running_pods(web):
    assert [pod.status.phase for pod in pods(web)] == ["Running"] * 3
    assert web.get("deployment/web").status.readyReplicas == 3


def test_apply_takes_what_people_have(lab, tmp_path):
    path = tmp_path / "web.yaml"
    path.write_text(WEB)
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}}
    first = lab.apply([str(path), config], echo=False)
    assert [obj.kind for obj in first] == ["Deployment", "ConfigMap"]
    again = lab.apply(first[1], echo=False)
    assert again[0].data == {"a": "1"}


def test_a_refused_manifest_says_what_kubectl_says(lab):
    with pytest.raises(CommandError, match=r'strict decoding error: unknown field "spec\.replica"'):
        lab.apply(WEB.replace("replicas", "replica"), echo=False)
    assert pods(lab) == []
    with pytest.raises(CommandError, match="cannot apply int"):
        lab.apply(5)


def test_a_deleted_pod_comes_back(web):
    victim = pods(web)[0]
    web.delete(f"pod/{victim.metadata.name}")
    web.run("40s")
    assert len(pods(web)) == 3
    assert victim.metadata.name not in {pod.metadata.name for pod in pods(web)}
    assert len(web.recovery("deployment/web").graph) >= 3


def test_a_dead_node_costs_its_pods_after_the_real_times(web):
    victim = pods(web)[0].spec.nodeName
    start = web.now
    web.fail_node(victim)
    assert web.run_until(lambda lab: _ready(lab.get(f"node/{victim}")) == "Unknown", "2m")
    assert 40 <= web.now - start <= 60
    assert web.run_until(lambda lab: any(pod.metadata.deletionTimestamp for pod in pods(lab)), "10m")
    assert 340 <= web.now - start <= 375
    web.run("1m")
    alive = [pod for pod in pods(web) if not pod.metadata.deletionTimestamp]
    assert len(alive) == 3
    assert victim not in {pod.spec.nodeName for pod in alive}
    web.recover_node(victim)
    web.run("1m")
    assert _ready(web.get(f"node/{victim}")) == "True"
    assert len(pods(web)) == 3


def _ready(node):
    return {c.type: c.status for c in node.status.conditions}["Ready"]


def test_kubectl_prints_and_returns(web, capsys):
    output = web.kubectl("get pods")
    printed = capsys.readouterr().out
    assert printed == output.stdout
    assert printed.split("\n")[0].split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert output.exit_code == 0
    assert web.kubectl("get pod nothing").exit_code == 1
    assert capsys.readouterr().err == 'Error from server (NotFound): pods "nothing" not found\n'


def test_time_travel(web):
    web.run_until(lambda lab: lab.now >= 60, "2m")
    web.kubectl("scale deployment web --replicas=5", echo=False)
    web.run("30s")
    assert len(web.at("59s").list("pods", "default")) == 3
    assert len(web.at().list("pods", "default")) == 5
    assert web.at("0s").get("deployments", "default", "web") is None
    assert "spec.replicas: 3 -> 5" in str(web.diff("59s"))
    with pytest.raises(K8sLabError, match="has not happened yet"):
        web.at(revision=10**9)


def test_fork_goes_its_own_way(web):
    twin = web.fork()
    twin.kubectl("delete deployment web", echo=False)
    twin.run("1m")
    assert pods(twin) == []
    assert len(pods(web)) == 3
    web.run("1m")
    assert len(pods(web)) == 3


def test_fork_in_the_past_lives_the_same_past(web):
    web.run("30s")
    web.kubectl("scale deployment web --replicas=1", echo=False)
    web.run("30s")
    past = web.fork(at=web.now - 40)
    assert past.now == pytest.approx(web.now - 40)
    assert len(pods(past)) == 3
    past.run(60)
    assert len(pods(past)) == 3


def test_copies_and_pickles_go_on_alike(web):
    twins = [copy.deepcopy(web), pickle.loads(pickle.dumps(web))]
    for one in (web, *twins):
        one.kubectl("scale deployment web --replicas=5", echo=False)
        one.run("1m")
    assert {one.history.digest() for one in twins} == {web.history.digest()}


def test_save_and_load(web, tmp_path):
    web.fail_node("worker-1")
    web.run("2m")
    web.save(tmp_path / "demo.k8slab")
    again = Lab.load(tmp_path / "demo.k8slab")
    assert again.history.digest() == web.history.digest()
    assert again.now == web.now
    (tmp_path / "bad").write_text("apiVersion: v1\n")
    with pytest.raises(JournalError, match="line 1"):
        Lab.load(tmp_path / "bad")


def test_why_leads_back_to_the_user(web):
    name = pods(web)[0].metadata.name
    answer = web.why(f"pod/{name}")
    actors = {data["actor"] for _, data in answer.graph.nodes(data=True)}
    assert "kubernetes-admin" in actors
    assert any("deployment" in actor for actor in actors)
    assert any("replicaset" in actor for actor in actors)
    assert any("scheduler" in actor for actor in actors)
    assert "<svg" in answer.html
    with pytest.raises(CommandError, match="nothing is known"):
        web.why("pod/never-was")


def test_explain_shows_every_node(web):
    name = pods(web)[0].metadata.name
    text = str(web.explain(f"pod/{name}"))
    for word in ("worker-1", "worker-2", "worker-3", "control-plane-1", "TaintToleration", "NodeResourcesFit"):
        assert word in text


def test_objects_are_frozen_with_advice(web):
    pod = pods(web)[0]
    with pytest.raises(AttributeError, match=r"lab\.patch"):
        pod.spec.nodeName = "worker-3"
    web.patch("deployment/web", {"spec": {"replicas": 2}})
    web.run("40s")
    assert len(pods(web)) == 2


def test_errors_are_one_line(lab):
    with pytest.raises(ApiError) as caught:
        lab.get("pod/nothing")
    assert caught.value._render_traceback_() == ['Error from server (NotFound): pods "nothing" not found']
    with pytest.raises(DurationError, match="'soon' is not a duration"):
        lab.run("soon")
    with pytest.raises(CommandError, match="names no object"):
        lab.get("web")
    with pytest.raises(K8sLabError, match="there is no node 'worker-9': choose one of"):
        lab.fail_node("worker-9")


def test_settle(web):
    web.kubectl("scale deployment web --replicas=6", echo=False)
    assert web.settle()
    assert web.get("deployment/web").status.readyReplicas == 6


def test_picture_is_html_and_text(web):
    bundle = web.picture()._repr_mimebundle_()
    assert "<svg" in bundle["text/html"] and "<table" in bundle["text/html"]
    assert "worker-1" in bundle["text/plain"]


def test_components_can_be_left_out():
    lab = Lab(workers=2, components=["kube-apiserver", "kube-controller-manager"])
    lab.apply(WEB, echo=False)
    lab.run("1m")
    assert lab.list("nodes") == []
    assert [pod.spec.nodeName for pod in pods(lab)] == [None] * 3
    with pytest.raises(CommandError, match="no kube-scheduler"):
        lab.explain("web")


def test_crashed_components_catch_up(web):
    web.faults.crash("kube-controller-manager")
    web.delete(f"pod/{pods(web)[0].metadata.name}")
    web.run("1m")
    assert len(pods(web)) == 2
    web.faults.heal()
    web.run("1m")
    assert len(pods(web)) == 3


def test_explain_is_about_pods(web):
    with pytest.raises(CommandError, match="decides about Pods"):
        web.explain("deployment/web")
    assert "Snapshot at 2s" in repr(web.at("2s"))


def test_ready_means_all_kinds_of_workloads(lab):
    manifest = WEB.replace("kind: Deployment", "kind: StatefulSet").replace(
        "replicas: 3", "replicas: 3\n  serviceName: w"
    )
    lab.apply(manifest, echo=False)
    assert lab.run_until_ready("5m")
    assert lab.get("statefulset/web").status.readyReplicas == 3


def test_autoscalers_without_metrics_are_listed_in_v1(web):
    web.kubectl("autoscale deployment web --min=2 --max=6 --cpu-percent=50", echo=False)
    web.run("2m")
    output = web.kubectl("get hpa.v1.autoscaling -o yaml", echo=False)
    assert output.exit_code == 0
    assert "maxReplicas: 6" in output.stdout

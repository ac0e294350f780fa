from __future__ import annotations

from tests.controllers.lab import Lab, workload

IMAGE_2 = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "app:2"}]}}}}


def test_a_rolling_update_never_has_too_few_or_too_many():
    lab = Lab()
    lab.deployment(replicas=4)
    lab.run(10)
    lab.client.patch("deployments", "web", IMAGE_2, "default")
    for _ in range(200):
        lab.run(0.1)
        alive = [pod for pod in lab.pods() if pod.metadata.deletionTimestamp is None]
        ready = [
            pod for pod in alive if any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions or ())
        ]
        assert len(alive) <= 5
        assert len(ready) >= 3
    assert {pod.spec.containers[0].image for pod in lab.pods()} == {"app:2"}
    assert lab.get("deployments", "web").metadata.annotations["deployment.kubernetes.io/revision"] == "2"


def test_a_scheduled_rollout_that_hangs_is_reported_after_its_deadline():
    lab = Lab()
    template = workload("web")
    template["template"]["metadata"]["annotations"] = {"fake/ready": "false"}
    lab.apply("Deployment", "web", {"replicas": 1, "progressDeadlineSeconds": 30, **template})
    lab.run(25)
    assert _progressing(lab)[:2] == ("True", "ReplicaSetUpdated")
    lab.run(15)
    status, reason, message = _progressing(lab)
    assert (status, reason) == ("False", "ProgressDeadlineExceeded")
    assert message.endswith("has timed out progressing.")


def _progressing(lab: Lab) -> tuple[str, str, str]:
    conditions = lab.get("deployments", "web").status.conditions
    return next((c.status, c.reason, c.message) for c in conditions if c.type == "Progressing")


def test_old_revisions_are_kept_up_to_the_limit():
    lab = Lab()
    lab.deployment(replicas=1, revisionHistoryLimit=2)
    lab.run(10)
    for number in range(2, 7):
        image = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": f"app:{number}"}]}}}}
        lab.client.patch("deployments", "web", image, "default")
        lab.run(15)
    revisions = sorted(
        int(rs.metadata.annotations["deployment.kubernetes.io/revision"])
        for rs in lab.client.list("replicasets", "default").items
    )
    assert revisions == [4, 5, 6]


def test_recreate_has_no_two_versions_at_once():
    lab = Lab()
    lab.deployment(replicas=3, strategy={"type": "Recreate"})
    lab.run(10)
    lab.client.patch("deployments", "web", IMAGE_2, "default")
    for _ in range(100):
        lab.run(0.1)
        assert len({pod.spec.containers[0].image for pod in lab.pods()}) <= 1
    assert len(lab.pods()) == 3


def test_a_stateful_set_starts_and_stops_in_order():
    lab = Lab()
    lab.apply("StatefulSet", "db", {"replicas": 3, "serviceName": "db", **workload("db")})
    names = []
    for _ in range(60):
        lab.run(0.1)
        names.append(sorted(pod.metadata.name for pod in lab.pods()))
    assert names[-1] == ["db-0", "db-1", "db-2"]
    assert all(found == ["db-0", "db-1", "db-2"][: len(found)] for found in names)
    lab.client.patch("statefulsets", "db", {"spec": {"replicas": 1}}, "default")
    lab.run(20)
    assert [pod.metadata.name for pod in lab.pods()] == ["db-0"]


def test_a_daemon_set_follows_the_nodes():
    lab = Lab(nodes=2)
    lab.apply("DaemonSet", "agent", workload("agent"))
    lab.run(5)
    assert sorted(pod.spec.nodeName for pod in lab.pods()) == ["worker-1", "worker-2"]
    lab.kubelets.join("worker-3", "192.168.0.3", {}, [])
    lab.run(5)
    assert len(lab.pods()) == 3
    lab.client.patch("daemonsets", "agent", IMAGE_2, "default")
    for _ in range(150):
        lab.run(0.1)
        gone = [pod for pod in lab.pods() if pod.metadata.deletionTimestamp is not None]
        assert len(gone) <= 1
    assert {pod.spec.containers[0].image for pod in lab.pods()} == {"app:2"}


def test_a_job_counts_each_pod_once():
    lab = Lab()
    template = {
        "metadata": {"annotations": {"fake/run": "2"}},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "app:1"}]},
    }
    lab.apply("Job", "work", {"completions": 7, "parallelism": 3, "template": template}, api="batch/v1")
    lab.run(30)
    job = lab.get("jobs", "work")
    assert job.status.succeeded == 7
    assert [c.type for c in job.status.conditions] == ["SuccessCriteriaMet", "Complete"]
    assert all(not pod.metadata.finalizers for pod in lab.pods())


def test_a_budget_holds_back_evictions():
    lab = Lab()
    lab.deployment(replicas=3)
    spec = {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}}
    lab.apply("PodDisruptionBudget", "web", spec, api="policy/v1")
    lab.run(10)
    status = lab.get("pdb", "web").status
    assert (status.currentHealthy, status.desiredHealthy, status.disruptionsAllowed) == (3, 2, 1)
    first, second, _ = lab.pods()
    lab.client.evict(first)
    try:
        lab.client.evict(second)
    except Exception as error:
        assert "disruption budget" in str(error)
    else:
        raise AssertionError("the second eviction should have been refused")


def test_service_endpoints_follow_readiness():
    lab = Lab()
    lab.deployment(replicas=2)
    lab.apply("Service", "web", {"selector": {"app": "web"}, "ports": [{"port": 80}]}, api="v1")
    lab.run(10)
    (piece,) = lab.client.list("endpointslices", "default", label_selector="kubernetes.io/service-name=web").items
    assert sorted(e.targetRef.name for e in piece.endpoints) == sorted(pod.metadata.name for pod in lab.pods())
    assert all(endpoint.conditions.ready for endpoint in piece.endpoints)
    lab.client.patch("deployments", "web", {"spec": {"replicas": 0}}, "default")
    lab.run(10)
    (piece,) = lab.client.list("endpointslices", "default", label_selector="kubernetes.io/service-name=web").items
    assert not piece.endpoints


def test_more_than_a_hundred_endpoints_need_another_slice():
    lab = Lab()
    lab.deployment(replicas=120)
    lab.apply("Service", "web", {"selector": {"app": "web"}, "ports": [{"port": 80}]}, api="v1")
    lab.run(30)
    pieces = lab.client.list("endpointslices", "default", label_selector="kubernetes.io/service-name=web").items
    assert sorted(len(piece.endpoints) for piece in pieces) == [20, 100]


def test_a_namespace_goes_with_all_that_is_in_it():
    lab = Lab()
    lab.client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    for kind, name in (("ConfigMap", "a"), ("ServiceAccount", "robot")):
        lab.client.create({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}, "shop")
    lab.run(5)
    lab.client.delete("namespaces", "shop")
    lab.run(30)
    assert [n for n in lab.client.list("namespaces").items if n.metadata.name == "shop"] == []
    assert lab.store.count("/registry/configmaps/shop/") == 0


def test_a_lagging_cache_does_not_make_it_start_pods_twice():
    lab = Lab(request_time=0, watch_latency=300_000)
    lab.apply("ReplicaSet", "web", {"replicas": 3, **workload("web")})
    lab.run(0.1)
    lab.client.patch("replicasets", "web", {"metadata": {"annotations": {"look": "again"}}}, "default")
    lab.run(10)
    started = [w for w in lab.trace.writes.values() if w.verb == "create" and w.key.startswith("/registry/pods/")]
    assert len(started) == 3

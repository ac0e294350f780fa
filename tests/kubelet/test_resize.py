"""Resizing Pods in place."""

import pytest

from k8slab.errors import ApiError
from k8slab.kubelet import Program
from tests.kubelet.conftest import Bench

SMALL = {"requests": {"cpu": "1", "memory": "256Mi"}, "limits": {"cpu": "2", "memory": "512Mi"}}


@pytest.fixture
def bench():
    return Bench(cpu="4", memory="4Gi")


def resize(bench, name="web", **resources):
    patch = {"spec": {"containers": [{"name": "main", "resources": resources}]}}
    kind = "application/strategic-merge-patch+json"
    return bench.client.patch("pods", name, patch, "default", "resize", kind)


def conditions(bench, name="web"):
    found = bench.get(name).status.conditions
    return {c.type: (c.status, c.reason, c.message) for c in found if "Resize" in c.type}


def status(bench, name="web"):
    return bench.get(name).status.containerStatuses[0]


def test_resized_without_a_restart(bench):
    bench.pod(container={"resources": SMALL})
    bench.run(10)
    resize(bench, requests={"cpu": "2"}, limits={"cpu": "3"})
    bench.run(0.02)
    assert conditions(bench) == {"PodResizeInProgress": ("True", None, None)}
    assert status(bench).allocatedResources["cpu"] == "2"
    assert status(bench).resources.requests["cpu"] == "1", "not in the cgroups yet"
    bench.run(3)
    assert conditions(bench) == {}
    assert status(bench).resources.limits["cpu"] == "3"
    assert status(bench).restartCount == 0
    detail = (
        '{"containers":[{"name":"main","resources":{"limits":{"cpu":"3","memory":"512Mi"},'
        '"requests":{"cpu":"2","memory":"256Mi"}}}],"generation":2}'
    )
    assert bench.messages("web", "ResizeStarted") == [f"Pod resize started: {detail}"]
    assert bench.messages("web", "ResizeCompleted") == [f"Pod resize completed: {detail}"]
    assert bench.kubelet.room.used["cpu"] == 2000
    assert bench.get().status.observedGeneration == 2


def test_a_policy_asks_for_a_restart(bench):
    policy = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]
    bench.pod(container={"resources": SMALL, "resizePolicy": policy})
    bench.run(10)
    resize(bench, limits={"memory": "1Gi"})
    bench.run(5)
    assert status(bench).restartCount == 1
    assert status(bench).state.running
    assert status(bench).resources.limits["memory"] == "1Gi"
    assert "Container main resize requires restart" in bench.messages("web", "Killing")
    assert bench.messages("web", "BackOff") == [], "that is no crash"
    assert bench.messages("web", "ResizeCompleted")


def test_deferred_until_there_is_room(bench):
    bench.pod(container={"resources": SMALL})
    bench.pod("other", container={"resources": {"requests": {"cpu": "2"}}}, terminationGracePeriodSeconds=1)
    bench.run(10)
    resize(bench, requests={"cpu": "3"}, limits={"cpu": "3"})
    bench.run(2)
    why = "Node didn't have enough resource: cpu, requested: 3000, used: 2000, capacity: 4000"
    assert conditions(bench) == {"PodResizePending": ("True", "Deferred", why)}
    assert status(bench).allocatedResources["cpu"] == "1"
    assert bench.messages("web", "ResizeDeferred")[0].endswith(f'"generation":2,"error":"{why}"}}')
    bench.client.delete("pods", "other", "default")
    bench.run(10)
    assert conditions(bench) == {}
    assert status(bench).resources.requests["cpu"] == "3"


def test_more_than_the_node_has_is_infeasible(bench):
    bench.pod(container={"resources": SMALL})
    bench.run(10)
    resize(bench, requests={"cpu": "9"}, limits={"cpu": "9"})
    bench.run(2)
    why = "Node didn't have enough capacity: cpu, requested: 9000, capacity: 4000"
    assert conditions(bench) == {"PodResizePending": ("True", "Infeasible", why)}
    assert "Pod resize Infeasible: " in bench.messages("web", "ResizeInfeasible")[0]
    resize(bench, requests={"cpu": "1"}, limits={"cpu": "2"})
    bench.run(2)
    assert conditions(bench) == {}


def test_a_limit_below_the_usage_is_an_error(bench):
    bench.images["eater:1"] = Program(memory="400Mi")
    bench.pod(container={"image": "eater:1", "resources": SMALL})
    bench.run(10)
    resize(bench, limits={"memory": "300Mi"})
    bench.run(2)
    status_, reason, message = conditions(bench)["PodResizeInProgress"]
    assert (status_, reason) == ("True", "Error")
    assert message == f"attempting to set pod memory limit ({300 << 20}) below current usage ({400 << 20})"
    assert bench.messages("web", "ResizeError")
    assert status(bench).resources.limits["memory"] == "512Mi"


def test_a_higher_limit_saves_a_leaking_program(bench):
    bench.images["leak:1"] = Program(memory="100Mi", memory_growth="10Mi", memory_limit="700Mi")
    bench.pod(container={"image": "leak:1", "resources": {"limits": {"memory": "512Mi"}}})
    bench.run(20)
    resize(bench, limits={"memory": "1Gi"}, requests={"memory": "1Gi"})
    bench.run(120)
    assert status(bench).restartCount == 0


def test_the_class_of_service_stays(bench):
    bench.pod(container={"resources": SMALL})
    bench.run(10)
    with pytest.raises(ApiError, match="Pod QOS Class may not change as a result of resizing"):
        resize(bench, requests={"cpu": "2", "memory": "512Mi"})


POD_LEVEL = {"requests": {"cpu": "1", "memory": "256Mi"}, "limits": {"cpu": "2", "memory": "512Mi"}}


def resize_pod(bench, **resources):
    kind = "application/strategic-merge-patch+json"
    return bench.client.patch("pods", "web", {"spec": {"resources": resources}}, "default", "resize", kind)


def test_nodes_declare_their_features(bench):
    bench.run(1)
    declared = bench.client.get("nodes", "worker-1").status.declaredFeatures
    assert declared == ("InPlacePodLevelResourcesVerticalScaling", "RestartAllContainersOnContainerExits")


@pytest.fixture
def guarded():
    return Bench(cpu="4", memory="4Gi", admission=["NamespaceLifecycle", "Priority", "NodeDeclaredFeatureValidator"])


def test_guaranteed_pods_are_resized(guarded):
    amounts = {"cpu": "1", "memory": "256Mi"}
    guarded.pod(container={"resources": {"requests": amounts, "limits": amounts}})
    guarded.run(10)
    resize(guarded, requests={"cpu": "2"}, limits={"cpu": "2"})
    guarded.run(3)
    assert guarded.get().status.qosClass == "Guaranteed"
    assert status(guarded).resources.limits["cpu"] == "2"


def test_resources_of_the_whole_pod_are_resized(guarded):
    guarded.pod(resources=POD_LEVEL)
    guarded.run(10)
    assert guarded.get().status.allocatedResources == {"cpu": "1", "memory": "256Mi"}
    resize_pod(guarded, requests={"cpu": "2"})
    guarded.run(0.02)
    found = guarded.get().status
    assert found.allocatedResources["cpu"] == "2"
    assert found.resources.requests["cpu"] == "1", "not in the cgroup yet"
    assert conditions(guarded) == {"PodResizeInProgress": ("True", None, None)}
    guarded.run(3)
    assert guarded.get().status.resources.requests["cpu"] == "2"
    assert conditions(guarded) == {}
    assert guarded.kubelet.room.used["cpu"] == 2000


def test_the_whole_pod_waits_for_room(guarded):
    guarded.pod(resources=POD_LEVEL)
    guarded.pod("other", container={"resources": {"requests": {"cpu": "2500m"}}})
    guarded.run(10)
    resize_pod(guarded, requests={"cpu": "2"})
    guarded.run(1)
    assert conditions(guarded)["PodResizePending"][:2] == ("True", "Deferred")
    assert guarded.get().status.allocatedResources["cpu"] == "1"


def test_a_node_that_declares_nothing_resizes_no_whole_pods(guarded):
    guarded.pod(resources=POD_LEVEL)
    guarded.run(10)
    guarded.kubelet.stop()
    node = guarded.client.get("nodes", "worker-1")
    guarded.client.update_status(node.replace(status=node.status.replace(declaredFeatures=None)))
    with pytest.raises(
        ApiError, match="pod update requires features InPlacePodLevelResourcesVerticalScaling which are not"
    ):
        resize_pod(guarded, requests={"cpu": "2"})

"""The official Python client."""

from __future__ import annotations

import threading
import time

import pytest

kubernetes = pytest.importorskip("kubernetes", reason="the Python client is not installed")

from k8slab.serve.server import Server  # noqa: E402
from tests.serve.conftest import Caller  # noqa: E402


@pytest.fixture(scope="module")
def api(server: Server):
    configuration = kubernetes.client.Configuration()
    kubernetes.config.load_kube_config(str(server.kubeconfig), client_configuration=configuration)
    with kubernetes.client.ApiClient(configuration) as client:
        yield client


def test_create_read_patch_delete(api, namespace: str) -> None:
    core = kubernetes.client.CoreV1Api(api)
    body = kubernetes.client.V1ConfigMap(metadata={"name": "cm"}, data={"a": "1"})
    made = core.create_namespaced_config_map(namespace, body)
    assert made.metadata.uid
    assert core.patch_namespaced_config_map("cm", namespace, {"data": {"b": "2"}}).data == {"a": "1", "b": "2"}
    made.data = {"c": "3"}
    with pytest.raises(kubernetes.client.ApiException) as caught:
        core.replace_namespaced_config_map("cm", namespace, made)
    assert caught.value.status == 409
    core.delete_namespaced_config_map("cm", namespace)
    with pytest.raises(kubernetes.client.ApiException) as caught:
        core.read_namespaced_config_map("cm", namespace)
    assert (caught.value.status, caught.value.reason) == (404, "Not Found")


def test_a_deployment_comes_up(api, namespace: str) -> None:
    apps, core = kubernetes.client.AppsV1Api(api), kubernetes.client.CoreV1Api(api)
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    apps.create_namespaced_deployment(namespace, {"metadata": {"name": "web"}, "spec": spec})
    for _ in range(200):
        if apps.read_namespaced_deployment("web", namespace).status.ready_replicas == 2:
            break
        time.sleep(0.05)
    pods = core.list_namespaced_pod(namespace, label_selector="app=web").items
    assert [pod.status.phase for pod in pods] == ["Running", "Running"]
    assert core.read_namespaced_pod_log(pods[0].metadata.name, namespace)
    scale = apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 0}})
    assert scale.spec.replicas == 0


def test_a_watch(api, call: Caller, namespace: str) -> None:
    core = kubernetes.client.CoreV1Api(api)
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
    path = f"/api/v1/namespaces/{namespace}/secrets"
    threading.Timer(0.3, call, ("POST", path, body)).start()
    watch = kubernetes.watch.Watch()
    for event in watch.stream(core.list_namespaced_secret, namespace, timeout_seconds=10):
        assert (event["type"], event["object"].metadata.name) == ("ADDED", "s")
        watch.stop()


PATCHES = {
    "application/json-patch+json": [{"op": "replace", "path": "/spec/replicas", "value": 2}],
    "application/merge-patch+json": {"spec": {"replicas": 3}},
    "application/strategic-merge-patch+json": {
        "spec": {"template": {"spec": {"containers": [{"name": "side", "image": "busybox"}]}}}
    },
}


def deployment(replicas: int = 1) -> dict[str, object]:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def test_patches_of_each_type(api, namespace: str) -> None:
    apps = kubernetes.client.AppsV1Api(api)
    apps.create_namespaced_deployment(namespace, deployment())
    for content_type, body in PATCHES.items():
        found = apps.patch_namespaced_deployment("web", namespace, body, _content_type=content_type)
    assert found.spec.replicas == 3
    assert [each.name for each in found.spec.template.spec.containers] == ["side", "c"]


def test_server_side_apply_with_the_dynamic_client(api, namespace: str) -> None:
    dynamic = kubernetes.dynamic.DynamicClient(api)
    deployments = dynamic.resources.get(api_version="apps/v1", kind="Deployment")
    applied = deployments.server_side_apply(deployment(2), "web", namespace, field_manager="one")
    assert applied.spec.replicas == 2
    with pytest.raises(kubernetes.dynamic.exceptions.ConflictError) as caught:
        deployments.server_side_apply(deployment(3), "web", namespace, field_manager="two")
    assert 'conflict with \\"one\\": .spec.replicas' in caught.value.body
    forced = deployments.server_side_apply(deployment(3), "web", namespace, field_manager="two", force_conflicts=True)
    assert forced.spec.replicas == 3
    assert [each.metadata.name for each in deployments.get(namespace=namespace).items] == ["web"]


def test_a_watch_with_bookmarks_and_one_that_begins_with_a_list(api, namespace: str) -> None:
    core = kubernetes.client.CoreV1Api(api)
    core.create_namespaced_config_map(namespace, {"metadata": {"name": "cm"}, "data": {"a": "1"}})
    options = {"send_initial_events": True, "resource_version_match": "NotOlderThan", "allow_watch_bookmarks": True}
    watch, seen = kubernetes.watch.Watch(), []
    for event in watch.stream(core.list_namespaced_config_map, namespace, timeout_seconds=10, **options):
        seen.append(event["type"])
        if event["type"] == "BOOKMARK":
            assert event["raw_object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
            watch.stop()
    assert seen[-1] == "BOOKMARK"
    assert set(seen[:-1]) == {"ADDED"}


def test_collections_are_listed_in_parts(api, namespace: str) -> None:
    core = kubernetes.client.CoreV1Api(api)
    for number in range(5):
        core.create_namespaced_secret(namespace, {"metadata": {"name": f"s{number}"}})
    names, following = [], None
    while following != "":
        part = core.list_namespaced_secret(namespace, limit=2, _continue=following)
        names += [each.metadata.name for each in part.items]
        following = part.metadata._continue or ""
    assert names == [f"s{number}" for number in range(5)]
    core.delete_collection_namespaced_secret(namespace)
    assert core.list_namespaced_secret(namespace).items == []

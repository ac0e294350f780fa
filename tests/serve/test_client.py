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

"""kr8s: a Python client in the manner of kubectl, with its own discovery and websockets."""

from __future__ import annotations

import urllib.request
from typing import Any

import pytest

# kr8s says that it does not know this version of Kubernetes yet.
pytestmark = pytest.mark.filterwarnings("ignore:Kubernetes version")
kr8s = pytest.importorskip("kr8s", reason="the client library kr8s is not installed")

from kr8s.objects import ConfigMap, Deployment, Pod  # noqa: E402

from k8slab.serve.server import Server  # noqa: E402

TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}


@pytest.fixture
def api(server: Server, namespace: str) -> Any:
    return kr8s.api(kubeconfig=str(server.kubeconfig), namespace=namespace)


def config_map(api: Any, **data: str) -> ConfigMap:
    return ConfigMap({"metadata": {"name": "settings", "namespace": api.namespace}, "data": data}, api=api)


def pod(api: Any, name: str) -> Pod:
    container = {"name": "c", "image": "busybox", "command": ["sh", "-c", "echo hello; sleep 3600"]}
    found = Pod({"metadata": {"name": name, "namespace": api.namespace}, "spec": {"containers": [container]}}, api=api)
    found.create()
    found.wait("condition=Ready", timeout=60)
    return found


def test_discovery_by_kr8s(api: Any) -> None:
    assert api.version()["gitVersion"] == "v1.36.2"
    names = {each["name"] for each in api.api_resources()}
    assert {"pods", "deployments", "cronjobs", "roles"} <= names
    assert api.whoami() == "kubernetes-admin"


def test_create_get_patch_delete(api: Any) -> None:
    made = config_map(api, colour="red")
    made.create()
    assert made.exists()
    made.patch({"data": {"size": "3"}})
    assert made.data == {"colour": "red", "size": "3"}
    made.patch([{"op": "remove", "path": "/data/size"}], type="json")
    made.refresh()
    assert made.data == {"colour": "red"}
    made.label({"tier": "front"})
    made.annotate(note="x")
    found = list(api.get("configmaps", label_selector={"tier": "front"}))
    assert [each.name for each in found] == ["settings"]
    assert found[0].annotations["note"] == "x"
    made.delete()
    with pytest.raises(kr8s.NotFoundError):
        ConfigMap.get("settings", namespace=api.namespace, api=api)


def test_errors_carry_the_servers_words(api: Any) -> None:
    config_map(api, colour="red").create()
    with pytest.raises(kr8s.ServerError) as caught:
        config_map(api, colour="blue").create()
    assert 'configmaps "settings" already exists' in str(caught.value)


def test_a_deployment_is_scaled_and_waited_for(api: Any) -> None:
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE}
    made = Deployment({"metadata": {"name": "web", "namespace": api.namespace}, "spec": spec}, api=api)
    made.create()
    made.wait("condition=Available", timeout=60)
    made.scale(3)
    made.wait("jsonpath='{.status.readyReplicas}'=3", timeout=60)
    assert {each.status.phase for each in made.pods()} == {"Running"}


def test_a_watch_of_kr8s(api: Any) -> None:
    config_map(api, colour="red").create()
    for event, obj in api.watch("configmaps", namespace=api.namespace):
        if obj.name == "settings":
            assert (event, obj.data["colour"]) == ("ADDED", "red")
            break


def test_logs_and_exec(api: Any) -> None:
    running = pod(api, "talker")
    assert list(running.logs()) == ["hello"]
    done = running.exec(["sh", "-c", "echo out; echo err >&2; exit 3"], check=False)
    assert (done.stdout, done.stderr, done.returncode) == (b"out\n", b"err\n", 3)
    assert running.exec(["false"], check=False).returncode == 1


def test_a_port_forwarded_by_kr8s(api: Any) -> None:
    spec = {"containers": [{"name": "c", "image": "nginx", "ports": [{"containerPort": 80}]}]}
    web = Pod({"metadata": {"name": "web", "namespace": api.namespace}, "spec": spec}, api=api)
    web.create()
    web.wait("condition=Ready", timeout=60)
    with web.portforward(remote_port=80) as port, urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
        assert answer.status == 200

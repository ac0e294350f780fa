"""lightkube: a typed Python client on httpx."""

from __future__ import annotations

from typing import Any

import pytest

lightkube = pytest.importorskip("lightkube", reason="the client library lightkube is not installed")

from lightkube.core.exceptions import ApiError  # noqa: E402
from lightkube.models.apps_v1 import DeploymentSpec  # noqa: E402
from lightkube.models.core_v1 import Container, PodSpec, PodTemplateSpec  # noqa: E402
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta  # noqa: E402
from lightkube.resources.apps_v1 import Deployment  # noqa: E402
from lightkube.resources.core_v1 import ConfigMap, Pod  # noqa: E402
from lightkube.types import CascadeType, PatchType  # noqa: E402

from k8slab.serve.server import Server  # noqa: E402


@pytest.fixture
def client(server: Server, namespace: str) -> Any:
    config = lightkube.KubeConfig.from_file(str(server.kubeconfig))
    return lightkube.Client(config=config, namespace=namespace, field_manager="lightkube")


def config_map(**data: str) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name="settings", labels={"app": "web"}), data=data)


def test_create_get_list_replace_delete(client: Any) -> None:
    made = client.create(config_map(colour="red"))
    assert made.metadata.uid and made.data == {"colour": "red"}
    assert client.get(ConfigMap, "settings").metadata.resourceVersion == made.metadata.resourceVersion
    assert [each.metadata.name for each in client.list(ConfigMap, labels={"app": "web"})] == ["settings"]
    made.data = {"colour": "blue"}
    assert client.replace(made).data == {"colour": "blue"}
    with pytest.raises(ApiError):
        client.replace(made)
    client.delete(ConfigMap, "settings", cascade=CascadeType.BACKGROUND)
    with pytest.raises(ApiError) as caught:
        client.get(ConfigMap, "settings")
    assert (caught.value.status.code, caught.value.status.reason) == (404, "NotFound")


def test_all_kinds_of_patches(client: Any) -> None:
    client.create(config_map(colour="red"))
    patched = client.patch(ConfigMap, "settings", {"data": {"size": "3"}}, patch_type=PatchType.MERGE)
    assert patched.data == {"colour": "red", "size": "3"}
    operations = [{"op": "replace", "path": "/data/size", "value": "4"}]
    assert client.patch(ConfigMap, "settings", operations, patch_type=PatchType.JSON).data["size"] == "4"
    assert client.patch(ConfigMap, "settings", {"data": {"size": None}}).data == {"colour": "red"}


def test_server_side_apply_by_lightkube(client: Any) -> None:
    applied = client.apply(config_map(colour="red"), field_manager="one")
    assert applied.data == {"colour": "red"}
    with pytest.raises(ApiError) as caught:
        client.apply(config_map(colour="blue"), field_manager="two")
    assert 'conflict with "one"' in str(caught.value)
    assert client.apply(config_map(colour="blue"), field_manager="two", force=True).data == {"colour": "blue"}


def test_a_deployment_is_waited_for_and_scaled(client: Any) -> None:
    labels = {"app": "web"}
    template = PodTemplateSpec(
        metadata=ObjectMeta(labels=labels), spec=PodSpec(containers=[Container(name="c", image="nginx")])
    )
    spec = DeploymentSpec(replicas=2, selector=LabelSelector(matchLabels=labels), template=template)
    client.create(Deployment(metadata=ObjectMeta(name="web"), spec=spec))
    ready = client.wait(Deployment, "web", for_conditions=["Available"])
    assert ready.status.readyReplicas == 2
    names = [pod.metadata.name for pod in client.list(Pod, labels=labels)]
    assert len(names) == 2
    assert list(client.log(names[0]))
    scale = client.get(Deployment.Scale, "web")
    scale.spec.replicas = 0
    assert client.replace(scale, "web").spec.replicas == 0


def test_a_watch_sees_what_happens(client: Any) -> None:
    version = client.create(config_map(colour="red")).metadata.resourceVersion
    client.patch(ConfigMap, "settings", {"data": {"colour": "blue"}})
    client.delete(ConfigMap, "settings")
    seen = []
    for event, obj in client.watch(ConfigMap, resource_version=version, fields={"metadata.name": "settings"}):
        seen.append((event, obj.data["colour"]))
        if event == "DELETED":
            break
    assert seen == [("MODIFIED", "blue"), ("DELETED", "blue")]

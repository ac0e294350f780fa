"""Custom resources in a whole cluster: kubectl, garbage collection, namespaces, restarts, saved labs."""

from __future__ import annotations

import copy

import pytest

from k8slab.cluster import Cluster
from k8slab.errors import ApiError
from k8slab.sim.clock import SECOND
from tests.apiserver.test_crd import definition, version, widget


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster(workers=1)
    made.client.create(definition(version(subresources={})))
    made.advance(SECOND)
    return made


def owned_config(cluster: Cluster, owner: str, name: str) -> None:
    uid = cluster.client.get("widgets", owner, "default").metadata.uid
    reference = {"apiVersion": "example.com/v1", "kind": "Widget", "name": owner, "uid": uid}
    metadata = {"name": name, "namespace": "default", "ownerReferences": [reference]}
    cluster.client.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})


def config_names(cluster: Cluster) -> list[str]:
    return [each.metadata.name for each in cluster.client.list("configmaps", "default").items]


def test_the_client_knows_the_new_names(cluster):
    cluster.client.create(widget(), "default")
    found = cluster.client.get("widgets.example.com", "w", "default")
    changed = cluster.client.update(found.with_fields(spec=found.spec | {"size": 4}))
    assert cluster.client.list("widget").items == (changed,)
    assert cluster.history.snapshot().list("widgets") == (changed,)


def test_dependents_of_custom_objects_are_collected(cluster):
    cluster.client.create(widget(), "default")
    owned_config(cluster, "w", "dependent")
    cluster.advance(60 * SECOND)
    assert "dependent" in config_names(cluster)
    cluster.client.delete("widgets", "w", "default")
    cluster.advance(60 * SECOND)
    assert "dependent" not in config_names(cluster)


def test_a_namespace_takes_its_custom_objects_along(cluster):
    cluster.client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}})
    cluster.client.create(widget(), "n")
    cluster.client.delete("namespaces", "n")
    cluster.advance(60 * SECOND)
    assert cluster.client.list("widgets").items == ()
    with pytest.raises(ApiError):
        cluster.client.get("namespaces", "n")


def test_controllers_outlive_a_definition_and_know_its_successor(cluster):
    cluster.advance(60 * SECOND)
    cluster.client.delete("customresourcedefinitions", "widgets.example.com")
    cluster.advance(SECOND)
    cluster.manager.stop()
    cluster.manager.start()
    cluster.advance(60 * SECOND)
    cluster.client.create(definition())
    cluster.advance(60 * SECOND)
    cluster.client.create(widget(), "default")
    owned_config(cluster, "w", "dependent")
    cluster.client.delete("widgets", "w", "default")
    cluster.advance(60 * SECOND)
    assert "dependent" not in config_names(cluster)


def test_a_copy_has_definitions_of_its_own(cluster):
    other = copy.deepcopy(cluster)
    other.client.delete("customresourcedefinitions", "widgets.example.com")
    other.advance(SECOND)
    assert not [each for each in other.client.scheme.all_resources() if each.custom]
    assert [each.plural for each in cluster.client.scheme.all_resources() if each.custom] == ["widgets"]
    assert cluster.client.scheme is cluster.server.scheme

from __future__ import annotations

import pytest

from k8slab.errors import ApiError
from tests.client.world import World, config_map


def test_verbs_round_trip():
    world = World()
    created = world.client.create(config_map("a", x="1"), "default")
    assert created.metadata.uid
    world.client.patch("cm", "a", {"data": {"x": "2"}}, "default")
    assert world.client.get("configmap", "a", "default").data == {"x": "2"}
    assert [obj.metadata.name for obj in world.client.list("configmaps", "default").items] == ["a"]
    world.client.delete("configmaps", "a", "default")
    with pytest.raises(ApiError) as caught:
        world.client.get("configmaps", "a", "default")
    assert caught.value.code == 404
    assert str(caught.value) == 'configmaps "a" not found'


def test_a_stale_update_is_a_conflict():
    world = World()
    created = world.client.create(config_map("a"), "default")
    world.client.update(created.replace(data={"x": "1"}))
    with pytest.raises(ApiError) as caught:
        world.client.update(created.replace(data={"x": "2"}))
    assert caught.value.reason == "Conflict"


def test_deletion_can_be_bound_to_a_uid():
    world = World()
    world.client.create(config_map("a"), "default")
    with pytest.raises(ApiError) as caught:
        world.client.delete("configmaps", "a", "default", uid="another")
    assert caught.value.code == 409
    assert world.client.get("configmaps", "a", "default")

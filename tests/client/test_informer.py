from __future__ import annotations

import copy

from k8slab.client import Client, Informer, Informers
from k8slab.sim.clock import SECOND
from tests.client.world import Log, World, by_color, config_map


def informer_of(world: World) -> tuple[Informer, Log]:
    """Of the namespace `default`: kube-system has a ConfigMap of the API server's own."""
    client = Client(world.handle, world.clock, world.trace, user_agent="watcher")
    informer = Informer(client, world.clock, "configmaps", "default")
    log = Log()
    informer.add_handler(log.added, log.updated, log.deleted)
    return informer, log


def test_what_exists_and_what_happens_is_told():
    world = World()
    world.client.create(config_map("a"), "default")
    informer, log = informer_of(world)
    informer.start()
    assert informer.synced
    created = world.client.create(config_map("b", color="red"), "default")
    world.client.update(created.replace(data={"color": "blue"}))
    world.client.delete("configmaps", "a", "default")
    world.clock.run_for(SECOND)
    assert log.lines == [
        ("add", "a"),
        ("add", "b"),
        ("update", {"color": "red"}, {"color": "blue"}),
        ("delete", "a"),
    ]
    assert [obj.metadata.name for obj in informer.items()] == ["b"]


def test_the_cache_holds_the_stores_own_objects():
    world = World()
    informer, _ = informer_of(world)
    informer.start()
    world.client.create(config_map("a"), "default")
    world.clock.run_for(SECOND)
    assert informer.get("default", "a") is world.store.get("/registry/configmaps/default/a").value


def test_indexes_follow_changes():
    world = World()
    informer, _ = informer_of(world)
    informer.add_index("color", by_color)
    informer.start()
    created = world.client.create(config_map("a", color="red"), "default")
    world.clock.run_for(SECOND)
    assert [obj.metadata.name for obj in informer.by_index("color", "red")] == ["a"]
    world.client.update(created.replace(data={"color": "blue"}))
    world.clock.run_for(SECOND)
    assert informer.by_index("color", "red") == []
    assert informer.index_values("color") == ["blue"]
    world.client.delete("configmaps", "a", "default")
    world.clock.run_for(SECOND)
    assert informer.index_values("color") == []


def test_a_late_handler_hears_of_what_is_known():
    world = World()
    informer, _ = informer_of(world)
    informer.start()
    world.client.create(config_map("a"), "default")
    world.clock.run_for(SECOND)
    late = Log()
    informer.add_handler(late.added)
    assert late.lines == [("add", "a")]


def test_after_a_restart_only_differences_are_told():
    world = World()
    world.client.create(config_map("kept"), "default")
    gone = world.client.create(config_map("gone"), "default")
    informer, log = informer_of(world)
    informer.start()
    log.lines.clear()
    informer._disconnect()  # the watch breaks
    world.client.delete("configmaps", gone.metadata.name, "default")
    world.client.create(config_map("new"), "default")
    world.clock.run_for(SECOND)
    assert log.lines == []
    informer._list_and_watch()
    assert log.lines == [("delete", "gone"), ("add", "new")]


def test_an_object_made_again_is_a_deletion_and_an_addition():
    world = World()
    world.client.create(config_map("a"), "default")
    informer, log = informer_of(world)
    informer.start()
    log.lines.clear()
    informer._disconnect()
    world.client.delete("configmaps", "a", "default")
    world.client.create(config_map("a"), "default")
    informer._list_and_watch()
    assert log.lines == [("delete", "a"), ("add", "a")]


def test_a_server_that_is_down_is_asked_again():
    world = World()
    world.client.create(config_map("a"), "default")
    informer, log = informer_of(world)
    world.down = True
    informer.start()
    world.clock.run_for(SECOND)
    assert not informer.synced
    world.down = False
    world.clock.run_for(5 * SECOND)
    assert informer.synced
    assert log.lines == [("add", "a")]


def test_handlers_know_the_revision_that_made_them_run():
    world = World()
    causes = []

    class Witness:
        def added(self, obj: object) -> None:
            causes.append(world.trace.causes)

    informer = Informer(world.client, world.clock, "configmaps", "default")
    informer.add_handler(Witness().added)
    informer.start()
    created = world.client.create(config_map("a"), "default")
    world.clock.run_for(SECOND)
    assert causes == [(int(created.metadata.resourceVersion),)]


def test_informers_are_shared_and_copyable():
    world = World()
    informers = Informers(world.client, world.clock)
    assert informers.of("pods") is informers.of("pods")
    informers.of("configmaps")
    informers.start()
    world.client.create(config_map("a"), "default")
    other_world, others = copy.deepcopy((world, informers))
    other_world.clock.run_for(SECOND)
    assert others.of("configmaps").get("default", "a") is not None
    assert informers.of("configmaps").get("default", "a") is None

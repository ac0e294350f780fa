from __future__ import annotations

from k8slab.client import Recorder, SeriesRecorder
from k8slab.sim.clock import MINUTE, SECOND
from tests.client.world import World, config_map


def events(world: World) -> list:
    return list(world.client.list("events", "default").items)


def test_the_same_event_again_raises_the_count():
    world = World()
    target = world.client.create(config_map("a"), "default")
    recorder = Recorder(world.client, world.clock, world.trace, "tester")
    recorder.event(target, "Normal", "Tested", "it works")
    world.clock.run_for(5 * SECOND)
    recorder.event(target, "Normal", "Tested", "it works")
    (event,) = events(world)
    assert (event.count, event.firstTimestamp, event.lastTimestamp) == (
        2,
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:05Z",
    )
    assert event.source.component == "tester"
    assert event.involvedObject.uid == target.metadata.uid


def test_ten_similar_events_are_combined():
    world = World()
    target = world.client.create(config_map("a"), "default")
    recorder = Recorder(world.client, world.clock, world.trace, "tester")
    for number in range(12):
        recorder.event(target, "Normal", "Tested", f"try {number}")
    found = {event.message: event.count for event in events(world)}
    assert len(found) == 10
    assert found["(combined from similar events): try 11"] == 3


def test_a_flood_is_stopped_after_25():
    world = World()
    target = world.client.create(config_map("a"), "default")
    recorder = Recorder(world.client, world.clock, world.trace, "tester")
    for _ in range(40):
        recorder.event(target, "Warning", "Broken", "again")
    assert events(world)[0].count == 25
    world.clock.run_for(5 * MINUTE)
    recorder.event(target, "Warning", "Broken", "again")
    assert events(world)[0].count == 26


def test_events_never_fail():
    world = World()
    target = world.client.create(config_map("a"), "default")
    world.down = True
    world.client.handle = world.handle
    Recorder(world.client, world.clock, world.trace, "tester").event(target, "Normal", "Tested", "unheard")


def test_series_count_repetitions_about_an_unchanged_object():
    world = World()
    target = world.client.create(config_map("a"), "default")
    recorder = SeriesRecorder(world.client, world.clock, world.trace, "default-scheduler", "control-plane-1")
    recorder.event(target, "Warning", "FailedScheduling", "no room")
    world.clock.run_for(SECOND)
    recorder.event(target, "Warning", "FailedScheduling", "no room")
    (event,) = events(world)
    assert event.series.count == 2
    assert event.reportingInstance == "default-scheduler-control-plane-1"
    changed = world.client.update(target.replace(data={"a": "b"}))
    recorder.event(changed, "Warning", "FailedScheduling", "no room")
    assert len(events(world)) == 2

"""The scheduling queue: order, back-off windows, events, gates."""

from __future__ import annotations

from k8slab.scheduler.cache import Cache
from k8slab.scheduler.events import ASSIGNED_POD, NODE, UNSCHEDULED_POD, Action, ClusterEvent, EventHint
from k8slab.scheduler.scheduling_queue import ACTIVE, BACKOFF, UNSCHEDULABLE, SchedulingQueue
from k8slab.sim.clock import MINUTE, SECOND, Clock
from tests.scheduler.objects import pod

DELETED = ClusterEvent(ASSIGNED_POD, Action.DELETE, "AssignedPodDelete")
NODE_ADDED = ClusterEvent(NODE, Action.ADD, "NodeAdd")


class Fixture:
    def __init__(self) -> None:
        self.clock = Clock()
        self.gated: set[str] = set()
        self.helpful = True
        self.woken = 0
        self.interner = Cache().interner
        self.queue = SchedulingQueue(self.clock, self.wake, self.gate, self.hints)

    def wake(self) -> None:
        self.woken += 1

    def gate(self, one):
        return ("SchedulingGates", "waiting") if one.metadata.name in self.gated else None

    def hints(self, name):
        gates = EventHint(UNSCHEDULED_POD, Action.UPDATE_POD_GATES_ELIMINATED)
        return [("Fit", EventHint(ASSIGNED_POD, Action.DELETE, self.hint)), ("SchedulingGates", gates)]

    def hint(self, waiting, old, new):
        return self.helpful

    def info(self, name, **more):
        return self.interner.info(pod(name, **more))

    def add(self, name, **more):
        self.queue.add(self.info(name, **more))

    def fail(self, *plugins):
        queued = self.queue.pop()
        queued.rejected_by = set(plugins)
        self.queue.give_back(queued)
        return queued

    def pop(self):
        queued = self.queue.pop()
        return queued.info.key[1] if queued is not None else None


def test_higher_priority_first_then_who_came_first():
    f = Fixture()
    f.add("a", priority=1)
    f.clock.run_for(10)
    f.add("b", priority=5)
    f.clock.run_for(10)
    f.add("c", priority=1)
    assert [f.pop(), f.pop(), f.pop(), f.pop()] == ["b", "a", "c", None]


def test_an_unschedulable_pod_waits_for_an_event_that_helps_its_rejector():
    f = Fixture()
    f.add("a")
    queued = f.fail("Fit")
    f.queue.move(NODE_ADDED, None, None)
    assert queued.where == UNSCHEDULABLE
    f.helpful = False
    f.queue.move(DELETED, None, None)
    assert queued.where == UNSCHEDULABLE
    f.helpful = True
    f.queue.move(DELETED, None, None, 42)
    assert (queued.where, queued.causes, queued.woken_by) == (BACKOFF, (42,), "AssignedPodDelete")


def test_back_off_ends_with_the_window_and_is_skipped_when_nothing_else_is_active():
    f = Fixture()
    f.clock.run_until(300_000)
    f.add("a")
    queued = f.fail("Fit")
    assert f.queue.backoff_end(queued) == 1 * SECOND
    f.queue.move(DELETED, None, None)
    f.add("b")
    assert f.pop() == "b"
    f.clock.run_until(2 * SECOND - 1)
    assert queued.where == BACKOFF
    f.clock.run_until(2 * SECOND)
    assert queued.where == ACTIVE
    f.fail("Fit")
    f.queue.move(DELETED, None, None)
    assert f.queue.backoff_end(queued) == 4 * SECOND
    assert f.pop() == "a"


def test_back_off_doubles_up_to_the_longest():
    f = Fixture()
    f.add("a")
    delays = []
    for _ in range(6):
        queued = f.fail("Fit")
        delays.append(f.queue.backoff_end(queued) // SECOND)
        f.queue.activate([queued.info.key])
    assert delays == [1, 2, 4, 8, 10, 10]


def test_errors_are_not_popped_before_their_back_off_ends():
    f = Fixture()
    f.add("a")
    f.fail()
    assert f.pop() is None
    f.clock.run_until(2 * SECOND)
    assert f.pop() == "a"


def test_events_during_an_attempt_are_not_lost():
    f = Fixture()
    f.add("a")
    queued = f.queue.pop()
    f.queue.move(DELETED, None, None)
    queued.rejected_by = {"Fit"}
    f.queue.give_back(queued)
    assert queued.where == BACKOFF


def test_after_five_minutes_every_pod_is_tried_again():
    f = Fixture()
    f.add("a")
    queued = f.fail("Fit")
    f.clock.run_until(5 * MINUTE)
    assert queued.where == UNSCHEDULABLE
    f.clock.run_until(5 * MINUTE + 30 * SECOND)
    assert queued.where == ACTIVE


def test_a_gated_pod_is_woken_by_its_gate_alone():
    f = Fixture()
    f.gated.add("a")
    f.add("a")
    assert f.queue.waiting()["gated"] == [("default", "a")]
    f.queue.move(DELETED, None, None)
    assert f.pop() is None
    f.gated.clear()
    change = ClusterEvent(UNSCHEDULED_POD, Action.UPDATE_POD_GATES_ELIMINATED, "")
    f.queue.update(pod("a"), f.info("a"), [change])
    assert f.pop() == "a"


def test_deleted_pods_are_gone_wherever_they_are():
    f = Fixture()
    f.add("a")
    f.add("b")
    f.fail("Fit")
    f.queue.delete(("default", "a"))
    f.queue.delete(("default", "b"))
    f.queue.move(DELETED, None, None)
    assert f.pop() is None
    assert len(f.queue) == 0
    assert all(f.queue.size(part) == 0 for part in (ACTIVE, BACKOFF, UNSCHEDULABLE))

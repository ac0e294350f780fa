from __future__ import annotations

import pickle

from k8slab.client import Client, LeaderElector
from k8slab.sim.clock import MINUTE, SECOND
from tests.client.world import World


class Candidate:
    def __init__(self, world: World, identity: str, release: bool = False) -> None:
        self.world = world
        self.history: list[tuple[int, str]] = []
        client = Client(world.handle, world.clock, world.trace, user_agent=identity)
        self.elector = LeaderElector(
            client,
            world.clock,
            world.trace,
            "kube-scheduler",
            identity,
            self.started,
            self.stopped,
            world.streams.stream(identity),
            release_on_stop=release,
        )

    def started(self) -> None:
        self.history.append((self.world.clock.now, "leads"))

    def stopped(self) -> None:
        self.history.append((self.world.clock.now, "lost"))


def pair(release: bool = False) -> tuple[World, Candidate, Candidate]:
    world = World()
    one, two = Candidate(world, "one", release), Candidate(world, "two", release)
    one.elector.start()
    two.elector.start()
    world.clock.run_for(MINUTE)
    return world, one, two


def test_one_leads_and_keeps_leading():
    world, one, two = pair()
    assert one.history == [(0, "leads")]
    assert two.history == []
    assert two.elector.leader == "one"
    lease = world.client.get("leases", "kube-scheduler", "kube-system")
    assert (lease.spec.leaseDurationSeconds, lease.spec.leaseTransitions) == (15, 0)


def test_after_a_crash_the_other_waits_for_the_lease_to_run_out():
    world, one, two = pair()
    crashed_at = world.clock.now
    one.elector.crash()
    world.clock.run_for(MINUTE)
    (when, what) = two.history[0]
    assert what == "leads"
    assert 13 * SECOND <= when - crashed_at <= 20 * SECOND
    lease = world.client.get("leases", "kube-scheduler", "kube-system")
    assert (lease.spec.holderIdentity, lease.spec.leaseTransitions) == ("two", 1)


def test_a_released_lease_is_taken_soon():
    world, one, two = pair(release=True)
    stopped_at = world.clock.now
    one.elector.stop()
    world.clock.run_for(MINUTE)
    assert two.history[0][0] - stopped_at <= 5 * SECOND


def test_a_leader_that_cannot_renew_gives_up_before_another_can_take_over():
    world, one, two = pair()
    world.down = True
    cut_at = world.clock.now
    world.clock.run_for(MINUTE)
    (when, what) = one.history[-1]
    assert what == "lost"
    assert 8 * SECOND <= when - cut_at <= 13 * SECOND
    assert two.history == []


def test_elections_survive_pickling():
    world, one, two = pair()
    one.elector.crash()
    world2, _, two2 = pickle.loads(pickle.dumps((world, one, two)))
    for clock in (world.clock, world2.clock):
        clock.run_for(MINUTE)
    assert two2.history == two.history != []

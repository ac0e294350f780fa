"""The live clock."""

from __future__ import annotations

import time

import pytest

from k8slab.cluster.cluster import Cluster, replay
from k8slab.serve.pace import Pace, PaceError
from k8slab.sim.clock import SECOND
from k8slab.sim.journal import Journal


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(workers=1)


def wait_for(cluster: Cluster, moment: int) -> None:
    """Wait until virtual time has passed a moment."""
    end = time.monotonic() + 60
    while cluster.clock.now <= moment:
        assert time.monotonic() < end, "time does not pass"
        time.sleep(0.01)


def test_virtual_time_follows_real_time(cluster: Cluster) -> None:
    pace = Pace(cluster, speed=20)
    began = time.monotonic()
    pace.start()
    wait_for(cluster, 10 * SECOND)
    pace.stop()
    passed = time.monotonic() - began
    assert passed > 0.4
    assert 10 * SECOND < cluster.clock.now < (20 * passed + 10) * SECOND
    stopped = cluster.clock.now
    time.sleep(0.1)
    assert cluster.clock.now == stopped


def test_a_long_pause_is_not_caught_up_with(cluster: Cluster) -> None:
    pace = Pace(cluster, speed=10)
    with cluster.gate.lock:
        pace.start()
        time.sleep(1.5)
    time.sleep(0.2)
    pace.stop()
    assert cluster.clock.now < 10 * SECOND


def test_others_get_in_between(cluster: Cluster) -> None:
    pace = Pace(cluster, speed=100_000)
    pace.start()
    waits = []
    for _ in range(20):
        began = time.monotonic()
        with cluster.gate.lock:
            waits.append(time.monotonic() - began)
        time.sleep(0.01)
    pace.stop()
    assert sorted(waits)[10] < 0.1


class Broken:
    """A component that fails."""

    def fail(self) -> None:
        raise RuntimeError("broken")


def test_a_failing_component_does_not_stop_the_clock(cluster: Cluster) -> None:
    with cluster.gate.lock:
        cluster.clock.call_after(SECOND, Broken().fail)
    pace = Pace(cluster, speed=20)
    pace.start()
    wait_for(cluster, 2 * SECOND)
    pace.stop()
    assert isinstance(pace.error, RuntimeError)


def test_what_was_lived_through_live_can_be_replayed(cluster: Cluster) -> None:
    pace = Pace(cluster, speed=50)
    pace.start()
    time.sleep(0.3)
    cluster.faults.fail_node("worker-1")
    time.sleep(0.5)
    pace.stop()
    twin = replay(Journal.loads(cluster.dump_journal()))
    assert twin.history.digest() == cluster.history.digest()


def test_the_thread_ends(cluster: Cluster) -> None:
    pace = Pace(cluster)
    pace.start()
    pace.stop()
    assert not pace._thread.is_alive()


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_speeds_that_are_none(cluster: Cluster, speed: float) -> None:
    with pytest.raises(PaceError, match="speed must be a positive number"):
        Pace(cluster, speed)

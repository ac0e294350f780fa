"""The live clock: only while somebody looks, one thread, and no failure ends it."""

from __future__ import annotations

import threading
import time

import pytest

from k8slab.sim.clock import SECOND
from k8slab.widgets.player import MAX_SPEED, MAX_STEP, Player, player_of
from tests.widgets.sample import Lab


class Listener:
    def __init__(self):
        self.frames, self.errors, self.seen = 0, [], threading.Event()

    def refresh(self):
        self.frames += 1
        self.seen.set()

    def report(self, error):
        self.errors.append(error)
        self.seen.set()


@pytest.fixture
def lab():
    return Lab()


def idle(player):
    """A player whose frames the test calls itself."""
    player._start = lambda: None
    return player


def wait_until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


def test_without_a_listener_no_time_passes(lab):
    player = player_of(lab)
    player.play(10)
    assert lab.playing and not player.running
    assert lab.cluster.clock.now == 0
    assert player_of(lab) is player


def test_time_passes_at_its_speed(lab):
    player = idle(Player(lab))
    player.play(10)
    begin = player._last
    player.attach(Listener())
    for step in range(1, 11):
        player.frame(begin + step * 0.1)
    assert lab.cluster.clock.now == pytest.approx(10 * SECOND, abs=2)
    player.pause()
    player.frame(begin + 9)
    assert lab.cluster.clock.now == pytest.approx(10 * SECOND, abs=2)


def test_slow_speeds_lose_no_microseconds(lab):
    player = idle(Player(lab))
    player.play(0.1)
    begin = player._last
    for step in range(1, 3001):
        player.frame(begin + step / 3000)
    assert lab.cluster.clock.now == pytest.approx(SECOND / 10, abs=2)


def test_a_long_pause_is_not_caught_up_with(lab):
    player = idle(Player(lab))
    player.play(1)
    player.frame(player._last + 3600)
    assert lab.cluster.clock.now <= MAX_STEP * SECOND


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_impossible_speeds_are_refused(lab, speed):
    with pytest.raises(ValueError, match="positive"):
        Player(lab).play(speed)


def test_speed_has_a_limit(lab):
    Player(lab).play(1e9)
    assert lab.speed == MAX_SPEED


def test_jobs_run_in_order_on_one_thread_and_the_thread_ends(lab):
    player, listener, done = Player(lab), Listener(), []
    for number in range(50):
        player.ask(listener, lambda n: done.append((n, threading.current_thread().name)), number)
    assert wait_until(lambda: len(done) == 50)
    assert done == [(number, "k8slab-player") for number in range(50)]
    assert wait_until(lambda: not player.running)


def test_a_failing_job_is_reported_and_the_rest_goes_on(lab):
    player, listener, done = Player(lab), Listener(), []
    player.ask(listener, lambda: 1 / 0)
    player.ask(listener, done.append, 1)
    assert wait_until(lambda: done == [1])
    assert isinstance(listener.errors[0], ZeroDivisionError)


def test_a_cluster_that_breaks_stops_the_clock_and_says_so(lab):
    player, listener = idle(Player(lab)), Listener()
    player.attach(listener)
    lab.cluster.advance = lambda delay: 1 / 0
    player.play(1)
    player.frame(player._last + 0.1)
    assert not lab.playing
    assert isinstance(listener.errors[0], ZeroDivisionError)


def test_a_listener_that_cannot_even_be_told_is_let_go(lab):
    class Broken(Listener):
        def refresh(self):
            raise RuntimeError

        def report(self, error):
            raise RuntimeError

    player, good = idle(Player(lab)), Listener()
    player.attach(Broken())
    player.attach(good)
    player.frame(1.0)
    player.frame(2.0)
    assert good.frames == 2
    assert player._listeners == [good]


def test_live_thread_tells_listeners_and_ends_with_the_last(lab):
    player, listener = Player(lab), Listener()
    player.attach(listener)
    assert listener.seen.wait(60)
    player.play(100)
    assert wait_until(lambda: lab.cluster.clock.now > SECOND)
    player.detach(listener)
    assert wait_until(lambda: not player.running)
    reached = lab.cluster.clock.now
    time.sleep(0.1)
    assert lab.cluster.clock.now == reached

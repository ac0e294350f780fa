"""The ground: clock, streams, trace and journal."""

from __future__ import annotations

import copy
import doctest
import pickle

import pytest

from k8slab.sim import clock as clock_module
from k8slab.sim import journal as journal_module
from k8slab.sim import seed as seed_module
from k8slab.sim import trace as trace_module
from k8slab.sim.clock import SECOND, Clock, ClockStalled
from k8slab.sim.journal import Journal, JournalError
from k8slab.sim.seed import ALPHANUMS, Streams
from k8slab.sim.timestamps import parse_rfc3339, rfc3339, rfc3339_micro
from k8slab.sim.trace import Trace


class Ticker:
    """Counts its ticks and sets the next one."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.ticks = clock, 0

    def tick(self) -> None:
        self.ticks += 1
        self.clock.call_after(SECOND, self.tick)

    def spin(self) -> None:
        self.clock.call_soon(self.spin)


@pytest.mark.parametrize("module", [clock_module, journal_module, seed_module, trace_module])
def test_examples(module):
    assert doctest.testmod(module).failed == 0


def test_same_time_fires_in_order_of_setting():
    clock, fired = Clock(), []
    for name in "abc":
        clock.call_at(5, fired.append, name)
    clock.run_until(5)
    assert fired == ["a", "b", "c"]


def test_cancelled_timers_do_not_fire_and_are_swept():
    clock, fired = Clock(), []
    timers = [clock.call_at(SECOND, fired.append, n) for n in range(5000)]
    for timer in timers[1:]:
        clock.cancel(timer)
        clock.cancel(timer)
    clock.cancel(None)
    assert clock.pending == 1
    clock.run_for(2 * SECOND)
    assert fired == [0]
    assert clock.pending == 0


def test_a_clock_with_its_callbacks_can_be_copied_and_pickled():
    ticker = Ticker(Clock())
    ticker.tick()
    ticker.clock.run_for(3 * SECOND)
    twins = copy.deepcopy(ticker), pickle.loads(pickle.dumps(ticker))
    ticker.clock.run_for(3 * SECOND)
    for twin in twins:
        assert twin.ticks == 4
        twin.clock.run_for(3 * SECOND)
        assert twin.ticks == ticker.ticks == 7


def test_a_loop_without_time_is_named(monkeypatch):
    monkeypatch.setattr(clock_module, "STALL_LIMIT", 1000)
    ticker = Ticker(Clock())
    ticker.spin()
    with pytest.raises(ClockStalled, match="spin"):
        ticker.clock.run_for(1)


def test_negative_time_is_the_boot():
    clock = Clock(start=-30 * SECOND)
    assert clock.rfc3339() == "2025-12-31T23:59:30Z"
    clock.run_until(0)
    assert clock.rfc3339_micro() == "2026-01-01T00:00:00.000000Z"


def test_streams_do_not_disturb_each_other():
    plain, busy = Streams(3), Streams(3)
    busy.stream("other").random()
    assert plain.stream("x").random() == busy.stream("x").random()
    assert Streams(3).uid() != Streams(4).uid()
    uid = Streams(1).uid()
    assert (len(uid), uid[14], uid[19] in "89ab") == (36, "4", True)
    assert set(Streams(1).suffix("s", 400)) == set(ALPHANUMS)


def test_timestamps():
    assert parse_rfc3339("2026-01-01T01:00:00+01:00") == clock_module.EPOCH_US
    assert parse_rfc3339(rfc3339_micro(123_456_789)) == 123_456_789
    assert rfc3339(1_999_999) == "1970-01-01T00:00:01Z"
    with pytest.raises(ValueError, match="time zone"):
        parse_rfc3339("2026-01-01T01:00:00")


def test_acting_nests():
    trace = Trace(Clock())
    with trace.acting("a", (1,)):
        with trace.acting("b", (2,), "why"):
            trace.record(3, "/k", "create")
        trace.record(4, "/k", "update")
    assert [(w.actor, w.causes, w.note) for w in trace.writes.values()] == [("b", (2,), "why"), ("a", (1,), "")]


def test_journal_round_trip_and_errors():
    journal = Journal()
    journal.append(0, "request", {"verb": "create"})
    journal.append(5, "advance", {"to": 9})
    journal.append(9, "advance", {"to": 12})
    again = Journal.loads(journal.dumps())
    assert [tuple(entry) for entry in again] == [(0, "request", {"verb": "create"}), (5, "advance", {"to": 12})]
    for bad in ("x", "{}", '{"time": 1.5, "kind": "fault"}', '{"time": 1, "kind": "magic"}', "[]", "[" * 100_000):
        with pytest.raises(JournalError, match="journal line 2"):
            Journal.loads('{"time": 0, "kind": "note"}\n' + bad)

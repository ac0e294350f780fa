from __future__ import annotations

import pickle

from k8slab.client import Loop, RateLimiter, Request, Result, WorkQueue
from k8slab.errors import ApiError
from k8slab.sim.clock import MILLISECOND, SECOND, Clock
from k8slab.sim.trace import Trace


class Worker:
    def __init__(self) -> None:
        self.clock = Clock()
        self.trace = Trace(self.clock)
        self.queue = WorkQueue(self.clock, self.trace, "test")
        self.loop = Loop("tester", self.queue, self.reconcile, self.clock, self.trace)
        self.seen: list[tuple[int, object, tuple[int, ...], str]] = []
        self.failures = 0
        self.result: Result | None = None
        self.again: object = None

    def reconcile(self, key: object) -> Result | None:
        self.seen.append((self.clock.now, key, self.trace.causes, self.trace.actor))
        if self.again is not None:
            self.queue.add(self.again)
            self.again = None
        if self.failures:
            self.failures -= 1
            raise ApiError(409, "Conflict", "changed meanwhile")
        return self.result


def test_keys_are_worked_on_once_with_all_their_causes():
    worker = Worker()
    worker.loop.start()
    for revision in (3, 4, 4):
        with worker.trace.acting("someone", causes=(revision,)):
            worker.queue.add(Request("default", "web"))
    worker.clock.run_for(SECOND)
    assert worker.seen == [(0, Request("default", "web"), (3, 4), "tester")]


def test_a_key_that_is_queued_while_it_is_worked_on_comes_again():
    worker = Worker()
    worker.loop.start()
    worker.again = "a"
    worker.queue.add("a")
    worker.clock.run_for(SECOND)
    assert [key for _, key, *_ in worker.seen] == ["a", "a"]


def test_errors_are_retried_with_growing_delays_and_remembered():
    worker = Worker()
    worker.loop.start()
    worker.failures = 3
    worker.queue.add("a")
    worker.clock.run_for(SECOND)
    assert [time for time, *_ in worker.seen] == [0, 5_000, 15_000, 35_000]
    assert [str(failure.message) for failure in worker.loop.errors] == ["changed meanwhile"] * 3
    assert worker.queue.failures("a") == 0


def test_retries_end_where_a_limit_is_set():
    worker = Worker()
    worker.loop.max_retries = 2
    worker.loop.start()
    worker.failures = 100
    worker.queue.add("a")
    worker.clock.run_for(SECOND)
    assert len(worker.seen) == 3


def test_of_several_delays_the_earliest_counts():
    worker = Worker()
    worker.loop.start()
    worker.queue.add_after("a", 3 * SECOND)
    worker.queue.add_after("a", 1 * SECOND)
    worker.queue.add_after("a", 2 * SECOND)
    worker.clock.run_for(10 * SECOND)
    assert [time for time, *_ in worker.seen] == [1 * SECOND]


def test_requeue_after_comes_back_again_and_again():
    worker = Worker()
    worker.loop.start()
    worker.result = Result(requeue_after=10 * SECOND)
    worker.queue.add("a")
    worker.clock.run_for(25 * SECOND)
    assert [time for time, *_ in worker.seen] == [0, 10 * SECOND, 20 * SECOND]


def test_the_bucket_slows_down_when_its_burst_is_spent():
    clock = Clock()
    limiter = RateLimiter(clock, qps=10, burst=2)
    delays = [limiter.when(f"key-{number}") for number in range(4)]
    assert delays == [5 * MILLISECOND, 5 * MILLISECOND, 100 * MILLISECOND, 200 * MILLISECOND]


def test_backoff_has_an_upper_bound():
    limiter = RateLimiter(Clock(), qps=0)
    assert [limiter.when("a") for _ in range(60)][-1] == 1000 * SECOND


def test_a_paused_loop_catches_up():
    worker = Worker()
    worker.loop.start()
    worker.loop.pause()
    worker.queue.add("a")
    worker.queue.add("b")
    worker.clock.run_for(SECOND)
    assert worker.seen == []
    worker.loop.resume()
    worker.clock.run_for(SECOND)
    assert [key for _, key, *_ in worker.seen] == ["a", "b"]


def test_a_stopped_loop_forgets_and_starts_anew():
    worker = Worker()
    worker.loop.start()
    worker.queue.add("a")
    worker.queue.add_after("b", SECOND)
    worker.loop.stop()
    worker.clock.run_for(5 * SECOND)
    worker.loop.start()
    worker.queue.add("c")
    worker.clock.run_for(5 * SECOND)
    assert [key for _, key, *_ in worker.seen] == ["c"]


def test_writes_keep_a_key_busy():
    worker = Worker()
    worker.loop.write_cost = 10 * MILLISECOND

    worker.loop.start()
    worker.trace.record(1, "/registry/pods/default/a", "create")
    worker.queue.add("a")
    worker.clock.run_for(SECOND)
    assert len(worker.seen) == 1  # an earlier write of someone else costs nothing
    worker.queue.add("a")
    worker.clock.run_for(0)
    assert len(worker.seen) == 2


def test_queues_and_loops_can_be_pickled_half_way():
    worker = Worker()
    worker.loop.start()
    worker.failures = 2
    worker.queue.add("a")
    worker.queue.add_after("b", SECOND)
    worker.clock.run_for(1_000)
    copy = pickle.loads(pickle.dumps(worker))
    for one in (worker, copy):
        one.clock.run_for(5 * SECOND)
    assert copy.seen == worker.seen

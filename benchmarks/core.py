"""The clock and the store, beside SimPy."""

from __future__ import annotations

from benchmarks.measure import Figure, cpu
from k8slab.etcd.store import Store
from k8slab.sim.clock import Clock

EVENTS = 200_000


class _Ticker:
    def __init__(self, clock: Clock) -> None:
        self.clock, self.left = clock, EVENTS

    def tick(self) -> None:
        self.left -= 1
        if self.left:
            self.clock.call_after(10, self.tick)


def _clock() -> None:
    ticker = _Ticker(Clock())
    ticker.tick()
    ticker.clock.run_for(10 * EVENTS)


def _simpy() -> None:
    import simpy

    environment = simpy.Environment()

    def ticks():
        for _ in range(EVENTS):
            yield environment.timeout(10)

    environment.process(ticks())
    environment.run()


def _puts() -> None:
    store = Store()
    for number in range(50_000):
        store.put(f"/registry/pods/default/p{number % 5000}", number)


def figures() -> list[Figure]:
    """Events and puts per second."""
    ours, theirs = EVENTS / cpu(_clock, 3), EVENTS / cpu(_simpy, 3)
    return [
        Figure("clock: timers fired", ours, "events/s", "", f"SimPy {theirs:.4g}/s: ratio {ours / theirs:.1f}"),
        Figure("store: puts with history", 50_000 / cpu(_puts, 3), "puts/s"),
    ]

"""Filters always have the last word, and the order in which somebody writes keys never matters."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8slab.scheduler.framework import Code, CycleState, PreFilterResult, Status
from k8slab.scheduler.runtime import Framework, run_filter
from k8slab.scheduler.snapshot import rebuild
from k8slab.scheduler.table import Table
from tests.scheduler.objects import Lab
from tests.scheduler.test_properties import Churn


class Bare:
    """What plugins need in order to be asked one by one: a state, and nothing that was worked out before."""

    def __init__(self, scheduler: Any, cache: Any, nominator: Any) -> None:
        self.cache, self.nominator = cache, nominator
        self.client, self.clock, self.rng, self.queue = scheduler.client, scheduler.clock, None, None


def rejections(scheduler: Any, attempt: Any) -> list[Status]:
    """What each filter, asked by itself, has against the node that the attempt chose."""
    cache, nominator = rebuild(attempt.journal[: attempt.position])
    profile = scheduler.configuration.profiles[0]
    framework = Framework(profile, scheduler.registry, Bare(scheduler, cache, nominator))
    state = CycleState(cache.interner.info(attempt.pod), cache, framework)
    node = cache.by_name[attempt.node]
    found = []
    skipped = set()
    for plugin in framework.points["PreFilter"]:
        status = plugin.pre_filter(state, attempt.pod, cache.nodes)
        if isinstance(status, PreFilterResult):
            if attempt.node not in status.node_names:
                found.append(Status(Code.UNSCHEDULABLE, "left out", plugin=plugin.name))
        elif status is not None and status.code is Code.SKIP:
            skipped.add(plugin.name)
        elif status is not None and not status.is_success:
            found.append(status)
    for plugin in framework.points["Filter"]:
        if plugin.name not in skipped:
            status = run_filter(plugin, state, attempt.pod, node)
            if status is not None and not status.is_success:
                found.append(status)
    return found


def check_all(lab: Lab) -> int:
    checked = 0
    for attempts in lab.scheduler.decisions.attempts.values():
        for attempt in attempts:
            if attempt.outcome == "scheduled":
                assert rejections(lab.scheduler, attempt) == [], attempt
                checked += 1
    return checked


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**6))
def test_no_pod_is_bound_to_a_node_that_a_filter_rejects(seed):
    churn = Churn(seed)
    for _ in range(40):
        churn.step()
    assert check_all(churn.lab)


def test_a_search_that_skips_filters_is_found_out(monkeypatch):
    monkeypatch.setattr(Table, "_filter", lambda self, state, node: None)
    with pytest.raises(AssertionError):
        for seed in range(5):
            churn = Churn(seed)
            for _ in range(40):
                churn.step()
            check_all(churn.lab)


def shuffled(value: Any, rng: random.Random) -> Any:
    """The same with the keys of all mappings in another order."""
    if isinstance(value, dict):
        keys = list(value)
        rng.shuffle(keys)
        return {key: shuffled(value[key], rng) for key in keys}
    return [shuffled(item, rng) for item in value] if isinstance(value, list) else value


class ShuffledChurn(Churn):
    """The same changes, written with keys in any order, and with labels that were put on in any order."""

    def __init__(self, seed: int, order: int) -> None:
        self.order = random.Random(order)
        super().__init__(seed)

    def step(self) -> None:
        if not hasattr(self, "create"):
            self.create = self.lab.create
            self.lab.create = self.create_shuffled
        super().step()

    def create_shuffled(self, obj: dict) -> Any:
        return self.create(shuffled(obj, self.order))


def history_of(churn: Churn) -> list:
    for _ in range(40):
        churn.step()
    return [
        (attempt.pod.metadata.name, attempt.time, attempt.outcome, attempt.node, attempt.nominated, attempt.message)
        for attempts in churn.lab.scheduler.decisions.attempts.values()
        for attempt in attempts
    ]


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_decisions_do_not_depend_on_the_order_of_keys(seed, order):
    plain = history_of(Churn(seed))
    assert plain and history_of(ShuffledChurn(seed, order)) == plain

"""Properties that hold whatever happens to the cluster."""

from __future__ import annotations

import copy
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8slab.scheduler.cache import Cache
from k8slab.scheduler.cycle import Cycle
from k8slab.scheduler.explanation import PASSED, SKIPPED
from k8slab.scheduler.framework import CycleState
from k8slab.scheduler.snapshot import rebuild
from tests.scheduler.objects import Lab, node_dict, pod_dict

ZONES = ("a", "b", "")
APPS = ("web", "db")
KEYS = ("kubernetes.io/hostname", "topology.kubernetes.io/zone")


def random_node(rng: random.Random, name: str) -> dict:
    more = {}
    if rng.random() < 0.2:
        effect = rng.choice(["NoSchedule", "PreferNoSchedule"])
        more["taints"] = [{"key": "k", "value": "v", "effect": effect}]
    if rng.random() < 0.1:
        more["unschedulable"] = True
    return node_dict(name, rng.choice(ZONES), cpu=rng.choice("248"), pods=rng.choice([3, 110]), **more)


def random_pod(rng: random.Random, name: str) -> dict:
    app = rng.choice(APPS)
    spec: dict = {"priorityClassName": rng.choice(["low", "low", "high"]), "terminationGracePeriodSeconds": 0}
    selector = {"matchLabels": {"app": rng.choice(APPS)}}
    term = {"topologyKey": rng.choice(KEYS), "labelSelector": selector}
    kind = rng.randrange(8)
    if kind == 0:
        spec["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    elif kind == 1:
        spec["affinity"] = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    elif kind == 2:
        preferred = [{"weight": rng.randint(1, 100), "podAffinityTerm": term}]
        where = rng.choice(["podAffinity", "podAntiAffinity"])
        spec["affinity"] = {where: {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    elif kind in (3, 4):
        action = "DoNotSchedule" if kind == 3 else "ScheduleAnyway"
        constraint = {**term, "maxSkew": rng.randint(1, 2), "whenUnsatisfiable": action}
        spec["topologySpreadConstraints"] = [constraint]
    elif kind == 5:
        spec["ports"] = [{"containerPort": 80, "hostPort": 80}]
    elif kind == 6:
        spec["tolerations"] = [{"operator": "Exists"}]
    return pod_dict(name, rng.choice(["", "100m", "1", "2"]), labels={"app": app}, **spec)


class Churn:
    """Random changes of a cluster."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.lab = Lab(seed=seed)
        self.nodes: list[str] = []
        self.pods: list[str] = []
        self.count = 0
        for _ in range(4):
            self.add_node()

    def step(self) -> None:
        action = self.rng.choice(
            [self.add_pod] * 6 + [self.delete_pod, self.add_node, self.delete_node, self.relabel, self.pass_time]
        )
        action()
        self.lab.run(self.rng.choice([0, 2, 20]))

    def name(self) -> str:
        self.count += 1
        return f"x{self.count}"

    def add_node(self) -> None:
        self.nodes.append(self.name())
        self.lab.create(random_node(self.rng, self.nodes[-1]))

    def delete_node(self) -> None:
        if len(self.nodes) > 2:
            self.lab.client.delete("nodes", self.nodes.pop(self.rng.randrange(len(self.nodes))))

    def relabel(self) -> None:
        patch = {"metadata": {"labels": {KEYS[1]: self.rng.choice(ZONES) or None}}}
        self.lab.client.patch("nodes", self.rng.choice(self.nodes), patch)

    def add_pod(self) -> None:
        self.pods.append(self.name())
        self.lab.create(random_pod(self.rng, self.pods[-1]))

    def delete_pod(self) -> None:
        if self.pods:
            name = self.pods.pop(self.rng.randrange(len(self.pods)))
            try:
                self.lab.client.delete("pods", name, "default", grace_period_seconds=0)
            except Exception as error:
                assert "not found" in str(error)  # preempted meanwhile

    def pass_time(self) -> None:
        self.lab.seconds(3)


def outcome(cycle: Cycle) -> tuple:
    cycle.filter()
    if len(cycle.feasible) > 1:
        cycle.score()
    statuses = {slot: status.reasons for slot, status in cycle.statuses().items()} if not cycle.rejection else {}
    return cycle.rejection, cycle.feasible, cycle.totals, statuses


def compare_with_fresh(lab: Lab, pod: dict) -> None:
    """The same search, with everything that is kept, and on a cache rebuilt from the journal with nothing kept."""
    scheduler = lab.scheduler
    scheduler.cache.refresh()
    framework = scheduler.frameworks["default-scheduler"]
    made = lab.client.create({**pod, "metadata": {**pod["metadata"], "name": "probe"}}, dry_run=True)
    kept = Cycle(framework, CycleState(scheduler.cache.interner.info(made), scheduler.cache, framework), 1)
    result = outcome(kept)
    handle = copy.copy(scheduler)
    fresh, handle.nominator = rebuild(scheduler.cache.journal)
    handle.cache = fresh
    assert [(info.name, list(info.pods)) for info in fresh.nodes] == [
        (info.name, list(info.pods)) for info in scheduler.cache.nodes
    ]
    anew = type(framework)(framework.profile, scheduler.registry, handle)
    assert outcome(Cycle(anew, CycleState(fresh.interner.info(made), fresh, anew), 1)) == result


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**6))
def test_what_is_kept_equals_a_fresh_computation_after_any_churn(seed):
    churn = Churn(seed)
    probes = [random_pod(churn.rng, "probe") for _ in range(5)]
    for _ in range(40):
        churn.step()
        compare_with_fresh(churn.lab, churn.rng.choice(probes))


def test_a_cache_that_forgets_to_note_a_change_is_found_out(monkeypatch):
    monkeypatch.setattr(Cache, "_touch", lambda self, info: None)
    with pytest.raises(AssertionError):
        for seed in range(5):
            churn = Churn(seed)
            probe = random_pod(churn.rng, "probe")
            for _ in range(40):
                churn.step()
                compare_with_fresh(churn.lab, probe)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**6))
def test_explanations_equal_decisions(seed):
    churn = Churn(seed)
    for _ in range(40):
        churn.step()
    lab = churn.lab
    checked = 0
    for attempts in lab.scheduler.decisions.attempts.values():
        for attempt in attempts:
            metadata = attempt.pod.metadata
            if lab.scheduler.decisions.of(metadata.namespace, metadata.name) is not attempts:
                continue
            explanation = lab.scheduler.explain(metadata.namespace, metadata.name, attempt.number)
            feasible = [one for one in explanation.nodes if one.feasible]
            assert len(feasible) == attempt.feasible == explanation.feasible
            assert explanation.evaluated == attempt.evaluated
            if attempt.outcome == "scheduled":
                checked += 1
                chosen = explanation.of(attempt.node)
                assert chosen.feasible
                assert set(chosen.filters.values()) <= {PASSED, SKIPPED}
                assert len(feasible) == 1 or attempt.node in explanation.tied
                assert len(feasible) == 1 or len(explanation.tied) == attempt.tied
    assert checked


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**6))
def test_no_node_is_over_committed(seed):
    churn = Churn(seed)
    for _ in range(60):
        churn.step()
    churn.lab.scheduler.cache.refresh()
    for info in churn.lab.scheduler.cache.nodes:
        assert len(info.pods) <= info.allowed_pods
        assert info.requested_cpu <= info.cpu
        ports = [port for one in info.pods.values() for port in one.shape.ports]
        assert len(ports) == len(set(ports))


def test_the_same_seed_gives_the_same_history():
    def history(seed: int) -> list:
        churn = Churn(seed)
        for _ in range(60):
            churn.step()
        return [(w.revision, w.time, w.actor, w.key) for w in churn.lab.trace.writes.values()]

    assert history(3) == history(3)

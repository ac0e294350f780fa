"""Counts that are kept change by change equal a fresh count, whatever happened."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest

from k8slab.api.ownership import controller_of
from k8slab.controllers.pods import is_active, is_ready, is_terminating
from k8slab.controllers.tally import Tally, add_tally
from k8slab.errors import ApiError
from tests.controllers.lab import Lab, workload
from tests.controllers.test_invariants import act

STEPS = 40


def fresh_count(pods: list[Any]) -> dict[Any, tuple[int, int, int, int]]:
    found: dict[Any, list[int]] = {}
    for pod in pods:
        reference = controller_of(pod)
        key = (reference.uid, "") if reference is not None else ("", pod.metadata.namespace)
        numbers = found.setdefault((key, tuple((pod.metadata.labels or {}).items())), [0, 0, 0, 0])
        numbers[0] += is_active(pod)
        numbers[1] += is_active(pod) and is_ready(pod)
        numbers[2] += is_terminating(pod)
        numbers[3] += 1
    return {key: tuple(numbers) for key, numbers in found.items()}


def counted(tally: Tally) -> dict[Any, tuple[int, int, int, int]]:
    return {(key, labels): numbers for key, labels, numbers in tally.counts()}


def meddle(lab: Lab, rng: Random) -> None:
    """What controllers do not do themselves: stray Pods, lost owners, failed Pods, unready ones, held ones."""
    choice, pods = rng.randrange(5), lab.pods()
    if choice == 0 or not pods:
        lab.apply("Pod", f"stray-{rng.randrange(5)}", workload("red")["template"]["spec"], "v1",
                  metadata={"labels": {"app": rng.choice(["red", "green"])}})  # fmt: skip
        return
    pod = rng.choice(pods)
    if choice == 1:
        lab.client.patch("pods", pod.metadata.name, {"metadata": {"ownerReferences": None}}, "default")
    elif choice == 2:
        patch = {"status": {"phase": rng.choice(["Failed", "Succeeded", "Running"])}}
        lab.client.patch("pods", pod.metadata.name, patch, "default", subresource="status")
    elif choice == 3:
        lab.client.patch("pods", pod.metadata.name, {"metadata": {"finalizers": ["example.com/hold"]}}, "default")
        lab.client.delete("pods", pod.metadata.name, "default")
    else:
        ready = [{"type": "Ready", "status": rng.choice(["True", "False", "Unknown"])}]
        patch = {"status": {"conditions": ready}}
        lab.client.patch("pods", pod.metadata.name, patch, "default", subresource="status")


@pytest.mark.parametrize("seed", range(6))
def test_after_any_churn_the_tally_equals_a_fresh_count(seed):
    lab, rng = Lab(), Random(seed)
    informer = lab.manager.informers.of("pods")
    tally = add_tally(informer)
    seen: Counter[str] = Counter()
    for _ in range(STEPS):
        try:
            (act if rng.random() < 0.6 else meddle)(lab, rng)
        except ApiError as error:
            assert error.code in (404, 409, 422), error
        lab.run(rng.random() * 2)
        assert counted(tally) == fresh_count(informer.items())
        for active, ready, terminating, total in counted(tally).values():
            seen.update(active=active, unready=active - ready, terminating=terminating)
            seen.update(finished=total - active - terminating)
    assert all(seen[kind] for kind in ("active", "unready", "terminating", "finished")), seen


def test_a_replica_set_reports_what_a_fresh_count_says():
    lab = Lab()
    lab.deployment(replicas=4)
    lab.run(20)
    victim, loner, *_ = lab.pods()
    lab.client.patch("pods", loner.metadata.name, {"metadata": {"labels": {"app": "other"}}}, "default")
    lab.client.patch("pods", victim.metadata.name, {"status": {"phase": "Failed"}}, "default", subresource="status")
    lab.run(20)
    (owner,) = lab.client.list("replicasets", "default").items
    mine = [pod for pod in lab.pods(app="web") if is_active(pod)]
    assert len(mine) == 4
    assert (owner.status.replicas, owner.status.readyReplicas, owner.status.fullyLabeledReplicas) == (4, 4, 4)
    assert controller_of(lab.get("pods", loner.metadata.name)) is None


def test_the_tally_is_empty_when_all_pods_are_gone_and_after_a_stop():
    lab = Lab()
    tally = add_tally(lab.manager.informers.of("pods"))
    lab.deployment(replicas=3)
    lab.run(20)
    assert counted(tally)
    lab.client.delete("deployments", "web", "default")
    lab.run(60)
    assert counted(tally) == {}
    lab.deployment(replicas=3)
    lab.run(20)
    lab.manager.stop()
    assert counted(tally) == {}

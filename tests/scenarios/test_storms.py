"""Storms: whatever happens to a cluster in whichever order, in the end it is as it should be, and can be repeated.

`python -m tests.scenarios.test_storms 0 1000` goes through a thousand of them.
"""

from __future__ import annotations

import copy
import pickle
import sys
from contextlib import suppress

import pytest

from k8slab import Lab
from k8slab.lab import CommandError
from tests.scenarios.calm import mend, problems
from tests.scenarios.storm import Step, act, begin, steps

SEEDS = (13, 44, 53, 62)
"""Node objects deleted under their kubelets, claims in use deleted, Pods replaced while their volumes are made."""


def weather(seed: int) -> Lab:
    """A cluster after a storm and its mending."""
    lab = begin(seed)
    for step in steps(seed):
        act(lab, step)
    mend(lab)
    return lab


@pytest.mark.parametrize("seed", SEEDS)
def test_all_is_well_after_a_storm(seed):
    assert problems(weather(seed)) == []


def test_problems_are_seen():
    lab = begin(0)
    lab.run("3m30s")
    assert problems(lab) == []
    lab.faults.pause("replicaset-controller")
    lab.faults.pause("persistentvolume-attach-detach-controller")
    lab.kubectl("delete pods -l app=web --wait=false", echo=False)
    lab.kubectl("scale statefulset db --replicas=1", echo=False)
    lab.run("1m")
    found = "\n".join(problems(lab))
    assert "wants 3, but there are 0" in found
    assert "attached are" in found
    lab.faults.crash("cloud-controller-manager")
    lab.cloud.delete("worker-4")
    lab.run("1m")
    found = "\n".join(problems(lab))
    assert "nodes ['control-plane-1', 'worker-1'" in found
    assert "Leases of nodes" in found


@pytest.mark.parametrize("seed", [101, 102])
def test_a_storm_can_be_repeated(seed, tmp_path):
    assert len(set(digests(seed, tmp_path / "middle.k8slab").values())) == 1


def digests(seed: int, path: object) -> dict[str, str]:
    """The history's digest, for the cluster itself, its copies from the middle, and one that is read all the time."""
    story = steps(seed)
    half = len(story) // 2
    lab, read = begin(seed), begin(seed)
    _go(lab, story[:half])
    twins = {"deep copy": copy.deepcopy(lab), "pickle": pickle.loads(pickle.dumps(lab)), "fork": lab.fork()}
    lab.save(path)
    twins["load"] = Lab.load(path)
    for each in (lab, *twins.values()):
        _go(each, story[half:])
    for step in story:
        _look(read)
        act(read, step)
    return {name: each.history.digest() for name, each in {"lab": lab, "read": read, **twins}.items()}


def _go(lab: Lab, story: list[Step]) -> None:
    for step in story:
        act(lab, step)


def _look(lab: Lab) -> None:
    """Read in every way that there is."""
    for resource in ("nodes", "pods", "leases", "events"):
        lab.list(resource)
    pods = lab.list("pods", "default")
    if pods:
        lab.why(f"pod/{pods[0].metadata.name}")
        with suppress(CommandError):  # no scheduler has seen it
            lab.explain(f"pod/{pods[-1].metadata.name}")
    lab.at(revision=lab.history.revision // 2).list("nodes")
    lab.picture()
    assert len(list(lab.history)) == len(lab.history)


def _main(first: int, last: int) -> None:
    for seed in range(first, last):
        found = problems(weather(seed))
        print(seed, "ok" if not found else "\n   ".join(["", *map(str, steps(seed)), *found]), flush=True)


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]))

from __future__ import annotations

import copy
import pickle

from tests.apiserver.conftest import Lab


def busy(lab: Lab) -> list[tuple[str, str]]:
    """Some of everything; returns what is stored in the end."""
    for index in range(3):
        lab.create("configmaps", {"metadata": {"generateName": "c-"}, "data": {"k": str(index)}})
        lab.pod(f"p{index}", node="n1" if index else "")
    lab.create("services", {"metadata": {"name": "s"}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}})
    lab.ok("delete", "pods", "p0")
    lab.settle()
    return [(kv.key, repr(kv.value)) for kv in lab.store.range("/registry/")]


def test_same_seed_same_history() -> None:
    one, other, third = Lab(seed=1), Lab(seed=1), Lab(seed=2)
    assert busy(one) == busy(other) != busy(third)
    assert one.trace.writes == other.trace.writes


def test_copies_and_pickles_go_on_alike(lab: Lab) -> None:
    busy(lab)
    copied, restored = copy.deepcopy(lab), pickle.loads(pickle.dumps(lab))
    states = []
    for each in (lab, copied, restored):
        each.create("configmaps", {"metadata": {"generateName": "late-"}})
        each.clock.run_for(1_000_000)
        states.append([(kv.key, kv.value) for kv in each.store.range("/registry/")])
    assert states[0] == states[1] == states[2]
    copied.ok("delete", "pods", "p1", grace_period_seconds=0)
    assert lab.get("pods", "p1").metadata.name == "p1"


def test_every_write_is_recorded_under_its_actor(lab: Lab) -> None:
    with lab.trace.acting("someone", causes=(3,), note="because"):
        lab.pod("p")
    write = lab.trace.writes[lab.store.revision]
    assert (write.actor, write.causes, write.verb, write.note) == ("someone", (3,), "create", "because")
    assert set(lab.trace.writes) == set(range(2, lab.store.revision + 1))


def test_bootstrap_can_be_repeated(lab: Lab) -> None:
    revision = lab.store.revision
    lab.server.bootstrap()
    assert lab.store.revision == revision

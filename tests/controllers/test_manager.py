from __future__ import annotations

import copy
import pickle

import pytest

from k8slab.errors import K8sLabError
from tests.controllers.lab import Lab


def test_every_controller_is_described():
    lab = Lab(nodes=0)
    assert set(lab.manager.about) == set(lab.manager.controllers)
    assert all(lab.manager.about.values())


def test_a_subset_can_be_chosen_and_unknown_names_are_refused():
    lab = Lab(nodes=0, controllers=["replicaset-controller", "deployment"])
    assert list(lab.manager.controllers) == ["replicaset-controller", "deployment-controller"]
    with pytest.raises(K8sLabError, match='no controller "fridge"'):
        Lab(nodes=0, controllers=["fridge"])


def test_a_paused_controller_catches_up():
    lab = Lab()
    lab.manager.pause("replicaset")
    lab.deployment()
    lab.run(30)
    assert lab.pods() == []
    lab.manager.resume("replicaset")
    lab.run(10)
    assert len(lab.pods()) == 3


def test_a_paused_node_lifecycle_controller_catches_up():
    lab = Lab()
    lab.kubelets.stop("worker-1")
    lab.manager.pause("node-lifecycle")
    lab.run(120)
    assert _ready(lab) == "True"
    lab.manager.resume("node-lifecycle")
    lab.run(1)
    assert _ready(lab) == "Unknown"


def _ready(lab: Lab) -> str:
    conditions = lab.client.get("nodes", "worker-1").status.conditions
    return next(c.status for c in conditions if c.type == "Ready")


def test_a_crashed_manager_goes_on_where_it_was():
    lab = Lab()
    lab.deployment()
    lab.run(10)
    lab.manager.crash()
    lab.client.patch("deployments", "web", {"spec": {"replicas": 5}}, "default")
    lab.client.delete("pods", lab.pods()[0].metadata.name, "default")
    lab.run(10)
    assert len(lab.pods()) == 2
    lab.manager.start()
    lab.run(10)
    assert len(lab.pods()) == 5
    assert lab.get("deployments", "web").status.availableReplicas == 5


def test_every_write_names_its_controller_and_its_cause():
    lab = Lab()
    lab.deployment()
    lab.run(10)
    names = set(lab.manager.controllers)
    written = [write for write in lab.trace.writes.values() if write.actor in names]
    assert {"deployment-controller", "replicaset-controller"} <= {write.actor for write in written}
    for write in written:
        assert all(cause < write.revision for cause in write.causes)
        if "/pods/" in write.key or "/replicasets/" in write.key:
            assert write.causes and write.note, write
    made = next(w for w in written if w.key.startswith("/registry/pods/") and w.verb == "create")
    assert made.note == "0 of 3 replicas exist: creating 3"


def test_with_leader_election_one_manager_works_and_the_other_takes_over():
    lab = Lab(nodes=0)
    lab.manager.stop()
    first, second = _candidates(lab)
    lab.deployment()
    lab.run(5)
    assert (first.leading, second.leading) == (True, False)
    first.crash()
    lab.client.patch("deployments", "web", {"spec": {"replicas": 5}}, "default")
    lab.run(5)
    assert len(lab.pods()) == 3
    lab.run(20)
    assert second.leading
    assert len(lab.pods()) == 5


def _candidates(lab: Lab) -> list:
    from k8slab.client import Client
    from k8slab.controllers import ControllerManager

    made = []
    for identity in ("one", "two"):
        client = Client(lab.handle, lab.clock, lab.trace, user_agent="kube-controller-manager")
        manager = ControllerManager(client, lab.clock, lab.streams, lab.trace, identity=identity)
        manager.start()
        made.append(manager)
        lab.run(3)
    return made


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda lab: pickle.loads(pickle.dumps(lab))])
def test_a_lab_in_the_middle_of_a_rollout_can_be_copied(duplicate):
    lab = Lab()
    lab.deployment(replicas=4)
    lab.run(10)
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "app:2"}]}}}}
    lab.client.patch("deployments", "web", patch, "default")
    lab.run(1.5)
    twin = duplicate(lab)
    for one in (lab, twin):
        one.run(30)
    assert twin.store.revision == lab.store.revision
    assert twin.trace.writes == lab.trace.writes
    assert {p.spec.containers[0].image for p in twin.pods()} == {"app:2"}

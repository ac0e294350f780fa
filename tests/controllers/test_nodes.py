from __future__ import annotations

from k8slab.controllers.controller import Options
from k8slab.controllers.nodelifecycle.zones import FULL, NORMAL, PARTIAL, ZoneQueue, rate_for, zone_state
from k8slab.sim.clock import SECOND, Clock
from tests.controllers.lab import Lab


def conditions(lab: Lab, name: str) -> dict[str, str]:
    return {c.type: c.status for c in lab.client.get("nodes", name).status.conditions}


def taints(lab: Lab, name: str) -> list[tuple[str, str]]:
    return [(t.key, t.effect) for t in lab.client.get("nodes", name).spec.taints or ()]


def test_a_dead_node_is_noticed_tainted_and_emptied():
    lab = Lab(nodes=3)
    lab.deployment(replicas=3)
    lab.run(10)
    lab.kubelets.stop("worker-1")
    lab.run(38)
    assert conditions(lab, "worker-1")["Ready"] == "True"
    lab.run(20)
    assert set(conditions(lab, "worker-1").values()) == {"Unknown"}
    assert taints(lab, "worker-1") == [
        ("node.kubernetes.io/unreachable", "NoSchedule"),
        ("node.kubernetes.io/unreachable", "NoExecute"),
    ]
    victims = [pod for pod in lab.pods() if pod.spec.nodeName == "worker-1"]
    assert victims and all(pod.metadata.deletionTimestamp is None for pod in victims)
    lab.run(302)
    victims = [pod for pod in lab.pods() if pod.spec.nodeName == "worker-1"]
    assert victims and all(pod.metadata.deletionTimestamp is not None for pod in victims)
    lab.kubelets.start("worker-1", "192.168.0.1")
    lab.run(20)
    assert taints(lab, "worker-1") == []
    assert len(lab.pods()) == 3


def test_when_all_nodes_fall_silent_nobody_is_evicted():
    lab = Lab(nodes=3)
    lab.deployment(replicas=3)
    lab.run(10)
    for number in (1, 2, 3):
        lab.kubelets.stop(f"worker-{number}")
    lab.run(600)
    assert all(pod.metadata.deletionTimestamp is None for pod in lab.pods())
    assert all(effect == "NoSchedule" for n in (1, 2, 3) for _, effect in taints(lab, f"worker-{n}"))


def test_pods_of_a_deleted_node_are_collected():
    lab = Lab(nodes=2)
    lab.deployment(replicas=2)
    lab.run(10)
    lab.kubelets.stop("worker-1")
    lab.client.delete("nodes", "worker-1")
    lab.run(100)
    assert {pod.spec.nodeName for pod in lab.pods()} == {"worker-2"}
    assert len(lab.pods()) == 2


def test_nodes_get_their_pod_ranges_in_order():
    lab = Lab(nodes=3)
    assert [lab.client.get("nodes", f"worker-{n}").spec.podCIDR for n in (1, 2, 3)] == [
        "10.244.0.0/24",
        "10.244.1.0/24",
        "10.244.2.0/24",
    ]
    lab.client.delete("nodes", "worker-2")
    lab.run(1)
    lab.kubelets.join("worker-4", "192.168.0.4", {}, [])
    lab.run(1)
    assert lab.client.get("nodes", "worker-4").spec.podCIDR == "10.244.1.0/24"


def test_states_of_zones():
    assert zone_state(0, 1, 0.55) == FULL
    assert zone_state(1, 3, 0.55) == NORMAL
    assert zone_state(1, 4, 0.55) == PARTIAL
    assert zone_state(0, 0, 0.55) == NORMAL
    options = Options()
    assert [rate_for(s, 10, options) for s in (NORMAL, PARTIAL, FULL)] == [0.1, 0.0, 0.1]
    assert rate_for(PARTIAL, 51, options) == 0.01


def test_one_node_in_ten_seconds_is_tainted():
    clock = Clock()
    queue = ZoneQueue(clock, 0.1)
    taken = []
    for _ in range(300):
        if queue.accept():
            taken.append(clock.now)
        clock.run_for(SECOND // 10)
    assert taken == [0, 10 * SECOND, 20 * SECOND]
    assert queue.add("a") and not queue.add("a")
    assert queue.remove("a") and queue.add("a")

"""Node-pressure eviction."""

import pytest

from k8slab.kubelet import Program
from k8slab.sim.clock import SECOND
from tests.kubelet.conftest import Bench


@pytest.fixture
def small():
    bench = Bench(memory="2Gi")
    bench.images["leak:1"] = Program(memory="100Mi", memory_growth="10Mi")
    bench.images["calm:1"] = Program(memory="400Mi")
    return bench


def pressure(bench):
    node = bench.client.get("nodes", "worker-1")
    return next(c for c in node.status.conditions if c.type == "MemoryPressure")


def test_the_pod_far_above_its_request_goes(small):
    small.pod("calm", container={"image": "calm:1", "resources": {"requests": {"memory": "500Mi"}}})
    small.pod("leak", container={"image": "leak:1"})
    small.until(lambda: small.get("leak").status.phase == "Failed", 400)
    status = small.get("leak").status
    assert status.reason == "Evicted"
    assert status.message.startswith("The node was low on resource: memory. Threshold quantity: 100Mi, available: ")
    assert "Container main was using" in status.message
    assert "request is 0, has larger consumption of memory" in status.message
    target = small.condition("leak", "DisruptionTarget")
    assert (target.status, target.reason) == ("True", "TerminationByKubelet")
    assert small.messages("leak", "Evicted") == [status.message]
    assert small.get("calm").status.phase == "Running"
    assert small.get("leak").metadata.deletionTimestamp is None


def test_pressure_is_reported_and_over_after_five_quiet_minutes(small):
    small.pod("leak", container={"image": "leak:1"})
    small.until(lambda: pressure(small).status == "True", 400)
    assert pressure(small).reason == "KubeletHasInsufficientMemory"
    began = small.clock.now
    small.pod("late", container={"image": "nginx"})
    small.run(1)
    assert small.get("late").status.reason == "Evicted"
    assert "The node had condition: [MemoryPressure]" in small.get("late").status.message
    small.until(lambda: pressure(small).status == "False", 400)
    assert 300 <= (small.clock.now - began) / SECOND <= 330


def test_lower_priority_first(small):
    for name, value in (("low", 1), ("high", 100)):
        made = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}}
        small.client.create({**made, "value": value})
    small.pod("b", container={"image": "leak:1"}, priorityClassName="high")
    small.pod("a", container={"image": "calm:1"}, priorityClassName="low")
    small.until(lambda: "Failed" in (small.get("a").status.phase, small.get("b").status.phase), 400)
    assert small.get("a").status.reason == "Evicted"


def test_a_node_with_room_does_not_watch(bench):
    bench.pod()
    bench.run(20)
    assert not bench.kubelet.eviction.needed
    bench.client.delete("pods", "web", "default")
    bench.run(20)
    assert bench.kubelet.eviction.bounds == {}

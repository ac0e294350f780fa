"""Clean shutdown, reboot, and a container runtime that dies."""

import pickle

from k8slab.sim.clock import SECOND


def ready(bench):
    node = bench.client.get("nodes", "worker-1")
    return next(c for c in node.status.conditions if c.type == "Ready")


def priority(bench, name="vital", value=2_000_000_000):
    made = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": value}
    return bench.client.create(made)


def test_ordinary_pods_end_before_critical_ones(bench):
    bench.pod()
    bench.script("trap '' TERM; while true; do sleep 1; done", name="stubborn", terminationGracePeriodSeconds=60)
    bench.script("sleep 10000", name="vital", priorityClassName="system-cluster-critical")
    bench.run(10)
    began = bench.clock.now
    bench.kubelet.shutdown.begin()
    bench.run(1)
    assert (ready(bench).status, ready(bench).reason) == ("False", "KubeletNotReady")
    assert ready(bench).message == "node is shutting down"
    bench.until(lambda: bench.get().status.phase == "Failed", 10)
    status = bench.get().status
    assert status.reason == "Terminated"
    assert status.message == "Pod was terminated in response to imminent node shutdown."
    target = bench.condition("web", "DisruptionTarget")
    assert (target.status, target.reason, target.message) == ("True", "TerminationByKubelet", status.message)
    assert bench.get("vital").status.phase == "Running"
    bench.pod("late")
    bench.run(1)
    assert bench.get("late").status.reason == "NodeShutdown"
    assert bench.get("late").status.message == "Pod was rejected: Pod was rejected as the node is shutting down."
    bench.until(lambda: bench.get("stubborn").status.phase == "Failed", 60)
    assert 20 <= (bench.clock.now - began) / SECOND <= 22, "the 30 s less the 10 s of critical Pods"
    bench.until(lambda: not bench.kubelet.powered, 60)
    assert bench.get("vital").status.reason == "Terminated"
    assert 30 <= (bench.clock.now - began) / SECOND <= 34


def test_it_comes_back(bench):
    bench.pod()
    bench.run(10)
    boot = bench.client.get("nodes", "worker-1").status.nodeInfo.bootID
    bench.kubelet.shutdown.begin()
    bench.kubelet.power_on()
    copy = pickle.loads(pickle.dumps(bench.kubelet))
    assert copy.shutdown.active
    bench.run(60)
    assert ready(bench).status == "True"
    assert bench.client.get("nodes", "worker-1").status.nodeInfo.bootID != boot
    assert bench.get().status.phase == "Failed"
    assert any(e.reason == "Rebooted" for e in bench.client.list("events", "default").items)


def test_without_a_grace_period_power_just_goes(bench):
    bench.kubelet.node = bench.kubelet.node.__class__("worker-1", shutdown_grace_period="0s")
    bench.pod()
    bench.run(10)
    bench.kubelet.shutdown.begin()
    bench.run(1)
    assert not bench.kubelet.powered
    assert bench.get().status.phase == "Running", "nobody says otherwise"


def test_without_the_runtime_containers_go_on(bench):
    bench.pod()
    bench.script("sleep 60; exit 2", name="ends", restartPolicy="Never")
    bench.run(10)
    bench.kubelet.runtime.crash()
    bench.run(20)
    assert ready(bench).status == "True", "not noticed yet"
    bench.run(15)
    assert (ready(bench).status, ready(bench).message) == ("False", "container runtime is down")
    bench.pod("fresh")
    bench.run(40)
    assert bench.get("fresh").status.phase == "Pending"
    assert "connect: connection refused" in bench.messages("fresh", "FailedCreatePodSandBox")[0]
    assert bench.get("ends").status.phase == "Running", "its end has not been seen"
    bench.client.delete("pods", "web", "default")
    bench.run(40)
    assert not bench.gone(), "nobody can stop its container"
    bench.kubelet.runtime.start()
    bench.run(30)
    assert ready(bench).status == "True"
    assert bench.get("fresh").status.phase == "Running"
    assert bench.get("ends").status.phase == "Failed"
    assert bench.gone()
    assert bench.get("fresh").status.containerStatuses[0].restartCount == 0

"""How Pods stop."""

from k8slab.kubelet import Program
from k8slab.sim.clock import SECOND


def removed_at(bench, name):
    bench.until(lambda: bench.gone(name), 400)
    return bench.clock.now / SECOND


def delete(bench, name="web", **options):
    bench.client.delete("pods", name, "default", **options)
    return bench.clock.now / SECOND


def test_a_server_that_obeys(bench):
    bench.pod()
    bench.run(10)
    began = delete(bench)
    assert bench.get().metadata.deletionGracePeriodSeconds == 30
    assert removed_at(bench, "web") - began < 2
    bench.run(0.1)
    last = [pod for _, kind, pod in bench.history["web"] if kind == "MODIFIED"][-1]
    assert last.status.phase == "Succeeded"
    assert last.status.containerStatuses[0].state.terminated.exitCode == 0
    assert bench.messages("web", "Killing") == ["Stopping container main"]


def test_a_process_that_ignores_sigterm_is_killed_after_the_grace_period(bench):
    bench.script("sleep 3600")
    bench.run(10)
    began = delete(bench, "job")
    took = removed_at(bench, "job") - began
    assert 30 <= took < 32
    bench.run(0.1)
    last = [pod for _, kind, pod in bench.history["job"] if kind == "MODIFIED"][-1]
    assert last.status.phase == "Failed"
    ended = last.status.containerStatuses[0].state.terminated
    assert (ended.exitCode, ended.reason) == (137, "Error")


def test_exit_code_143(bench):
    bench.images["java:1"] = Program(stop_code=143, stop_after="3s")
    bench.pod(container={"image": "java:1"})
    bench.run(10)
    began = delete(bench)
    assert 3 <= removed_at(bench, "web") - began < 5
    bench.run(0.1)
    last = [pod for _, kind, pod in bench.history["web"] if kind == "MODIFIED"][-1]
    assert (last.status.phase, last.status.containerStatuses[0].state.terminated.exitCode) == ("Failed", 143)


def test_pre_stop_hook_is_inside_the_grace_period(bench):
    hook = {"lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "sleep 10"]}}}}
    bench.pod(container=hook)
    bench.run(10)
    began = delete(bench)
    assert 10 <= removed_at(bench, "web") - began < 12
    bench.pod(
        "slow",
        container={"lifecycle": {"preStop": {"exec": {"command": ["sleep", "60"]}}}},
        terminationGracePeriodSeconds=5,
    )
    bench.run(10)
    began = delete(bench, "slow")
    assert 5 <= removed_at(bench, "slow") - began < 9, "the hook is cut off, then at least 2 s"


def test_least_grace_is_two_seconds_after_the_hook(bench):
    bench.images["stubborn:1"] = Program(stop_code=None)
    container = {"image": "stubborn:1", "lifecycle": {"preStop": {"sleep": {"seconds": 5}}}}
    bench.pod(container=container, terminationGracePeriodSeconds=5)
    bench.run(10)
    began = delete(bench)
    assert 7 <= removed_at(bench, "web") - began < 8.5


def test_trap_in_a_script(bench):
    bench.script("trap 'echo bye; exit 0' TERM; while true; do sleep 1; done")
    bench.run(10.2)
    began = delete(bench, "job")
    assert removed_at(bench, "job") - began < 3


def test_a_second_delete_shortens_the_grace_period(bench):
    bench.script("sleep 3600", terminationGracePeriodSeconds=300)
    bench.run(10)
    delete(bench, "job")
    bench.run(20)
    assert not bench.gone("job")
    began = delete(bench, "job", grace_period_seconds=3)
    assert removed_at(bench, "job") - began < 5


def test_force_delete_removes_the_object_at_once_and_the_container_soon(bench):
    bench.script("sleep 3600")
    bench.run(10)
    uid = bench.get("job").metadata.uid
    delete(bench, "job", grace_period_seconds=0)
    assert bench.gone("job")
    bench.run(0.5)
    assert uid in bench.kubelet.workers
    bench.run(3)
    assert uid not in bench.kubelet.workers
    assert bench.cni.owner("10.244.0.2") is None


def test_deleting_a_pod_that_has_not_started(bench):
    bench.pod(container={"image": "nosuch"})
    bench.run(5)
    began = delete(bench)
    assert removed_at(bench, "web") - began < 2
    bench.run(0.1)
    assert bench.kubelet.workers == {}


def test_a_finished_pod_goes_at_once(bench):
    bench.script("true", restartPolicy="Never")
    bench.run(10)
    delete(bench, "job")
    bench.run(1)
    assert bench.gone("job")
    assert bench.kubelet.workers == {}


def test_address_and_room_are_given_back(bench):
    for number in range(3):
        bench.pod(f"p{number}", container={"resources": {"requests": {"cpu": "2"}}})
        bench.run(5)
        delete(bench, f"p{number}")
        removed_at(bench, f"p{number}")
    bench.run(1)
    assert bench.kubelet.room.used["cpu"] == 0
    assert bench.kubelet.workers == {}
    assert bench.cni._endpoints == {}


def test_the_node_refuses_what_does_not_fit(bench):
    bench.pod("big", container={"resources": {"requests": {"cpu": "7"}}})
    bench.run(5)
    bench.pod("more", container={"resources": {"requests": {"cpu": "2"}}})
    bench.run(5)
    status = bench.get("more").status
    assert (status.phase, status.reason) == ("Failed", "OutOfcpu")
    assert status.message == (
        "Pod was rejected: Node didn't have enough resource: cpu, requested: 2000, used: 7000, capacity: 8000"
    )
    bench.pod("elsewhere", nodeSelector={"disk": "ssd"})
    bench.run(5)
    assert bench.get("elsewhere").status.reason == "NodeAffinity"
    delete(bench, "more")
    bench.run(2)
    assert bench.gone("more")

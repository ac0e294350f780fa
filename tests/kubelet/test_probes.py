"""Startup, readiness and liveness probes, at their times."""

import pytest

from k8slab.kubelet import Program
from k8slab.sim.clock import SECOND

HTTP = {"httpGet": {"path": "/", "port": 80}}


def ready_at(bench, name="web"):
    bench.until(lambda: bench.get(name).status.conditions and bench.condition(name, "Ready").status == "True", 300)
    return bench.clock.now / SECOND


def app(bench, probes, program=None, name="web", **spec):
    bench.images["app:1"] = program or Program(ready_after="300ms")
    bench.pod(name, container={"image": "app:1", **probes}, **spec)


def test_readiness_holds_back_ready(bench):
    app(bench, {"readinessProbe": HTTP}, Program(ready_after="25s"))
    bench.run(10)
    assert bench.get().status.phase == "Running"
    assert bench.condition("web", "Ready").reason == "ContainersNotReady"
    assert bench.get().status.containerStatuses[0].started
    at = ready_at(bench)
    assert 25 < at <= 37, "at the first turn (every 10 s) after the program is up"
    refused = bench.messages("web", "Unhealthy")[0]
    assert (
        refused
        == 'Readiness probe failed: Get "http://10.244.0.2:80/": dial tcp 10.244.0.2:80: connect: connection refused'
    )


def test_a_ready_program_is_found_ready_at_the_first_look(bench):
    app(bench, {"readinessProbe": {**HTTP, "periodSeconds": 60}})
    assert ready_at(bench) < 5


def test_initial_delay(bench):
    app(bench, {"readinessProbe": {**HTTP, "initialDelaySeconds": 20, "periodSeconds": 5}})
    at = ready_at(bench)
    assert 21 <= at < 29


def test_a_healthy_pod_costs_nothing(bench):
    app(bench, {"readinessProbe": HTTP, "livenessProbe": HTTP})
    bench.run(60)
    fired = bench.clock.fired
    bench.kubelet.heartbeat.stop()
    bench.run(3600)
    assert bench.clock.fired - fired < 5


def test_liveness_failure_restarts(bench):
    program = Program(ready_after="1s", unhealthy_after="60s", stop_after="1s")
    app(bench, {"livenessProbe": {**HTTP, "periodSeconds": 10, "failureThreshold": 3}}, program)
    bench.until(lambda: bench.get().status.containerStatuses and bench.get().status.containerStatuses[0].restartCount)
    at = bench.clock.now / SECOND
    assert 80 <= at <= 98, "three failures, 10 s apart, after 60 s"
    assert "Container main failed liveness probe, will be restarted" in bench.messages("web", "Killing")
    unhealthy = bench.events("web", "Unhealthy")
    assert [e.message for e in unhealthy] == ["Liveness probe failed: HTTP probe failed with statuscode: 500"]
    assert unhealthy[0].count == 3
    assert unhealthy[0].type == "Warning"


def test_the_exec_example_of_the_documentation(bench):
    """tasks/configure-pod-container: /tmp/healthy is removed after 30 s, the container is restarted."""
    probe = {"exec": {"command": ["cat", "/tmp/healthy"]}, "initialDelaySeconds": 5, "periodSeconds": 5}
    script = "touch /tmp/healthy; sleep 30; rm -f /tmp/healthy; sleep 600"
    bench.script(script, container={"livenessProbe": probe})
    bench.until(lambda: bench.events("job", "Unhealthy"))
    assert 31 < bench.clock.now / SECOND < 37
    text = "Liveness probe failed: cat: can't open '/tmp/healthy': No such file or directory"
    assert bench.messages("job", "Unhealthy") == [text]
    bench.until(lambda: bench.get("job").status.containerStatuses[0].restartCount == 1, 100)
    assert 70 < bench.clock.now / SECOND < 80, "10 s for three failures, then 30 s grace: sleep ignores SIGTERM"
    assert bench.get("job").status.containerStatuses[0].lastState.terminated.exitCode == 137


def test_startup_probe_gates_the_others(bench):
    program = Program(ready_after="40s")
    probes = {
        "startupProbe": {**HTTP, "periodSeconds": 5, "failureThreshold": 30},
        "livenessProbe": {**HTTP, "periodSeconds": 5, "failureThreshold": 1},
        "readinessProbe": {**HTTP, "periodSeconds": 5},
    }
    app(bench, probes, program)
    bench.run(30)
    status = bench.get().status.containerStatuses[0]
    assert (status.started, status.ready, status.restartCount) == (False, False, 0)
    at = ready_at(bench)
    assert 41 < at < 49
    assert bench.get().status.containerStatuses[0].restartCount == 0
    assert all(text.startswith("Startup probe failed") for text in bench.messages("web", "Unhealthy"))


def test_startup_failure_restarts(bench):
    probes = {"startupProbe": {**HTTP, "periodSeconds": 5, "failureThreshold": 2}}
    app(bench, probes, Program(ready_after="100s"))
    bench.until(
        lambda: "Container main failed startup probe, will be restarted" in bench.messages("web", "Killing"), 30
    )


def test_never_means_not_restarted(bench):
    probes = {"livenessProbe": {**HTTP, "periodSeconds": 5}}
    app(bench, probes, Program(ready_after="1s", unhealthy_after="10s"), restartPolicy="Never")
    bench.until(lambda: bench.get().status.phase in ("Succeeded", "Failed"), 100)
    assert "Container main failed liveness probe" in bench.messages("web", "Killing")


@pytest.mark.parametrize(
    ("probe", "text"),
    [
        ({"tcpSocket": {"port": 81}}, "Readiness probe failed: dial tcp 10.244.0.2:81: connect: connection refused"),
        ({"httpGet": {"path": "/no", "port": 80}}, "Readiness probe failed: HTTP probe failed with statuscode: 404"),
        ({"grpc": {"port": 80}}, "Readiness probe failed: error: this server does not implement the grpc health "
                                 "protocol (grpc.health.v1.Health)"),
        ({"exec": {"command": ["false"]}}, "Readiness probe failed: "),
        ({"exec": {"command": ["sleep", "5"]}},
         'Readiness probe failed: command timed out: "sleep 5" timed out after 1s'),
    ],
)  # fmt: skip
def test_failures_by_kind(bench, probe, text):
    bench.pod(container={"readinessProbe": probe})
    bench.run(15)
    assert bench.messages("web", "Unhealthy")[-1] == text
    assert bench.condition("web", "Ready").status == "False"


def test_named_port_and_recovery(bench):
    program = Program(ready_after="1s", unhealthy_after="30s", unhealthy_for="30s", ports=(8080,))
    ports = [{"name": "http", "containerPort": 8080}]
    probe = {"httpGet": {"port": "http"}, "periodSeconds": 5, "failureThreshold": 2, "successThreshold": 2}
    app(bench, {"ports": ports, "readinessProbe": probe}, program)
    bench.run(120)
    ready = [value for _, value in bench.changes("web", is_ready)]
    assert ready == [False, True, False, True]
    times = [at for at, _ in bench.changes("web", is_ready)]
    assert 35 <= times[2] <= 43
    assert 65 <= times[3] <= 74


def is_ready(pod):
    return any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions or ())


def test_hooks(bench):
    bad = {"lifecycle": {"postStart": {"exec": {"command": ["sh", "-c", "exit 4"]}}}, "imagePullPolicy": "IfNotPresent"}
    bench.pod(container=bad)
    bench.run(10)
    assert bench.messages("web", "FailedPostStartHook") == ["PostStartHook failed"]
    assert bench.get().status.containerStatuses[0].restartCount >= 1


def test_a_failed_post_start_hook_is_shown(bench):
    hook = {"postStart": {"exec": {"command": ["sh", "-c", "echo no; exit 4"]}}}
    bench.pod(container={"lifecycle": hook, "imagePullPolicy": "IfNotPresent"})
    bench.until(lambda: bench.state() == "PostStartHookError", 30)
    message = bench.get().status.containerStatuses[0].state.waiting.message
    assert message == "command 'sh -c echo no; exit 4' exited with 4, message: \"no\\n\""

"""What `kubectl logs` and `kubectl exec` get."""

import re

import pytest

from k8slab.errors import ApiError
from k8slab.kubelet import Program

LOOP = "i=0; while true; do i=$((i+1)); echo line $i; sleep 10; done"


def test_tail_since_and_timestamps(bench):
    bench.script(LOOP)
    bench.run(36)
    logs = bench.kubelet.logs
    assert logs("default", "job").splitlines() == ["line 1", "line 2", "line 3", "line 4"]
    assert logs("default", "job", tail=1) == "line 4\n"
    assert logs("default", "job", tail=0) == ""
    assert logs("default", "job", since=20).splitlines() == ["line 3", "line 4"]
    stamped = logs("default", "job", tail=1, timestamps=True)
    assert re.fullmatch(r"2026-01-01T00:00:3\d\.\d{6}Z line 4\n", stamped)
    assert logs("default", "job", limit_bytes=4) == "line"


def test_logs_of_a_waiting_container(bench):
    bench.pod(container={"image": "nosuch"})
    bench.run(10)
    with pytest.raises(ApiError) as error:
        bench.kubelet.logs("default", "web")
    text = 'container "main" in pod "web" is waiting to start: trying and failing to pull image'
    assert (error.value.code, error.value.message) == (400, text)


def test_logs_of_a_container_that_is_being_created(bench):
    bench.pod(container={"image": "mysql"})
    bench.run(2)
    with pytest.raises(ApiError, match='container "main" in pod "web" is waiting to start: ContainerCreating'):
        bench.kubelet.logs("default", "web")


def test_no_previous_run(bench):
    bench.pod()
    bench.run(5)
    with pytest.raises(ApiError, match='previous terminated container "main" in pod "web" not found'):
        bench.kubelet.logs("default", "web", previous=True)
    with pytest.raises(ApiError, match="container nope is not valid for pod web"):
        bench.kubelet.logs("default", "web", "nope")
    with pytest.raises(ApiError, match='pods "nope" not found'):
        bench.kubelet.logs("default", "nope")


def test_periodic_lines_of_a_program(bench):
    bench.images["app:1"] = Program(logs=((1, "started"),), log_every=("1m", "still here"))
    bench.pod(container={"image": "app:1"})
    bench.run(200)
    assert bench.kubelet.logs("default", "web").splitlines() == ["started", *["still here"] * 3]


def test_long_loops_stay_cheap(bench):
    bench.script("while true; do date; sleep 1; done")
    bench.run(7200)
    lines = bench.kubelet.logs("default", "job", tail=2).splitlines()
    assert lines[-1].startswith("Thu Jan  1 01:59:5")
    assert bench.kubelet.heartbeat.kubelet.workers


def test_exec(bench):
    bench.script("echo hello > /tmp/a; sleep 1000", container={"env": [{"name": "A", "value": "b"}]})
    bench.run(5)
    run = bench.kubelet.execute
    assert run("default", "job", "", ["cat", "/tmp/a"]) == (0, "hello\n")
    assert run("default", "job", "main", ["sh", "-c", "echo $A; exit 3"]) == (3, "b\n")
    assert run("default", "job", "main", ["nosuch"])[0] == 127
    bench.pod("db", container={"image": "redis:7"})
    bench.run(20)
    assert run("default", "db", "", ["redis-cli", "ping"])[0] == 0


def test_a_sidecar_streams_the_log_of_its_neighbour(bench):
    """The example of the logging chapter: one container writes a file, a sidecar tails it."""
    bench.apply("""
apiVersion: v1
kind: Pod
metadata: {name: counter, namespace: default}
spec:
  containers:
  - name: count
    image: busybox
    command: [sh, -c, 'i=0; while true; do echo "$i: tick" >> /var/log/1.log; i=$((i+1)); sleep 1; done']
    volumeMounts: [{name: varlog, mountPath: /var/log}]
  - name: stream
    image: busybox
    command: [sh, -c, 'tail -n+1 -F /logs/1.log']
    volumeMounts: [{name: varlog, mountPath: /logs}]
  volumes: [{name: varlog, emptyDir: {}}]
""")
    bench.run(10)
    assert bench.kubelet.logs("default", "counter", "count") == ""
    lines = bench.kubelet.logs("default", "counter", "stream").splitlines()
    assert lines[:3] == ["0: tick", "1: tick", "2: tick"]
    assert 6 <= len(lines) <= 10

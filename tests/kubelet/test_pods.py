"""A Pod's life: start, phases, conditions, init containers, sidecars, completion."""

import copy
import pickle

import pytest

from k8slab.sim.clock import SECOND


def test_a_pod_starts(bench):
    bench.pod()
    assert bench.get().status.phase == "Pending"
    bench.run(0.1)
    first = bench.get().status
    assert first.containerStatuses[0].state.waiting.reason == "ContainerCreating"
    assert first.hostIP == "192.168.0.10"
    assert bench.condition("web", "PodReadyToStartContainers").status == "False"
    assert bench.condition("web", "Ready").message == "containers with unready status: [main]"
    bench.run(5)
    status = bench.get().status
    assert status.phase == "Running"
    assert status.podIP == "10.244.0.2"
    assert {c.type: c.status for c in status.conditions} == {
        "PodReadyToStartContainers": "True",
        "Initialized": "True",
        "Ready": "True",
        "ContainersReady": "True",
        "PodScheduled": "True",
    }
    assert all(c.observedGeneration == 1 for c in status.conditions)
    container = status.containerStatuses[0]
    assert container.containerID.startswith("containerd://")
    assert container.image == "docker.io/library/nginx:latest"
    assert container.imageID.startswith("docker.io/library/nginx@sha256:")
    assert (container.ready, container.started, container.restartCount) == (True, True, 0)


def test_few_writes_per_pod(bench):
    bench.pod(container={"imagePullPolicy": "IfNotPresent"})
    bench.run(60)
    assert [kind for _, kind, _ in bench.history["web"]] == ["ADDED", "MODIFIED", "MODIFIED"]


def test_events_of_a_start(bench):
    bench.pod(container={"image": "redis:7"})
    bench.run(20)
    reasons = [(e.reason, e.message) for e in bench.events()]
    assert [reason for reason, _ in reasons] == ["Pulling", "Pulled", "Created", "Started"]
    assert reasons[0][1] == 'Pulling image "redis:7"'
    assert reasons[1][1].startswith('Successfully pulled image "redis:7" in 3.')
    assert reasons[1][1].endswith("s including waiting). Image size: 52000000 bytes.")
    assert [text for _, text in reasons[2:]] == ["Container created", "Container started"]
    event = bench.events()[0]
    assert event.source.component == "kubelet"
    assert event.source.host == "worker-1"
    assert event.involvedObject.fieldPath == "spec.containers{main}"


def test_present_image_is_not_pulled(bench):
    bench.pod(container={"imagePullPolicy": "IfNotPresent"})
    bench.run(5)
    wanted = 'Container image "nginx" already present on machine and can be accessed by the pod'
    assert bench.messages("web", "Pulled") == [wanted]


def test_completion(bench):
    bench.script("echo hi; sleep 3", restartPolicy="Never")
    bench.run(10)
    status = bench.get("job").status
    assert status.phase == "Succeeded"
    assert status.containerStatuses[0].state.terminated.reason == "Completed"
    assert bench.condition("job", "Ready").reason == "PodCompleted"
    assert bench.kubelet.logs("default", "job") == "hi\n"
    phases = [phase for _, phase in bench.changes("job", lambda pod: pod.status.phase)]
    assert phases == ["Pending", "Running", "Succeeded"]


def test_failure_without_restart(bench):
    bench.script("exit 3", restartPolicy="Never")
    bench.run(10)
    status = bench.get("job").status
    assert status.phase == "Failed"
    assert status.containerStatuses[0].state.terminated.exitCode == 3
    assert status.containerStatuses[0].state.terminated.reason == "Error"
    assert bench.condition("job", "ContainersReady").reason == "PodFailed"


def test_on_failure_restarts_only_failures(bench):
    bench.script("exit 0", name="good", restartPolicy="OnFailure")
    bench.script("exit 1", name="bad", restartPolicy="OnFailure")
    bench.run(30)
    assert bench.get("good").status.phase == "Succeeded"
    assert bench.get("bad").status.phase == "Running"
    assert bench.get("bad").status.containerStatuses[0].restartCount >= 1


def test_init_containers_run_one_after_another(bench):
    init = [
        {"name": "one", "image": "busybox", "command": ["sh", "-c", "sleep 5"], "imagePullPolicy": "IfNotPresent"},
        {"name": "two", "image": "busybox", "command": ["sh", "-c", "sleep 5"], "imagePullPolicy": "IfNotPresent"},
    ]
    bench.pod(initContainers=init, container={"imagePullPolicy": "IfNotPresent"})
    bench.run(4)
    status = bench.get().status
    assert status.phase == "Pending"
    assert status.containerStatuses[0].state.waiting.reason == "PodInitializing"
    assert status.initContainerStatuses[0].state.running
    assert bench.condition("web", "Initialized").message == "containers with incomplete status: [one two]"
    bench.run(20)
    status = bench.get().status
    assert status.phase == "Running"
    assert [s.state.terminated.reason for s in status.initContainerStatuses] == ["Completed", "Completed"]
    assert all(s.ready for s in status.initContainerStatuses)
    first, second = (s.state.terminated for s in status.initContainerStatuses)
    assert first.finishedAt <= second.startedAt


def test_a_failing_init_container_blocks_the_pod(bench):
    init = [{"name": "setup", "image": "busybox", "command": ["sh", "-c", "exit 1"]}]
    bench.pod(initContainers=init)
    bench.run(60)
    assert bench.get().status.phase == "Pending"
    assert bench.get().status.initContainerStatuses[0].restartCount >= 2
    never = [{"name": "setup", "image": "busybox", "command": ["sh", "-c", "exit 1"]}]
    bench.pod("never", initContainers=never, restartPolicy="Never")
    bench.run(20)
    assert bench.get("never").status.phase == "Failed"


def test_what_an_init_container_writes_is_there_for_the_others(bench):
    bench.apply("""
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: default}
spec:
  initContainers:
  - name: install
    image: busybox
    command: [sh, -c, "echo hello > /pages/index.html"]
    volumeMounts: [{name: dir, mountPath: /pages}]
  containers:
  - name: main
    image: busybox
    command: [sh, -c, "cat /data/index.html; sleep 1000"]
    volumeMounts: [{name: dir, mountPath: /data}]
  volumes: [{name: dir, emptyDir: {}}]
""")
    bench.run(20)
    assert bench.kubelet.logs("default", "web", "main") == "hello\n"


def test_sidecar_starts_before_and_stops_after(bench):
    sidecar = {"name": "proxy", "image": "nginx", "restartPolicy": "Always", "imagePullPolicy": "IfNotPresent"}
    bench.script("sleep 5", initContainers=[sidecar], restartPolicy="Never")
    bench.run(5)
    status = bench.get("job").status
    assert status.phase == "Running"
    assert status.initContainerStatuses[0].state.running
    assert (
        status.initContainerStatuses[0].state.running.startedAt <= status.containerStatuses[0].state.running.startedAt
    )
    bench.run(15)
    status = bench.get("job").status
    assert status.phase == "Succeeded"
    assert status.initContainerStatuses[0].state.terminated
    assert "Stopping container proxy" in bench.messages("job", "Killing")


def test_active_deadline(bench):
    bench.script("sleep 1000", activeDeadlineSeconds=20, terminationGracePeriodSeconds=1)
    bench.run(40)
    status = bench.get("job").status
    assert (status.phase, status.reason) == ("Failed", "DeadlineExceeded")
    assert status.message == "Pod was active on the node longer than the specified deadline"


def test_readiness_gates(bench):
    bench.pod(readinessGates=[{"conditionType": "example.com/lb"}])
    bench.run(10)
    ready = bench.condition("web", "Ready")
    assert (ready.status, ready.reason) == ("False", "ReadinessGatesNotReady")
    assert ready.message == 'corresponding condition of pod readiness gate "example.com/lb" does not exist.'
    assert bench.condition("web", "ContainersReady").status == "True"
    patch = {"status": {"conditions": [*[_plain(c) for c in bench.get().status.conditions], GATE]}}
    bench.client.patch("pods", "web", patch, "default", "status")
    bench.run(5)
    assert bench.condition("web", "Ready").status == "True"
    assert bench.condition("web", "example.com/lb").status == "True"


GATE = {"type": "example.com/lb", "status": "True"}


def _plain(condition):
    from k8slab.api import codec

    return codec.to_dict(condition)


def test_a_new_image_restarts_the_container(bench):
    bench.pod(container={"imagePullPolicy": "IfNotPresent"})
    bench.run(10)
    bench.client.patch("pods", "web", {"spec": {"containers": [{"name": "main", "image": "nginx:1.27"}]}}, "default",
                       patch_type="application/strategic-merge-patch+json")  # fmt: skip
    bench.run(30)
    status = bench.get().status.containerStatuses[0]
    assert (status.image, status.restartCount) == ("docker.io/library/nginx:1.27", 1)
    assert "Container main definition changed, will be restarted" in bench.messages("web", "Killing")


@pytest.mark.parametrize("how", [copy.deepcopy, lambda bench: pickle.loads(pickle.dumps(bench))])
def test_a_copy_lives_on_by_itself(bench, how):
    bench.script("sleep 30; exit 1")
    bench.kubelet.manifests["static.yaml"] = STATIC
    bench.run(10)
    other = how(bench)
    for one in (bench, other):
        one.run(120)
    assert bench.store.revision == other.store.revision
    assert bench.get("job") == other.get("job")
    assert bench.clock.now == other.clock.now == 130 * SECOND


STATIC = """
apiVersion: v1
kind: Pod
metadata: {name: agent}
spec:
  containers: [{name: agent, image: nginx}]
"""

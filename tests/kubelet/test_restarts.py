"""Crashes, back-off, image failures, configuration errors, memory."""

import re
from itertools import pairwise

import pytest

from k8slab.api import codec
from k8slab.kubelet import Program
from k8slab.sim.clock import SECOND


def restart_times(bench, seconds, name="job"):
    """When each run of the container began, in seconds."""
    found = []
    end = bench.clock.now + seconds * SECOND
    bench.run(0.1)
    container = bench.kubelet.find("default", name).containers[0]
    while bench.clock.now < end:
        if container.starts > len(found):
            found.append(container.started_at / SECOND)
        bench.run(0.5)
    return found


def test_back_off_doubles(bench):
    bench.script("exit 1")
    times = restart_times(bench, 1200)
    gaps = [b - a for a, b in pairwise(times)]
    assert len(gaps) >= 7
    assert gaps[0] < 3, "the first restart is immediate"
    for gap, wanted in zip(gaps[1:], [10, 20, 40, 80, 160, 300, 300], strict=False):
        assert wanted <= gap <= wanted + 1.5


def state_word(pod):
    """The container's state as one word."""
    if not pod.status.containerStatuses:
        return ""
    state = pod.status.containerStatuses[0].state
    return "running" if state.running else (state.waiting or state.terminated).reason


def test_crash_loop_as_learners_see_it(bench):
    bench.script("echo oops; exit 2")
    bench.run(60)
    seen = [state for _, state in bench.changes("job", state_word)]
    assert seen[:5] == ["", "ContainerCreating", "Error", "CrashLoopBackOff", "Error"]
    status = bench.get("job").status
    assert status.phase == "Running"
    bench.until(lambda: bench.state("job") == "CrashLoopBackOff", 100)
    waiting = bench.get("job").status.containerStatuses[0].state.waiting
    uid = bench.get("job").metadata.uid
    assert re.fullmatch(
        rf"back-off (20|40)s restarting failed container=main pod=job_default\({uid}\)", waiting.message
    )
    last = bench.get("job").status.containerStatuses[0].lastState.terminated
    assert (last.exitCode, last.reason) == (2, "Error")
    text = f"Back-off restarting failed container main in pod job_default({uid})"
    assert bench.messages("job", "BackOff") == [text]
    assert bench.kubelet.logs("default", "job", previous=True) == "oops\n"


def test_back_off_is_forgotten_after_ten_quiet_minutes(bench):
    bench.images["app:1"] = Program(runs_for="900s", exit_code=1)
    bench.pod("job", container={"image": "app:1"})
    times = restart_times(bench, 2900)
    gaps = [b - a for a, b in pairwise(times)]
    assert len(gaps) == 3
    assert all(gap < 906 for gap in gaps)


def test_unknown_tag(bench):
    bench.pod(container={"image": "nginx:1.161"})
    bench.until(lambda: bench.state() == "ErrImagePull")
    waiting = bench.get().status.containerStatuses[0].state.waiting
    assert waiting.message.endswith("docker.io/library/nginx:1.161: not found")
    bench.until(lambda: bench.state() == "ImagePullBackOff")
    waiting = bench.get().status.containerStatuses[0].state.waiting
    assert waiting.message.startswith('Back-off pulling image "nginx:1.161": ErrImagePull: rpc error: code = NotFound')
    messages = bench.messages()
    assert 'Pulling image "nginx:1.161"' in messages
    assert any(text.startswith('Failed to pull image "nginx:1.161": rpc error: code = NotFound') for text in messages)
    assert "Error: ErrImagePull" in messages
    assert "Error: ImagePullBackOff" in messages
    assert 'Back-off pulling image "nginx:1.161"' in messages
    assert bench.get().status.phase == "Pending"


def test_image_pull_back_off_times(bench):
    bench.pod(container={"image": "nosuchimage"})
    tries = []
    while bench.clock.now < 700 * SECOND:
        before = sum(e.count for e in bench.events("web", "Pulling"))
        bench.run(0.5)
        if sum(e.count for e in bench.events("web", "Pulling")) != before:
            tries.append(bench.clock.now / SECOND)
    gaps = [b - a for a, b in pairwise(tries)]
    for gap, wanted in zip(gaps, [10, 20, 40, 80, 160, 300], strict=False):
        assert wanted <= gap <= wanted + 4


def test_an_image_that_appears_later_is_pulled(bench):
    bench.pod(container={"image": "shop:v2"})
    bench.run(30)
    bench.images["shop:v2"] = Program(ready_after="1s")
    bench.until(lambda: bench.state() == "running", 120)


def test_invalid_image_name(bench):
    bench.pod(container={"image": "Nginx"})
    bench.until(lambda: bench.state() == "InvalidImageName")
    message = bench.get().status.containerStatuses[0].state.waiting.message
    assert message == (
        'Failed to apply default image tag "Nginx": couldn\'t parse image name "Nginx": '
        "invalid reference format: repository name (library/Nginx) must be lowercase"
    )
    assert "Error: InvalidImageName" in bench.messages()


def test_never_pull(bench):
    bench.pod(container={"image": "redis", "imagePullPolicy": "Never"})
    bench.until(lambda: bench.state() == "ErrImageNeverPull")
    assert 'Container image "redis" is not present with pull policy of Never' in bench.messages()


def test_unknown_command(bench):
    bench.pod(container={"command": ["nosuchcommand"]})
    bench.until(lambda: bench.state() == "RunContainerError")
    status = bench.get().status.containerStatuses[0]
    assert status.state.waiting.message.endswith('exec: "nosuchcommand": executable file not found in $PATH')
    assert (status.lastState.terminated.reason, status.lastState.terminated.exitCode) == ("StartError", 128)
    bench.until(lambda: bench.state() == "CrashLoopBackOff", 60)


def test_distroless_images_have_no_shell(bench):
    bench.pod(container={"image": "registry.k8s.io/pause:3.10", "command": ["sh", "-c", "sleep 1"]})
    bench.until(lambda: bench.state() == "RunContainerError")


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"configMapKeyRef": {"name": "cfg", "key": "a"}}, 'configmap "cfg" not found'),
        ({"secretKeyRef": {"name": "sec", "key": "a"}}, 'secret "sec" not found'),
    ],
)
def test_missing_configuration(bench, env, message):
    bench.pod(container={"env": [{"name": "A", "valueFrom": env}]})
    bench.until(lambda: bench.state() == "CreateContainerConfigError")
    assert bench.get().status.containerStatuses[0].state.waiting.message == message
    assert f"Error: {message}" in bench.messages("web", "Failed")


def test_configuration_that_comes_later(bench):
    env = [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "cfg", "key": "a"}}}]
    bench.script("echo value $A; sleep 100", container={"env": env})
    bench.run(5)
    bench.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: cfg}, data: {b: x}}")
    bench.until(lambda: "couldn't find key a in ConfigMap default/cfg" in str(bench.get("job").status), 60)
    bench.client.patch("configmaps", "cfg", {"data": {"a": "hello"}}, "default")
    bench.until(lambda: bench.state("job") == "running", 60)
    bench.run(1)
    assert bench.kubelet.logs("default", "job") == "value hello\n"


def test_missing_volume(bench):
    bench.apply("""
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: default}
spec:
  containers:
  - {name: main, image: nginx, volumeMounts: [{name: c, mountPath: /c}]}
  volumes: [{name: c, configMap: {name: cfg}}]
""")
    bench.run(30)
    assert bench.state() == "ContainerCreating"
    text = 'MountVolume.SetUp failed for volume "c" : configmap "cfg" not found'
    assert bench.messages("web", "FailedMount") == [text]
    bench.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: cfg}, data: {a: b}}")
    bench.until(lambda: bench.state() == "running", 120)


def test_environment_of_a_container(bench):
    bench.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: cfg}, data: {COLOR: blue}}")
    bench.apply("{apiVersion: v1, kind: Secret, metadata: {name: sec}, stringData: {key: s3cret}}")
    bench.apply("""
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: default, labels: {app: shop}}
spec:
  containers:
  - name: main
    image: busybox
    command: [sh, -c, "echo $COLOR $KEY $NAME $IP $NODE $APP $CPU $BOTH; cat /etc/cfg/COLOR /info/app; echo; sleep 999"]
    resources: {limits: {cpu: 500m}}
    envFrom: [{configMapRef: {name: cfg}}]
    env:
    - {name: KEY, valueFrom: {secretKeyRef: {name: sec, key: key}}}
    - {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
    - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
    - {name: APP, valueFrom: {fieldRef: {fieldPath: "metadata.labels['app']"}}}
    - {name: CPU, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1m}}}
    - {name: BOTH, value: "$(COLOR)-$(NAME)-$(NOPE)"}
    volumeMounts: [{name: c, mountPath: /etc/cfg}, {name: d, mountPath: /info}]
  volumes:
  - {name: c, configMap: {name: cfg}}
  - name: d
    downwardAPI: {items: [{path: app, fieldRef: {fieldPath: "metadata.labels['app']"}}]}
""")
    bench.run(5)
    assert bench.kubelet.logs("default", "web") == (
        "blue s3cret web 10.244.0.2 worker-1 shop 500 blue-web-$(NOPE)\nblueshop\n"
    )


def test_out_of_memory(bench):
    bench.images["leak:1"] = Program(memory="20Mi", memory_growth="10Mi")
    bench.pod(container={"image": "leak:1", "resources": {"limits": {"memory": "100Mi"}}})
    bench.until(lambda: bench.state() == "OOMKilled", 60)
    ended = bench.get().status.containerStatuses[0].state.terminated
    assert ended.exitCode == 137
    bench.until(lambda: bench.get().status.containerStatuses[0].restartCount == 1, 20)
    assert bench.get().status.containerStatuses[0].lastState.terminated.reason == "OOMKilled"


def test_stress_of_the_documentation(bench):
    """The Pod of "Assign Memory Resources": asks for more than its limit."""
    container = {
        "image": "polinux/stress",
        "command": ["stress"],
        "args": ["--vm", "1", "--vm-bytes", "250M", "--vm-hang", "1"],
        "resources": {"requests": {"memory": "50Mi"}, "limits": {"memory": "100Mi"}},
    }
    bench.pod(container=container)
    bench.until(lambda: bench.state() == "OOMKilled", 60)
    fits = {**container, "resources": {"limits": {"memory": "400Mi"}}}
    bench.pod("fits", container=fits)
    bench.run(60)
    assert bench.state("fits") == "running"
    assert bench.kubelet.usage()[bench.get("fits").metadata.uid][1] > 250_000_000


def test_databases_want_a_password(bench):
    bench.pod(container={"image": "mysql:8.0"})
    bench.until(lambda: bench.state() == "Error", 60)
    assert "password option is not specified" in bench.kubelet.logs("default", "web")
    bench.pod("db", container={"image": "mysql:8.0", "env": [{"name": "MYSQL_ROOT_PASSWORD", "value": "x"}]})
    bench.run(60)
    assert bench.state("db") == "running"


def test_service_variables(bench):
    bench.apply("{apiVersion: v1, kind: Service, metadata: {name: my-db}, spec: {ports: [{port: 5432}]}}")
    echo = "echo $MY_DB_SERVICE_PORT; echo ${KUBERNETES_SERVICE_HOST}; sleep 99"
    bench.script(echo)
    bench.script(echo, name="without", enableServiceLinks=False)
    bench.run(5)
    assert bench.kubelet.logs("default", "job").split() == ["5432", "10.96.0.1"]
    assert bench.kubelet.logs("default", "without").split() == ["10.96.0.1"]


def test_a_rule_restarts_all_containers(bench):
    rules = [{"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [42]}}]
    shell = {"image": "busybox", "imagePullPolicy": "IfNotPresent"}
    watcher = {
        "name": "watcher",
        **shell,
        "command": ["sh", "-c", "sleep 15; exit 42"],
        "restartPolicy": "Never",
        "restartPolicyRules": rules,
    }
    init = {"name": "init", **shell, "command": ["sh", "-c", "echo again"]}
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "all", "namespace": "default"},
        "spec": {
            "nodeName": "worker-1",
            "restartPolicy": "Never",
            "initContainers": [init],
            "containers": [{"name": "main", **shell, "command": ["sleep", "10000"]}, watcher],
        },
    }
    bench.client.create(codec.from_dict({**body, "spec": {**body["spec"], "terminationGracePeriodSeconds": 2}}))
    bench.run(10)
    address = bench.get("all").status.podIP
    bench.until(lambda: any(c.type == "AllContainersRestarting" for c in bench.get("all").status.conditions), 10)
    restarting = bench.condition("all", "AllContainersRestarting")
    assert (restarting.status, restarting.message) == (
        "True",
        "Container watcher exited with code 42, restarting all containers",
    )
    bench.until(lambda: all(s.state.running for s in bench.get("all").status.containerStatuses), 12)
    bench.run(2)
    status = bench.get("all").status
    assert status.phase == "Running"
    assert status.podIP == address
    assert [s.restartCount for s in (*status.initContainerStatuses, *status.containerStatuses)] == [1, 1, 1]
    assert status.containerStatuses[1].lastState.terminated.exitCode == 42
    assert not any(c.type == "AllContainersRestarting" for c in status.conditions)


def test_a_containers_own_policy_beats_the_pods(bench):
    rules = [{"action": "Restart", "exitCodes": {"operator": "In", "values": [7]}}]
    own = {"restartPolicy": "Never", "restartPolicyRules": rules}
    bench.script("sleep 3; exit 7", name="ruled", restartPolicy="Never", container=own)
    bench.script("sleep 3; exit 8", name="other", restartPolicy="Never", container=own)
    bench.run(12)
    assert bench.get("ruled").status.containerStatuses[0].restartCount >= 1
    assert bench.get("ruled").status.phase == "Running"
    assert bench.get("other").status.phase == "Failed"

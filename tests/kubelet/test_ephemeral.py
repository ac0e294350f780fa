"""Ephemeral containers."""


def add(bench, name="web", **container):
    container = {"name": "debugger", "image": "busybox", "terminationMessagePolicy": "File", **container}
    patch = {"spec": {"ephemeralContainers": [container]}}
    kind = "application/strategic-merge-patch+json"
    return bench.client.patch("pods", name, patch, "default", "ephemeralcontainers", kind)


def ephemeral(bench, name="web", index=0):
    return bench.get(name).status.ephemeralContainerStatuses[index]


def test_it_runs_beside_the_others_and_is_never_restarted(bench):
    bench.pod()
    bench.run(10)
    add(bench, command=["sh", "-c", "echo hello; sleep 20; exit 3"])
    bench.run(3)
    status = ephemeral(bench)
    assert status.state.running
    assert (status.ready, status.started, status.restartCount) == (False, None, 0)
    assert bench.get().status.phase == "Running"
    assert bench.condition("web", "Ready").status == "True"
    paths = {e.involvedObject.fieldPath for e in bench.events("web", "Started")}
    assert "spec.ephemeralContainers{debugger}" in paths
    assert bench.kubelet.logs("default", "web", "debugger") == "hello\n"
    bench.run(60)
    ended = ephemeral(bench).state.terminated
    assert (ended.exitCode, ended.reason) == (3, "Error")
    assert bench.get().status.containerStatuses[0].restartCount == 0


def test_what_hinders_it_hinders_nobody_else(bench):
    bench.pod()
    bench.run(10)
    add(bench, image="nobody/has:it")
    bench.run(30)
    assert ephemeral(bench).state.waiting.reason in ("ErrImagePull", "ImagePullBackOff")
    assert bench.condition("web", "Ready").status == "True"
    assert bench.get().status.containerStatuses[0].state.running


def test_the_pod_ends_without_it(bench):
    bench.script("sleep 20", restartPolicy="Never")
    bench.run(5)
    add(bench, "job", command=["sleep", "1000"])
    bench.run(60)
    assert bench.get("job").status.phase == "Succeeded"
    assert ephemeral(bench, "job").state.terminated.exitCode == 137


def test_it_may_come_before_the_pod_runs(bench):
    bench.pod(container={"image": "nobody/has:it"})
    bench.run(5)
    add(bench, command=["sleep", "1000"])
    bench.run(20)
    assert ephemeral(bench).state.running
    assert bench.get().status.phase == "Pending"

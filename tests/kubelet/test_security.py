"""Users, read-only root file systems, private registries, hostPaths, files in /etc."""

import base64
import json

import pytest

from k8slab.kubelet import Image, Program
from k8slab.kubelet.behaviour import ProgramError
from k8slab.kubelet.catalog import REPOSITORIES


def waiting(bench, name="web"):
    state = bench.get(name).status.containerStatuses[0].state.waiting
    return (state.reason, state.message) if state else None


@pytest.mark.parametrize(
    ("image", "context", "message"),
    [
        ("nginx", {"runAsNonRoot": True}, "container has runAsNonRoot and image will run as root "),
        ("nginx", {"runAsNonRoot": True, "runAsUser": 0}, "container's runAsUser breaks non-root policy "),
        (
            "prom/prometheus:v2.50.0",
            {"runAsNonRoot": True},
            "container has runAsNonRoot and image has non-numeric user (nobody), cannot verify user is non-root ",
        ),
    ],
)
def test_run_as_non_root(bench, image, context, message):
    pod = bench.pod(container={"image": image, "securityContext": context})
    bench.run(20)
    where = f'(pod: "web_default({pod.metadata.uid})", container: main)'
    assert waiting(bench) == ("CreateContainerConfigError", message + where)
    assert f"Error: {message}{where}" in bench.messages("web", "Failed")


def test_who_may_run(bench):
    bench.pod("own", container={"image": "busybox", "command": ["sleep", "99"], "securityContext": {"runAsUser": 1000}},
              securityContext={"runAsNonRoot": True, "fsGroup": 2000})  # fmt: skip
    bench.pod("image", container={"image": "nginxinc/nginx-unprivileged"}, securityContext={"runAsNonRoot": True})
    bench.run(20)
    assert bench.state("own") == bench.state("image") == "running"
    user = bench.get("own").status.containerStatuses[0].user.linux
    assert (user.uid, user.gid, user.supplementalGroups) == (1000, 0, (0, 2000))
    assert bench.get("image").status.containerStatuses[0].user.linux.uid == 101


def test_nginx_wants_to_be_root(bench):
    bench.pod(securityContext={"runAsUser": 1000})
    bench.run(10)
    assert bench.get().status.containerStatuses[0].lastState.terminated.exitCode == 1
    log = bench.kubelet.logs("default", "web", previous=True)
    assert log.splitlines()[-1].startswith("2026/01/01 00:00:0")
    assert 'mkdir() "/var/cache/nginx/client_temp" failed (13: Permission denied)' in log


def test_nginx_writes(bench):
    context = {"securityContext": {"readOnlyRootFilesystem": True}}
    bench.pod(container=context)
    mounts = [{"name": name, "mountPath": path} for name, path in (("cache", "/var/cache/nginx"), ("run", "/var/run"))]
    volumes = [{"name": name, "emptyDir": {}} for name in ("cache", "run")]
    bench.pod("fine", container={**context, "volumeMounts": mounts}, volumes=volumes)
    bench.run(10)
    assert bench.get().status.containerStatuses[0].lastState.terminated.exitCode == 1
    assert bench.state("fine") == "running"


def secret(bench, username, password, server="registry.example.com"):
    auth = base64.b64encode(f"{username}:{password}".encode()).decode()
    config = base64.b64encode(json.dumps({"auths": {server: {"auth": auth}}}).encode()).decode()
    made = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "regcred"}}
    bench.client.create(
        {**made, "type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": config}}, "default"
    )


@pytest.fixture
def private(bench):
    bench.images["registry.example.com/shop:v1"] = Program()
    bench.images.protect("registry.example.com", "alice", "secret")
    return bench


SHOP = {"container": {"image": "registry.example.com/shop:v1"}}
DENIED = (
    'failed to pull and unpack image "registry.example.com/shop:v1": failed to resolve reference '
    '"registry.example.com/shop:v1": pull access denied, repository does not exist or may require authorization: '
)


def test_a_private_registry_wants_credentials(private):
    private.pod(**SHOP)
    private.run(5)
    assert waiting(private)[0] in ("ErrImagePull", "ImagePullBackOff")
    assert waiting(private)[1].endswith(DENIED + "authorization failed: no basic auth credentials")


def test_credentials_of_a_secret(private):
    secret(private, "alice", "secret")
    private.pod(**SHOP, imagePullSecrets=[{"name": "regcred"}])
    private.run(15)
    assert private.state() == "running"


def test_wrong_and_missing_credentials(private):
    private.pod(**SHOP, imagePullSecrets=[{"name": "regcred"}])
    private.run(1.5)
    text = "Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed."
    assert text in private.messages("web", "FailedToRetrieveImagePullSecret")
    secret(private, "alice", "wrong")
    private.pod("late", **SHOP, imagePullSecrets=[{"name": "regcred"}])
    private.run(5)
    assert waiting(private, "late")[1].endswith(DENIED + "authorization failed")


@pytest.mark.parametrize(
    ("type_", "path", "problem"),
    [
        ("Directory", "/nowhere", "is not a directory"),
        ("File", "/etc", "is not a file"),
        ("Socket", "/etc/hosts", "is not a socket file"),
        ("FileOrCreate", "/etc", "is not a file"),
    ],
)
def test_host_path_types(bench, type_, path, problem):
    volume = {"name": "host", "hostPath": {"path": path, "type": type_}}
    bench.pod(container={"volumeMounts": [{"name": "host", "mountPath": "/host"}]}, volumes=[volume])
    bench.run(5)
    text = f'MountVolume.SetUp failed for volume "host" : hostPath type check failed: {path} {problem}'
    assert text in bench.messages("web", "FailedMount")
    assert bench.state() == "ContainerCreating"


def test_a_host_path_is_the_nodes(bench):
    volume = {"name": "host", "hostPath": {"path": "/var/shop", "type": "DirectoryOrCreate"}}
    mount = {"volumeMounts": [{"name": "host", "mountPath": "/data"}]}
    bench.script("echo kept > /data/note", name="writer", restartPolicy="Never", container=mount, volumes=[volume])
    bench.run(10)
    bench.script("cat /data/note", name="reader", restartPolicy="Never", container=mount, volumes=[volume])
    bench.run(10)
    assert bench.kubelet.logs("default", "reader") == "kept\n"


def test_files_in_etc(bench):
    aliases = [{"ip": "10.1.2.3", "hostnames": ["foo.local", "bar.local"]}]
    config = {"nameservers": ["1.1.1.1"], "searches": ["example.com"], "options": [{"name": "ndots", "value": "2"}]}
    bench.script("cat /etc/hosts /etc/resolv.conf /etc/hostname; sleep 999", hostAliases=aliases, dnsConfig=config)
    bench.run(10)
    log = bench.kubelet.logs("default", "job")
    assert f"{bench.get('job').status.podIP}\tjob\n" in log
    assert "# Entries added by HostAliases.\n10.1.2.3\tfoo.local\tbar.local\n" in log
    assert log.endswith(
        "search default.svc.cluster.local svc.cluster.local cluster.local example.com\n"
        "nameserver 10.96.0.10\nnameserver 1.1.1.1\noptions ndots:2\njob\n"
    )
    worker = bench.kubelet.find("default", "job")
    assert worker.ask("dns", "foo.local") == "10.1.2.3"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"ready_after": "soon"}, r"Program\(ready_after='soon'\): write a time such as 0.5, '500ms' or '2m'"),
        ({"memory": "much"}, r"Program\(memory='much'\): write a size such as '64Mi' or '1Gi'"),
        ({"exit_code": 300}, r"Program\(exit_code=300\): write a whole number from 0 to 255"),
        ({"ports": 80}, r"Program\(ports=80\): write a tuple of port numbers such as \(8080,\)"),
        ({"paths": {"health": 200}}, r"write statuses by path such as"),
        ({"logs": ("started",)}, r"write lines with their times"),
    ],
)
def test_odd_programs_are_refused(values, message):
    with pytest.raises(ProgramError, match=message):
        Program(**values)


def test_odd_images_are_refused(bench):
    with pytest.raises(ProgramError, match=r"images\['shop:v2'\] must be a Program\(...\) or an Image\(...\), not str"):
        bench.images["shop:v2"] = "nginx"
    with pytest.raises(ProgramError, match=r"a program has no 'redy_after' \(did you mean ready_after\?\)"):
        bench.images.add("shop:v2", redy_after="3s")


def test_probes_that_cannot_be_run_do_not_kill(bench):
    bench.pod(
        container={"livenessProbe": {"exec": {"command": ["nothing"]}, "periodSeconds": 2, "failureThreshold": 1}}
    )
    bench.run(20)
    assert bench.get().status.containerStatuses[0].restartCount == 0
    message = bench.messages("web", "Unhealthy")[0]
    assert message.startswith(
        "Liveness probe errored and resulted in unknown state: rpc error: code = NotFound desc = "
    )
    assert message.endswith('exec: "nothing": executable file not found in $PATH')


def test_https_probes(bench):
    probe = {"httpGet": {"path": "/", "port": 80, "scheme": "HTTPS"}, "periodSeconds": 1}
    bench.pod(container={"readinessProbe": probe})
    bench.images["secure:1"] = Program(tls=True, ports=(9000,))
    right = {"httpGet": {"port": 9000, "scheme": "HTTPS"}, "periodSeconds": 1}
    bench.pod("secure", container={"image": "secure:1", "readinessProbe": right})
    bench.pod(
        "plain", container={"image": "secure:1", "readinessProbe": {"httpGet": {"port": 9000}, "periodSeconds": 1}}
    )
    bench.run(20)
    assert bench.messages("web", "Unhealthy")[-1].endswith("http: server gave HTTP response to HTTPS client")
    assert bench.condition("secure", "Ready").status == "True"
    assert "Readiness probe failed: HTTP probe failed with statuscode: 400" in bench.messages("plain", "Unhealthy")


def test_every_image_of_the_catalog_can_be_made():
    for name, repository in REPOSITORIES.items():
        image = repository.find(repository.tags[0]) if repository.tags else repository.image
        assert isinstance(image, Image), name
        assert image.size > 0

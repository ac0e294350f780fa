"""kubectl debug."""

import pytest

from k8slab import Lab


@pytest.fixture(scope="module")
def lab():
    lab = Lab(workers=1)
    lab.kubectl("run web --image=nginx --labels=app=web --port=80", echo=False)
    lab.run("30s")
    return lab


def kubectl(lab, command):
    output = lab.kubectl(command, echo=False)
    return output.stdout, output.stderr


def test_an_ephemeral_container(lab):
    out, err = kubectl(lab, "debug web -c look --profile=general --target=web --image=busybox -it -- sh -c 'echo seen'")
    assert out.startswith('Targeting container "web". If you don\'t see processes from this container')
    assert out.endswith("\nseen\n")
    assert err == ""
    made = lab.get("pod/web").spec.ephemeralContainers[-1]
    assert (made.name, made.targetContainerName, made.stdin, made.tty) == ("look", "web", True, True)
    assert made.securityContext.capabilities.add == ("SYS_PTRACE",)
    out, err = kubectl(lab, "debug web --image=busybox")
    assert out.startswith("Defaulting debug container name to debugger-")
    assert err.startswith("--profile=legacy is deprecated and will be removed in the future.")
    assert len(lab.get("pod/web").spec.ephemeralContainers) == 2
    assert kubectl(lab, "logs web -c look")[0] == "seen\n"
    assert 'Defaulted container "web" out of: web, look (ephem), debugger-' in kubectl(lab, "logs web")[1]


def test_a_copy(lab):
    kubectl(lab, "debug web --copy-to=twin --set-image=*=httpd --profile=general")
    twin = lab.get("pod/twin")
    assert twin.spec.containers[0].image == "httpd"
    assert twin.metadata.labels == {"app": "web"}, "profiles shape debugging containers, and there is none"
    assert twin.spec.ephemeralContainers is None
    kubectl(lab, "debug web --copy-to=more --image=busybox -c extra --profile=baseline --same-node -- sleep 100")
    more = lab.get("pod/more").spec
    assert lab.get("pod/more").metadata.labels is None
    assert [each.name for each in more.containers] == ["web", "extra"]
    assert more.containers[1].command == ("sleep", "100")
    assert more.nodeName == "worker-1"


def test_a_node(lab):
    out, _ = kubectl(lab, "debug node/worker-1 --image=busybox --profile=sysadmin -- sleep 5")
    name = out.split()[3]
    assert out == f"Creating debugging pod {name} with container debugger on node worker-1.\n"
    spec = lab.get(f"pod/{name}").spec
    assert (spec.nodeName, spec.hostPID, spec.restartPolicy) == ("worker-1", True, "Never")
    assert spec.containers[0].volumeMounts[0].mountPath == "/host"
    assert spec.containers[0].securityContext.privileged
    lab.run("30s")
    assert lab.get(f"pod/{name}").status.phase == "Succeeded"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("debug web", "error: you must specify --image when not using --copy-to.\n"),
        ("debug web --image=busybox --replace", "error: --replace may only be used with --copy-to.\n"),
        ("debug web --image=busybox -t", "error: -i/--stdin is required for containers with -t/--tty=true\n"),
        ("debug --image=busybox", "error: NAME or filename is required for debug\n"),
        ("debug web --image=busybox --profile=odd", "error: unknown profile: odd\n"),
        ("debug nope --image=busybox --profile=general", 'Error from server (NotFound): pods "nope" not found\n'),
        (
            "debug web --copy-to=x --profile=general",
            "error: you must specify --image, --set-image or command arguments.\n",
        ),
    ],
)
def test_refusals(lab, command, answer):
    assert kubectl(lab, command)[1] == answer

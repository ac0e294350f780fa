"""exec, attach, port-forward, cp and attached runs in a notebook, on a whole lab."""

from pathlib import Path

import pytest

from k8slab import Lab
from k8slab.kubectl import Result, run

APP = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
  - {name: web, image: nginx, ports: [{name: http, containerPort: 80}]}
  - {name: side, image: busybox, command: [sh, -c, "while true; do echo tick; sleep 20; done"]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 8080, targetPort: http}]}
---
apiVersion: v1
kind: Pod
metadata: {name: done}
spec: {restartPolicy: Never, containers: [{name: c, image: busybox, command: ["true"]}]}
"""


class Notebook:
    def __init__(self) -> None:
        self.lab = Lab(workers=1)
        self.lab.apply(APP)
        self.lab.run("30s")

    def __call__(self, command: str, stdin: str = "") -> Result:
        return run(command, self.lab.session(), stdin)

    def seconds(self) -> float:
        return self.lab.cluster.clock.now / 1e6


@pytest.fixture(scope="module")
def kubectl() -> Notebook:
    return Notebook()


def test_exec_lets_time_pass_until_the_end(kubectl: Notebook) -> None:
    before = kubectl.seconds()
    done = kubectl("exec web -c web -- sh -c 'echo a; sleep 7; echo b >&2; exit 3'")
    assert done == Result("a\n", "b\ncommand terminated with exit code 3\n", 3)
    assert 7 <= kubectl.seconds() - before < 8


def test_exec_tells_which_container_it_takes(kubectl: Notebook) -> None:
    assert kubectl("exec pod/web -- pwd") == Result("/\n", 'Defaulted container "web" out of: web, side\n', 0)
    assert kubectl("exec svc/web -q -- pwd") == Result("/\n", "", 0)


def test_exec_reads_the_cell(kubectl: Notebook) -> None:
    assert kubectl("exec -i web -c web -- sh", "x=2\necho $((x+1))\n") == Result("3\n", "", 0)
    done = kubectl("exec -it web -c web -- cat", "text")
    assert done == Result("text", "Unable to use a TTY - input is not a terminal or the right kind of file\n", 0)


def test_exec_gives_up_what_never_ends(kubectl: Notebook) -> None:
    done = kubectl("exec web -c side -- sleep infinity")
    assert done.exit_code == 130
    assert done.stderr.startswith("interrupted: the command goes on")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("exec", "error: pod, type/name or --filename must be specified\n"),
        ("exec web", "error: you must specify at least one command for the container\n"),
        (
            "exec web ls",
            "error: exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead\n"
            "See 'kubectl exec -h' for help and examples\n",
        ),
        ("exec nobody -- ls", 'Error from server (NotFound): pods "nobody" not found\n'),
        ("exec web -c zz -- ls", "Error from server (BadRequest): container zz is not valid for pod web\n"),
        ("exec done -- ls", "error: cannot exec into a container in a completed pod; current phase is Succeeded\n"),
        ("attach done", "error: cannot attach a container in a completed pod; current phase is Succeeded\n"),
        ("attach", "error: at least 1 argument is required for attach\n"),
        (
            "port-forward done 80",
            "error: unable to forward port because pod is not running. Current status=Succeeded\n",
        ),
        ("port-forward svc/web 81", "error: Service web does not have a service port 81\n"),
        ("port-forward web nope", "error: Pod 'web' does not have a named port 'nope'\n"),
        ("cp a b", "error: one of src or dest must be a remote file specification\n"),
        ("cp web:/a web:/b", "error: one of src or dest must be a local file specification\n"),
        ("cp /no/such/file web:/b", "error: /no/such/file doesn't exist in local filesystem\n"),
    ],
)
def test_mistakes(kubectl: Notebook, command: str, message: str) -> None:
    assert kubectl(command) == Result("", message, 1)


def test_attach_shows_what_comes(kubectl: Notebook) -> None:
    done = kubectl("attach web -c side --request-timeout=0")
    assert set(done.stdout.split()) == {"tick"}
    assert done.stderr == "If you don't see a command prompt, try pressing enter.\n"


def test_port_forward_tries_each_port(kubectl: Notebook) -> None:
    done = kubectl("port-forward svc/web 9000:8080")
    lines = done.stdout.splitlines()
    assert lines[:4] == [
        "Forwarding from 127.0.0.1:9000 -> 80",
        "Forwarding from [::1]:9000 -> 80",
        "Handling connection for 9000",
        "GET http://127.0.0.1:9000/ answered 200 OK",
    ]
    assert "Welcome to nginx!" in done.stdout
    refused = kubectl("port-forward web 81")
    assert refused.exit_code == 1
    assert "dial tcp4 127.0.0.1:81: connect: connection refused" in refused.stderr
    assert refused.stderr.endswith("error: lost connection to pod\n")


def test_cp_there_and_back(kubectl: Notebook, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<h1>hello</h1>\n")
    assert kubectl(f"cp {tmp_path}/page.html web:/usr/share/nginx/html/index.html -c web").exit_code == 0
    assert kubectl(f"cp {tmp_path}/page.html web:/tmp -c web").exit_code == 0
    assert kubectl("exec web -c web -- ls /tmp").stdout == "page.html\n"
    assert kubectl(f"cp default/web:/usr/share/nginx/html/index.html {tmp_path}/back -c web").exit_code == 0
    assert (tmp_path / "back").read_text() == "<h1>hello</h1>\n"
    lost = kubectl(f"cp web:/nothing {tmp_path}/none -c web")
    assert (lost.stdout, lost.exit_code) == ("", 1)
    assert "tar: /nothing: No such file or directory\n" in lost.stderr


def test_run_stays_with_the_pod(kubectl: Notebook) -> None:
    done = kubectl("run one --image=busybox --rm -i --restart=Never -- sh -c 'sleep 5; cat; exit 4'", "input")
    assert done.stdout == 'inputpod "one" deleted\n'
    assert done.stderr.splitlines()[-1] == "pod default/one terminated (Error)"
    assert done.exit_code == 4
    shell = kubectl("run two --image=busybox --rm -i --restart=Never", "hostname\n")
    assert (shell.stdout, shell.exit_code) == ('two\npod "two" deleted\n', 0)
    kubectl.lab.run("5s")
    assert kubectl("get pod one").exit_code == 1


def test_run_with_flags_that_do_not_fit(kubectl: Notebook) -> None:
    assert kubectl("run x --image=busybox --rm").stderr.startswith("error: --rm should only be used for attached")
    assert kubectl("run x --image=busybox -t").stderr.startswith("error: -i/--stdin is required for containers")
    assert kubectl("run x --image=no/such --rm -i --pod-running-timeout=5s").stderr == (
        "error: timed out waiting for the condition\n"
    )

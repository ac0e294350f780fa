"""Sessions in containers, through the API server in process: what they do to the cluster, and that it repeats."""

import pickle

import pytest

from k8slab.api.request import Request, UserInfo
from k8slab.cluster.cluster import Cluster, replay
from k8slab.sim.clock import SECOND
from k8slab.sim.journal import Journal

POD = """
apiVersion: v1
kind: Pod
metadata: {name: %s}
spec:
  restartPolicy: %s
  containers:
  - {name: main, image: %s, %s}
"""
CHECKED = 'readinessProbe: {exec: {command: ["cat", "/tmp/ready"]}, periodSeconds: 1}'


class Client:
    """Opens sessions in one cluster and keeps what they say."""

    def __init__(self) -> None:
        self.cluster = Cluster(workers=1)
        self.seen: list[tuple[str, object]] = []

    def make(self, name: str, image: str, more: str = "", policy: str = "Always") -> None:
        request = Request(verb="create", resource="pods", namespace="default", body=POD % (name, policy, image, more))
        assert self.cluster.gate.handle(request.replace(content_type="application/yaml")).is_success
        self.run(20)

    def open(self, kind: str, pod: str, *command: str, verb: str = "create", **options):
        body = {"command": list(command), "stdout": True, "stderr": True, **options}
        user = body.pop("user", None)
        request = Request(verb=verb, resource="pods", namespace="default", name=pod, subresource=kind, body=body)
        request = request.replace(sink=self.seen.append, **({"user": user} if user else {}))
        return self.cluster.gate.handle(request)

    def run(self, seconds: float) -> None:
        self.cluster.advance(int(seconds * SECOND))

    def said(self, channel: str = "stdout") -> str:
        return "".join(value for name, value in self.seen if name == channel)

    @property
    def status(self):
        return next((value for name, value in self.seen if name == "end"), None)

    def pod(self, name: str):
        return self.cluster.server.peek("pods", name, "default")


@pytest.fixture
def client() -> Client:
    return Client()


def test_output_comes_when_it_is_written(client: Client) -> None:
    client.make("web", "nginx")
    client.open("exec", "web", "sh", "-c", "echo a; sleep 5; echo b >&2; exit 3")
    client.run(1)
    assert (client.said(), client.said("stderr"), client.status) == ("a\n", "", None)
    client.run(5)
    assert client.said("stderr") == "b\n"
    assert client.status["reason"] == "NonZeroExitCode"
    assert client.status["details"] == {"causes": [{"reason": "ExitCode", "message": "3"}]}
    command = "[sh -c echo a; sleep 5; echo b >&2; exit 3]"
    said = f"command terminated with non-zero exit code: error executing command {command}, exit code 3"
    assert client.status["message"] == said


def test_a_command_that_is_not_there(client: Client) -> None:
    client.make("web", "busybox", "command: [sleep, '1000']")
    client.open("exec", "web", "bash")
    client.run(1)
    assert client.status["reason"] == "InternalError"
    assert 'exec: "bash": executable file not found in $PATH: unknown' in client.status["message"]


def test_probes_see_files_that_sessions_write_and_remove(client: Client) -> None:
    client.make("web", "nginx", CHECKED)
    assert not _ready(client.pod("web"))
    client.open("exec", "web", "touch", "/tmp/ready")
    client.run(4)
    assert _ready(client.pod("web"))
    client.open("exec", "web", "rm", "/tmp/ready")
    client.run(6)
    assert not _ready(client.pod("web"))


def test_a_script_sees_what_a_session_writes(client: Client) -> None:
    script = "while [ ! -f /tmp/go ]; do sleep 1; done; echo went; exit 4"
    client.make("waits", "busybox", f'command: [sh, -c, "{script}"]', policy="Never")
    assert client.pod("waits").status.phase == "Running"
    client.open("exec", "waits", "touch", "/tmp/go")
    client.run(4)
    assert client.pod("waits").status.containerStatuses[0].state.terminated.exitCode == 4
    assert client.cluster.logs("default", "waits", "main") == "went\n"


def test_a_session_sees_what_the_container_writes_meanwhile(client: Client) -> None:
    client.make("writes", "busybox", 'command: [sh, -c, "sleep 30; echo news > /tmp/f; sleep 1000"]')
    client.open("exec", "writes", "sh", "-c", "while [ ! -f /tmp/f ]; do sleep 1; done; cat /tmp/f")
    client.run(5)
    assert client.status is None
    client.run(20)
    assert client.said() == "news\n"


def test_volumes_are_shared_between_containers(client: Client) -> None:
    text = """
apiVersion: v1
kind: Pod
metadata: {name: two}
spec:
  volumes: [{name: v, emptyDir: {}}]
  containers:
  - {name: a, image: busybox, command: [sleep, "1000"], volumeMounts: [{name: v, mountPath: /in}]}
  - {name: b, image: busybox, command: [sleep, "1000"], volumeMounts: [{name: v, mountPath: /out}]}
"""
    client.cluster.gate.handle(
        Request(verb="create", resource="pods", namespace="default", body=text, content_type="application/yaml")
    )
    client.run(20)
    client.open("exec", "two", "sh", "-c", "echo hi > /in/x", container="a")
    client.run(1)
    client.open("exec", "two", "cat", "/out/x", container="b")
    client.run(1)
    assert client.said() == "hi\n"


def test_kill_1_restarts_the_container_and_ends_its_sessions(client: Client) -> None:
    client.make("web", "nginx")
    client.open("exec", "web", "sh", "-c", "ps; kill -9 1; sleep 2; kill 1; sleep 100")
    client.run(1)
    assert [line.split(None, 3)[::3] for line in client.said().splitlines()[1:]] == [
        ["1", "nginx"],
        ["7", "sh -c ps; kill -9 1; sleep 2; kill 1; sleep 100"],
        ["8", "ps"],
    ]
    client.run(5)
    assert client.status["details"]["causes"][0]["message"] == "137"
    status = client.pod("web").status.containerStatuses[0]
    assert (status.restartCount, status.lastState.terminated.exitCode) == (1, 0)


def test_a_first_process_that_heeds_no_signal_stays(client: Client) -> None:
    client.make("sleeps", "busybox", "command: [sleep, '1000']")
    client.open("exec", "sleeps", "kill", "1")
    client.run(5)
    assert client.status == {"metadata": {}, "status": "Success"}
    assert client.pod("sleeps").status.containerStatuses[0].restartCount == 0


def test_sessions_kill_each_other(client: Client) -> None:
    client.make("web", "nginx")
    first = client.open("exec", "web", "sleep", "100").body
    client.run(1)
    client.open("exec", "web", "kill", "-9", "7")
    client.run(1)
    assert first.status["details"]["causes"][0]["message"] == "137"


def test_attach_shows_what_comes_and_ends_with_the_container(client: Client) -> None:
    client.make("tick", "busybox", 'command: [sh, -c, "for i in 1 2 3; do echo $i; sleep 10; done"]', policy="Never")
    client.open("attach", "tick")
    assert client.said() == ""
    client.run(30)
    assert client.said() == "3\n"
    assert client.status == {"metadata": {}, "status": "Success"}


def test_attach_to_a_server_shows_its_log(client: Client) -> None:
    client.make("load", "gcr.io/google-samples/microservices-demo/loadgenerator:v0.10.1")
    client.open("attach", "load")
    client.run(25)
    assert 2 <= client.said().count("GET      /") <= 3


def test_a_shell_that_is_the_container(client: Client) -> None:
    client.make("box", "busybox", "stdin: true, stdinOnce: true, tty: true", policy="Never")
    session = client.open("attach", "box", stdin=True, tty=True).body
    sessions = client.cluster.sessions
    sessions.send(session, "input", "echo hello\r")
    client.run(1)
    assert client.said() == "echo hello\r\nhello\r\n/ # "
    sessions.send(session, "input", "exit 7\r")
    client.run(3)
    assert client.pod("box").status.containerStatuses[0].state.terminated.exitCode == 7
    assert client.cluster.logs("default", "box", "main").splitlines()[1] == "hello"


def test_standard_input_ends_once(client: Client) -> None:
    client.make("reads", "busybox", 'stdin: true, stdinOnce: true, command: [sh, -c, "cat; echo over"]', policy="Never")
    session = client.open("attach", "reads", stdin=True).body
    client.cluster.sessions.send(session, "input", "line\n")
    client.cluster.sessions.send(session, "detach")
    client.run(3)
    assert client.cluster.logs("default", "reads", "main") == "line\nover\n"
    assert client.pod("reads").status.phase == "Succeeded"


def test_a_client_that_goes_leaves_its_command_but_takes_its_terminal(client: Client) -> None:
    client.make("web", "nginx")
    plain = client.open("exec", "web", "sh", "-c", "sleep 5; touch /tmp/done").body
    shell = client.open("exec", "web", "sh", stdin=True, tty=True).body
    for session in (plain, shell):
        client.cluster.sessions.send(session, "detach")
    assert shell.status is not None
    assert plain.status is None
    client.run(6)
    client.seen.clear()
    client.open("exec", "web", "ls", "/tmp")
    client.run(1)
    assert client.said() == "done\n"


def test_requests_reach_services_and_the_pod_itself(client: Client) -> None:
    client.make("web", "nginx")
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
    service["spec"]["selector"] = {"run": "web"}
    client.cluster.gate.handle(Request(verb="create", resource="services", namespace="default", body=service))
    client.run(2)
    client.open("exec", "web", "sh", "-c", "wget -qO- localhost | head -1; curl -s localhost:81; wget -qO- http://web")
    client.run(5)
    assert client.said() == "<!DOCTYPE html>\n"
    errors = client.said("stderr").splitlines()
    # The Service selects nobody: kube-proxy rejects the connection.
    assert "Connection refused" in errors[-1]


@pytest.mark.parametrize(
    ("pod", "options", "code", "message"),
    [
        ("nobody", {}, 404, 'pods "nobody" not found'),
        ("web", {"container": "zz"}, 400, "container zz is not valid for pod web"),
        ("web", {"stdout": False, "stderr": False}, 400, "you must specify at least 1 of stdin, stdout, stderr"),
        ("ended", {}, 500, 'unable to upgrade connection: container not found ("main")'),
        ("homeless", {}, 400, "pod homeless does not have a host assigned"),
    ],
)
def test_refusals(client: Client, pod: str, options, code: int, message: str) -> None:
    client.make("web", "nginx")
    client.make("ended", "busybox", "command: ['true']", policy="Never")
    client.make("homeless", "nginx", "resources: {requests: {cpu: '1000'}}")
    answer = client.open("exec", pod, "ls", **options)
    assert (answer.code, answer.body["message"].endswith(message)) == (code, True), answer.body


def test_a_websocket_needs_the_right_to_create(client: Client) -> None:
    client.make("web", "nginx")
    rules = [{"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["get"]}]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "r"}, "rules": rules}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "r"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
        "subjects": [{"kind": "User", "name": "anna", "apiGroup": "rbac.authorization.k8s.io"}],
    }
    group = {"group": "rbac.authorization.k8s.io", "namespace": "default", "verb": "create"}
    client.cluster.gate.handle(Request(resource="roles", body=role, **group))
    client.cluster.gate.handle(Request(resource="rolebindings", body=binding, **group))
    anna = UserInfo(name="anna", groups=("system:authenticated",))
    answer = client.open("exec", "web", "ls", verb="get", user=anna)
    assert answer.code == 403
    assert answer.body["message"] == (
        'pods "web" is forbidden: User "anna" cannot create resource "pods/exec" in API group "" '
        'in the namespace "default"'
    )
    rules[0]["verbs"].append("create")
    client.cluster.gate.handle(Request(resource="roles", name="r", body=role, **{**group, "verb": "update"}))
    assert client.open("exec", "web", "ls", verb="get", user=anna).is_success


def test_a_replay_repeats_what_was_typed(client: Client) -> None:
    client.make("web", "nginx", CHECKED)
    session = client.open("exec", "web", "sh", verb="get", stdin=True, tty=True).body
    sessions = client.cluster.sessions
    for keys in ("touch /tmp/re", "ady\r", "sleep 100\r", "\x03", "rm /tmp/ready; kill 1\r"):
        sessions.send(session, "input", keys)
        client.run(3)
    sessions.send(session, "resize", 10, 20)
    client.run(20)
    again = replay(Journal.loads(client.cluster.dump_journal()))
    assert again.clock.now == client.cluster.clock.now
    assert again.store.revision == client.cluster.store.revision
    assert again.server.peek("pods", "web", "default") == client.pod("web")
    assert client.pod("web").status.containerStatuses[0].restartCount == 1


def test_a_copy_goes_on_without_the_client(client: Client) -> None:
    client.make("web", "nginx")
    client.open("exec", "web", "sh", "-c", "sleep 5; kill 1")
    client.cluster.kubelets["worker-1"].find("default", "web").containers[0].sessions[0].sink = None
    copy = pickle.loads(pickle.dumps(client.cluster))
    copy.advance(20 * SECOND)
    assert copy.server.peek("pods", "web", "default").status.containerStatuses[0].restartCount == 1
    assert client.pod("web").status.containerStatuses[0].restartCount == 0


@pytest.mark.parametrize("fault", ["fail_node", "crash"])
def test_a_node_that_goes_down_breaks_the_connection(client: Client, fault: str) -> None:
    client.make("web", "nginx")
    client.open("exec", "web", "sleep", "1000")
    client.run(1)
    getattr(client.cluster.faults, fault)("worker-1" if fault == "fail_node" else "kubelet/worker-1")
    assert client.seen == [("cut", None)]
    refused = client.open("exec", "web", "ls")
    why = "no route to host" if fault == "fail_node" else "connection refused"
    assert refused.code == 500
    assert refused.body["message"] == f"error dialing backend: dial tcp 192.168.0.11:10250: connect: {why}"


def test_a_session_is_who_the_container_is(client: Client) -> None:
    security = "securityContext: {runAsUser: 1000, runAsGroup: 3000, readOnlyRootFilesystem: true}"
    client.make("low", "busybox", f"command: [sleep, '1000'], {security}")
    client.open("exec", "low", "sh", "-c", "id; whoami; touch /x; echo hi > /y; echo $?; mkdir /d; echo $HOME; ps")
    client.run(1)
    out = client.said().splitlines()
    assert out[:3] == ["uid=1000 gid=3000 groups=3000", "1", "/"]
    assert out[4].split()[1] == "1000"
    assert client.said("stderr").splitlines() == [
        "whoami: unknown uid 1000",
        "touch: /x: Read-only file system",
        "sh: can't create /y: Read-only file system",
        "mkdir: can't create directory '/d': Read-only file system",
    ]


STATEFUL = """
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: None, selector: {app: db}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: main, image: nginx}]}
"""


def test_names_of_services_and_of_pods_below_them(client: Client) -> None:
    from k8slab.api.documents import load_all

    for body in load_all(STATEFUL):
        group, plural = ("apps", "statefulsets") if body["kind"] == "StatefulSet" else ("", "services")
        client.cluster.gate.handle(Request(verb="create", resource=plural, group=group, namespace="default", body=body))
    client.run(60)
    ips = [client.pod(f"db-{number}").status.podIP for number in (0, 1)]
    client.open("exec", "db-0", "sh", "-c", "hostname > /usr/share/nginx/html/index.html")
    client.run(1)
    client.open("exec", "db-1", "sh", "-c", "wget -qO- db-0.db; nslookup db")
    client.run(1)
    lines = client.said().splitlines()
    assert lines[0] == "db-0"
    assert [line for line in lines if line.startswith("Name:")] == ["Name:\tdb.default.svc.cluster.local"] * 2
    assert sorted(line.split()[1] for line in lines[4:] if line.startswith("Address: ")) == sorted(ips)
    client.seen.clear()
    client.open(
        "exec", "db-1", "sh", "-c", "nslookup db-0.db.default.svc.cluster.local; nslookup db-7.db; wget db-7.db"
    )
    client.run(1)
    assert f"Name:\tdb-0.db.default.svc.cluster.local\nAddress: {ips[0]}\n" in client.said()
    assert "** server can't find db-7.db: NXDOMAIN" in client.said()
    assert client.said("stderr") == "wget: bad address 'db-7.db'\n"


def test_requests_are_spread_over_the_endpoints(client: Client) -> None:
    for name in ("a", "b"):
        client.make(name, "nginx")
        pod = {"metadata": {"labels": {"app": "web"}}}
        patch = Request(verb="patch", resource="pods", namespace="default", name=name, body=pod)
        client.cluster.gate.handle(patch.replace(content_type="application/merge-patch+json"))
        client.open("exec", name, "sh", "-c", "hostname > /usr/share/nginx/html/index.html")
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}
    client.cluster.gate.handle(Request(verb="create", resource="services", namespace="default", body=service))
    client.run(5)
    client.open("exec", "a", "sh", "-c", "for i in $(seq 40); do wget -qO- web; done")
    client.run(5)
    counts = [client.said().count(name) for name in ("a", "b")]
    assert sum(counts) == 40
    assert min(counts) > 8


def _ready(pod) -> bool:
    return any(each.type == "Ready" and each.status == "True" for each in pod.status.conditions)

"""The real kubectl against a served cluster: what learners will type."""

from __future__ import annotations

import subprocess
import time

import pytest

from tests.serve.conftest import MANIFESTS, Caller, Kubectl, settle


@pytest.fixture
def ns(kubectl: Kubectl, call: Caller, request: pytest.FixtureRequest) -> str:
    name = "k-" + request.node.name.split("[")[0].removeprefix("test_").replace("_", "-")[:50]
    kubectl(f"create namespace {name}")
    settle(call, name)
    return f"-n {name}"


def test_version_and_nodes(kubectl: Kubectl) -> None:
    assert "Server Version: v1.36.2" in kubectl("version")
    lines = kubectl("get nodes -o wide").splitlines()
    assert lines[0].split()[:5] == ["NAME", "STATUS", "ROLES", "AGE", "VERSION"]
    assert [line.split()[:3] for line in lines[1:]] == [
        ["control-plane-1", "Ready", "control-plane"],
        ["worker-1", "Ready", "<none>"],
        ["worker-2", "Ready", "<none>"],
        ["worker-3", "Ready", "<none>"],
    ]
    assert "kube-apiserver-control-plane-1" in kubectl("get pods -A -o wide")


def test_discovery(kubectl: Kubectl) -> None:
    names = kubectl("api-resources -o name").split()
    assert {"pods", "deployments.apps", "cronjobs.batch", "roles.rbac.authorization.k8s.io"} <= set(names)
    assert "apps/v1" in kubectl("api-versions").split()


def test_who_am_i(kubectl: Kubectl) -> None:
    rows = [line.split(maxsplit=1) for line in kubectl("auth whoami").splitlines()]
    assert ["Username", "kubernetes-admin"] in rows
    assert ["Groups", "[kubeadm:cluster-admins system:masters system:authenticated]"] in rows
    assert kubectl("auth can-i create pods") == "yes\n"


def test_a_deployments_life(kubectl: Kubectl, ns: str) -> None:
    assert kubectl(f"create deployment web --image=nginx:1.25 --replicas=3 {ns}") == "deployment.apps/web created\n"
    assert "successfully rolled out" in kubectl(f"rollout status deployment/web --timeout=30s {ns}")
    kubectl(f"scale deployment/web --replicas=5 {ns}")
    kubectl(f"wait deployment/web --for=jsonpath={{.status.readyReplicas}}=5 --timeout=30s {ns}")
    assert kubectl(f"set image deployment/web nginx=nginx:1.26 {ns}") == "deployment.apps/web image updated\n"
    assert "successfully rolled out" in kubectl(f"rollout status deployment/web --timeout=30s {ns}")
    assert "nginx:1.26" in kubectl(f"describe deployment web {ns}")
    history = kubectl(f"rollout history deployment/web {ns}")
    assert [line.split()[0] for line in history.splitlines()[2:] if line] == ["1", "2"]
    assert kubectl(f"rollout undo deployment/web {ns}") == "deployment.apps/web rolled back\n"
    kubectl(f"rollout status deployment/web --timeout=30s {ns}")
    assert kubectl(f"get deployment web -o jsonpath={{.spec.template.spec.containers[0].image}} {ns}") == "nginx:1.25"
    kubectl(f"rollout restart deployment/web {ns}")
    kubectl(f"rollout status deployment/web --timeout=30s {ns}")
    assert kubectl(f"delete deployment web {ns}") == 'deployment.apps "web" deleted\n'


def test_labels_annotations_and_patches(kubectl: Kubectl, ns: str) -> None:
    assert kubectl(f"create configmap cm --from-literal=a=1 {ns}") == "configmap/cm created\n"
    assert kubectl(f"label configmap cm tier=front {ns}") == "configmap/cm labeled\n"
    assert kubectl(f"annotate configmap cm note=x {ns}") == "configmap/cm annotated\n"
    kubectl(f"patch configmap cm --type=merge {ns} -p", '{"data":{"b":"2"}}')
    kubectl(f"patch configmap cm --type=json {ns} -p", '[{"op":"remove","path":"/data/a"}]')
    assert kubectl(f"get configmap cm -o jsonpath={{.data}} {ns}") == '{"b":"2"}'
    assert "--overwrite is false" in kubectl.fails(f"label configmap cm tier=back {ns}")


def test_taint_cordon_drain(kubectl: Kubectl, ns: str) -> None:
    assert kubectl("taint node worker-3 lesson=one:NoSchedule") == "node/worker-3 tainted\n"
    kubectl("taint node worker-3 lesson-")
    kubectl(f"create deployment web --image=nginx --replicas=6 {ns}")
    kubectl(f"rollout status deployment/web --timeout=30s {ns}")
    assert kubectl("cordon worker-2") == "node/worker-2 cordoned\n"
    assert "Ready,SchedulingDisabled" in kubectl("get node worker-2")
    assert "node/worker-2 drained" in kubectl("drain worker-2 --ignore-daemonsets --delete-emptydir-data --timeout=60s")
    assert kubectl("uncordon worker-2") == "node/worker-2 uncordoned\n"
    kubectl(f"rollout status deployment/web --timeout=30s {ns}")


def test_explain(kubectl: Kubectl) -> None:
    assert "FIELD: restartPolicy <string>" in kubectl("explain pod.spec.restartPolicy")
    assert "rollingUpdate\t<RollingUpdateDeployment>" in kubectl("explain deployment.spec.strategy")
    assert "maxSurge <IntOrString>" in kubectl("explain deployment.spec.strategy.rollingUpdate.maxSurge")
    assert 'field "nope" does not exist' in kubectl.fails("explain pod.spec.nope")


def test_unknown_fields_are_refused(kubectl: Kubectl, ns: str) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndta: {a: b}\n"
    assert 'unknown field "dta"' in kubectl.fails(f"apply {ns} -f -", stdin=text)
    done = kubectl.run(*f"apply --validate=warn {ns} -f -".split(), stdin=text)
    assert done.returncode == 0
    assert 'Warning: unknown field "dta"' in done.stderr


def test_apply_diff_replace_delete(kubectl: Kubectl, ns: str) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: '%s'}\n"
    assert kubectl(f"apply {ns} -f -", stdin=text % 1) == "configmap/x created\n"
    assert kubectl(f"apply {ns} -f -", stdin=text % 1) == "configmap/x unchanged\n"
    done = kubectl.run(*f"diff {ns} -f -".split(), stdin=text % 2)
    assert done.returncode == 1
    assert '+  a: "2"' in done.stdout
    assert kubectl(f"apply {ns} -f -", stdin=text % 2) == "configmap/x configured\n"
    assert kubectl(f"replace {ns} -f -", stdin=text % 3) == "configmap/x replaced\n"
    assert kubectl(f"delete {ns} -f -", stdin=text % 3) == 'configmap "x" deleted\n'
    assert kubectl.fails(f"get configmap x {ns}") == 'Error from server (NotFound): configmaps "x" not found\n'


def test_create_of_many_kinds(kubectl: Kubectl, ns: str) -> None:
    """kubectl sends these as protobuf."""
    kubectl(f"create secret generic s --from-literal=p=w {ns}")
    assert kubectl(f"get secret s -o jsonpath={{.data.p}} {ns}") == "dw=="
    kubectl(f"create serviceaccount bot {ns}")
    kubectl(f"create role reader --verb=get,list --resource=pods {ns}")
    assert kubectl(f"get role reader -o jsonpath={{.rules[0].verbs}} {ns}") == '["get","list"]'
    kubectl(f"create rolebinding b --role=reader --user=jane {ns}")
    kubectl(f"create quota q --hard=pods=20,requests.cpu=4 {ns}")
    assert kubectl(f"get quota q -o jsonpath={{.spec.hard}} {ns}") == '{"pods":"20","requests.cpu":"4"}'
    kubectl(f"create service nodeport web --tcp=80:8080 {ns}")
    ports = kubectl(f"get service web -o jsonpath={{.spec.ports[0].port}},{{.spec.ports[0].targetPort}} {ns}")
    assert ports == "80,8080"
    kubectl(f"create ingress i --rule=example.test/path=web:80 {ns}")
    backend = "{.spec.rules[0].http.paths[0].backend.service.name}"
    assert kubectl(f"get ingress i -o jsonpath={backend} {ns}") == "web"
    kubectl(f"create poddisruptionbudget d --selector=app=web --min-available=50% {ns}")
    assert kubectl(f"get pdb d -o jsonpath={{.spec.minAvailable}} {ns}") == "50%"
    kubectl(f"create cronjob tick --image=busybox {ns} --schedule", "*/5 * * * *")
    assert kubectl(f"get cronjob tick -o jsonpath={{.spec.schedule}} {ns}") == "*/5 * * * *"
    assert kubectl(f"create token bot {ns}").count(".") == 2


def test_zero_replicas_are_zero(kubectl: Kubectl, ns: str) -> None:
    kubectl(f"create deployment none --image=nginx --replicas=0 {ns}")
    assert kubectl(f"get deployment none -o jsonpath={{.spec.replicas}} {ns}") == "0"


CUSTOM = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.serve.example.com}
spec:
  group: serve.example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, shortNames: [wd]}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
"""


def test_custom_resources(kubectl: Kubectl, ns: str) -> None:
    widget = "apiVersion: serve.example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec: {size: %d}\n"
    kubectl("apply -f -", stdin=CUSTOM)
    kubectl("wait crd/widgets.serve.example.com --for=condition=Established --timeout=20s")
    assert kubectl(f"apply {ns} -f -", stdin=widget % 3) == "widget.serve.example.com/w created\n"
    assert kubectl(f"apply {ns} -f -", stdin=widget % 4) == "widget.serve.example.com/w configured\n"
    assert kubectl(f"get wd w -o jsonpath={{.spec.size}} {ns}") == "4"
    assert "size\t<integer>" in kubectl("explain widget.spec")


def test_server_side_apply(kubectl: Kubectl, ns: str) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: '%s'}\n"
    assert kubectl(f"apply --server-side {ns} -f -", stdin=text % 1) == "configmap/x serverside-applied\n"
    refused = kubectl.fails(f"apply --server-side --field-manager=other {ns} -f -", stdin=text % 2)
    assert 'conflict with "kubectl": .data.a' in refused


def test_run_and_logs(kubectl: Kubectl, ns: str) -> None:
    script = "for i in 1 2 3; do echo line $i; sleep 20; done"
    kubectl(f"run p --image=busybox --restart=Never {ns} -- sh -c", script)
    kubectl(f"wait pod/p --for=condition=Ready --timeout=30s {ns}")
    assert kubectl(f"logs -f p {ns}") == "line 1\nline 2\nline 3\n"
    assert kubectl(f"logs p --tail=1 {ns}") == "line 3\n"
    kubectl(f"wait pod/p --for=jsonpath={{.status.phase}}=Succeeded --timeout=30s {ns}")


def test_get_watch(kubectl: Kubectl, ns: str) -> None:
    command = [kubectl.program, "get", "pods", "-w", *ns.split()]
    watching = subprocess.Popen(command, env=kubectl.environment, stdout=subprocess.PIPE, text=True)
    try:
        time.sleep(1)
        kubectl(f"run p --image=nginx {ns}")
        kubectl(f"wait pod/p --for=condition=Ready --timeout=30s {ns}")
        time.sleep(0.5)
    finally:
        watching.terminate()
    lines = watching.communicate(timeout=60)[0].splitlines()
    assert lines[0].split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    statuses = [line.split()[2] for line in lines[1:]]
    assert statuses[0] == "Pending"
    assert statuses[-1] == "Running"


def test_describe_events_and_nodes(kubectl: Kubectl, ns: str) -> None:
    kubectl(f"run p --image=nginx {ns}")
    kubectl(f"wait pod/p --for=condition=Ready --timeout=30s {ns}")
    text = kubectl(f"describe pod p {ns}")
    assert "Successfully assigned" in text
    assert "Scheduled" in kubectl(f"get events {ns}")
    assert "Allocated resources:" in kubectl("describe node worker-1")


def test_namespaces_end(kubectl: Kubectl, call: Caller) -> None:
    kubectl("create namespace passing")
    settle(call, "passing")
    kubectl("run p --image=nginx -n passing")
    assert kubectl("delete namespace passing --timeout=60s") == 'namespace "passing" deleted\n'
    assert "NotFound" in kubectl.fails("get namespace passing")


@pytest.mark.parametrize("name", ["cassandra", "guestbook", "online-boutique", "voting-app"])
def test_applications_run(kubectl: Kubectl, name: str) -> None:
    file = MANIFESTS / f"{name}.yaml"
    if not file.exists():
        pytest.skip(f"{file} is not there")
    kubectl(f"create namespace app-{name}")
    kubectl(f"apply -n app-{name} -f {file}", timeout=120)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        columns = "custom-columns=P:.status.phase,R:.status.conditions[?(@.type=='Ready')].status"
        rows = kubectl(f"get pods -n app-{name} --no-headers -o", columns).split()
        if rows and set(rows) <= {"Running", "True"}:
            break
        time.sleep(0.5)
    assert set(rows) <= {"Running", "True"}, kubectl(f"get pods -n app-{name}")
    kubectl(f"delete namespace app-{name} --wait=false")

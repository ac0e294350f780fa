"""The verbs against a server on which nothing else happens."""

from __future__ import annotations

import pytest

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "nginx:1.27", env: [{name: A, value: b}]}
      - {name: side, image: busybox}
"""


@pytest.fixture
def deployed(kubectl):
    assert kubectl("apply -f -", DEPLOYMENT).stdout == "deployment.apps/web created\n"
    return kubectl


def test_apply_keeps_what_others_set_and_removes_what_it_set(deployed):
    deployed("scale deploy web --replicas=5")
    deployed("label deploy web extra=1")
    changed = DEPLOYMENT.replace("labels: {app: web}}\nspec:\n  replicas: 3", "labels: {tier: x}}\nspec:")
    assert deployed("apply -f -", changed).stdout == "deployment.apps/web configured\n"
    shown = deployed("get deploy web -o jsonpath='{.spec.replicas} {.metadata.labels}'").stdout
    # Replicas and the label app were applied before and are not any more: they go (replicas to its default).
    assert shown == '1 {"extra":"1","tier":"x"}'
    assert deployed("apply -f -", changed).stdout == "deployment.apps/web unchanged\n"


def test_apply_merges_containers_by_name(deployed):
    deployed("set image deploy/web side=busybox:2")
    deployed("apply -f -", DEPLOYMENT.replace("nginx:1.27", "nginx:1.28"))
    images = deployed("get deploy web -o jsonpath={.spec.template.spec.containers[*].image}").stdout
    assert images == "nginx:1.28 busybox"


def test_apply_warns_of_objects_that_were_not_applied(kubectl):
    kubectl("create cm conf --from-literal=a=1")
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf}\ndata: {a: '2'}\n"
    result = kubectl("apply -f -", text)
    assert result.stdout == "configmap/conf configured\n"
    assert result.stderr.startswith(
        "Warning: resource configmaps/conf is missing the kubectl.kubernetes.io/last-applied"
    )
    assert kubectl("apply -f -", text).stderr == ""


def test_dry_runs_store_nothing(kubectl):
    assert kubectl("apply --dry-run=server -f -", DEPLOYMENT).stdout == "deployment.apps/web created (server dry run)\n"
    assert kubectl("apply --dry-run=client -f -", DEPLOYMENT).stdout == "deployment.apps/web created (dry run)\n"
    assert kubectl("get deploy").stderr == "No resources found in default namespace.\n"


def test_apply_without_a_name(kubectl):
    result = kubectl("apply -f -", "apiVersion: v1\nkind: ConfigMap\n")
    assert result.stderr.startswith(
        'error: error when retrieving current configuration of:\nResource: "/v1, Resource=configmaps"'
    )
    assert result.stderr.endswith('from server for: "STDIN": resource name may not be empty\n')


@pytest.mark.parametrize(
    ("command", "stdout"),
    [
        ("label deploy web x=y", "deployment.apps/web labeled\n"),
        ("label deploy web app=web", "deployment.apps/web not labeled\n"),
        ("label deploy web app-", "deployment.apps/web unlabeled\n"),
        ("label deploy --all a=b --list", "a=b\napp=web\n"),
        ("annotate deploy/web note=hello", "deployment.apps/web annotated\n"),
        ("set image deploy/web '*=nginx:2'", "deployment.apps/web image updated\n"),
        ("set env deploy/web --list", "# Deployment web, container web\nA=b\n# Deployment web, container side\n"),
        ("set env deploy/web B=1 A- -c web", "deployment.apps/web env updated\n"),
        ("set resources deploy web --limits=cpu=1", "deployment.apps/web resource requirements updated\n"),
        ("set serviceaccount deploy web robot", "deployment.apps/web serviceaccount updated\n"),
        ("scale deploy web --replicas=2 --current-replicas=3", "deployment.apps/web scaled\n"),
        ("autoscale deploy web --max=4", "horizontalpodautoscaler.autoscaling/web autoscaled\n"),
        ('patch deploy web -p \'{"spec":{"replicas":1}}\'', "deployment.apps/web patched\n"),
        ('patch deploy web -p \'{"spec":{"replicas":3}}\'', "deployment.apps/web patched (no change)\n"),
        ("rollout pause deploy web", "deployment.apps/web paused\n"),
        ("rollout restart deploy/web", "deployment.apps/web restarted\n"),
        ("expose deploy web --port=80 --name=front -o name", "service/front\n"),
        ("delete deploy web --dry-run=server", 'deployment.apps "web" deleted (server dry run)\n'),
        ("delete deploy web -o name", "deployment.apps/web\n"),
        ("get deploy web -o jsonpath-as-json={.spec.replicas}", "[\n    3\n]\n"),
        ("get deploy web -o go-template={{.spec.replicas}}", "3"),
        ("get deploy -o custom-columns=N:.metadata.name --no-headers", "web   \n"),
    ],
)
def test_what_verbs_print(deployed, command, stdout):
    result = deployed(command)
    assert (result.stderr, result.exit_code) == ("", 0)
    assert result.stdout == stdout.replace("web   \n", "web\n")


@pytest.mark.parametrize(
    ("command", "stderr"),
    [
        ("label deploy web app=x", "error: 'app' already has a value (web), and --overwrite is false\n"),
        ("label deploy web a=b c", "error: all resources must be specified before label changes: c\n"),
        ("label deploy web", "error: at least one label update is required\n"),
        ("scale deploy web --replicas=2 --current-replicas=7", "error: Expected replicas to be 7, was 3\n"),
        (
            "scale deploy web --replicas=-1",
            "error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0\n",
        ),
        ("set image deploy/web nope=x", 'error: unable to find container named "nope"\n'),
        ("set image deploy/web", "error: at least one image update is required\n"),
        ("rollout resume deploy/web", 'error: deployments.apps "web" is not paused\n'),
        ("rollout undo deploy/web", 'error: no rollout history found for deployment "web"\n'),
        ("rollout status deploy/web --timeout=5s", "error: timed out waiting for the condition\n"),
        (
            "wait --for=condition=Available deploy/web --timeout=1s",
            "error: timed out waiting for the condition on deployments/web\n",
        ),
        (
            "wait --for=delete deploy/web --timeout=1s",
            "error: timed out waiting for the condition on deployments/web\n",
        ),
        (
            "get pod/a deploy/b",
            'Error from server (NotFound): pods "a" not found\n'
            'Error from server (NotFound): deployments.apps "b" not found\n',
        ),
        ("get nosuch", 'error: the server doesn\'t have a resource type "nosuch"\n'),
        ("get pods a -l x=y", "error: name cannot be provided when a selector is specified\n"),
        ("get deploy/web pods", "error: there is no need to specify a resource type as a separate argument"),
        ("delete pods", "error: resource(s) were provided, but no name was specified\n"),
        (
            "delete deploy web --force --grace-period=5",
            "error: --force and --grace-period greater than 0 cannot be specified together\n",
        ),
        ("get deploy web -o jsonpath={.x", "error: error parsing jsonpath {.x, unclosed action\n"),
        ("logs web", 'error: error from server (NotFound): pods "web" not found in namespace "default"\n'),
        ("edit deploy web", "error: there is no editor in a notebook: use 'kubectl patch deployment.apps/web -p ...'"),
        ("exec web -- ls", 'Error from server (NotFound): pods "web" not found\n'),
        ("top pods", "error: Metrics API not available\n"),
        ("events --for=web", "error: --for must be in resource/name form\n"),
        ("taint nodes n1 a=b:Wild", "error: invalid taint effect: Wild, unsupported taint effect\n"),
        ("explain nosuch", 'the server doesn\'t have a resource type "nosuch"\n'),
        ("explain deploy.spec.nope", 'error: field "nope" does not exist\n'),
        ("get pods --context=nope", 'error: context "nope" does not exist\n'),
    ],
)
def test_what_verbs_refuse(deployed, command, stderr):
    result = deployed(command)
    assert result.stderr.startswith(stderr)
    assert result.exit_code == 1


def test_a_template_that_fails_shows_the_object(deployed):
    result = deployed("get cm -o jsonpath={.items[0].metadata.name} -l no=such")
    assert result.stderr.startswith(
        'error: error executing jsonpath "{.items[0].metadata.name}": Error executing template: '
        "array index out of bounds: index 0, length 0. "
        "Printing more information for debugging the template:\n\ttemplate was:\n"
    )
    assert 'map[string]interface {}{"apiVersion":"v1", "items":[]interface {}{}' in result.stderr


def test_waiting_for_what_holds_already_takes_no_time(deployed, session):
    before = session.clock.now
    assert (
        deployed("wait --for=jsonpath='{.spec.replicas}'=3 deploy/web").stdout == "deployment.apps/web condition met\n"
    )
    assert deployed("wait --for=create deploy/web").exit_code == 0
    assert session.clock.now == before
    assert deployed("wait --for=delete deploy/gone").exit_code == 0


def test_a_watch_shows_changes_at_their_age(deployed, session):
    from k8slab.sim.clock import SECOND

    session.clock.call_after(5 * SECOND, _Change(session).act)
    lines = deployed("get deploy -w").stdout.splitlines()
    assert lines[0].split() == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert [line.split()[1::3] for line in lines[1:]] == [["0/3", "0s"], ["0/9", "5s"]]


class _Change:
    def __init__(self, session):
        self.session = session

    def act(self):
        self.session.client.patch("deployments", "web", {"spec": {"replicas": 9}}, "default")


def test_taints_and_cordon(kubectl, session):
    kubectl("create -f -", "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n")
    kubectl("taint nodes n1 node.kubernetes.io/not-ready-")
    assert kubectl("taint node n1 a=b:NoSchedule").stdout == "node/n1 tainted\n"
    assert kubectl("taint nodes n1 a=c:NoSchedule").stderr == (
        "error: node n1 already has a taint(s) with same effect(s) and --overwrite is false\n"
    )
    assert kubectl("taint nodes n1 a=c:NoSchedule --overwrite").stdout == "node/n1 modified\n"
    assert kubectl("taint nodes n1 a-").stdout == "node/n1 untainted\n"
    assert kubectl("taint nodes n1 a-").stderr == 'error: taint "a" not found\n'
    assert [kubectl(f"{verb} n1").stdout for verb in ("cordon", "cordon", "uncordon")] == [
        "node/n1 cordoned\n",
        "node/n1 already cordoned\n",
        "node/n1 uncordoned\n",
    ]


def test_diff_exits_with_one_when_something_differs(deployed):
    same = deployed("diff -f -", DEPLOYMENT)
    assert (same.stdout, same.exit_code) == ("", 0)
    other = deployed("diff -f -", DEPLOYMENT.replace("replicas: 3", "replicas: 4"))
    assert "-  replicas: 3\n+  replicas: 4\n" in other.stdout
    assert other.exit_code == 1
    assert deployed("diff -f -", "a: [").exit_code == 2
    assert deployed("get deploy web -o jsonpath={.spec.replicas}").stdout == "3"


def test_explain_tells_types(kubectl):
    text = kubectl("explain deployment.spec.strategy").stdout
    assert text.startswith(
        "GROUP:      apps\nKIND:       Deployment\nVERSION:    v1\n\nFIELD: strategy <DeploymentStrategy>\n"
    )
    assert "  rollingUpdate\t<RollingUpdateDeployment>\n" in text
    assert "FIELD: maxSurge <IntOrString>" in kubectl("explain deploy.spec.strategy.rollingUpdate.maxSurge").stdout
    assert "  containers\t<[]Container> -required-\n" in kubectl("explain pod.spec").stdout
    assert "    matchLabels\t<map[string]string>\n" in kubectl("explain deploy.spec --recursive").stdout


def test_describe_falls_back_to_every_field(kubectl):
    kubectl(
        "create -f -",
        "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: l}\nspec: {leaseDurationSeconds: 5}\n",
    )
    text = kubectl("describe lease l").stdout
    assert "API Version:  coordination.k8s.io/v1\nKind:         Lease\n" in text
    assert "  Lease Duration Seconds:  5\n" in text


def test_describe_takes_a_prefix_of_names(kubectl):
    kubectl("create cm conf-a --from-literal=k=v")
    kubectl("create cm conf-b")
    text = kubectl("describe cm conf-").stdout
    assert text.count("Name:         conf-") == 2
    assert "\n\n\nName:         conf-b" in text
    assert kubectl("describe cm nope").stderr == 'Error from server (NotFound): configmaps "nope" not found\n'

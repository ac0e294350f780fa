"""`kubectl create ... --dry-run=client -o yaml`: byte for byte what kubectl 1.32 prints."""

from __future__ import annotations

import pytest

SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  creationTimestamp: null
  labels:
    app: s
  name: s
spec:
  ports:
  - name: 80-8080
    port: 80
    protocol: TCP
    targetPort: 8080
  selector:
    app: s
  type: ClusterIP
status:
  loadBalancer: {}
"""
CRONJOB = """\
apiVersion: batch/v1
kind: CronJob
metadata:
  creationTimestamp: null
  name: c
spec:
  jobTemplate:
    metadata:
      creationTimestamp: null
      name: c
    spec:
      template:
        metadata:
          creationTimestamp: null
        spec:
          containers:
          - command:
            - date
            - x
            image: i
            name: c
            resources: {}
          restartPolicy: OnFailure
  schedule: '* * * * *'
status: {}
"""
INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  creationTimestamp: null
  name: i
spec:
  ingressClassName: c
  rules:
  - host: foo.com
    http:
      paths:
      - backend:
          service:
            name: svc
            port:
              number: 80
        path: /bar
        pathType: Prefix
  - host: a.com
    http:
      paths:
      - backend:
          service:
            name: s
            port:
              name: http
        path: /x
        pathType: Exact
  tls:
  - hosts:
    - foo.com
    secretName: sec
status:
  loadBalancer: {}
"""
DOCKER = """\
apiVersion: v1
data:
  .dockerconfigjson: eyJhdXRocyI6eyJodHRwczovL2luZGV4LmRvY2tlci5pby92MS8iOnsidXNlcm5hbWUiOiJ1IiwicGFzc3dvcmQiOiJwIiwiZW1haWwiOiJlIiwiYXV0aCI6ImRUcHcifX19
kind: Secret
metadata:
  creationTimestamp: null
  name: s
type: kubernetes.io/dockerconfigjson
"""  # noqa: E501
BUDGET = """\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  creationTimestamp: null
  name: p
spec:
  minAvailable: 50%
  selector:
    matchLabels:
      a: b
status:
  currentHealthy: 0
  desiredHealthy: 0
  disruptionsAllowed: 0
  expectedPods: 0
"""
BINDING = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  creationTimestamp: null
  name: r
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: x
subjects:
- apiGroup: rbac.authorization.k8s.io
  kind: User
  name: a
- apiGroup: rbac.authorization.k8s.io
  kind: Group
  name: g
- kind: ServiceAccount
  name: sa
  namespace: ns
"""


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("service clusterip s --tcp=80:8080", SERVICE),
        ("cronjob c --image=i --schedule='* * * * *' --restart=OnFailure -- date x", None),
        ("ingress i --rule='foo.com/bar*=svc:80,tls=sec' --rule=a.com/x=s:http --class=c", INGRESS),
        ("secret docker-registry s --docker-username=u --docker-password=p --docker-email=e", DOCKER),
        ("pdb p --min-available=50% --selector=a=b", BUDGET),
        ("rolebinding r --clusterrole=x --user=a --group=g --serviceaccount=ns:sa", BINDING),
    ],
)
def test_generated_objects(kubectl, line, text):
    words, dash, rest = line.partition(" -- ")
    result = kubectl(f"create {words} --dry-run=client -o yaml{dash}{rest}")
    assert result.stdout == (text or CRONJOB)
    assert (result.stderr, result.exit_code) == ("", 0)


def test_json_keeps_the_order_of_gos_structs(kubectl):
    lines = kubectl("create job j --image=i --dry-run=client -o json").stdout.splitlines()
    assert lines[1:4] == ['    "kind": "Job",', '    "apiVersion": "batch/v1",', '    "metadata": {']


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("cm x --from-literal=bad", "invalid literal source bad, expected key=value"),
        ("cm x --from-file=/nonexistent", "error reading /nonexistent: no such file or directory"),
        ("deployment d --image=a --image=b -- sleep 1", "cannot specify multiple --image options and command"),
        ("role r --verb=get", "at least one resource must be specified"),
        ("role r --resource=pods", "at least one verb must be specified"),
        ("quota q --hard=pods", "Invalid argument syntax pods, expected <resource>=<value>"),
        ("pdb p", "a selector must be specified"),
        ("pdb p --selector=a=b", "one of min-available or max-unavailable must be specified"),
        ("cm x --dry-run=foo", 'Invalid dry-run value (foo). Must be "none", "server", or "client".'),
        (
            "cm x --from-literal=a=1 --from-literal=a=2",
            'cannot add key "a", another key by that name already exists in Data for ConfigMap "x"',
        ),
    ],
)
def test_refusals(kubectl, line, message):
    result = kubectl(f"create {line}")
    assert (result.stdout, result.stderr, result.exit_code) == ("", f"error: {message}\n", 1)


def test_the_server_checks_what_is_created(kubectl):
    assert (
        kubectl("create deployment A_B --image=x --dry-run=client").stdout == "deployment.apps/A_B created (dry run)\n"
    )
    refused = kubectl("create deployment A_B --image=x")
    assert refused.stderr.startswith(
        'error: failed to create deployment: Deployment.apps "A_B" is invalid: metadata.name'
    )


def test_files_become_data(kubectl, tmp_path):
    (tmp_path / "colour").write_text("red")
    (tmp_path / "size").write_text("3")
    kubectl(f"create configmap conf --from-file={tmp_path} --from-file=big={tmp_path / 'size'}")
    assert kubectl("get cm conf -o jsonpath={.data}").stdout == '{"big":"3","colour":"red","size":"3"}'

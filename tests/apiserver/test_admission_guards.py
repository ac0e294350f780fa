"""Admission plugins that only refuse: certificates, claims that grow, resizes, and kubelets that reach out."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from k8slab.api.request import UserInfo
from k8slab.pki import ecdsa, request
from tests.apiserver.conftest import Lab

CSRS = "certificatesigningrequests.certificates.k8s.io"
NODE = UserInfo(name="system:node:n1", groups=("system:nodes", "system:authenticated"))
ALICE = UserInfo(name="alice", groups=("system:authenticated",))


def signing_request(*organizations: str) -> str:
    """A request in the form of `spec.request`, with a name so long that long lengths occur."""
    text = request.make(ecdsa.generate(1), "x" * 150, organizations)
    return base64.b64encode(text.encode()).decode()


def csr(signer: str, pem: str) -> dict[str, Any]:
    return {"metadata": {"name": "r"}, "spec": {"signerName": signer, "request": pem, "usages": ["client auth"]}}


@pytest.fixture
def secured() -> Lab:
    return Lab(authorization_mode="Node,RBAC", enable_admission=("NodeRestriction",))


def test_nobody_asks_for_the_masters(lab: Lab) -> None:
    signer = "kubernetes.io/kube-apiserver-client"
    body = csr(signer, signing_request("dev", "system:masters"))
    refused = lab.send("create", CSRS, body=body, namespace=None)
    assert refused.body["message"] == (
        'certificatesigningrequests.certificates.k8s.io "r" is forbidden: use of '
        "kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed"
    )
    lab.create(CSRS, csr(signer, signing_request("dev")), namespace=None)


def allow(lab: Lab, verb: str, *names: str) -> None:
    """Let alice act for signers, besides what she may do to requests."""
    everything = {"apiGroups": ["certificates.k8s.io"], "resources": ["*/approval", "*/status"], "verbs": ["*"]}
    own = {"apiGroups": ["certificates.k8s.io"], "resources": ["signers"], "verbs": [verb], "resourceNames": names}
    role = {"metadata": {"name": "a"}, "rules": [everything, *([own] if names else [])]}
    lab.create("clusterroles.rbac.authorization.k8s.io", role, namespace=None)
    subject = {"kind": "User", "name": "alice", "apiGroup": "rbac.authorization.k8s.io"}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "a"}
    binding = {"metadata": {"name": "a"}, "subjects": [subject], "roleRef": reference}
    lab.create("clusterrolebindings.rbac.authorization.k8s.io", binding, namespace=None)


@pytest.mark.parametrize(
    ("verb", "subresource", "text"), [("approve", "approval", "approve"), ("sign", "status", "sign")]
)
@pytest.mark.parametrize(
    ("names", "code"), [((), 403), (("example.com/own",), 200), (("example.com/*",), 200), (("example.org/*",), 403)]
)
def test_signers_are_acted_for_by_who_may(secured: Lab, verb, subresource, text, names, code) -> None:
    allow(secured, verb, *names)
    made = secured.create(CSRS, csr("example.com/own", signing_request("dev")), namespace=None)
    condition = {"type": "Approved" if verb == "approve" else "Failed", "status": "True", "reason": "x", "message": "y"}
    body = made.replace(status={"conditions": [condition]})
    options = {"subresource": subresource, "namespace": None, "user": ALICE}
    from k8slab.api.codec import to_dict

    answer = secured.send("update", CSRS, "r", to_dict(body), **options)
    assert answer.code == code
    if code == 403:
        why = f'user not permitted to {text} requests with signerName "example.com/own"'
        assert answer.body["message"] == f'certificatesigningrequests.certificates.k8s.io "r" is forbidden: {why}'


@pytest.mark.parametrize(
    ("expandable", "why"),
    [
        (True, ""),
        (False, "only dynamically provisioned pvc can be resized and the storageclass that"),
    ],
)
def test_claims_grow_where_their_class_allows_it(lab: Lab, expandable, why) -> None:
    kind = {"metadata": {"name": "s"}, "provisioner": "p.example", "allowVolumeExpansion": expandable}
    lab.create("storageclasses.storage.k8s.io", kind, namespace=None)
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "s"}
    claim = {"metadata": {"name": "c"}, "spec": spec | {"volumeName": "v"}}
    lab.create("persistentvolumeclaims", claim)
    status = {"status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}}
    lab.patch("persistentvolumeclaims", "c", status, subresource="status")
    bigger = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    answer = lab.send("patch", "persistentvolumeclaims", "c", bigger, content_type="application/merge-patch+json")
    assert answer.code == (403 if why else 200)
    assert why in str(answer.body)


@pytest.mark.parametrize(
    ("verb", "resource", "name", "body", "why"),
    [
        (
            "create",
            "nodes",
            None,
            {"metadata": {"name": "n2"}},
            'nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"',
        ),
        (
            "create",
            "nodes",
            None,
            {"metadata": {"name": "n1", "labels": {"node-restriction.kubernetes.io/a": "b", "disk": "ssd"}}},
            'nodes "n1" is forbidden: node "n1" is not allowed to set the following labels: '
            "node-restriction.kubernetes.io/a",
        ),
        ("delete", "pods", "p", None, 'node "n1" can only delete pods with spec.nodeName set to itself'),
        (
            "create",
            "pods",
            None,
            {"metadata": {"name": "m"}, "spec": {"nodeName": "n1", "containers": [{"name": "c", "image": "i"}]}},
            'pods "m" is forbidden: pod does not have "kubernetes.io/config.mirror" annotation, '
            'node "n1" can only create mirror pods',
        ),
    ],
)
def test_kubelets_keep_to_their_nodes(secured: Lab, verb, resource, name, body, why) -> None:
    secured.pod("p", node="n2")
    namespace = None if resource == "nodes" else "default"
    refused = secured.send(verb, resource, name, body, user=NODE, namespace=namespace)
    assert refused.code == 403 and why in refused.body["message"]


def test_kubelets_write_what_is_theirs(secured: Lab) -> None:
    labels = {"kubernetes.io/hostname": "n1", "disk": "ssd"}
    secured.create("nodes", {"metadata": {"name": "n1", "labels": labels}}, namespace=None, user=NODE)
    pod = secured.pod("p", node="n1")
    status = {"status": {"phase": "Running"}}
    secured.patch("pods", "p", status, subresource="status", user=NODE)
    taints = {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}}
    kind = "application/merge-patch+json"
    refused = secured.send("patch", "nodes", "n1", taints, user=NODE, namespace=None, content_type=kind)
    assert refused.body["message"] == 'nodes "n1" is forbidden: node "n1" is not allowed to modify taints'
    secured.ok("delete", "pods", "p", user=NODE)
    assert pod.spec.nodeName == "n1"


def test_resizes_fit_the_node(lab: Lab) -> None:
    lab.create("nodes", {"metadata": {"name": "n1"}}, namespace=None)
    lab.patch(
        "nodes", "n1", {"status": {"allocatable": {"cpu": "2", "memory": "1Gi"}}}, subresource="status", namespace=None
    )
    resources = {"requests": {"cpu": "1", "memory": "1Mi"}}
    lab.pod("p", node="n1", containers=[{"name": "c", "image": "i", "resources": resources}])
    wanted = {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "3", "memory": "2Gi"}}}]}}
    kind = "application/strategic-merge-patch+json"
    refused = lab.send("patch", "pods", "p", wanted, subresource="resize", content_type=kind)
    assert refused.body["message"] == (
        'pods "p" is forbidden: node didn\'t have enough allocatable resources: '
        "cpu, requested: 3000, allocatable: 2000; memory, requested: 2147483648, allocatable: 1073741824"
    )
    assert refused.body["details"]["causes"] == [{"reason": "NodeCapacity"}]
    wanted = {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "1500m"}}}]}}
    lab.ok("patch", "pods", "p", wanted, subresource="resize", content_type=kind)

"""The control plane's own components are allowed what they do, by the roles that a real cluster gives them."""

from __future__ import annotations

import base64

import pytest

from k8slab import Lab
from k8slab.apiserver.authorization import Attributes, Decision
from k8slab.apiserver.rbac import RBAC
from k8slab.pki import ecdsa, request

CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
POD = {"containers": [{"name": "c", "image": "nginx", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]}
CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "disk", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": "ebs.csi.aws.com",
    "volumeBindingMode": "WaitForFirstConsumer",
}
STATEFUL = {
    "apiVersion": "apps/v1",
    "kind": "StatefulSet",
    "metadata": {"name": "db"},
    "spec": {
        "replicas": 2,
        "serviceName": "db",
        "selector": {"matchLabels": {"app": "db"}},
        "template": {"metadata": {"labels": {"app": "db"}}, "spec": POD},
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": CLAIM}],
    },
}
TOKEN = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "token", "annotations": {"kubernetes.io/service-account.name": "default"}},
    "type": "kubernetes.io/service-account-token",
}
CSR = {
    "apiVersion": "certificates.k8s.io/v1",
    "kind": "CertificateSigningRequest",
    "metadata": {"name": "jane"},
    "spec": {
        "request": base64.b64encode(request.make(ecdsa.generate(1), "jane").encode()).decode(),
        "signerName": "kubernetes.io/kube-apiserver-client",
        "usages": ["client auth"],
    },
}


def test_no_component_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[tuple[str, str, str]] = []
    decide = RBAC.authorize

    def noting(self: RBAC, attributes: Attributes) -> Decision:
        decision = decide(self, attributes)
        if not decision.allowed:
            refused.append((attributes.user.name, attributes.verb, attributes.resource))
        return decision

    monkeypatch.setattr(RBAC, "authorize", noting)
    lab = Lab(workers=3)
    lab.apply([CLASS, STATEFUL])
    lab.kubectl("create deployment web --image=nginx --replicas=3")
    lab.kubectl("expose deployment web --port=80")
    lab.apply([TOKEN, CSR])
    lab.kubectl("certificate approve jane")
    lab.kubectl("create job once --image=busybox -- true")
    lab.run("1m")
    lab.fail_node("worker-1")
    lab.run("8m")
    lab.kubectl("delete deployment web")
    lab.kubectl("create namespace gone")
    lab.kubectl("delete namespace gone")
    lab.run("1m")
    assert refused == []
    assert lab.get("csr/jane").status.certificate
    assert "token" in lab.get("secret/token").data
    assert lab.get("statefulset/db").status.readyReplicas


def test_view_is_put_together_from_the_roles_labelled_for_it() -> None:
    lab = Lab(workers=1)
    lab.kubectl("create clusterrole widgets --verb=get --resource=pods/log")
    lab.kubectl("label clusterrole widgets rbac.authorization.k8s.io/aggregate-to-view=true")
    lab.run("5s")
    for name in ("view", "edit", "admin"):
        rules = lab.get(f"clusterrole/{name}").rules
        assert any(rule.resources == ("pods/log",) and rule.verbs == ("get",) for rule in rules)
        assert any("pods" in rule.resources and "list" in rule.verbs for rule in rules)

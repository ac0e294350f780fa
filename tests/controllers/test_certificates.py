"""Certificate requests: from the request over the approval to the certificate, and away again."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from k8slab.api.request import Request, Response, UserInfo
from k8slab.cluster.cluster import Cluster
from k8slab.pki import der, ecdsa, keys, request, x509
from k8slab.sim.clock import SECOND

GROUP, PLURAL = "certificates.k8s.io", "certificatesigningrequests"
CLIENT = "kubernetes.io/kube-apiserver-client"
KUBELET = "kubernetes.io/kube-apiserver-client-kubelet"
SERVING = "kubernetes.io/kubelet-serving"
JANE = UserInfo(name="jane", groups=("system:authenticated",))
TRUSTED = UserInfo(name="ann", groups=("system:masters", "system:authenticated"))
HOUR = 3600 * SECOND


def pkcs10(name: str, *groups: str, dns: str = "") -> str:
    """A request as openssl would make it, in base64."""
    text = request.make(ecdsa.generate(hash_of(name)), name, groups, (dns,) if dns else ())
    return base64.b64encode(text.encode()).decode()


def hash_of(name: str) -> int:
    return int.from_bytes(name.encode())


@pytest.fixture
def lab() -> Lab:
    return Lab()


class Lab:
    def __init__(self) -> None:
        self.cluster = Cluster(workers=0, components=["kube-controller-manager"])

    def send(self, verb: str, name: str | None = None, **fields: Any) -> Response:
        return self.cluster.gate.handle(Request(verb=verb, resource=PLURAL, group=GROUP, name=name, **fields))

    def ask(
        self,
        pem: str,
        signer: str = CLIENT,
        usages: tuple[str, ...] = ("client auth",),
        user: UserInfo | None = None,
        **spec: Any,
    ) -> Response:
        body = {"metadata": {"name": "r"}, "spec": {"request": pem, "signerName": signer, "usages": usages, **spec}}
        return self.send("create", body=body, **({"user": user} if user else {}))

    def decide(self, kind: str = "Approved", **fields: Any) -> Response:
        body = {"status": {"conditions": [{"type": kind, "status": "True", "reason": "Test"}]}}
        fields.setdefault("subresource", "approval")
        return self.send("patch", "r", body=body, content_type="application/merge-patch+json", **fields)

    def found(self) -> Any:
        return self.send("get", "r").body

    def run(self, seconds: int = 5) -> None:
        self.cluster.advance(seconds * SECOND)


def issued(csr: Any) -> bytes:
    (kind, data), *_ = request.blocks(base64.b64decode(csr.status.certificate).decode())
    assert kind == "CERTIFICATE"
    return data


def test_from_request_to_certificate(lab: Lab) -> None:
    assert lab.ask(pkcs10("jane", "dev"), user=TRUSTED, expirationSeconds=3600).code == 201
    spec = lab.found().spec
    assert (spec.username, spec.groups) == ("ann", ("system:masters", "system:authenticated"))
    lab.run()
    assert lab.found().status is None or lab.found().status.certificate is None
    assert lab.decide().code == 200
    lab.run()
    csr = lab.found()
    assert csr.status.conditions[0].lastUpdateTime
    assert csr.status.conditions[0].lastTransitionTime
    body = der.read(issued(csr)).parts[0].parts
    _, _, _, issuer, validity, subject, spki, _ = body
    assert issuer.raw == lab.cluster.authority.subject
    assert subject.raw == x509.subject("jane", ("dev",))
    assert spki.raw == keys.encode(ecdsa.generate(hash_of("jane")).public)
    begins, ends = (each.text for each in validity.parts)
    assert begins == "251231235505Z"
    assert ends == "260101010005Z"
    certificate, algorithm, signature = der.read(issued(csr)).parts
    authority = der.read(keys.encode(lab.cluster.authority.key.public))
    keys.check(authority, algorithm.parts[0].oid, certificate.raw, signature.bits)
    assert x509.fingerprint(issued(csr)) in lab.cluster.authority.issued


def test_the_same_lab_issues_the_same_certificate() -> None:
    texts = []
    for _ in range(2):
        lab = Lab()
        lab.ask(pkcs10("jane"))
        lab.decide()
        lab.run()
        texts.append(lab.found().status.certificate)
    assert texts[0] == texts[1]


def test_what_is_denied_is_not_signed(lab: Lab) -> None:
    lab.ask(pkcs10("jane"))
    lab.decide("Denied")
    lab.run()
    assert lab.found().status.certificate is None
    answer = lab.decide("Approved")
    assert answer.code == 422
    assert 'updates may not remove a condition of type "Denied"' in answer.body["message"]


@pytest.mark.parametrize(
    ("usages", "why"),
    [
        (("server auth",), "invalid usage for client certificate: server auth"),
        (("digital signature",), "missing required usage for client certificate: client auth"),
    ],
)
def test_what_the_signer_does_not_sign(lab: Lab, usages: tuple[str, ...], why: str) -> None:
    lab.ask(pkcs10("jane"), usages=usages)
    lab.decide()
    lab.run()
    status = lab.found().status
    failed = next(each for each in status.conditions if each.type == "Failed")
    assert (failed.reason, failed.message) == ("SignerValidationFailure", why)
    assert status.certificate is None


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        (
            {"request": "bm9uZQ=="},
            "PEM block type must be CERTIFICATE REQUEST",
        ),
        ({"usages": []}, "spec.usages: Required value: usages must be provided"),
        ({"usages": ["sing"]}, 'spec.usages[0]: Unsupported value: "sing": supported values: "any", "cert sign", '),
        ({"usages": ["any", "any"]}, 'spec.usages[1]: Duplicate value: "any"'),
        ({"signerName": "kubernetes.io/legacy-unknown"}, "the legacy signerName is not allowed via this API version"),
        (
            {"signerName": "nope"},
            "must be a fully qualified domain and path of the form 'example.com/signer-name'",
        ),
        ({"signerName": "nope/x"}, "should be a domain with at least two segments separated by dots"),
        ({"expirationSeconds": 599}, "may not specify a duration less than 600 seconds (10 minutes)"),
    ],
)
def test_what_is_refused(lab: Lab, changes: dict[str, Any], error: str) -> None:
    spec = {"request": pkcs10("jane"), "signerName": CLIENT, "usages": ["client auth"], **changes}
    answer = lab.send("create", body={"metadata": {"name": "r"}, "spec": spec})
    assert answer.code in (403, 422)
    assert error in answer.body["message"]


def test_nobody_approves_their_own_request(lab: Lab) -> None:
    """Neither with the request, nor through the main resource or the status."""
    body = {
        "metadata": {"name": "r"},
        "spec": {"request": pkcs10("jane"), "signerName": CLIENT, "usages": ["client auth"]},
        "status": {"conditions": [{"type": "Approved", "status": "True"}]},
    }
    assert lab.send("create", body=body).code == 201
    assert lab.found().status is None or not lab.found().status.conditions
    lab.decide(subresource="")
    assert lab.found().status is None or not lab.found().status.conditions
    answer = lab.decide(subresource="status")
    assert answer.code == 422
    assert 'updates may not add a condition of type "Approved"' in answer.body["message"]


def test_who_may_approve(lab: Lab) -> None:
    lab.ask(pkcs10("jane"))
    answer = lab.decide(user=JANE)
    assert answer.code == 403


def test_kubelets_are_approved(lab: Lab) -> None:
    usages = ("digital signature", "client auth")
    binding = {
        "metadata": {"name": "kubeadm:node-autoapprove-certificate-rotation"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
        },
        "subjects": [{"kind": "Group", "name": "system:nodes", "apiGroup": "rbac.authorization.k8s.io"}],
    }
    fields: dict[str, Any] = {"resource": "clusterrolebindings", "group": "rbac.authorization.k8s.io"}
    lab.cluster.gate.handle(Request(verb="create", body=binding, **fields))
    node = UserInfo(name="system:node:n1", groups=("system:nodes", "system:authenticated"))
    assert lab.ask(pkcs10("system:node:n1", "system:nodes"), KUBELET, usages, node).code == 201
    lab.run()
    csr = lab.found()
    assert csr.status.conditions[0].reason == "AutoApproved"
    assert csr.status.certificate


def test_kubelets_servers_need_a_person(lab: Lab) -> None:
    usages = ("digital signature", "server auth")
    lab.ask(pkcs10("system:node:n1", "system:nodes", dns="n1"), SERVING, usages)
    lab.run()
    assert lab.found().status is None or not lab.found().status.conditions
    lab.decide()
    lab.run()
    assert b"n1" in issued(lab.found())


@pytest.mark.parametrize(("decision", "hours"), [("Approved", 1), ("Denied", 1), ("", 24)])
def test_old_requests_go(lab: Lab, decision: str, hours: int) -> None:
    lab.ask(pkcs10("jane"))
    if decision:
        lab.decide(decision)
    lab.cluster.advance(hours * HOUR - 120 * SECOND)
    assert lab.send("get", "r").code == 200
    lab.cluster.advance(HOUR + 120 * SECOND)
    assert lab.send("get", "r").code == 404

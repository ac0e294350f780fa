"""A new user, as every course does it: a key, a request, an approval, a kubeconfig, a role. With the real tools."""

from __future__ import annotations

import base64
import shutil
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from k8slab.pki import request as pki
from k8slab.pki import x509
from k8slab.serve.server import Server
from k8slab.sim.clock import SECOND
from k8slab.sim.seed import Streams
from tests.serve.conftest import Caller, Kubectl

CSR = """
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {{name: jane}}
spec: {{request: {request}, signerName: kubernetes.io/kube-apiserver-client, usages: [client auth]}}
"""


@pytest.fixture(scope="module")
def openssl() -> str:
    found = shutil.which("openssl")
    if found is None:
        pytest.skip("there is no openssl on the PATH")
    return found


def test_a_new_user(server: Server, kubectl: Kubectl, openssl: str, tmp_path: Path, namespace: str) -> None:
    key, request, certificate = (tmp_path / f"jane.{kind}" for kind in ("key", "csr", "crt"))
    words = [openssl, "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/O=dev/CN=jane"]
    subprocess.run([*words, "-keyout", str(key), "-out", str(request)], check=True, capture_output=True)
    kubectl("apply -f -", stdin=CSR.format(request=base64.b64encode(request.read_bytes()).decode()))
    assert "Pending" in kubectl("get csr jane")
    kubectl("certificate approve jane")
    kubectl("wait csr/jane --for=jsonpath={.status.certificate} --timeout=30s")
    assert "Approved,Issued" in kubectl("get csr jane")
    text = kubectl("get csr jane -o jsonpath={.status.certificate}")
    certificate.write_bytes(base64.b64decode(text))
    kubectl(f"config set-credentials jane --client-key={key} --client-certificate={certificate} --embed-certs=true")
    kubectl("config set-context jane --cluster=k8slab --user=jane")
    assert "jane" in kubectl("auth whoami --context jane")
    assert 'User "jane" cannot list resource "pods"' in kubectl.fails(f"get pods -n {namespace} --context jane")
    kubectl(f"create role reader --verb=list --resource=pods -n {namespace}")
    kubectl(f"create rolebinding reader --role=reader --group=dev -n {namespace}")
    assert kubectl.run("get", "pods", "-n", namespace, "--context", "jane").returncode == 0
    assert kubectl(f"auth can-i list pods -n {namespace} --context jane") == "yes\n"
    asked = pki.parse(request.read_text())
    assert is_believed(server, tmp_path, key, base64.b64decode(text).decode())
    assert not is_believed(server, tmp_path, key, forged(server, asked.spki))


def forged(server: Server, spki: bytes) -> str:
    """A certificate which whoever knows the seed could make."""
    clock = server.cluster.clock
    authority = x509.cluster_authority(Streams(server.cluster.seed).secret("ca"), clock.epoch // SECOND)
    assert authority.certificate == server.cluster.authority.certificate
    now = clock.unix_us // SECOND
    template = x509.Template(
        subject=x509.subject("root", ("system:masters",)),
        spki=spki,
        not_before=now - 3600,
        not_after=now + 3600,
        usages=("client auth",),
    )
    return x509.pem("CERTIFICATE", authority.issue(template, 1))


def is_believed(server: Server, folder: Path, key: Path, certificate: str) -> bool:
    path = folder / "both.pem"
    path.write_text(key.read_text() + certificate)
    caller = Caller(server, "nobody")
    caller.context.load_cert_chain(path)
    return caller("GET", "/api").code == 200


def test_what_pods_trust_is_the_server(server: Server, call: Caller) -> None:
    """With ca.crt and a token, as a Pod has them, a client finds the API."""
    data = call("GET", "/api/v1/namespaces/default/configmaps/kube-root-ca.crt").body["data"]
    context = ssl.create_default_context(cadata=data["ca.crt"])
    caller = Caller(server)
    caller.context = context
    assert caller("GET", "/version").code == 200


def test_a_token_that_a_secret_keeps(server: Server, call: Caller, nobody: Caller, namespace: str) -> None:
    secrets = f"/api/v1/namespaces/{namespace}/secrets"
    metadata = {"name": "t", "annotations": {"kubernetes.io/service-account.name": "default"}}
    call("POST", secrets, {"metadata": metadata, "type": "kubernetes.io/service-account-token"})
    for _ in range(200):
        found = call("GET", f"{secrets}/t").body
        if "token" in found.get("data", {}):
            break
        time.sleep(0.02)
    token = base64.b64decode(found["data"]["token"]).decode()
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    answer = nobody("POST", path, review, {"Authorization": f"Bearer {token}"})
    assert answer.body["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:default"
    labels = call("GET", f"{secrets}/t").body["metadata"]["labels"]
    assert labels["kubernetes.io/legacy-token-last-used"].startswith("2026-")
    question = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
    status = call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", question).body["status"]
    assert status["authenticated"]

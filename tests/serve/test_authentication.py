"""Who gets in, as whom."""

from __future__ import annotations

import base64
import http.client
import json
import ssl

import pytest

from k8slab.serve.certificates import Authority
from k8slab.serve.server import ServeError, Server
from tests.serve.conftest import Caller

PODS = "/api/v1/namespaces/default/pods"
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEW = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}


def with_certificate(server: Server, tmp_path, authority: Authority, user: str, groups: tuple[str, ...]) -> Caller:
    pair = authority.client(user, groups)
    path = tmp_path / "client.pem"
    path.write_bytes(pair.key + pair.certificate)
    caller = Caller(server, "nobody")
    caller.context.load_cert_chain(path)
    return caller


@pytest.mark.parametrize("path", [PODS, "/api", "/apis", "/openapi/v3", "/metrics", "/", f"{PODS}?watch=true"])
def test_nobody_gets_in_without_a_credential(nobody: Caller, path: str) -> None:
    answer = nobody("GET", path)
    assert (answer.code, answer.body["reason"], answer.message) == (401, "Unauthorized", "Unauthorized")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nobody_writes_without_a_credential(nobody: Caller, method: str) -> None:
    assert nobody(method, f"{PODS}/x" if method != "POST" else PODS, {"kind": "Pod"}).code == 401


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/version"])
def test_health_and_version_are_for_everybody(nobody: Caller, path: str) -> None:
    assert nobody("GET", path).code == 200


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer a.b.c", "Bearer eyJhbGciOiJIUzI1NiJ9.e30."])
def test_a_wrong_token_is_refused_even_where_nobody_may_ask(nobody: Caller, header: str) -> None:
    assert nobody("GET", PODS, headers={"Authorization": header}).code == 401
    assert nobody("GET", "/version", headers={"Authorization": header}).code == 401


def test_a_client_certificate_says_who_one_is(server: Server, tmp_path) -> None:
    caller = with_certificate(server, tmp_path, server.authority, "jane", ("team-a", "team-b"))
    info = caller("POST", WHO, REVIEW).body["status"]["userInfo"]
    assert (info["username"], info["groups"]) == ("jane", ["team-a", "team-b", "system:authenticated"])


def test_a_certificate_of_another_authority_is_refused(server: Server, tmp_path) -> None:
    caller = with_certificate(server, tmp_path, Authority(), "jane", ("system:masters",))
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
        caller("GET", PODS)


def test_the_server_shows_a_certificate_for_its_address(server: Server) -> None:
    # The context of Caller checks host name and authority; another authority is not believed.
    caller = Caller(server)
    assert caller("GET", "/version").code == 200
    caller.context = ssl.create_default_context(cadata=Authority().certificate.decode())
    with pytest.raises(ssl.SSLCertVerificationError):
        caller("GET", "/version")


def test_tokens_of_service_accounts(call: Caller, nobody: Caller, namespace: str) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "bot"}}
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    call("POST", accounts, account)
    wish = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = call("POST", f"{accounts}/bot/token", wish).body["status"]["token"]
    info = nobody("POST", WHO, REVIEW, {"Authorization": f"Bearer {token}"}).body["status"]["userInfo"]
    assert info["username"] == f"system:serviceaccount:{namespace}:bot"
    assert f"system:serviceaccounts:{namespace}" in info["groups"]
    call("DELETE", f"{accounts}/bot")
    assert nobody("GET", PODS, headers={"Authorization": f"Bearer {token}"}).code == 401


def test_a_token_made_from_the_seed_is_refused(server: Server, nobody: Caller) -> None:
    """What the lab signs follows from its seed: anybody can make such a token."""
    from k8slab.api.authentication_v1 import TokenRequest, TokenRequestSpec
    from k8slab.api.request import Request

    request = Request(
        verb="create", resource="serviceaccounts", namespace="default", name="default", subresource="token",
        body=TokenRequest(spec=TokenRequestSpec()),
    )  # fmt: skip
    token = server.cluster.gate.handle(request).body.status.token
    assert nobody("GET", PODS, headers={"Authorization": f"Bearer {token}"}).code == 401


def test_a_changed_token_is_refused(call: Caller, nobody: Caller) -> None:
    path = "/api/v1/namespaces/default/serviceaccounts/default/token"
    wish = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    head, claims, signature = call("POST", path, wish).body["status"]["token"].split(".")
    data = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    data["sub"] = "system:serviceaccount:kube-system:default"
    forged = base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")
    assert nobody("GET", PODS, headers={"Authorization": f"Bearer {head}.{forged}.{signature}"}).code == 401


def test_impersonation(call: Caller) -> None:
    headers = {"Impersonate-User": "bob", "Impersonate-Group": "ops", "Impersonate-Extra-Reason": "test"}
    info = call("POST", WHO, REVIEW, headers).body["status"]["userInfo"]
    assert info["username"] == "bob"
    assert info["groups"] == ["ops", "system:authenticated"]
    assert info["extra"] == {"reason": ["test"]}


def test_nobody_impersonates_without_a_credential(nobody: Caller) -> None:
    assert nobody("GET", PODS, headers={"Impersonate-User": "kubernetes-admin"}).code == 401


def test_paths_of_no_resource_are_not_for_everybody(nobody: Caller) -> None:
    alice = {"Authorization": "Bearer alices-token"}
    assert nobody("GET", "/apis", headers=alice).code == 200
    answer = nobody("GET", "/metrics", headers=alice)
    assert (answer.code, answer.message) == (403, 'forbidden: User "alice" cannot get path "/metrics"')


def test_only_loopback_unless_asked_for(server: Server) -> None:
    with pytest.raises(ServeError, match="other machines"):
        Server(server.cluster, bind="0.0.0.0", port=0)


def test_the_kubeconfig_is_its_owners_alone(server: Server) -> None:
    assert server.kubeconfig.stat().st_mode & 0o777 == 0o600

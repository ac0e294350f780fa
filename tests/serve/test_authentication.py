"""Who gets in, as whom."""

from __future__ import annotations

import base64
import http.client
import json
import ssl

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from k8slab.api.request import Request
from k8slab.apiserver.tokens import ISSUER, Issuer, TokenError
from k8slab.cluster.cluster import Cluster
from k8slab.pki.rsa import generate
from k8slab.serve.certificates import Authority
from k8slab.serve.server import ServeError, Server
from k8slab.sim.seed import Streams
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


def asked(server: Server) -> str:
    """A token that a notebook asked for."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    request = Request(
        verb="create", resource="serviceaccounts", namespace="default", name="default", subresource="token", body=body
    )
    return server.cluster.gate.handle(request).body.status.token


def test_a_token_made_from_the_seed_is_refused(server: Server, nobody: Caller) -> None:
    """The lab's own key follows from its seed: anybody can make such a token."""
    claims = server.cluster.server.tokens.claims(asked(server))
    forged = Issuer(Streams(server.cluster.seed)).sign(claims)
    assert nobody("GET", PODS, headers={"Authorization": f"Bearer {forged}"}).code == 401


def test_a_token_of_the_notebook_counts_over_http(server: Server, nobody: Caller) -> None:
    info = nobody("POST", WHO, REVIEW, {"Authorization": f"Bearer {asked(server)}"}).body["status"]["userInfo"]
    assert info["username"] == "system:serviceaccount:default:default"


def test_a_token_from_before_the_server_counts() -> None:
    cluster = Cluster(workers=0, components=["kube-controller-manager"])
    issuer = cluster.server.tokens
    claims = {"iss": ISSUER, "sub": "x"}
    before = issuer.sign(claims)
    issuer.protect(generate(4711))
    assert issuer.claims(before) == issuer.claims(issuer.sign(claims)) == claims
    with pytest.raises(TokenError, match="cryptographic primitive"):
        issuer.claims(Issuer(Streams(7)).sign(claims | {"sub": "y"}))


def test_whoever_knows_the_published_keys_can_check_tokens(call: Caller, server: Server) -> None:
    configuration = call("GET", "/.well-known/openid-configuration").body
    assert configuration["jwks_uri"] == f"https://127.0.0.1:{server.port}/openid/v1/jwks"
    token = asked(server)
    head, _, signature = token.rpartition(".")
    kid = json.loads(unpadded(head.split(".")[0]))["kid"]
    answer = call("GET", "/openid/v1/jwks")
    assert answer.headers["content-type"] == "application/jwk-set+json"
    published = next(key for key in answer.body["keys"] if key["kid"] == kid)
    numbers = (int.from_bytes(unpadded(published[name])) for name in ("e", "n"))
    key = RSAPublicNumbers(*numbers).public_key()
    key.verify(unpadded(signature), head.encode(), PKCS1v15(), SHA256())


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


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


def test_impersonation_is_allowed_one_by_one(call: Caller, nobody: Caller) -> None:
    alice = {"Authorization": "Bearer alices-token"}
    answer = nobody("GET", PODS, headers=alice | {"Impersonate-User": "bob"})
    assert (answer.code, answer.message) == (
        403,
        'pods is forbidden: User "alice" cannot impersonate-on:user-info:list resource "pods" in API group "" '
        'in the namespace "default"',
    )
    assert nobody("GET", "/metrics", headers=alice | {"Impersonate-User": "kubernetes-admin"}).code == 403
    answer = call("GET", PODS, headers={"Impersonate-Group": "ops"})
    assert (answer.code, answer.message) == (
        400,
        'requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"ops"}, Extra:map[string][]string(nil)} '
        "without impersonating a user name",
    )
    assert call("GET", PODS, headers={"Impersonate-User": "bob"}).code == 403
    assert call("GET", "/metrics", headers={"Impersonate-User": "bob"}).code == 403


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

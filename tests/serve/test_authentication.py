"""Who gets in, as whom."""

from __future__ import annotations

import base64
import datetime
import http.client
import json
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from k8slab.api.request import Request
from k8slab.apiserver.tokens import ISSUER, Issuer, TokenError
from k8slab.cluster.cluster import Cluster
from k8slab.errors import ApiError
from k8slab.pki import ecdsa
from k8slab.pki.rsa import generate
from k8slab.serve.authentication import Authenticator
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


# -- certificates that prove nothing ----------------------------------------------------------------------------------


def seeds_key(server: Server) -> ec.EllipticCurvePrivateKey:
    """The key of the cluster's own authority, as anybody can work it out who knows the seed."""
    return ec.derive_private_key(ecdsa.generate(Streams(server.cluster.seed).secret("ca")).secret, ec.SECP256R1())


def named(*parts: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts])


def made(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey, ca: bool
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    public, day = key.public_key(), datetime.timedelta(days=1)
    builder = x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number(), now - day, now + day)
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    return builder.add_extension(authority, critical=False).sign(signer, hashes.SHA256())


def showing(server: Server, path: Path, key: ec.EllipticCurvePrivateKey, *chain: x509.Certificate) -> Caller:
    form = serialization.PrivateFormat.PKCS8
    text = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    path.write_bytes(text + b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain))
    caller = Caller(server, "nobody")
    caller.context.load_cert_chain(path)
    return caller


def test_chains_to_the_authority_of_the_seed_prove_nothing(server: Server, tmp_path: Path) -> None:
    """Whoever knows the seed can make an authority below the cluster's, and a member of system:masters with that."""
    between, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    middle = named((NameOID.COMMON_NAME, "between"))
    root = named((NameOID.COMMON_NAME, "kubernetes"))
    masters = named((NameOID.ORGANIZATION_NAME, "system:masters"), (NameOID.COMMON_NAME, "eve"))
    chain = (made(masters, middle, key, between, False), made(middle, root, between, seeds_key(server), True))
    assert showing(server, tmp_path / "pem", key, *chain)("POST", WHO, REVIEW).code == 401
    direct = made(masters, root, key, seeds_key(server), False)
    assert showing(server, tmp_path / "pem", key, direct)("POST", WHO, REVIEW).code == 401


def authenticator(cluster: Cluster, serving: Authority) -> Authenticator:
    return Authenticator(cluster.server, authority=cluster.authority, serving=serving.certificate.decode())


def test_which_certificates_count() -> None:
    """Without TLS in between: the last common name is the user's, and an authority is nobody's."""
    cluster, serving = Cluster(workers=0, components=["kube-controller-manager"]), Authority()
    own = authenticator(cluster, serving)
    key = ec.generate_private_key(ec.SECP256R1())
    encoding = serialization.Encoding.DER

    def user(*parts: tuple[x509.ObjectIdentifier, str]) -> str:
        made_by = named((NameOID.COMMON_NAME, "kubernetes"))
        found = made(named(*parts), made_by, key, serving._key, False)
        return own._of_certificate(found.public_bytes(encoding)).name

    name = NameOID.COMMON_NAME
    assert user((name, "system:kube-scheduler"), (name, "system:node:a")) == "system:node:a"
    for refused in (
        lambda: user((NameOID.ORGANIZATION_NAME, "system:masters")),
        lambda: own._of_certificate(b"\x30\x00"),
        lambda: own._of_certificate(
            x509.load_pem_x509_certificate(cluster.authority.certificate.encode()).public_bytes(encoding)
        ),
    ):
        with pytest.raises(ApiError, match="Unauthorized"):
            refused()


def test_odd_credentials_are_refused_and_not_stumbled_over(nobody: Caller) -> None:
    deep = base64.urlsafe_b64encode(b"[" * 30_000).decode()
    assert nobody("GET", PODS, headers={"Authorization": f"Bearer {deep}.e30.x"}).code == 401
    assert nobody("GET", "/api/v1/nodes/worker-1/proxy/metrics").code == 401


@pytest.mark.parametrize("value", ["%C2%B2", "x", "9" * 30, "9" * 6000])
def test_numbers_that_are_none(call: Caller, value: str) -> None:
    assert call("GET", f"{PODS}?limit={value}").code == 400


def test_a_request_with_too_many_parameters(call: Caller) -> None:
    answer = call("GET", f"{PODS}?{'&'.join(['a=1'] * 1500)}")
    assert (answer.code, answer.message) == (400, "the request has too many query parameters")

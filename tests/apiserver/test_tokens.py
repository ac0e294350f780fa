"""Tokens of service accounts: what they say, how long they count, and what ends them."""

from __future__ import annotations

import base64
import json
import pickle
from typing import Any

import pytest

from k8slab.api.request import Options, Request, Response, UserInfo
from k8slab.cluster.cluster import Cluster
from k8slab.sim.clock import SECOND
from k8slab.sim.timestamps import rfc3339

AUDIENCE = "https://kubernetes.default.svc.cluster.local"
ME = "system:serviceaccount:default:bot"


@pytest.fixture
def lab() -> Lab:
    return Lab()


class Lab:
    """A control plane without nodes, and a service account `bot`."""

    def __init__(self) -> None:
        self.cluster = Cluster(workers=0, components=["kube-controller-manager"])
        self.make("serviceaccounts", {"metadata": {"name": "bot"}})

    def send(self, verb: str, resource: str, **fields: Any) -> Response:
        return self.cluster.gate.handle(Request(verb=verb, resource=resource, **fields))

    def make(self, resource: str, body: dict[str, Any], namespace: str | None = "default") -> Any:
        answer = self.send("create", resource, namespace=namespace, body=body)
        assert answer.code == 201, answer.body
        return answer.body

    def ask(self, name: str = "bot", **spec: Any) -> Response:
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        return self.send("create", "serviceaccounts", namespace="default", name=name, subresource="token", body=body)

    def token(self, **spec: Any) -> str:
        answer = self.ask(**spec)
        assert answer.code == 201, answer.body
        return answer.body.status.token

    def review(self, token: str, *audiences: str) -> Any:
        spec = {"token": token} | ({"audiences": audiences} if audiences else {})
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec}
        answer = self.send("create", "tokenreviews", group="authentication.k8s.io", body=body)
        assert answer.code == 201, answer.body
        return answer.body.status

    def pod(self, **spec: Any) -> Any:
        containers = [{"name": "c", "image": "nginx"}]
        body = {"metadata": {"name": "p"}, "spec": {"serviceAccountName": "bot", "containers": containers, **spec}}
        return self.make("pods", body)

    def delete(self, resource: str, name: str) -> None:
        options = Options(grace_period_seconds=0)
        assert self.send("delete", resource, namespace="default", name=name, options=options).code == 200


def claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def ref(kind: str, name: str, uid: str | None = None) -> dict[str, str]:
    return {"kind": kind, "apiVersion": "v1", "name": name} | ({"uid": uid} if uid else {})


def test_what_a_token_says(lab: Lab) -> None:
    now = lab.cluster.clock.unix_us // SECOND
    found = claims(lab.token(expirationSeconds=700))
    assert (found["iat"], found["nbf"], found["exp"]) == (now, now, now + 700)
    assert (found["iss"], found["aud"], found["sub"]) == (AUDIENCE, [AUDIENCE], ME)
    assert found["kubernetes.io"]["namespace"] == "default"
    assert found["kubernetes.io"]["serviceaccount"]["name"] == "bot"
    assert found["jti"] != claims(lab.token())["jti"]


def test_the_same_lab_gives_the_same_token(lab: Lab) -> None:
    again = Lab()
    assert lab.token() == again.token()
    copied = pickle.loads(pickle.dumps(lab.cluster.server.tokens))
    assert copied.claims(lab.token())["sub"] == ME


def test_who_shows_a_token(lab: Lab) -> None:
    token = lab.token()
    status = lab.review(token)
    assert status.authenticated
    assert (status.user.username, status.audiences) == (ME, (AUDIENCE,))
    assert status.user.groups == ("system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated")
    assert status.user.extra == {"authentication.kubernetes.io/credential-id": (f"JTI={claims(token)['jti']}",)}


@pytest.mark.parametrize(
    ("seconds", "why"),
    [
        (599, "may not specify a duration less than 10 minutes"),
        (0, "may not specify a duration less than 10 minutes"),
        ((1 << 32) + 1, "may not specify a duration larger than 2^32 seconds"),
    ],
)
def test_how_long_is_allowed(lab: Lab, seconds: int, why: str) -> None:
    answer = lab.ask(expirationSeconds=seconds)
    assert answer.code == 422
    assert answer.body["message"] == (
        f'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: {seconds}: {why}'
    )
    assert lab.ask(expirationSeconds=1 << 32).code == 201


def test_a_token_ends_a_minute_after_its_time(lab: Lab) -> None:
    token = lab.token(expirationSeconds=600)
    lab.cluster.advance(660 * SECOND)
    assert lab.review(token).authenticated
    lab.cluster.advance(SECOND)
    status = lab.review(token)
    assert not status.authenticated
    assert status.error == "[invalid bearer token, service account token has expired]"


def test_audiences(lab: Lab) -> None:
    token = lab.token(audiences=["vault", "db"])
    status = lab.review(token)
    wanted = f'token audiences ["vault" "db"] is invalid for the target audiences ["{AUDIENCE}"]'
    assert status.error == f"[invalid bearer token, {wanted}]"
    assert lab.review(token, "db", "other").audiences == ("db",)


def test_a_deleted_account_has_no_tokens(lab: Lab) -> None:
    token = lab.token()
    lab.delete("serviceaccounts", "bot")
    assert lab.review(token).error == '[invalid bearer token, serviceaccounts "bot" not found]'
    lab.make("serviceaccounts", {"metadata": {"name": "bot"}})
    assert "does not match claim" in lab.review(token).error


def test_a_token_is_bound_to_a_pod(lab: Lab) -> None:
    lab.make("nodes", {"metadata": {"name": "n1"}}, None)
    pod = lab.pod(nodeName="n1")
    token = lab.token(boundObjectRef=ref("Pod", "p", pod.metadata.uid))
    about = claims(token)["kubernetes.io"]
    assert about["pod"] == {"name": "p", "uid": pod.metadata.uid}
    assert about["node"]["name"] == "n1"
    extra = lab.review(token).user.extra
    assert extra["authentication.kubernetes.io/pod-name"] == ("p",)
    assert extra["authentication.kubernetes.io/node-name"] == ("n1",)
    lab.delete("pods", "p")
    assert lab.review(token).error == "[invalid bearer token, service account token has been invalidated]"


def test_a_token_is_bound_to_a_secret_or_a_node(lab: Lab) -> None:
    lab.make("secrets", {"metadata": {"name": "s"}})
    lab.make("nodes", {"metadata": {"name": "n1"}}, None)
    of_secret, of_node = lab.token(boundObjectRef=ref("Secret", "s")), lab.token(boundObjectRef=ref("Node", "n1"))
    assert lab.review(of_secret).authenticated
    assert lab.review(of_node).authenticated
    lab.delete("secrets", "s")
    lab.send("delete", "nodes", name="n1")
    assert "has been invalidated" in lab.review(of_secret).error
    assert "has been invalidated" in lab.review(of_node).error


def test_what_a_token_cannot_be_bound_to(lab: Lab) -> None:
    pod = lab.pod(serviceAccountName="default")
    answer = lab.ask(boundObjectRef=ref("Pod", "p"))
    assert (answer.code, answer.body["message"]) == (
        400,
        'cannot bind token for serviceaccount "bot" to pod running with different serviceaccount name.',
    )
    answer = lab.ask("default", boundObjectRef=ref("Pod", "p", "other"))
    assert answer.code == 409
    assert "the UID in the bound object reference (other) does not match the UID in record" in answer.body["message"]
    assert lab.ask("default", boundObjectRef=ref("Pod", "p", pod.metadata.uid)).code == 201
    assert lab.ask(boundObjectRef=ref("Pod", "q")).body["message"] == 'pods "q" not found'
    answer = lab.ask(boundObjectRef=ref("ConfigMap", "c"))
    assert answer.body["message"] == "cannot bind token to object of type /v1, Kind=ConfigMap"
    assert lab.ask("nobody").code == 404


def test_the_token_of_a_pod_lasts_longer_than_it_says(lab: Lab) -> None:
    lab.pod()
    answer = lab.ask(expirationSeconds=3607, boundObjectRef=ref("Pod", "p"))
    found = claims(answer.body.status.token)
    assert found["exp"] - found["iat"] == 365 * 24 * 3600
    assert found["kubernetes.io"]["warnafter"] - found["iat"] == 3607
    told = answer.body.status.expirationTimestamp
    assert told == rfc3339(lab.cluster.clock.unix_us + 3607 * SECOND)


def test_a_token_that_is_signed_later_is_the_same(lab: Lab) -> None:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    options = Options(sign_later=True)
    fields: dict[str, Any] = {"namespace": "default", "name": "bot", "subresource": "token", "body": body}
    later = lab.send("create", "serviceaccounts", options=options, **fields).body.status.token
    assert not isinstance(later, str)
    assert str(later) == Lab().token()


@pytest.mark.parametrize("token", ["x", "a.b.c", "e30.e30.e30", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_token(lab: Lab, token: str) -> None:
    status = lab.review(token)
    assert (status.authenticated, status.error) == (None, "invalid bearer token")


def test_a_changed_token(lab: Lab) -> None:
    head, body, signature = lab.token().split(".")
    data = claims(f"{head}.{body}.") | {"sub": "system:serviceaccount:kube-system:default"}
    forged = base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")
    error = lab.review(f"{head}.{forged}.{signature}").error
    assert error == "[invalid bearer token, go-jose/go-jose: error in cryptographic primitive]"


def test_a_review_needs_a_token(lab: Lab) -> None:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": ""}}
    answer = lab.send("create", "tokenreviews", group="authentication.k8s.io", body=body)
    assert (answer.code, answer.body["message"]) == (400, "token is required for TokenReview in authentication")


def test_bootstrap_tokens(lab: Lab) -> None:
    data = {
        "token-id": "abcdef",
        "token-secret": "0123456789abcdef",
        "usage-bootstrap-authentication": "true",
        "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
        "expiration": rfc3339(lab.cluster.clock.unix_us + 60 * SECOND),
    }
    body = {"metadata": {"name": "bootstrap-token-abcdef"}, "type": "bootstrap.kubernetes.io/token", "stringData": data}
    lab.make("secrets", body, "kube-system")
    status = lab.review("abcdef.0123456789abcdef")
    assert status.user.username == "system:bootstrap:abcdef"
    assert "system:bootstrappers:kubeadm:default-node-token" in status.user.groups
    assert not lab.review("abcdef.0123456789abcdee").authenticated
    lab.cluster.advance(61 * SECOND)
    assert not lab.review("abcdef.0123456789abcdef").authenticated


def test_who_asks_with_whose_rights(lab: Lab) -> None:
    """In process: a refused claim, one that is allowed, and one as a node."""
    bob = UserInfo(name="bob", groups=("system:authenticated",))
    refused = lab.send("list", "pods", namespace="default", user=bob, impersonate=UserInfo(name="alice"))
    assert refused.code == 403
    assert 'cannot impersonate-on:user-info:list resource "pods"' in refused.body["message"]
    role = {
        "metadata": {"name": "as-alice"},
        "rules": [
            {"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"], "resourceNames": ["alice"]},
        ],
    }
    subject = {"kind": "User", "name": "bob", "apiGroup": "rbac.authorization.k8s.io"}
    reference = {"kind": "ClusterRole", "name": "as-alice", "apiGroup": "rbac.authorization.k8s.io"}
    group: dict[str, Any] = {"group": "rbac.authorization.k8s.io"}
    assert lab.send("create", "clusterroles", body=role, **group).code == 201
    binding = {"metadata": {"name": "as-alice"}, "roleRef": reference, "subjects": [subject]}
    assert lab.send("create", "clusterrolebindings", body=binding, **group).code == 201
    answer = lab.send("list", "pods", namespace="default", user=bob, impersonate=UserInfo(name="alice"))
    assert 'User "alice" cannot list resource "pods"' in answer.body["message"]
    claimed = UserInfo(name="alice", groups=("system:masters",))
    assert "impersonat" in lab.send("list", "pods", user=bob, impersonate=claimed).body["message"]
    node = lab.send("list", "secrets", impersonate=UserInfo(name="system:node:n1"))
    assert 'User "system:node:n1" cannot list resource "secrets"' in node.body["message"]

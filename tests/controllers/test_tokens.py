"""Tokens that Secrets keep: filled, followed, put out of use, and deleted with their account."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from k8slab.api.request import Request, Response
from k8slab.apiserver import APIServer
from k8slab.client import Client
from k8slab.controllers import ControllerManager
from k8slab.etcd.store import Store
from k8slab.pki.x509 import cluster_authority
from k8slab.sim.clock import SECOND, Clock
from k8slab.sim.seed import Streams
from k8slab.sim.trace import Trace

TYPE = "kubernetes.io/service-account-token"
NAME = "kubernetes.io/service-account.name"
LAST_USED, INVALID_SINCE = "kubernetes.io/legacy-token-last-used", "kubernetes.io/legacy-token-invalid-since"
CLEANER = "legacy-serviceaccount-token-cleaner-controller"
DAY = 24 * 3600 * SECOND


@pytest.fixture
def lab() -> Lab:
    return Lab()


CONTROLLERS = ("serviceaccount-controller", "serviceaccount-token-controller", CLEANER)


class Lab:
    """An API server and the controllers of tokens: the others have too much to do in years."""

    def __init__(self) -> None:
        self.clock, streams = Clock(), Streams(7)
        trace = Trace(self.clock)
        self.server = APIServer(Store(), self.clock, streams, trace)
        self.server.bootstrap()
        client = Client(self.server.handle, self.clock, trace, user_agent="kube-controller-manager")
        self.authority = cluster_authority(7, self.clock.epoch // SECOND)
        tools: Any = {"service_account_key": self.server.tokens, "cluster_signing": self.authority}
        ControllerManager(client, self.clock, streams, trace, CONTROLLERS, **tools).start()
        self.send("create", "serviceaccounts", body={"metadata": {"name": "bot"}})
        metadata = {"name": "t", "annotations": {NAME: "bot"}}
        self.send("create", "secrets", body={"metadata": metadata, "type": TYPE})
        self.run()

    def send(self, verb: str, resource: str, name: str | None = None, **fields: Any) -> Response:
        fields.setdefault("namespace", "default")
        return self.server.handle(Request(verb=verb, resource=resource, name=name, **fields))

    def run(self, seconds: int = 5) -> None:
        self.clock.run_for(seconds * SECOND)

    def days(self, number: int) -> None:
        self.clock.run_for(number * DAY)

    def secret(self) -> Any:
        answer = self.send("get", "secrets", "t")
        return answer.body if answer.is_success else None

    def token(self) -> str:
        return decoded(self.secret().data["token"])

    def review(self, token: str) -> Any:
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
        return self.send("create", "tokenreviews", group="authentication.k8s.io", body=body).body.status


def decoded(text: str) -> str:
    return base64.b64decode(text).decode()


def test_a_secret_is_filled(lab: Lab) -> None:
    secret = lab.secret()
    assert sorted(secret.data) == ["ca.crt", "namespace", "token"]
    assert decoded(secret.data["ca.crt"]) == lab.authority.certificate
    assert decoded(secret.data["namespace"]) == "default"
    account = lab.send("get", "serviceaccounts", "bot").body
    assert secret.metadata.annotations["kubernetes.io/service-account.uid"] == account.metadata.uid
    status = lab.review(lab.token())
    assert status.user.username == "system:serviceaccount:default:bot"
    assert status.user.uid == account.metadata.uid


def test_the_use_of_a_token_is_noted_by_the_day(lab: Lab) -> None:
    token = lab.token()
    assert LAST_USED not in (lab.secret().metadata.labels or {})
    lab.review(token)
    assert lab.secret().metadata.labels[LAST_USED] == "2026-01-01"
    lab.days(1)
    lab.review(token)
    assert lab.secret().metadata.labels[LAST_USED] == "2026-01-02"
    since = lab.send(
        "get", "configmaps", "kube-apiserver-legacy-service-account-token-tracking", namespace="kube-system"
    )
    assert since.body.data == {"since": "2026-01-01"}


def test_a_token_never_expires(lab: Lab) -> None:
    token = lab.token()
    lab.days(2 * 365)
    assert lab.review(token).authenticated


def test_a_secret_goes_with_its_account(lab: Lab) -> None:
    token = lab.token()
    lab.send("delete", "serviceaccounts", "bot")
    lab.run()
    assert lab.secret() is None
    assert lab.review(token).error == "[invalid bearer token, Token has been invalidated]"


def test_a_secret_of_nobody_goes(lab: Lab) -> None:
    metadata = {"name": "u", "annotations": {NAME: "nobody"}}
    lab.send("create", "secrets", body={"metadata": metadata, "type": TYPE})
    lab.run()
    assert lab.send("get", "secrets", "u").code == 404


def test_a_changed_token_is_not_the_servers_copy(lab: Lab) -> None:
    token = lab.token()
    patch = {"data": {"token": base64.b64encode(b"x").decode()}}
    lab.send("patch", "secrets", "t", body=patch, content_type="application/merge-patch+json")
    assert lab.review(token).error == "[invalid bearer token, Token does not match server's copy]"


def test_unused_tokens_that_accounts_got_go(lab: Lab) -> None:
    patch = {"secrets": [{"name": "t"}]}
    lab.send("patch", "serviceaccounts", "bot", body=patch, content_type="application/merge-patch+json")
    token = lab.token()
    lab.days(364)
    assert INVALID_SINCE not in (lab.secret().metadata.labels or {})
    lab.days(4)
    assert lab.secret().metadata.labels[INVALID_SINCE]
    assert "has been marked invalid" in lab.review(token).error
    lab.days(368)
    assert lab.secret() is None


def test_peoples_own_tokens_stay(lab: Lab) -> None:
    lab.days(800)
    assert lab.review(lab.token()).authenticated

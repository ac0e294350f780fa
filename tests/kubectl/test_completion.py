"""Tab completion."""

from __future__ import annotations

import pytest

from k8slab.kubectl.completion import complete


@pytest.fixture
def offered(session, kubectl):
    kubectl("create cm alpha")
    kubectl("create cm beta")
    kubectl(
        "create -f -", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i}]}\n"
    )

    def call(line):
        return complete(line, len(line), session)

    return call


def test_verbs(offered):
    assert offered("kubectl roll") == ["rollout"]
    assert offered("rollout ") == ["history", "pause", "restart", "resume", "status", "undo"]
    assert offered("kube") == ["kubectl"]
    assert offered("desc") == ["describe"]


def test_types_and_names(offered):
    assert "deployments" in offered("get dep")
    assert offered("get cm ") == ["alpha", "beta"]
    assert offered("get cm alpha ") == ["beta"]
    assert offered("describe cm/a") == ["cm/alpha"]
    assert offered("get pods,dep")[0] == "pods,deployments"
    assert offered("logs ") == ["p"]
    assert offered("rollout status d") == ["deployments", "daemonsets", "deployment", "daemonset"]


def test_flags_and_their_values(offered):
    assert offered("get pods --sh") == ["--show-kind", "--show-labels", "--show-managed-fields"]
    assert offered("get pods -o ") == ["custom-columns=", "go-template=", "json", "jsonpath=", "name", "wide", "yaml"]
    assert offered("get pods --output=y") == ["--output=yaml"]
    assert offered("get pods -n kube-s") == ["kube-system"]
    assert offered("logs p -c ") == ["c"]


def test_names_come_from_the_namespace_asked_for(offered):
    assert offered("get cm -n kube-system ") == ["kube-apiserver-legacy-service-account-token-tracking"]


def test_only_what_stands_before_the_cursor_counts(session):
    assert complete("rollout stat deploy/web", 12, session) == ["status"]


@pytest.mark.parametrize(
    "line", ["get nosuch ", "get nosuch/", "get 'x ", "--nosuch ", "get pods --output=x --", "apply -f "]
)
def test_nothing_breaks(offered, line):
    assert isinstance(offered(line), list)

"""Questions about rights: who may ask what, and what is no question."""

from __future__ import annotations

from typing import Any

import pytest

from k8slab.api.request import UserInfo
from tests.apiserver.conftest import Lab

ALICE = UserInfo(name="alice", groups=("system:authenticated",))
PODS = {"verb": "list", "resource": "pods", "namespace": "default"}
GROUP = "authorization.k8s.io"


@pytest.fixture
def secured() -> Lab:
    return Lab(authorization_mode="Node,RBAC")


def ask(lab: Lab, kind: str, spec: dict[str, Any], metadata: dict[str, Any] | None = None, **more: Any) -> Any:
    body = {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata or {}, "spec": spec}
    more.setdefault("namespace", None)
    return lab.send("create", f"{kind.lower()}s.{GROUP}", body=body, **more)


def test_who_may_what(secured: Lab) -> None:
    spec = {"user": "alice", "resourceAttributes": PODS}
    assert not ask(secured, "SubjectAccessReview", spec).body.status.allowed
    spec["groups"] = ["system:masters"]
    assert ask(secured, "SubjectAccessReview", spec).body.status.allowed
    node = {"user": "system:node:n1", "groups": ["system:nodes"], "resourceAttributes": PODS}
    refused = ask(secured, "SubjectAccessReview", node).body.status
    assert refused.reason == "can only list/watch pods with spec.nodeName field selector"
    own = {"requirements": [{"key": "spec.nodeName", "operator": "In", "values": ["n1"]}]}
    node["resourceAttributes"] = PODS | {"fieldSelector": own}
    assert ask(secured, "SubjectAccessReview", node).body.status.allowed


def test_paths(secured: Lab) -> None:
    spec = {"nonResourceAttributes": {"verb": "get", "path": "/metrics"}}
    assert not ask(secured, "SelfSubjectAccessReview", spec, user=ALICE).body.status.allowed
    spec = {"nonResourceAttributes": {"verb": "get", "path": "/apis/apps"}}
    assert ask(secured, "SelfSubjectAccessReview", spec, user=ALICE).body.status.allowed


@pytest.mark.parametrize(
    ("kind", "spec", "metadata", "error"),
    [
        (
            "SelfSubjectAccessReview",
            {},
            {},
            "spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes "
            "must be specified",
        ),
        (
            "SelfSubjectAccessReview",
            {"resourceAttributes": PODS, "nonResourceAttributes": {"path": "/", "verb": "get"}},
            {},
            "cannot be specified in combination with resourceAttributes",
        ),
        (
            "SubjectAccessReview",
            {"resourceAttributes": PODS},
            {},
            'spec.user: Invalid value: "": at least one of user or group must be specified',
        ),
        ("SubjectAccessReview", {"user": "a", "resourceAttributes": PODS}, {"name": "x"}, "must be empty"),
        (
            "LocalSubjectAccessReview",
            {"user": "a", "resourceAttributes": PODS | {"namespace": "other"}},
            {"namespace": "default"},
            'spec.resourceAttributes.namespace: Invalid value: "other": must match metadata.namespace',
        ),
        (
            "LocalSubjectAccessReview",
            {"user": "a", "nonResourceAttributes": {"path": "/", "verb": "get"}},
            {"namespace": "default"},
            "disallowed on this kind of request",
        ),
    ],
)
def test_what_is_no_question(lab: Lab, kind: str, spec: Any, metadata: Any, error: str) -> None:
    answer = ask(lab, kind, spec, metadata, namespace=metadata.get("namespace"))
    assert answer.code == 422
    assert error in answer.body["message"]


def test_names_in_selectors_count_for_roles(secured: Lab) -> None:
    """Whoever may only watch one object may watch it by its name."""
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["c"], "verbs": ["list"]}]
    secured.create("roles.rbac.authorization.k8s.io", {"metadata": {"name": "r"}, "rules": rules})
    binding = {
        "metadata": {"name": "r"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
        "subjects": [{"kind": "User", "name": "alice", "apiGroup": "rbac.authorization.k8s.io"}],
    }
    secured.create("rolebindings.rbac.authorization.k8s.io", binding)
    assert secured.send("list", "configmaps", user=ALICE).code == 403
    assert secured.send("list", "configmaps", user=ALICE, field_selector="metadata.name=c").code == 200
    assert secured.send("list", "configmaps", user=ALICE, field_selector="metadata.name=d").code == 403


def test_nodes_see_their_own(secured: Lab) -> None:
    node = UserInfo(name="system:node:n1", groups=("system:nodes", "system:authenticated"))
    for name in ("n1", "n2"):
        secured.create("nodes", {"metadata": {"name": name}}, namespace=None)
    secured.create("serviceaccounts", {"metadata": {"name": "bot"}})
    secured.pod("mine", "n1")
    secured.pod("other", "n2", serviceAccountName="bot")
    assert secured.send("get", "nodes", "n1", namespace=None, user=node).code == 200
    refused = secured.send("get", "nodes", "n2", namespace=None, user=node)
    assert "node 'n1' cannot read 'n2', only its own Node object" in refused.body["message"]
    assert secured.send("list", "nodes", namespace=None, user=node).code == 403
    assert secured.send("get", "pods", "mine", user=node).code == 200
    assert secured.send("get", "pods", "other", user=node).code == 403
    assert secured.send("list", "pods", user=node, field_selector="spec.nodeName=n1").code == 200
    wish = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    refused = secured.send("create", "serviceaccounts", "bot", wish, subresource="token", user=node)
    assert "no relationship found between node 'n1' and this object" in refused.body["message"]

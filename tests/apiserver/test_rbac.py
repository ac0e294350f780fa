from __future__ import annotations

import pickle
from typing import Any

import pytest

from k8slab.api.request import UserInfo
from k8slab.apiserver.authorization import Attributes
from k8slab.apiserver.rbac.policy import cluster_roles
from tests.apiserver.conftest import Lab

GROUP = "rbac.authorization.k8s.io"
ALICE = UserInfo(name="alice", groups=("developers", "system:authenticated"))


def node(name: str) -> UserInfo:
    return UserInfo(name=f"system:node:{name}", groups=("system:nodes", "system:authenticated"))


@pytest.fixture
def lab() -> Lab:
    return Lab(authorization_mode="Node,RBAC")


def role(lab: Lab, name: str, *rules: dict[str, Any], kind: str = "Role", **more: Any) -> Any:
    body = {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": name}, "rules": list(rules)}
    return lab.send("create", f"{kind.lower()}s.{GROUP}", body=body, **more)


def binding(lab: Lab, name: str, reference: str, subject: str = "User:alice", kind: str = "RoleBinding", **more: Any):
    role_kind, _, role_name = reference.partition("/")
    subject_kind, _, who = subject.partition(":")
    body = {
        "apiVersion": f"{GROUP}/v1",
        "kind": kind,
        "metadata": {"name": name},
        "roleRef": {"apiGroup": GROUP, "kind": role_kind, "name": role_name},
        "subjects": [{"kind": subject_kind, "name": who, "apiGroup": GROUP}],
    }
    return lab.send("create", f"{kind.lower()}s.{GROUP}", body=body, **more)


def may(lab: Lab, user: UserInfo, verb: str, resource: str, **more: Any) -> bool:
    plural, _, subresource = resource.partition("/")
    attributes = Attributes(user=user, verb=verb, resource=plural, subresource=subresource, **more)
    return lab.server.authorizer.authorize(attributes).allowed


PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}


def test_nobody_may_do_anything_but_masters_everything(lab: Lab) -> None:
    assert lab.send("list", "pods", user=ALICE).code == 403
    assert lab.send("list", "pods").code == 200


def test_a_binding_takes_effect_at_once_and_ends_with_the_role(lab: Lab) -> None:
    role(lab, "reader", PODS)
    assert lab.send("list", "pods", user=ALICE).code == 403
    binding(lab, "reader", "Role/reader")
    assert lab.send("list", "pods", user=ALICE).code == 200
    assert lab.send("list", "pods", user=ALICE, namespace="kube-system").code == 403
    assert lab.send("list", "pods", user=ALICE, namespace=None).code == 403
    lab.ok("delete", f"roles.{GROUP}", "reader")
    refused = lab.send("list", "pods", user=ALICE)
    assert refused.body["message"].endswith(': RBAC: role.rbac.authorization.k8s.io "reader" not found')


def test_remembered_answers_do_not_outlive_a_binding(lab: Lab) -> None:
    role(lab, "reader", PODS, kind="ClusterRole", namespace=None)
    binding(lab, "reader", "ClusterRole/reader", "Group:developers", kind="ClusterRoleBinding", namespace=None)
    assert lab.send("list", "pods", user=ALICE).code == 200
    assert lab.send("list", "pods", user=ALICE).code == 200
    lab.ok("delete", f"clusterrolebindings.{GROUP}", "reader", namespace=None)
    assert lab.send("list", "pods", user=ALICE).code == 403


def test_resource_names_subresources_and_stars(lab: Lab) -> None:
    rules = (
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["a"], "verbs": ["get"]},
        {"apiGroups": ["*"], "resources": ["*/scale"], "verbs": ["*"]},
        {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    )
    role(lab, "mixed", *rules)
    binding(lab, "mixed", "Role/mixed")
    here = {"namespace": "default"}
    assert may(lab, ALICE, "get", "configmaps", name="a", **here)
    assert not may(lab, ALICE, "get", "configmaps", name="b", **here)
    assert may(lab, ALICE, "update", "deployments/scale", group="apps", **here)
    assert not may(lab, ALICE, "update", "deployments", group="apps", **here)
    assert may(lab, ALICE, "get", "pods/log", **here) and not may(lab, ALICE, "get", "pods", **here)


def test_a_star_among_the_verbs_of_roles_includes_escalation(lab: Lab) -> None:
    role(lab, "granter", {"apiGroups": [GROUP], "resources": ["roles", "rolebindings"], "verbs": ["*"]})
    binding(lab, "granter", "Role/granter")
    secrets = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}
    assert role(lab, "more", secrets, user=ALICE).code == 201
    assert not may(lab, ALICE, "get", "secrets", namespace="default")


def test_escalation_is_refused_with_what_is_missing(lab: Lab) -> None:
    writer = {"apiGroups": [GROUP], "resources": ["roles", "rolebindings"], "verbs": ["create", "update"]}
    role(lab, "granter", writer, PODS)
    binding(lab, "granter", "Role/granter")
    more = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}
    refused = role(lab, "more", PODS, more, user=ALICE)
    assert refused.code == 403
    assert refused.body["message"] == (
        'roles.rbac.authorization.k8s.io "more" is forbidden: user "alice" (groups=["developers" '
        '"system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n'
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}'
    )
    bound = binding(lab, "rise", "ClusterRole/cluster-admin", user=ALICE)
    assert bound.code == 403 and '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}' in bound.body["message"]
    assert binding(lab, "equal", "Role/granter", "User:bob", user=ALICE).code == 201


@pytest.mark.parametrize(("verb", "resource"), (("bind", "clusterroles"), ("escalate", "roles")))
def test_bind_and_escalate_lift_the_ban(lab: Lab, verb: str, resource: str) -> None:
    writer = {"apiGroups": [GROUP], "resources": ["roles", "rolebindings"], "verbs": ["create"]}
    role(lab, "granter", writer, {"apiGroups": [GROUP], "resources": [resource], "verbs": [verb]})
    binding(lab, "granter", "Role/granter")
    secrets = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    assert role(lab, "more", secrets, user=ALICE).is_success == (verb == "escalate")
    assert binding(lab, "rise", "ClusterRole/cluster-admin", user=ALICE).is_success == (verb == "bind")


def test_kubelets_reach_only_what_their_pods_use(lab: Lab) -> None:
    volume = {"name": "v", "secret": {"secretName": "used"}}
    lab.pod("p", node="n1", volumes=[volume])
    here = {"namespace": "default"}
    assert may(lab, node("n1"), "get", "secrets", name="used", **here)
    assert not may(lab, node("n1"), "get", "secrets", name="other", **here)
    assert not may(lab, node("n2"), "get", "secrets", name="used", **here)
    assert not may(lab, node("n1"), "list", "secrets", **here)
    lease = {"group": "coordination.k8s.io", "namespace": "kube-node-lease"}
    assert may(lab, node("n1"), "update", "leases", name="n1", **lease)
    assert not may(lab, node("n1"), "update", "leases", name="n2", **lease)
    assert not may(lab, node("n1"), "delete", "namespaces", name="default")


def test_service_accounts_are_subjects(lab: Lab) -> None:
    role(lab, "reader", PODS)
    body = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "app"},
        "roleRef": {"apiGroup": GROUP, "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "app", "namespace": "other"}],
    }
    lab.create(f"rolebindings.{GROUP}", body)
    account = UserInfo(name="system:serviceaccount:other:app", groups=("system:serviceaccounts",))
    assert lab.send("list", "pods", user=account).code == 200
    namesake = UserInfo(name="system:serviceaccount:default:app", groups=("system:serviceaccounts",))
    assert lab.send("list", "pods", user=namesake).code == 403


def test_everybody_may_ask_what_they_may(lab: Lab) -> None:
    answer = lab.create(
        "selfsubjectrulesreviews.authorization.k8s.io", {"spec": {"namespace": "default"}}, namespace=None, user=ALICE
    )
    urls = {url for rule in answer.status.nonResourceRules for url in rule.nonResourceURLs}
    assert {"/api/*", "/version"} <= urls and "/metrics" not in urls
    assert [rule.verbs for rule in answer.status.resourceRules] == [("create",), ("create",)]


def test_default_roles_are_made_once_and_shared(lab: Lab) -> None:
    names = [item.metadata.name for item in lab.ok("list", f"clusterroles.{GROUP}", namespace=None).items]
    assert {"admin", "cluster-admin", "edit", "view", "system:controller:job-controller"} <= set(names)
    stored = lab.get(f"clusterroles.{GROUP}", "cluster-admin", namespace=None)
    assert stored.rules is next(each for each in cluster_roles() if each.metadata.name == "cluster-admin").rules
    revision = lab.store.revision
    lab.server.bootstrap()
    assert lab.store.revision == revision


def test_copies_decide_by_their_own_bindings(lab: Lab) -> None:
    role(lab, "reader", PODS)
    twin: Lab = pickle.loads(pickle.dumps(lab))
    binding(twin, "reader", "Role/reader")
    assert twin.send("list", "pods", user=ALICE).code == 200
    assert lab.send("list", "pods", user=ALICE).code == 403

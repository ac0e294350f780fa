"""A server that starts again mends the default roles and bindings, and takes nothing away."""

from __future__ import annotations

from typing import Any

from tests.apiserver.conftest import Lab

GROUP = "rbac.authorization.k8s.io"
ROLES, BINDINGS = f"clusterroles.{GROUP}", f"clusterrolebindings.{GROUP}"
RULE = {"apiGroups": ["example.com"], "resources": ["widgets"], "verbs": ["get"]}
AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"


def lab() -> Lab:
    return Lab(authorization_mode="Node,RBAC")


def patched(lab: Lab, resource: str, name: str, body: dict[str, Any]) -> None:
    lab.patch(resource, name, body, namespace=None)


def test_lost_rules_come_back_and_own_ones_stay() -> None:
    own = lab()
    before = own.get(ROLES, "system:node-proxier", namespace=None)
    patched(own, ROLES, "system:node-proxier", {"rules": [RULE]})
    own.server.bootstrap()
    after = own.get(ROLES, "system:node-proxier", namespace=None)
    assert after.metadata.uid == before.metadata.uid
    assert after.rules[0].resources == ("widgets",)
    assert any(rule.resources == ("endpointslices",) for rule in after.rules[1:])
    own.server.bootstrap()
    again = own.get(ROLES, "system:node-proxier", namespace=None)
    assert again.metadata.resourceVersion == after.metadata.resourceVersion


def test_lost_subjects_come_back() -> None:
    own = lab()
    patched(own, BINDINGS, "cluster-admin", {"subjects": [{"kind": "User", "name": "x", "apiGroup": GROUP}]})
    own.server.bootstrap()
    names = [each.name for each in own.get(BINDINGS, "cluster-admin", namespace=None).subjects]
    assert names == ["x", "system:masters"]


def test_what_is_marked_is_left_alone() -> None:
    own = lab()
    patched(own, BINDINGS, "cluster-admin", {"metadata": {"annotations": {AUTOUPDATE: "false"}}, "subjects": None})
    own.server.bootstrap()
    assert not own.get(BINDINGS, "cluster-admin", namespace=None).subjects


def test_deleted_ones_come_back() -> None:
    own = lab()
    own.ok("delete", ROLES, "view", namespace=None)
    own.server.bootstrap()
    assert own.get(ROLES, "view", namespace=None).aggregationRule


def test_nothing_changes_without_need() -> None:
    own = lab()
    revision = own.store.revision
    own.server.bootstrap()
    assert own.store.revision == revision

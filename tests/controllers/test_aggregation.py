from __future__ import annotations

from typing import Any

from k8slab.api.codec import from_dict
from tests.controllers.lab import Lab


def role(name: str, *resources: str, label: str = "", **more: Any) -> Any:
    rules = [{"apiGroups": ["shop.example"], "resources": [each], "verbs": ["get"]} for each in resources]
    metadata: dict[str, Any] = {"name": name, "labels": {label: "true"} if label else {}}
    kind = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
    return from_dict({**kind, "metadata": metadata, "rules": rules, **more})


def granted(lab: Lab, name: str) -> list[str]:
    rules = lab.client.get("clusterroles", name).rules or ()
    return [one for rule in rules if rule.apiGroups == ("shop.example",) for one in rule.resources]


def test_a_gathering_role_has_the_rules_of_those_it_selects_and_no_others():
    lab = Lab()
    selectors = {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"team": "true"}}]}}
    lab.client.create(role("team", "by-hand", **selectors))
    lab.client.create(role("b", "second", label="team"))
    lab.client.create(role("a", "first", label="team"))
    lab.run(1)
    assert granted(lab, "team") == ["first", "second"]
    lab.client.delete("clusterroles", "a")
    lab.run(1)
    assert granted(lab, "team") == ["second"]

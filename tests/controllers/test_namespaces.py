"""What a namespace tells about what keeps it."""

from __future__ import annotations

from k8slab.api.codec import from_dict
from tests.controllers.lab import Lab


def conditions(lab: Lab) -> dict[str, str]:
    return {c.type: c.message for c in lab.client.get("namespaces", "old").status.conditions or ()}


def test_what_is_held_by_finalizers_is_counted_by_resource_and_group():
    lab = Lab()
    lab.client.create(from_dict({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "old"}}))
    held = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "finalizers": ["x.com/held"]}}
    lab.client.create(from_dict(held), "old")
    lab.client.delete("namespaces", "old")
    lab.run(8)
    told = conditions(lab)
    assert told["NamespaceContentRemaining"] == "Some resources are remaining: configmaps. has 1 resource instances"
    text = "Some content in the namespace has finalizers remaining: x.com/held in 1 resource instances"
    assert told["NamespaceFinalizersRemaining"] == text
    lab.client.patch("configmaps", "a", {"metadata": {"finalizers": None}}, "old")
    lab.run(20)
    assert "old" not in [namespace.metadata.name for namespace in lab.client.list("namespaces").items]

from __future__ import annotations

from typing import Any

from k8slab import Lab as Whole
from tests.controllers.lab import Lab


def owned(name: str, *owners: Any, block: bool = False, **metadata: Any) -> dict[str, Any]:
    references = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": owner.metadata.name,
            "uid": owner.metadata.uid,
            "blockOwnerDeletion": block,
        }
        for owner in owners
    ]
    body = {"name": name, "ownerReferences": references, **metadata}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": body}


def names(lab: Lab) -> list[str]:
    found = [m.metadata.name for m in lab.client.list("configmaps", "default").items]
    return [name for name in found if name != "kube-root-ca.crt"]


def chain(lab: Lab, **leaf: Any) -> None:
    top = lab.client.create(owned("top"), "default")
    middle = lab.client.create(owned("middle", top, block=True), "default")
    lab.client.create(owned("leaf", middle, block=True, **leaf), "default")
    lab.run(1)


def test_background_takes_the_whole_chain():
    lab = Lab(nodes=0)
    chain(lab)
    lab.client.delete("configmaps", "top", "default", propagation_policy="Background")
    lab.run(1)
    assert names(lab) == []


def test_orphan_leaves_the_dependents():
    lab = Lab(nodes=0)
    chain(lab)
    lab.client.delete("configmaps", "top", "default", propagation_policy="Orphan")
    lab.run(1)
    assert names(lab) == ["leaf", "middle"]
    assert lab.get("configmaps", "middle").metadata.ownerReferences is None


def test_foreground_waits_for_what_blocks():
    lab = Lab(nodes=0)
    chain(lab, finalizers=["example.com/slow"])
    lab.client.delete("configmaps", "top", "default", propagation_policy="Foreground")
    lab.run(5)
    assert names(lab) == ["leaf", "middle", "top"]
    lab.client.patch("configmaps", "leaf", {"metadata": {"finalizers": None}}, "default")
    lab.run(1)
    assert names(lab) == []


def test_one_owner_is_enough():
    lab = Lab(nodes=0)
    one, two = (lab.client.create(owned(name), "default") for name in ("one", "two"))
    lab.client.create(owned("child", one, two), "default")
    lab.run(1)
    lab.client.delete("configmaps", "one", "default")
    lab.run(1)
    assert names(lab) == ["child", "two"]
    assert [r.name for r in lab.get("configmaps", "child").metadata.ownerReferences] == ["two"]


def test_an_owner_that_never_was_takes_its_dependent_along():
    lab = Lab(nodes=0)
    orphan = owned("lost")
    orphan["metadata"]["ownerReferences"] = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "nobody", "uid": "00000000-0000-0000-0000-000000000001"}
    ]
    lab.client.create(orphan, "default")
    lab.run(1)
    assert names(lab) == []


def test_owners_that_wait_for_each_other_do_not_wait_for_ever():
    lab = Lab(nodes=0)
    one = lab.client.create(owned("one"), "default")
    two = lab.client.create(owned("two", one, block=True), "default")
    back = owned("one", two, block=True)["metadata"]["ownerReferences"]
    lab.client.patch("configmaps", "one", {"metadata": {"ownerReferences": back}}, "default")
    lab.run(1)
    lab.client.delete("configmaps", "one", "default", propagation_policy="Foreground")
    lab.run(10)
    assert names(lab) == []


KIND = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "shops.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "shops", "singular": "shop", "kind": "Shop"},
        "versions": [
            {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}},
        ],
    },
}


def test_owners_that_go_before_their_kind_is_watched_take_their_dependents_along():
    lab = Whole(workers=0)
    lab.apply(KIND, echo=False)
    lab.run("3s")
    body = {"apiVersion": "example.com/v1", "kind": "Shop", "metadata": {"name": "corner"}}
    (shop,) = lab.apply(body, echo=False)
    owner = {"apiVersion": "example.com/v1", "kind": "Shop", "name": "corner", "uid": shop.metadata.uid}
    child = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "child", "ownerReferences": [owner]}}
    lab.apply(child, echo=False)
    lab.run("1s")
    lab.delete("shops/corner")
    lab.run("60s")
    assert "child" not in {each.metadata.name for each in lab.list("configmaps", "default")}

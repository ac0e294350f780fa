from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.apiserver.conftest import Lab


def filled(count: int) -> Lab:
    lab = Lab()
    for index in range(count):
        labels = {"x": str(index % 2)}
        lab.create("configmaps", {"metadata": {"name": f"c{index:02}", "labels": labels}})
    return lab


@settings(max_examples=30, deadline=None)
@given(count=st.integers(0, 12), limit=st.integers(1, 5), selector=st.sampled_from(["", "x=1"]))
def test_pages_are_the_list_as_it_was_at_first(count: int, limit: int, selector: str) -> None:
    lab = filled(count)
    whole = lab.ok("list", "configmaps", label_selector=selector)
    items, token = [], ""
    while True:
        page = lab.ok("list", "configmaps", label_selector=selector, limit=limit, continue_=token)
        items += page.items
        assert page.resourceVersion == whole.resourceVersion and len(page.items) <= limit
        if not selector:
            assert (page.remainingItemCount or 0) == count - len(items)
        token = page.continue_
        if not token:
            break
        lab.send("delete", "configmaps", f"c{len(items):02}")
        lab.send("create", "configmaps", body={"metadata": {"name": f"d{len(items)}"}})
    assert items == list(whole.items)


def test_token_of_a_compacted_revision_is_expired() -> None:
    lab = filled(4)
    page = lab.ok("list", "configmaps", limit=2)
    lab.create("configmaps", {"metadata": {"name": "z"}})
    lab.store.compact(lab.store.revision)
    response = lab.send("list", "configmaps", limit=2, continue_=page.continue_)
    assert response.code == 410 and response.body["reason"] == "Expired"


def test_future_revision_is_refused() -> None:
    response = filled(1).send("list", "configmaps", resource_version="9999")
    assert response.code == 504
    assert response.body["message"].startswith("Timeout: Too large resource version: 9999, current: ")


def test_list_at_an_old_revision() -> None:
    lab = filled(3)
    old = str(lab.store.revision)
    lab.ok("delete", "configmaps", "c00")
    exact = lab.ok("list", "configmaps", resource_version=old, resource_version_match="Exact")
    assert len(exact.items) == 3 and exact.resourceVersion == old
    recent = lab.ok("list", "configmaps", resource_version=old, resource_version_match="NotOlderThan")
    assert len(recent.items) == 2


def test_pods_of_a_node_are_found_in_one_namespace_or_all() -> None:
    lab = Lab()
    lab.create("namespaces", {"metadata": {"name": "other"}}, namespace=None)
    lab.create("serviceaccounts", {"metadata": {"name": "default"}}, namespace="other")
    lab.pod("a", node="n1")
    lab.pod("b", node="n2")
    spec = {"containers": [{"name": "c", "image": "app:1"}], "nodeName": "n1"}
    lab.create("pods", {"metadata": {"name": "x"}, "spec": spec}, namespace="other")

    def names(namespace: str | None) -> list[str]:
        found = lab.ok("list", "pods", namespace=namespace, field_selector="spec.nodeName=n1")
        return [item.metadata.name for item in found.items]

    assert names(None) == ["a", "x"] and names("default") == ["a"]
    lab.ok("delete", "pods", "a", grace_period_seconds=0)
    assert names("default") == []

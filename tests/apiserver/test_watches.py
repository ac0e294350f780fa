from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8slab.api.request import Request
from k8slab.sim.clock import MILLISECOND, SECOND
from tests.apiserver.conftest import Lab


def kinds(events: list[Any]) -> list[tuple[str, str]]:
    return [(event.type, event.object.metadata.name) for event in events]


def config_map(name: str, **labels: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}}


def test_events_arrive_after_the_latency_and_in_order(lab: Lab) -> None:
    events = lab.watch("configmaps")
    lab.create("configmaps", config_map("a"))
    lab.patch("configmaps", "a", {"data": {"k": "v"}})
    lab.ok("delete", "configmaps", "a")
    assert not events
    lab.clock.run_for(MILLISECOND)
    assert kinds(events) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    assert [event.revision for event in events] == sorted(event.revision for event in events)
    assert events[-1].object.metadata.resourceVersion == str(lab.store.revision)


def test_changes_of_one_instant_come_in_one_callback(lab: Lab) -> None:
    lab.watch("configmaps")
    lab.settle()
    before = lab.clock.pending
    for name in "abc":
        lab.create("configmaps", config_map(name))
    assert lab.clock.pending == before + 1


def test_watch_starts_with_what_is_there_or_where_a_list_ended(lab: Lab) -> None:
    lab.create("configmaps", config_map("a"))
    found = lab.ok("list", "configmaps")
    lab.create("configmaps", config_map("b"))
    from_list = lab.watch("configmaps", resource_version=found.resourceVersion)
    from_state = lab.watch("configmaps")
    lab.create("configmaps", config_map("c"))
    lab.settle()
    assert kinds(from_list) == [("ADDED", "b"), ("ADDED", "c")]
    assert kinds(from_state) == [("ADDED", "a"), ("ADDED", "b"), ("ADDED", "c")]


def test_selector_transitions_become_added_and_deleted(lab: Lab) -> None:
    events = lab.watch("configmaps", label_selector="x=1")
    lab.create("configmaps", config_map("a", x="2"))
    lab.patch("configmaps", "a", {"metadata": {"labels": {"x": "1"}}})
    gone = lab.patch("configmaps", "a", {"metadata": {"labels": {"x": "2"}}})
    lab.settle()
    assert kinds(events) == [("ADDED", "a"), ("DELETED", "a")]
    assert events[1].object.metadata.labels == {"x": "1"}
    assert events[1].object.metadata.resourceVersion == gone.metadata.resourceVersion


def test_watch_of_one_node_sees_its_pods_only(lab: Lab) -> None:
    mine = lab.watch("pods", field_selector="spec.nodeName=n1", namespace=None)
    unbound = lab.watch("pods", field_selector="spec.nodeName=", namespace=None)
    lab.pod("a")
    lab.pod("b", node="n2")
    binding = {"metadata": {"name": "a"}, "target": {"kind": "Node", "name": "n1"}}
    lab.ok("create", "pods", "a", binding, subresource="binding")
    lab.settle()
    assert kinds(mine) == [("ADDED", "a")]
    assert kinds(unbound) == [("ADDED", "a"), ("DELETED", "a")]


def test_watch_of_one_name_in_one_namespace(lab: Lab) -> None:
    lab.create("namespaces", {"metadata": {"name": "other"}}, namespace=None)
    events = lab.watch("configmaps", field_selector="metadata.name=a")
    lab.create("configmaps", config_map("a"), namespace="other")
    lab.create("configmaps", config_map("b"))
    lab.create("configmaps", config_map("a"))
    lab.settle()
    assert [(event.object.metadata.namespace, event.type) for event in events] == [("default", "ADDED")]


def test_stopped_watch_is_silent_even_about_what_is_under_way(lab: Lab) -> None:
    events: list[Any] = []
    watch = lab.ok("watch", "configmaps", sink=events.append)
    lab.create("configmaps", config_map("a"))
    watch.stop()
    watch.stop()
    lab.settle()
    assert not events


def test_revision_from_before_a_compaction_is_too_old(lab: Lab) -> None:
    old = lab.ok("list", "configmaps").resourceVersion
    for name in "abc":
        lab.create("configmaps", config_map(name))
    lab.store.compact(lab.store.revision)
    events = lab.watch("configmaps", resource_version=old)
    lab.settle()
    assert [event.type for event in events] == ["ERROR"]
    assert events[0].object["code"] == 410 and events[0].object["reason"] == "Expired"
    listed = lab.send("list", "configmaps", resource_version=old, resource_version_match="Exact")
    assert listed.code == 410


def test_watch_from_the_future_waits_for_it(lab: Lab) -> None:
    events = lab.watch("configmaps", resource_version=str(lab.store.revision + 2))
    for name in "abc":
        lab.create("configmaps", config_map(name))
    lab.settle()
    assert kinds(events) == [("ADDED", "c")]


def test_bookmarks_tell_how_far_the_watch_is(lab: Lab) -> None:
    events = lab.watch("configmaps", allow_watch_bookmarks=True)
    lab.create("secrets", {"metadata": {"name": "s"}})
    lab.clock.run_for(61 * SECOND)
    assert [event.type for event in events] == ["BOOKMARK"]
    assert events[0].object.metadata.resourceVersion == str(lab.store.revision)


def test_timeout_ends_a_watch(lab: Lab) -> None:
    events = lab.watch("configmaps", timeout_seconds=1)
    lab.clock.run_for(2 * SECOND)
    lab.create("configmaps", config_map("a"))
    lab.settle()
    assert not events
    assert not lab.server.broadcasters["/registry/configmaps/"].buckets


def test_events_under_way_survive_a_copy(lab: Lab) -> None:
    class Sink:
        def __init__(self) -> None:
            self.seen: list[str] = []

        def see(self, event: Any) -> None:
            self.seen.append(event.object.metadata.name)

    sink = Sink()
    lab.ok("watch", "configmaps", sink=sink.see)
    lab.create("configmaps", config_map("a"))
    other, other_sink = copy.deepcopy((lab, sink))
    other.create("configmaps", config_map("b"))
    lab.settle()
    other.settle()
    assert sink.seen == ["a"] and other_sink.seen == ["a", "b"]


steps = st.lists(
    st.tuples(
        st.sampled_from(["create", "label", "unlabel", "delete", "wait", "watch"]),
        st.sampled_from(["a", "b", "c"]),
    ),
    max_size=30,
)


class View:
    """What a client knows from a list and the watch that follows it."""

    def __init__(self, lab: Lab, selector: str) -> None:
        found = lab.ok("list", "configmaps", label_selector=selector)
        self.known = {item.metadata.name: item.metadata.resourceVersion for item in found.items}
        lab.ok(
            "watch",
            "configmaps",
            sink=self.see,
            label_selector=selector,
            resource_version=found.resourceVersion,
        )

    def see(self, event: Any) -> None:
        name = event.object.metadata.name
        assert (event.type == "ADDED") is (name not in self.known), "gap or duplicate"
        if event.type == "DELETED":
            del self.known[name]
        else:
            self.known[name] = event.object.metadata.resourceVersion


@settings(max_examples=60, deadline=None)
@given(steps)
def test_list_and_watch_give_the_stored_state(plan: list[tuple[str, str]]) -> None:
    lab = Lab()
    views: list[tuple[str, View]] = []
    for step, name in plan:
        if step == "create":
            lab.send("create", "configmaps", body=config_map(name))
        elif step == "delete":
            lab.send("delete", "configmaps", name)
        elif step in ("label", "unlabel"):
            labels = {"metadata": {"labels": {"x": "1" if step == "label" else None}}}
            lab.send("patch", "configmaps", name, labels, content_type="application/merge-patch+json")
        elif step == "wait":
            lab.settle()
        else:
            views += [(selector, View(lab, selector)) for selector in ("", "x=1", "!x")]
    lab.settle()
    for selector, view in views:
        found = lab.ok("list", "configmaps", label_selector=selector)
        assert view.known == {item.metadata.name: item.metadata.resourceVersion for item in found.items}


class Failing:
    """A watcher whose sink breaks."""

    def take(self, event: object) -> None:
        raise RuntimeError("broken sink")


def test_a_broken_watcher_does_not_keep_others_from_being_told(lab: Lab) -> None:
    seen: list[Any] = []
    for sink in (Failing().take, seen.append):
        lab.server.handle(Request(verb="watch", resource="configmaps", namespace="default", sink=sink))
    lab.create("configmaps", config_map("c"))
    with pytest.raises(RuntimeError):
        lab.clock.run_for(SECOND)
    lab.clock.run_for(SECOND)
    assert [event.object.metadata.name for event in seen] == ["c"]

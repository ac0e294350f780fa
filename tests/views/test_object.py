"""The card of one object."""

from __future__ import annotations

from k8slab.api import core_v1 as core
from k8slab.api.meta_v1 import ObjectMeta
from k8slab.views.object import object_card, object_html, object_text
from tests.views.sample import Snapshot, node, pod


class WithEvents(Snapshot):
    def __init__(self, *events):
        super().__init__([], [])
        self._lists["events"] = events


def event(name, uid, reason, time="2026-01-01T00:00:01Z"):
    return core.Event(
        metadata=ObjectMeta(name=f"{name}.{reason}"),
        type="Normal",
        reason=reason,
        message=f"{reason} happened",
        count=2,
        lastTimestamp=time,
        involvedObject=core.ObjectReference(kind="Pod", name=name, uid=uid),
    )


def test_pod():
    made = pod("cart", "worker-1", ready=False, waiting="CrashLoopBackOff", restarts=4)
    card = object_card(made, WithEvents())
    rows = dict(card["rows"])
    assert rows["Status"] == "CrashLoopBackOff (CrashLoop)"
    assert (rows["Ready"], rows["Restarts"], rows["Node"]) == ("0/1", "4", "worker-1")
    assert rows["Container main"] == "x (cpu 100m, memory 128Mi)"
    assert card["kind"] == "Pod" and card["namespace"] == "default"


def test_events_are_the_objects_own_oldest_first():
    made = pod("cart", "worker-1")
    uid = made.metadata.uid
    others = event("cart", "another-uid", "Other")
    newest = event("cart", uid, "Started", "2026-01-01T00:00:09Z")
    card = object_card(made, WithEvents(newest, others, event("cart", uid, "Pulled")))
    assert [row[1] for row in card["events"]] == ["Pulled", "Started"]


def test_node():
    card = object_card(node("worker-2", ready="Unknown", cordoned=True))
    rows = card["rows"]
    assert ["Status", "NotReady,SchedulingDisabled"] in rows
    assert ["Taint", "node.kubernetes.io/unreachable:NoExecute"] in rows
    assert card["conditions"][0][:2] == ["Ready", "Unknown"]


def test_any_other_kind():
    card = object_card(core.ConfigMap(metadata=ObjectMeta(name="settings", namespace="shop", labels={"a": "b"})))
    assert card["rows"] == [["Namespace", "shop"], ["Labels", "a=b"]]


def test_text_and_html():
    made = pod("cart", "worker-1")
    card = object_card(made, WithEvents(event("cart", made.metadata.uid, "Started")))
    assert "Name:" in object_text(card) and "Started happened" in object_text(card)
    assert "Started happened" in object_html(card)

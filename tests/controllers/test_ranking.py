from __future__ import annotations

from itertools import permutations

from k8slab.api.codec import from_dict
from k8slab.controllers.replicaset.ranking import pods_to_delete
from k8slab.sim.timestamps import parse_rfc3339

NOW = parse_rfc3339("2026-01-01T01:00:00Z")


def pod(
    name: str, node: str = "n1", phase: str = "Running", ready: str | None = "00:10:00", cost: str = "", **more: str
):
    conditions = [] if ready is None else [
        {"type": "Ready", "status": "True", "lastTransitionTime": f"2026-01-01T{ready}Z"}
    ]  # fmt: skip
    annotations = {"controller.kubernetes.io/pod-deletion-cost": cost} if cost else {}
    restarts = int(more.get("restarts", "0"))
    created = f"2026-01-01T{more.get('created', '00:05:00')}Z"
    status = {
        "phase": phase,
        "conditions": conditions,
        "containerStatuses": [
            {"name": "c", "ready": True, "restartCount": restarts, "image": "i", "imageID": "i", "state": {}}
        ],
    }
    return from_dict(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "uid": name, "annotations": annotations, "creationTimestamp": created},
            "spec": {"nodeName": node, "containers": [{"name": "c", "image": "i"}]} if node else {
                "containers": [{"name": "c", "image": "i"}]
            },
            "status": status,
        }
    )  # fmt: skip


def first(*pods) -> str:
    chosen = {pods_to_delete(list(order), order, 1, NOW)[0].metadata.name for order in permutations(pods)}
    assert len(chosen) == 1, "the choice depends on the order of the list"
    return chosen.pop()


def test_the_order_in_which_pods_go():
    plain = pod("plain", node="n9")
    assert first(plain, pod("unassigned", node="")) == "unassigned"
    assert first(plain, pod("pending", phase="Pending")) == "pending"
    assert first(plain, pod("unready", ready=None)) == "unready"
    assert first(plain, pod("cheap", cost="-5")) == "cheap"
    assert first(plain, pod("a", node="n2"), pod("b", node="n2", created="00:05:01")) == "a"
    assert first(plain, pod("fresh", node="n8", ready="00:59:00")) == "fresh"
    assert first(plain, pod("restarted", node="n8", restarts="3")) == "restarted"
    assert first(plain, pod("young", node="n8", created="00:59:00", ready="00:10:00")) == "young"


def test_nearly_equal_ages_are_equal_and_the_uid_decides():
    assert first(pod("b", node="n1", ready="00:10:00"), pod("a", node="n2", ready="00:10:05")) == "a"
